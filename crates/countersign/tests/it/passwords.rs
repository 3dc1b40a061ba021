//! Passwords: which may be chosen, on every way to set one, and what changing one ends.

use anyhow::{Context, ensure};
use countersign_testkit::{Answer, Client, Options, StoreKind, TestServer, on_every_store};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::people::{mailed_reset, mails_about, member, opens};
use crate::support::{self, KIM, LEE, OTHER_PASSWORD, PASSWORD, SESSION};

/// What a new person may not choose, and why; their name and address are below.
const WEAK: &[(&str, &str)] = &[
    ("x7Kq_w2", "too_short"),
    ("", "too_short"),
    ("password", "common"),
    ("PassWord123", "common"),
    ("iloveyou2", "common"),
    ("alice.liddell@rabbithole.example", "context"),
    ("liddell2026", "context"),
    ("Countersign123", "context"),
    ("               🐎", "guessable"),
    ("aaaaaaaaaaaaaaaa", "guessable"),
];
/// What they may: no rule says of which characters a password has to be.
const STRONG: &[&str] = &[
    "kor9 tamble-fu",
    "tangleberrymoon",
    "말하는두꺼비의다리",
    "pencil orbit walnut curious ladder seven umbrellas drifting home",
];
const ALICE: &str = "alice.liddell@rabbithole.example";

/// Fails unless the API refuses the password for this reason.
fn is_rejected(answer: &Answer, reason: &str) -> anyhow::Result<()> {
    let json = answer.json();
    ensure!(answer.status == StatusCode::BAD_REQUEST, "{} {}", answer.status, answer.body);
    ensure!(answer.code() == "password_rejected" && json["errors"][0]["code"] == reason, "{}", answer.body);
    ensure!(json["errors"][0]["detail"].as_str().is_some_and(|why| !why.is_empty()), "no words");
    Ok(())
}

#[tokio::test]
async fn log_29_a_weak_password_is_refused_with_its_reason_on_every_way_to_set_one() -> anyhow::Result<()> {
    let server = TestServer::start(Options::on(StoreKind::Memory)).await?;
    let mut browser = Client::browser(&server);
    for (weak, reason) in WEAK.iter().chain(&[(&*"x".repeat(1025), "too_long")]) {
        let body = json!({ "email": ALICE, "name": "Alice Liddell", "password": weak });
        let api = browser.json(Method::POST, "/api/v1/accounts", &body).await?;
        is_rejected(&api, reason).with_context(|| format!("registering {weak:?}"))?;
        let fields = [("email", ALICE), ("name", "Alice Liddell"), ("password", *weak)];
        let page = browser.form("/register", &fields).await?;
        ensure!(page.status == StatusCode::BAD_REQUEST && page.body.contains("aria-invalid"), "{weak:?}");
        let operator = json!({ "account_create": { "email": ALICE, "name": "Alice Liddell", "admin": false,
            "password": weak } });
        let refused = support::operate(&server, serde_json::from_value(operator)?).await;
        ensure!(refused.is_err(), "an operator set {weak:?}");
    }
    ensure!(server.audited("account.created").await? == 0 && browser.mails().await?.is_empty());

    let mut alice = member(&server, ALICE).await?;
    let token = mailed_reset(&server, ALICE).await?;
    for (weak, reason) in WEAK.iter().chain(&[(&*"x".repeat(1025), "too_long")]) {
        let body = json!({ "current": PASSWORD, "new": weak });
        let api = alice.json(Method::PUT, "/api/v1/password", &body).await?;
        is_rejected(&api, reason).with_context(|| format!("changing to {weak:?}"))?;
        let page = alice.form("/account/security", &[("current", PASSWORD), ("new", weak)]).await?;
        ensure!(page.status == StatusCode::BAD_REQUEST && page.body.contains("aria-invalid"), "{weak:?}");
        let body = json!({ "token": token, "password": weak });
        let api = browser.json(Method::POST, "/api/v1/reset", &body).await?;
        is_rejected(&api, reason).with_context(|| format!("resetting to {weak:?}"))?;
        let page = browser.form("/reset", &[("token", &token), ("password", weak)]).await?;
        ensure!(page.status == StatusCode::BAD_REQUEST && page.body.contains("aria-invalid"), "{weak:?}");
    }
    ensure!(opens(&server, ALICE, PASSWORD).await? && support::by_cookie(&mut alice).await? == 200);
    Ok(())
}

#[tokio::test]
async fn log_29_a_password_without_any_composition_is_taken_on_every_way_to_set_one() -> anyhow::Result<()> {
    let server = TestServer::start(Options::on(StoreKind::Memory)).await?;
    let mut alice = member(&server, ALICE).await?;
    let mut current = PASSWORD.to_owned();
    for (number, strong) in STRONG.iter().enumerate() {
        let email = format!("person{number}@example.org");
        Client::browser(&server).register(&email, strong).await?;
        ensure!(opens(&server, &email, strong).await?, "registered with {strong}");
        let body = json!({ "current": current, "new": strong });
        let changed = alice.json(Method::PUT, "/api/v1/password", &body).await?;
        ensure!(changed.status == StatusCode::NO_CONTENT, "{strong}: {}", changed.body);
        let token = mailed_reset(&server, ALICE).await?;
        current = format!("{strong} again");
        let reset = crate::people::reset(&server, &token, &current).await?;
        ensure!(reset == StatusCode::NO_CONTENT, "{current}: {reset}");
        alice.log_in(ALICE, &current).await?;
    }
    Ok(())
}

