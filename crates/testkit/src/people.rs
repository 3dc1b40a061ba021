//! People, logins and questions that many tests ask alike.

use anyhow::{Context, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_core::account::Identifier;
use countersign_core::audit::{Actor, Stamp};
use countersign_core::grant::refresh_token::RefreshToken;
use countersign_core::grant::{self, Salt};
use countersign_core::secret::Secret;
use countersign_core::session::open::{Birth, decide};
use countersign_core::session::{Device, Face};
use countersign_core::{GrantId, SessionId, random};
use countersign_server::admin::{self, Command, Reply};
use countersign_server::clock::Clock as _;
use countersign_server::random::SystemRandom;
use countersign_store::{Outcome, login};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{Answer, Client, Options, StoreKind, TestServer, Tokens};

/// Somebody.
pub const KIM: &str = "kim@example.org";
/// Somebody else.
pub const LEE: &str = "lee@example.org";
/// A password that the policy takes.
pub const PASSWORD: &str = "violet-tandem-oyster-41";
/// Another one.
pub const OTHER_PASSWORD: &str = "granite.lantern.mosaic.58";

/// The cookie of a session.
pub const SESSION: &str = "__Host-Http-session";
/// The cookie of what a browser began.
pub const LOGIN: &str = "__Host-Http-login";
/// The cookie of a known device.
pub const DEVICE: &str = "__Host-Http-device";

/// No limits on guesses: for what is tried more often than anybody may, and is about something else.
pub const UNLIMITED: (&str, &str) = ("COUNTERSIGN_THROTTLE_ENABLED", "false");

/// A server for what does not depend on the store.
///
/// # Panics
/// The server does not start, or the test fails.
pub async fn on_memory(test: impl AsyncFn(TestServer) -> anyhow::Result<()>) {
    let server = TestServer::start(Options::on(StoreKind::Memory)).await.expect("a server");
    test(server).await.expect("the test");
}

/// Registers an account with [`PASSWORD`].
pub async fn register(server: &TestServer, email: &str) -> anyhow::Result<()> {
    Client::browser(server).register(email, PASSWORD).await
}

/// A browser of an account that is signed in.
pub async fn browser(server: &TestServer, email: &str) -> anyhow::Result<Client> {
    let mut browser = Client::browser(server);
    let answer = browser.log_in(email, PASSWORD).await?;
    ensure!(answer.status == StatusCode::OK, "log in: {} {}", answer.status, answer.body);
    Ok(browser)
}

/// Tokens of an account.
pub async fn tokens(server: &TestServer, email: &str) -> anyhow::Result<Tokens> {
    Client::tool(server).tokens(email, PASSWORD).await
}

/// One session with both of its faces.
#[derive(Debug)]
pub struct BothFaces {
    /// `ses_…`
    pub id: String,
    /// With the cookie.
    pub browser: Client,
    /// The present ones.
    pub tokens: Tokens,
    /// The refresh token that `tokens` came for.
    pub replaced: String,
}

/// A session with a cookie and tokens, as an authorization in a signed-in browser will make it: the rules and batches
/// of a login that asked for both.
pub async fn both_faces(server: &TestServer, email: &str) -> anyhow::Result<BothFaces> {
    let (app, now) = (&server.app, server.clock.now());
    let stamp = Stamp { at: now, random: &SystemRandom, actor: Actor::System, ip: None, request: None };
    let life = app.policy.longest_life();
    let found = login::login_facts(&app.store, &Identifier::parse(email)?).await?;
    let (account, _) = found.context("no such account")?;
    let secret = Secret::new(&SystemRandom);
    let birth = Birth {
        id: SessionId::new(now, &SystemRandom),
        index: app.store.lease_index(life, &stamp).await?,
        face: Face::Cookie,
        remember: false,
        device: Device::default(),
        ip: None,
        replaces: None,
    };
    let open = decide(account, birth, Some(secret.hash()), &app.policy.session, now);
    let birth = grant::open::Birth {
        id: GrantId::new(now, &SystemRandom),
        index: app.store.lease_index(life, &stamp).await?,
        salt: Salt(random::bytes(&SystemRandom)),
        resource: None,
    };
    let grant = grant::open::decide(&open.session, birth, now);
    let opened = app.store.apply(login::open_batch(&open, Some(&grant), None, life, &stamp)).await?;
    ensure!(opened == Outcome::Applied, "the session was not opened");
    let (number, key) = app.keyring.refresh_key();
    let refresh =
        RefreshToken { key: number, grant: grant.id, generation: grant.generation, salt: grant.salt };
    let replaced = refresh.encode(key);
    let mut browser = Client::browser(server);
    browser.set_cookie(SESSION, &secret.reveal());
    let tokens = Tokens::of(&browser.refresh(&replaced).await?)?;
    Ok(BothFaces { id: open.session.id.to_string(), browser, tokens, replaced })
}

/// The status of `GET /api/v1/session` by cookie.
pub async fn by_cookie(browser: &mut Client) -> anyhow::Result<StatusCode> {
    Ok(browser.get("/api/v1/session").await?.status)
}

/// The status of `GET /api/v1/session` by token.
pub async fn by_token(server: &TestServer, token: &str) -> anyhow::Result<StatusCode> {
    Ok(Client::tool(server).bearer(Method::GET, "/api/v1/session", token).await?.status)
}

/// Fails unless the refresh token is dead.
pub async fn refresh_is_refused(server: &TestServer, refresh: &str) -> anyhow::Result<()> {
    let answer = Client::tool(server).refresh(refresh).await?;
    let error = answer.json()["error"].clone();
    ensure!(
        answer.status == StatusCode::BAD_REQUEST && error == "invalid_grant",
        "{} {}",
        answer.status,
        answer.body
    );
    Ok(())
}

impl BothFaces {
    /// Fails unless both faces are accepted.
    pub async fn lives(&mut self, server: &TestServer) -> anyhow::Result<()> {
        ensure!(by_cookie(&mut self.browser).await? == StatusCode::OK, "the cookie is refused");
        ensure!(by_token(server, &self.tokens.access).await? == StatusCode::OK, "the token is refused");
        Ok(())
    }

    /// Fails if anything of the session is accepted: cookie, access token, the refresh token and, within its grace,
    /// the one before.
    pub async fn is_over(&mut self, server: &TestServer) -> anyhow::Result<()> {
        ensure!(by_cookie(&mut self.browser).await? == StatusCode::UNAUTHORIZED, "the cookie is accepted");
        let token = by_token(server, &self.tokens.access).await?;
        ensure!(token == StatusCode::UNAUTHORIZED, "the token is accepted");
        refresh_is_refused(server, &self.replaced).await?;
        refresh_is_refused(server, &self.tokens.refresh).await
    }
}

/// What an operator asks for.
pub async fn operate(server: &TestServer, command: Command) -> anyhow::Result<Reply> {
    admin::execute(&server.app, command).await.map_err(|error| anyhow::anyhow!("{error}"))
}

/// The claims of a JWT, unverified.
pub fn claims(token: &str) -> Value {
    let payload = token.split('.').nth(1).unwrap_or_default();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap_or_default()).unwrap_or(Value::Null)
}

/// The id of the session that answered, and its face.
pub fn who(answer: &Answer) -> (String, String) {
    let json = answer.json();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    (text(&json["session"]["id"]), text(&json["face"]))
}

/// The tokens that a refresh token comes back with.
pub async fn tokens_of(server: &TestServer, refresh: &str) -> anyhow::Result<Tokens> {
    Tokens::of(&Client::tool(server).refresh(refresh).await?)
}

/// Asks for a reset and takes the token out of the mail.
pub async fn reset_token(client: &mut Client, email: &str) -> anyhow::Result<String> {
    let asked = client.json(Method::POST, "/api/v1/recover", &json!({ "email": email })).await?;
    ensure!(asked.status == StatusCode::ACCEPTED, "recover: {}", asked.status);
    let mails = client.mails().await?;
    let links = mails.iter().filter(|mail| mail["to"] == email).filter_map(|mail| mail["links"][0].as_str());
    let mut tokens = links.filter_map(|link| link.split_once("/reset?token="));
    tokens.next().map(|(_, token)| token.to_owned()).context("no mail with a reset")
}
