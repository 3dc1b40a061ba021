//! The authorization endpoint, as clients and browsers see it.

mod apps;
mod codes;
mod errors;
mod flow;
mod form_post;
mod newcomers;
mod prompts;
mod strangers;
mod waiting;

use std::collections::BTreeMap;

use anyhow::{Context, ensure};
use countersign_core::audit::{Actor, Stamp};
use countersign_core::client::{
    AuthMethod, Client as Registered, ClientId, GrantType, Metadata, Origin, Profile,
};
use countersign_store::client::{NewClient, create_batch};
use countersign_testkit::{Answer, Client, TestServer};
use reqwest::StatusCode;

use crate::support::PASSWORD;

/// Where the client of these tests is answered.
pub(crate) const CALLBACK: &str = "https://notes.example/cb";

const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// Makes a client `notes`: public, with PKCE, and asked for consent.
pub(crate) async fn add_client(
    server: &TestServer,
    change: impl FnOnce(&mut Registered),
) -> anyhow::Result<Registered> {
    let mut client = Registered {
        id: ClientId::parse("notes").context("an id")?,
        origin: Origin::Operator,
        profile: Profile::Oauth21,
        first_party: false,
        disabled: false,
        created_at: server.app.clock.now(),
        expires_at: None,
        index: None,
        metadata: Metadata {
            client_name: Some("Notes".to_owned()),
            redirect_uris: vec![CALLBACK.to_owned()],
            grant_types: vec![GrantType::AuthorizationCode, GrantType::RefreshToken],
            token_endpoint_auth_method: AuthMethod::None,
            ..Metadata::default()
        },
    };
    change(&mut client);
    let stamp = Stamp {
        at: server.app.clock.now(),
        random: server.app.random.as_ref(),
        actor: Actor::Operator,
        ip: None,
        request: None,
    };
    let batch = create_batch(&NewClient { client: &client, secret: None, registration: None }, &stamp);
    let outcome = server.app.store.apply_to_client(batch).await?;
    ensure!(outcome == countersign_store::Outcome::Applied, "the client is there already");
    Ok(client)
}

/// A whole request of that client, with other or more parameters; an empty value leaves one out.
pub(crate) fn request(more: &[(&str, &str)]) -> String {
    let mut all = vec![
        ("client_id", "notes"),
        ("response_type", "code"),
        ("redirect_uri", CALLBACK),
        ("scope", "openid email"),
        ("state", "s-1"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    all.retain(|(name, _)| !more.iter().any(|(other, _)| name == other));
    all.extend(more.iter().filter(|(_, value)| !value.is_empty()));
    let url = reqwest::Url::parse_with_params("http://localhost/oauth2/authorize", all).unwrap();
    format!("{}?{}", url.path(), url.query().unwrap_or_default())
}

/// What a client is told at its callback.
pub(crate) fn told(answer: &Answer) -> anyhow::Result<BTreeMap<String, String>> {
    ensure!(answer.status == StatusCode::SEE_OTHER, "{} {}", answer.status, answer.body);
    let location = answer.location();
    let query = location.strip_prefix(CALLBACK).and_then(|rest| rest.strip_prefix('?'));
    let query = query.with_context(|| format!("not at its callback: {location}"))?;
    let url = reqwest::Url::parse(&format!("{CALLBACK}?{query}"))?;
    let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let map: BTreeMap<_, _> = pairs.iter().cloned().collect();
    ensure!(map.len() == pairs.len(), "something is said twice: {location}");
    Ok(map)
}

/// The error that a client is told.
pub(crate) fn error(answer: &Answer) -> anyhow::Result<String> {
    told(answer)?.remove("error").context("no error")
}

/// Follows redirects within our own pages until something else comes.
pub(crate) async fn follow(browser: &mut Client, mut answer: Answer) -> anyhow::Result<Answer> {
    for _ in 0..8 {
        if answer.status != StatusCode::SEE_OTHER || !answer.location().starts_with('/') {
            return Ok(answer);
        }
        let path = answer.location().to_owned();
        answer = browser.get(&path).await?;
    }
    anyhow::bail!("a loop at {}", answer.location())
}

/// Opens a path and follows.
pub(crate) async fn visit(browser: &mut Client, path: &str) -> anyhow::Result<Answer> {
    let answer = browser.get(path).await?;
    follow(browser, answer).await
}

/// The sealed request in a page's form.
pub(crate) fn sealed(page: &Answer) -> anyhow::Result<String> {
    let (_, rest) = page.body.split_once("name=\"request\" value=\"").context("no sealed request")?;
    Ok(rest.split('"').next().unwrap_or_default().to_owned())
}

/// Fills in the login page of a flow, and follows.
pub(crate) async fn log_in(browser: &mut Client, page: &Answer, email: &str) -> anyhow::Result<Answer> {
    ensure!(page.status == StatusCode::OK && page.body.contains("login-submit"), "no login: {}", page.body);
    let fields = [("request", &*sealed(page)?), ("username", email), ("password", PASSWORD)];
    let answer = browser.form("/login", &fields).await?;
    follow(browser, answer).await
}

/// Answers the consent page, and follows.
pub(crate) async fn answer(browser: &mut Client, page: &Answer, choice: &str) -> anyhow::Result<Answer> {
    ensure!(
        page.status == StatusCode::OK && page.body.contains("consent-allow"),
        "no question: {}",
        page.body
    );
    let answer = browser.form("/consent", &[("request", &*sealed(page)?), ("choice", choice)]).await?;
    follow(browser, answer).await
}