/// A change that is refused: what is sent, and what comes back.
fn refusals() -> [(&'static str, Value, StatusCode, &'static str); 6] {
    let bad = StatusCode::BAD_REQUEST;
    [
        ("no current", json!({ "new": OTHER_PASSWORD }), bad, "invalid_request"),
        ("empty current", json!({ "current": "", "new": OTHER_PASSWORD }), bad, "invalid_request"),
        ("null current", json!({ "current": null, "new": OTHER_PASSWORD }), bad, "invalid_request"),
        (
            "wrong current",
            json!({ "current": OTHER_PASSWORD, "new": "violet kettle 41 moss" }),
            bad,
            "invalid_request",
        ),
        ("the same", json!({ "current": PASSWORD, "new": PASSWORD }), bad, "password_rejected"),
        (
            "somebody else's",
            json!({ "current": PASSWORD, "new": OTHER_PASSWORD, "account": LEE }),
            bad,
            "invalid_request",
        ),
    ]
}

#[tokio::test]
async fn log_30_a_password_is_changed_only_by_who_knows_it() {
    on_every_store(async |server| {
        let mut browser = member(&server, KIM).await?;
        let token = support::tokens(&server, KIM).await?.access;
        for (name, body, status, code) in refusals() {
            let by_cookie = browser.json(Method::PUT, "/api/v1/password", &body).await?;
            let by_token = browser.request(Method::PUT, "/api/v1/password").bearer_auth(&token).json(&body);
            for answer in [by_cookie, Answer::read(by_token.send().await?).await?] {
                ensure!(answer.status == status && answer.code() == code, "{name}: {}", answer.body);
                ensure!(answer.cookies().is_empty(), "{name}: a cookie was set");
            }
        }
        // From another site: with the cookie, and what a browser says of where the request comes from.
        let body = json!({ "current": PASSWORD, "new": OTHER_PASSWORD });
        let mut tool = Client::tool(&server);
        tool.set_cookie(SESSION, browser.cookie(SESSION).context("no cookie")?);
        for (header, value) in
            [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site"), ("x-none", "")]
        {
            let request = tool.request(Method::PUT, "/api/v1/password").header(header, value).json(&body);
            let answer = tool.send(request).await?;
            ensure!(answer.status == StatusCode::FORBIDDEN && answer.code() == "csrf", "{}", answer.body);
            let fields = [("current", PASSWORD), ("new", OTHER_PASSWORD)];
            let request = tool.request(Method::POST, "/account/security").header(header, value).form(&fields);
            ensure!(tool.send(request).await?.status == StatusCode::FORBIDDEN);
        }
        ensure!(opens(&server, KIM, PASSWORD).await? && !opens(&server, KIM, OTHER_PASSWORD).await?);
        let wrong: Vec<_> =
            server.audit().await?.into_iter().filter(|line| line.detail.contains_key("at")).collect();
        ensure!(wrong.iter().all(|line| line.kind == "login.failed" && line.session.is_some()), "{wrong:?}");
        ensure!(wrong.len() >= 2, "a wrong current password is not in the audit log");
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn log_30_a_changed_password_ends_every_other_session_gives_this_one_a_new_secret_and_is_told() {
    on_every_store(async |server| {
        let mut browser = member(&server, KIM).await?;
        let mut other = support::browser(&server, KIM).await?;
        let tokens = support::tokens(&server, KIM).await?;
        let old = browser.cookie(SESSION).context("no cookie")?.to_owned();
        let before = browser.get("/api/v1/session").await?.json()["session"]["id"].clone();

        let body = json!({ "current": PASSWORD, "new": OTHER_PASSWORD });
        let answer = browser.json(Method::PUT, "/api/v1/password", &body).await?;
        ensure!(answer.status == StatusCode::NO_CONTENT, "{}", answer.body);

        let new = browser.cookie(SESSION).context("no cookie")?.to_owned();
        ensure!(new != old, "the secret is the old one");
        ensure!(browser.get("/api/v1/session").await?.json()["session"]["id"] == before);
        let mut thief = Client::browser(&server);
        thief.set_cookie(SESSION, &old);
        ensure!(support::by_cookie(&mut thief).await? == 401, "the old secret is accepted");
        ensure!(support::by_cookie(&mut other).await? == 401, "another session is accepted");
        ensure!(support::by_token(&server, &tokens.access).await? == 401, "a token is accepted");
        support::refresh_is_refused(&server, &tokens.refresh).await?;
        ensure!(opens(&server, KIM, OTHER_PASSWORD).await? && !opens(&server, KIM, PASSWORD).await?);
        ensure!(mails_about(&server, KIM, "password was changed").await? == 1, "its owner was not told");
        ensure!(server.audited("password.changed").await? == 1);
        Ok(())
    })
    .await;
}
