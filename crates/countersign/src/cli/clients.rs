//! `countersign client …`

use std::io::Read as _;
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use countersign::config::span;
use countersign_server::admin::{ClientCommand, ClientEntry, Command, LintEntry, NewClient, PAGE, Reply};
use serde_json::{Map, Value};

use super::place::Place;
use super::{client, out};

/// Clients.
#[derive(Subcommand)]
pub(super) enum Client {
    /// Make a client; its secret, if it has one, is shown this once
    Create(Box<Create>),
    /// Say something else of a client: what is given takes the place of what was said
    Update(Box<Update>),
    /// All clients, in the order of their ids
    List(Listed),
    /// A client, and how old its secrets are
    Show(Named),
    /// Make another secret; the one before goes on to count for a while
    RotateSecret(Rotate),
    /// Close a client; every grant and token of it ends
    Disable(Named),
    /// Open it again; what ended stays ended
    Enable(Named),
    /// Delete it for good, with every grant and consent
    Delete(Named),
    /// Say what is weak about a client or about to break; without ID, about all
    Check(Check),
    /// Make an initial access token, by which others register clients
    RegistrationToken(Invite),
}

/// A new client.
#[derive(Args)]
pub(super) struct Create {
    /// What people are shown
    #[arg(value_name = "NAME")]
    name: Option<String>,
    /// Its `client_id`; else one that nobody else has
    #[arg(long)]
    id: Option<String>,
    /// How strict the server is with it: oauth21, oidc or fapi2
    #[arg(long, default_value = "oauth21")]
    profile: String,
    /// It is ours: it may have scopes of ours, and nobody is asked for consent
    #[arg(long)]
    first_party: bool,
    #[command(flatten)]
    said: Said,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// A changed client.
#[derive(Args)]
pub(super) struct Update {
    /// Its `client_id`
    client: String,
    /// What people are shown
    #[arg(long)]
    name: Option<String>,
    #[command(flatten)]
    said: Said,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What is said of a client.
#[derive(Args)]
struct Said {
    /// Where people are sent back to; may come again
    #[arg(long, value_name = "URI")]
    redirect_uri: Vec<String>,
    /// Where a logout may lead; may come again
    #[arg(long, value_name = "URI")]
    post_logout_redirect_uri: Vec<String>,
    /// Where it is told of logouts
    #[arg(long, value_name = "URI")]
    backchannel_logout_uri: Option<String>,
    /// It cannot keep a secret: an application in the browser or on a device
    #[arg(long, conflicts_with = "auth")]
    public: bool,
    /// It runs on its user's device
    #[arg(long)]
    native: bool,
    /// How it proves itself: `client_secret_basic`, `client_secret_post`, `client_secret_jwt`, `private_key_jwt`
    #[arg(long, value_name = "METHOD")]
    auth: Option<String>,
    /// What it may use; may come again: `authorization_code`, `refresh_token`, `client_credentials`, `device_code`
    #[arg(long, value_name = "GRANT")]
    grant: Vec<String>,
    /// Scopes that it may ask for, separated by spaces
    #[arg(long)]
    scope: Option<String>,
    /// Where its public keys are
    #[arg(long, value_name = "URI")]
    jwks_uri: Option<String>,
    /// Everything else: a JSON file of client metadata (RFC 7591); - for standard input
    #[arg(long, value_name = "FILE")]
    metadata: Option<PathBuf>,
}

/// A client, and how to print it.
#[derive(Args)]
pub(super) struct Named {
    /// Its `client_id`
    client: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// How to print all of them.
#[derive(Args)]
pub(super) struct Listed {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// A secret to be replaced.
#[derive(Args)]
pub(super) struct Rotate {
    /// Its `client_id`
    client: String,
    /// So long the secret before counts: 0s for one that was stolen, 30d at most
    #[arg(long, default_value = "7d")]
    window: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// A look.
#[derive(Args)]
pub(super) struct Check {
    /// Its `client_id`, or the URL of its document
    client: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// An invitation.
#[derive(Args)]
pub(super) struct Invite {
    /// So long it counts
    #[arg(long, default_value = "1d")]
    life: String,
}

/// `countersign client …`
pub(super) fn run(place: &Place, command: Client) -> anyhow::Result<()> {
    match command {
        Client::Create(create) => {
            let Create { name, id, profile, first_party, said, json } = *create;
            let new = NewClient { id, profile: Some(profile), first_party, metadata: said.metadata(name)? };
            changed(place, ClientCommand::Create(new), json)
        }
        Client::Update(update) => {
            let Update { client, name, said, json } = *update;
            let mut metadata = shown(place, ClientCommand::Show { client: client.clone() })?.metadata;
            metadata.extend(said.metadata(name)?);
            let new = NewClient { metadata, ..NewClient::default() };
            changed(place, ClientCommand::Update { client, new }, json)
        }
        Client::List(Listed { json }) => list(place, json),
        Client::Show(Named { client, json }) => show(place, client, json),
        Client::RotateSecret(Rotate { client, window, json }) => {
            let window = seconds("--window", &window)?;
            changed(place, ClientCommand::RotateSecret { client, window }, json)
        }
        Client::Disable(Named { client, json }) => changed(place, ClientCommand::Disable { client }, json),
        Client::Enable(Named { client, json }) => changed(place, ClientCommand::Enable { client }, json),
        Client::Delete(Named { client, json }) => delete(place, client, json),
        Client::Check(Check { client, json }) => check(place, client, json),
        Client::RegistrationToken(Invite { life }) => invite(place, &life),
    }
}

impl Said {
    /// As RFC 7591 names it: the file first, then what the command line says.
    fn metadata(self, name: Option<String>) -> anyhow::Result<Map<String, Value>> {
        const DEVICE: &str = "urn:ietf:params:oauth:grant-type:device_code";
        let mut metadata = self.metadata.as_deref().map_or(Ok(Map::new()), read)?;
        let grants = self
            .grant
            .into_iter()
            .map(|grant| if grant == "device_code" { DEVICE.to_owned() } else { grant });
        let lists = [
            ("redirect_uris", self.redirect_uri),
            ("post_logout_redirect_uris", self.post_logout_redirect_uri),
            ("grant_types", grants.collect()),
        ];
        let auth = if self.public { Some("none".to_owned()) } else { self.auth };
        let texts = [
            ("client_name", name),
            ("application_type", self.native.then(|| "native".to_owned())),
            ("token_endpoint_auth_method", auth),
            ("scope", self.scope),
            ("jwks_uri", self.jwks_uri),
            ("backchannel_logout_uri", self.backchannel_logout_uri),
        ];
        for (member, list) in lists.into_iter().filter(|(_, list)| !list.is_empty()) {
            // Response types follow from the grants.
            if member == "grant_types" {
                metadata.remove("response_types");
            }
            metadata.insert(member.to_owned(), list.into());
        }
        metadata
            .extend(texts.into_iter().filter_map(|(member, text)| Some((member.to_owned(), text?.into()))));
        Ok(metadata)
    }
}

fn read(path: &std::path::Path) -> anyhow::Result<Map<String, Value>> {
    let text = if path.as_os_str() == "-" {
        let mut text = String::new();
        std::io::stdin().take(256 * 1024).read_to_string(&mut text).context("standard input")?;
        text
    } else {
        std::fs::read_to_string(path).with_context(|| path.display().to_string())?
    };
    serde_json::from_str(&text).with_context(|| format!("{} is no JSON object", path.display()))
}

fn seconds(option: &str, text: &str) -> anyhow::Result<i64> {
    match span(text) {
        Ok(span) => Ok(span.as_seconds()),
        Err(problem) => bail!("{option} {problem}"),
    }
}

fn shown(place: &Place, command: ClientCommand) -> anyhow::Result<ClientEntry> {
    match client::ask(place, Command::Client(command))? {
        Reply::Client(entry) => Ok(entry),
        _ => Err(client::strange()),
    }
}

fn changed(place: &Place, command: ClientCommand, json: bool) -> anyhow::Result<()> {
    let entry = shown(place, command)?;
    if json {
        return out::json(&entry);
    }
    out::line(&format!("{} is {}", entry.id, entry.state));
    if let Some(secret) = &entry.secret {
        out::line(&format!("client_secret {}", secret.reveal()));
        out::note("the secret is shown this once: only its hash is kept");
    }
    Ok(())
}

fn show(place: &Place, named: String, json: bool) -> anyhow::Result<()> {
    let entry = shown(place, ClientCommand::Show { client: named })?;
    if json {
        return out::json(&entry);
    }
    let first_party = if entry.first_party { "yes" } else { "no" };
    for (name, value) in [
        ("id", entry.id.as_str()),
        ("state", &entry.state),
        ("origin", &entry.origin),
        ("profile", &entry.profile),
        ("first party", first_party),
        ("created", &entry.created_at),
        ("ends", entry.expires_at.as_deref().unwrap_or("-")),
    ] {
        out::line(&format!("{name:<12} {value}"));
    }
    for secret in &entry.secrets {
        let end = secret.expires_at.as_ref().map_or(String::new(), |end| format!(", counts until {end}"));
        out::line(&format!("{:<12} of {}{end}", "secret", secret.created_at));
    }
    for (member, value) in &entry.metadata {
        out::line(&format!("{member} {value}"));
    }
    Ok(())
}

fn list(place: &Place, json: bool) -> anyhow::Result<()> {
    let mut clients: Vec<ClientEntry> = Vec::new();
    loop {
        let after = clients.last().map(|client| client.id.clone());
        let reply = client::ask(place, Command::Client(ClientCommand::List { after, limit: PAGE }))?;
        let Reply::Clients(page) = reply else { return Err(client::strange()) };
        let last = page.len() < PAGE as usize;
        clients.extend(page);
        if last {
            break;
        }
    }
    if json {
        return out::json(&clients);
    }
    let name = |client: &ClientEntry| {
        client.metadata.get("client_name").and_then(Value::as_str).unwrap_or("-").to_owned()
    };
    let row = |client: &ClientEntry| {
        vec![
            client.id.clone(),
            client.state.clone(),
            client.origin.clone(),
            client.profile.clone(),
            name(client),
        ]
    };
    out::table(
        &["CLIENT", "STATE", "ORIGIN", "PROFILE", "NAME"],
        &clients.iter().map(row).collect::<Vec<_>>(),
    );
    Ok(())
}

fn delete(place: &Place, named: String, json: bool) -> anyhow::Result<()> {
    let reply = client::ask(place, Command::Client(ClientCommand::Delete { client: named }))?;
    let Reply::ClientDeleted { client } = reply else { return Err(client::strange()) };
    if json {
        return out::json(&serde_json::json!({ "id": client, "state": "deleted" }));
    }
    out::line(&format!("{client} is deleted"));
    Ok(())
}

fn check(place: &Place, named: Option<String>, json: bool) -> anyhow::Result<()> {
    let reply = client::ask(place, Command::Client(ClientCommand::Check { client: named }))?;
    let Reply::Linted(found) = reply else { return Err(client::strange()) };
    if json {
        out::json(&found)?;
    } else {
        let row = |lint: &LintEntry| {
            vec![lint.client.clone(), lint.severity.clone(), lint.code.clone(), lint.words.clone()]
        };
        out::table(&["CLIENT", "SEVERITY", "CODE", "WHAT"], &found.iter().map(row).collect::<Vec<_>>());
    }
    let broken = found.iter().filter(|lint| lint.severity == "broken").count();
    if broken > 0 {
        bail!("{broken} found broken");
    }
    Ok(())
}

fn invite(place: &Place, life: &str) -> anyhow::Result<()> {
    let life = seconds("--life", life)?;
    let reply = client::ask(place, Command::Client(ClientCommand::Invite { life }))?;
    let Reply::Invited { token, until } = reply else { return Err(client::strange()) };
    out::line(token.reveal());
    out::note(&format!(
        "counts until {until}, for any number of clients: send it as Authorization: Bearer to /oauth2/register"
    ));
    Ok(())
}
