//! `countersign account …`

use std::collections::BTreeMap;

use anyhow::Context as _;
use clap::{ArgMatches, Args, FromArgMatches, Subcommand};
use countersign_core::account::profile::Field;
use countersign_server::admin::{AccountEntry, Changes, Command, NewAccount, PAGE, Reply, SessionEntry};
use serde::Serialize;

use super::place::Place;
use super::{client, out, password};

/// Accounts.
#[derive(Subcommand)]
pub(super) enum Account {
    /// Make an account; you vouch for its address
    Create(Create),
    /// No more logins; every session, grant and token ends
    Disable(Named),
    /// Logins again; what ended stays ended
    Enable(Named),
    /// Delete for good; its address is free again
    Delete(Named),
    /// The account and where it is logged in
    Show(Named),
    /// Change what the account tells applications of itself; an empty text takes a field away
    Update(Box<Update>),
    /// All accounts, the oldest first
    List(Listed),
}

/// A new account.
#[derive(Args)]
pub(super) struct Create {
    /// Its address
    #[arg(long, value_name = "ADDRESS")]
    email: String,
    /// What it is called
    #[arg(long)]
    name: Option<String>,
    /// It runs this server
    #[arg(long)]
    admin: bool,
    /// Read the password from standard input instead of asking for it
    #[arg(long)]
    password_stdin: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// An account, and how to print it.
#[derive(Args)]
pub(super) struct Named {
    /// acc_…, address or username
    account: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What an account tells of itself from now on.
#[derive(Args)]
pub(super) struct Update {
    /// acc_…, address or username
    account: String,
    /// What it is called
    #[arg(long)]
    name: Option<String>,
    /// en or ko
    #[arg(long)]
    locale: Option<String>,
    #[command(flatten)]
    fields: Fields,
    /// Whether somebody proved to have the phone number
    #[arg(long, value_name = "BOOL")]
    phone_number_verified: Option<bool>,
    /// A claim of claims.custom: NAME=TEXT
    #[arg(long, value_name = "NAME=TEXT")]
    claim: Vec<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// An option for each field of the profile.
const OPTIONS: [(&str, Field); 17] = [
    ("given-name", Field::GivenName),
    ("family-name", Field::FamilyName),
    ("middle-name", Field::MiddleName),
    ("nickname", Field::Nickname),
    ("preferred-username", Field::PreferredUsername),
    ("profile", Field::Profile),
    ("picture", Field::Picture),
    ("website", Field::Website),
    ("gender", Field::Gender),
    ("birthdate", Field::Birthdate),
    ("zoneinfo", Field::Zoneinfo),
    ("phone-number", Field::PhoneNumber),
    ("street-address", Field::StreetAddress),
    ("locality", Field::Locality),
    ("region", Field::Region),
    ("postal-code", Field::PostalCode),
    ("country", Field::Country),
];

struct Fields(BTreeMap<String, String>);

impl Args for Fields {
    fn augment_args(command: clap::Command) -> clap::Command {
        command.args(OPTIONS.map(|(option, _)| clap::Arg::new(option).long(option).value_name("TEXT")))
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Fields {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let typed = |(option, field): (&str, Field)| {
            Some((field.as_str().to_owned(), matches.get_one::<String>(option)?.clone()))
        };
        let fields = OPTIONS.into_iter().filter_map(typed);
        Ok(Self(fields.collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// How to print all of them.
#[derive(Args)]
pub(super) struct Listed {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// `countersign account …`
pub(super) fn run(place: &Place, command: Account) -> anyhow::Result<()> {
    match command {
        Account::Create(create) => make(place, create),
        Account::Disable(Named { account, json }) => {
            changed(place, Command::AccountDisable { account }, json)
        }
        Account::Enable(Named { account, json }) => changed(place, Command::AccountEnable { account }, json),
        Account::Delete(Named { account, json }) => changed(place, Command::AccountDelete { account }, json),
        Account::Show(Named { account, json }) => show(place, account, json),
        Account::Update(update) => change(place, *update),
        Account::List(Listed { json }) => list(place, json),
    }
}

fn make(place: &Place, create: Create) -> anyhow::Result<()> {
    let Create { email, name, admin, password_stdin, json } = create;
    let password = password::read(password_stdin)?;
    changed(place, Command::AccountCreate(NewAccount { email, name, admin, password }), json)
}

fn changed(place: &Place, command: Command, json: bool) -> anyhow::Result<()> {
    let Reply::Account(account) = client::ask(place, command)? else { return Err(client::strange()) };
    if json {
        return out::json(&account);
    }
    out::line(&format!("{} {} is {}", account.id, name(&account), account.state));
    Ok(())
}

fn change(place: &Place, update: Update) -> anyhow::Result<()> {
    let Update { account, name, locale, fields, phone_number_verified, claim, json } = update;
    let pair = |text: &String| {
        let (name, text) = text.split_once('=').context("--claim takes NAME=TEXT")?;
        anyhow::Ok((name.to_owned(), text.to_owned()))
    };
    let claims = claim.iter().map(pair).collect::<anyhow::Result<_>>()?;
    let changes = Changes { name, locale, fields: fields.0, phone_number_verified, claims };
    changed(place, Command::AccountUpdate { account, changes }, json)
}

#[derive(Serialize)]
struct ShownEntry {
    account: AccountEntry,
    profile: BTreeMap<String, String>,
    sessions: Vec<SessionEntry>,
}

fn show(place: &Place, account: String, json: bool) -> anyhow::Result<()> {
    let reply = client::ask(place, Command::AccountShow { account })?;
    let Reply::Shown { account, profile, sessions } = reply else { return Err(client::strange()) };
    if json {
        return out::json(&ShownEntry { account, profile, sessions });
    }
    let or_none = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    let verified = if account.email_verified { "" } else { " (not verified)" };
    let roles = if account.roles.is_empty() { "-".to_owned() } else { account.roles.join(", ") };
    for (name, value) in [
        ("id", account.id.clone()),
        ("state", account.state.clone()),
        ("email", format!("{}{verified}", or_none(&account.email))),
        ("name", or_none(&account.name)),
        ("language", account.locale.clone()),
        ("roles", roles),
        ("created", account.created_at.clone()),
        ("sessions", sessions.len().to_string()),
    ] {
        out::line(&format!("{name:<9} {value}"));
    }
    if !profile.is_empty() {
        out::line("");
        let rows: Vec<_> = profile.into_iter().map(|(name, text)| vec![name, text]).collect();
        out::table(&["CLAIM", "VALUE"], &rows);
    }
    if !sessions.is_empty() {
        out::line("");
        let rows: Vec<_> = sessions.iter().map(session_row).collect();
        out::table(&["SESSION", "FACE", "LAST SEEN", "ENDS", "WHERE"], &rows);
    }
    Ok(())
}

fn session_row(session: &SessionEntry) -> Vec<String> {
    let hints = [&session.browser, &session.system, &session.ip];
    let hints = hints.into_iter().flatten().map(String::as_str).collect::<Vec<_>>().join(", ");
    vec![
        session.id.clone(),
        session.face.clone(),
        session.last_seen_at.clone(),
        session.expires_at.clone(),
        hints,
    ]
}

fn list(place: &Place, json: bool) -> anyhow::Result<()> {
    let mut accounts: Vec<AccountEntry> = Vec::new();
    loop {
        let after = accounts.last().map(|account| account.id.clone());
        let reply = client::ask(place, Command::AccountList { after, limit: PAGE })?;
        let Reply::Accounts(page) = reply else { return Err(client::strange()) };
        let last = page.len() < PAGE as usize;
        accounts.extend(page);
        if last {
            break;
        }
        out::note(&format!("{} accounts so far", accounts.len()));
    }
    if json {
        return out::json(&accounts);
    }
    let row = |account: &AccountEntry| {
        vec![
            account.id.clone(),
            account.state.clone(),
            name(account),
            account.roles.join(", "),
            account.created_at.clone(),
        ]
    };
    let rows: Vec<_> = accounts.iter().map(row).collect();
    out::table(&["ACCOUNT", "STATE", "EMAIL", "ROLES", "CREATED"], &rows);
    Ok(())
}

fn name(account: &AccountEntry) -> String {
    account.email.clone().unwrap_or_else(|| "-".to_owned())
}
