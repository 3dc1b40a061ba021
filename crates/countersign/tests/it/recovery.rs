//! Recovering: who gets a link, what it is made of, and when it is dead.

use std::collections::BTreeSet;

use anyhow::{Context, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_core::Span;
use countersign_core::account::change::Change;
use countersign_testkit::{Client, Options, StoreKind, TestServer, on_every_store, raw};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::people::{ask_reset, likeness, mailed_reset, mailed_token, mails_about, member, opens, reset};
use crate::support::{self, KIM, LEE, OTHER_PASSWORD, PASSWORD};

const RECOVER: &str = "/api/v1/recover";
const RESET: &str = "/api/v1/reset";
/// What each test with many resets lifts: three mails an hour, and the share of one address in the queue.
const FREELY: [(&str, &str); 2] =
    [("COUNTERSIGN_THROTTLE_ENABLED", "false"), ("COUNTERSIGN_PASSWORD_QUEUE", "4096")];

#[tokio::test]
async fn rec_01_i14_asking_for_a_new_password_looks_the_same_for_every_address() {
    on_every_store(async |server| {
        for email in [KIM, LEE] {
            support::register(&server, email).await?;
        }
        server.change_account(LEE, Change::Disable).await?;
        let body = json!({ "email": "pending@example.org", "password": PASSWORD });
        Client::browser(&server).json(Method::POST, "/api/v1/accounts", &body).await?;
        let api = async |email: &str| {
            let answer =
                Client::browser(&server).json(Method::POST, RECOVER, &json!({ "email": email })).await?;
            ensure!(answer.status == StatusCode::ACCEPTED && answer.body == "{}", "{email}: {}", answer.body);
            Ok(likeness(&answer, email))
        };
        let page = async |email: &str| {
            let answer = Client::browser(&server).form("/recover", &[("email", email)]).await?;
            ensure!(answer.location() == "/recover?sent=1", "{email}: {}", answer.status);
            Ok(likeness(&answer, email))
        };
        let (by_api, by_page) = (api("nobody@example.org").await?, page("nobody@example.org").await?);
        // Some of the answers to KIM send nothing: an address gets so many mails and no more.
        for email in [KIM, KIM, LEE, "pending@example.org", "KIM＠EXAMPLE.ORG", KIM] {
            ensure!(api(email).await? == by_api, "{email}");
            ensure!(page(email).await? == by_page, "{email}");
        }
        ensure!(mails_about(&server, KIM, "new password").await? == 5);
        for email in [LEE, "pending@example.org", "nobody@example.org"] {
            ensure!(mails_about(&server, email, "new password").await? == 0, "{email} got a mail");
        }
        Ok(())
    })
    .await;
}

/// A request for a reset as raw bytes, with its target and the lines that name a host.
fn asking(target: &str, lines: &str) -> Vec<u8> {
    let body = json!({ "email": KIM }).to_string();
    let length = body.len();
    format!("POST {target} HTTP/1.1\r\n{lines}Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}")
        .into_bytes()
}

#[tokio::test]
async fn rec_02_rec_03_i15_a_link_is_made_from_the_settings_whatever_a_request_says() -> anyhow::Result<()> {
    for kind in StoreKind::testable() {
        let server = TestServer::start(Options::on(kind).with(FREELY[0].0, FREELY[0].1)).await?;
        let own = server.url.trim_start_matches("http://").to_owned();
        // The first request after the start is the attacker's.
        for (target, lines) in [
            (RECOVER.to_owned(), "Host: evil.tld\r\n".to_owned()),
            (RECOVER.to_owned(), format!("Host: {own}\r\nHost: evil.tld\r\n")),
            (RECOVER.to_owned(), format!("Host: evil.tld\r\nHost: {own}\r\n")),
            (RECOVER.to_owned(), format!("Host: {own}:@evil.tld\r\n")),
            (RECOVER.to_owned(), format!("Host: {own}@evil.tld\r\n")),
            (RECOVER.to_owned(), format!("Host: {own}, evil.tld\r\n")),
            (RECOVER.to_owned(), format!("Host: {own}.evil.tld\r\n")),
            (RECOVER.to_owned(), "Host: \r\n".to_owned()),
            (RECOVER.to_owned(), String::new()),
            (format!("http://evil.tld{RECOVER}"), format!("Host: {own}\r\n")),
            (format!("http://{own}{RECOVER}"), "Host: evil.tld\r\n".to_owned()),
            (format!("http://{own}@evil.tld{RECOVER}"), format!("Host: {own}\r\n")),
        ] {
            let answer = raw::send(&server, &asking(&target, &lines)).await.with_context(|| lines.clone())?;
            ensure!([400, 421].contains(&answer.status), "{target} {lines:?}: {}", answer.status);
        }
        ensure!(Client::tool(&server).mails().await?.is_empty());
        support::register(&server, KIM).await?;
        for line in [
            "X-Forwarded-Host: evil.tld",
            "X-Forwarded-Proto: https",
            "X-Forwarded-Port: 1",
            "X-Forwarded-Server: evil.tld",
            "Forwarded: for=1.2.3.4;host=evil.tld;proto=https",
            "X-Original-URL: http://evil.tld/",
            "X-Host: evil.tld",
            "Referer: https://evil.tld/",
        ] {
            server.clock.advance(Span::seconds(1));
            let request = asking(RECOVER, &format!("Host: {own}\r\n{line}\r\n"));
            ensure!(raw::send(&server, &request).await?.status == 202, "{line}");
            links_home(&server).await.with_context(|| line.to_owned())?;
        }
        // Another port of this machine is none of ours; in dev mode the API answers there all the same.
        server.clock.advance(Span::seconds(1));
        ensure!(raw::send(&server, &asking(RECOVER, "Host: localhost:9\r\n")).await?.status == 202);
        links_home(&server).await?;
    }
    Ok(())
}

/// Fails unless the newest mail leads to the server's own origin, and nowhere else.
async fn links_home(server: &TestServer) -> anyhow::Result<()> {
    let mail = Client::tool(server).newest_mail(KIM).await?;
    let link = mail["links"][0].as_str().context("no link")?;
    ensure!(link.starts_with(&format!("{}/reset?token=", server.url)), "{link}");
    let text = mail["text"].as_str().context("no text")?;
    let links = text.split_whitespace().filter(|word| word.contains("://"));
    links.into_iter().try_for_each(|link| {
        ensure!(link.starts_with(&server.url), "{link}");
        Ok(())
    })
}

/// What kills a link, and how long after it was mailed.
#[derive(Debug, Clone, Copy)]
enum Death {
    Newer,
    PasswordChanged,
    Login,
    Expiry,
    Use,
    Disabled,
    DisabledAndEnabled,
    Deleted,
}

#[tokio::test]
async fn rec_05_a_link_is_dead_after_a_newer_one_a_login_a_change_its_time_its_use_or_the_accounts_end() {
    on_every_store(async |server| {
        use Death::{Deleted, Disabled, DisabledAndEnabled, Expiry, Login, Newer, PasswordChanged, Use};
        let deaths = [Newer, PasswordChanged, Login, Expiry, Use, Disabled, DisabledAndEnabled, Deleted];
        for (number, death) in deaths.into_iter().enumerate() {
            let email = format!("person{number}@example.org");
            let mut browser = member(&server, &email).await?;
            let token = mailed_reset(&server, &email).await?;
            match death {
                Newer => drop(mailed_reset(&server, &email).await?),
                PasswordChanged => {
                    let body = json!({ "current": PASSWORD, "new": OTHER_PASSWORD });
                    browser.json(Method::PUT, "/api/v1/password", &body).await?;
                }
                Login => drop(support::tokens(&server, &email).await?),
                Expiry => server.clock.advance(Span::minutes(30)),
                Use => drop(reset(&server, &token, OTHER_PASSWORD).await?),
                Disabled => server.change_account(&email, Change::Disable).await?,
                DisabledAndEnabled => {
                    server.change_account(&email, Change::Disable).await?;
                    server.change_account(&email, Change::Enable).await?;
                }
                Deleted => {
                    server.change_account(&email, Change::Delete).await?;
                    server.clock.advance(Span::seconds(1));
                    support::register(&server, &email).await?;
                }
            }
            let third = "third kettle moss 58";
            let answer = reset(&server, &token, third).await?;
            ensure!(answer == StatusCode::UNAUTHORIZED, "{death:?}: {answer}");
            ensure!(!opens(&server, &email, third).await?, "{death:?}: the password was set");
            let page = Client::browser(&server).get(&format!("/reset?token={token}")).await?;
            ensure!(
                page.status == StatusCode::BAD_REQUEST && !page.body.contains("name=\"password\""),
                "{death:?}"
            );
        }
        let email = "late@example.org";
        support::register(&server, email).await?;
        let token = mailed_reset(&server, email).await?;
        server.clock.advance(Span::seconds(30 * 60 - 1));
        ensure!(
            reset(&server, &token, OTHER_PASSWORD).await? == StatusCode::NO_CONTENT,
            "dead before its time"
        );
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn rec_06_a_link_sets_the_password_of_its_own_account_whoever_is_named_beside_it() {
    on_every_store(async |server| {
        support::register(&server, KIM).await?;
        let mut lee = member(&server, LEE).await?;
        let id = lee.get("/api/v1/session").await?.json()["account"]["id"].clone();
        let token = mailed_reset(&server, KIM).await?;
        for (field, value) in
            [("email", json!(LEE)), ("account", id.clone()), ("user_id", id), ("identifier", json!(LEE))]
        {
            let mut body = json!({ "token": token, "password": OTHER_PASSWORD });
            body.as_object_mut().context("an object")?.insert(field.to_owned(), value);
            ensure!(lee.json(Method::POST, RESET, &body).await?.code() == "invalid_request", "{field}");
        }
        let fields = [("token", token.as_str()), ("password", OTHER_PASSWORD), ("email", LEE)];
        ensure!(lee.form("/reset", &fields).await?.location() == "/login?changed=1");
        ensure!(opens(&server, KIM, OTHER_PASSWORD).await? && !opens(&server, KIM, PASSWORD).await?);
        ensure!(opens(&server, LEE, PASSWORD).await? && !opens(&server, LEE, OTHER_PASSWORD).await?);
        ensure!(support::by_cookie(&mut lee).await? == StatusCode::OK, "somebody else's session ended");
        Ok(())
    })
    .await;
}

/// Opens a link again and again, as a mail scanner does: it shows its page, which leads to no other site.
async fn scan(server: &TestServer, link: &str) -> anyhow::Result<()> {
    let mut scanner = Client::tool(server);
    for method in [Method::GET, Method::HEAD, Method::GET, Method::HEAD] {
        let answer = scanner.send(scanner.request(method, link)).await?;
        ensure!(answer.status == StatusCode::OK, "{}", answer.status);
        ensure!(answer.header("referrer-policy") == "same-origin", "the link is told to other sites");
        ensure!(answer.header("cache-control") == "no-store", "the link is kept");
        let (links, own) = (answer.body.matches("://").count(), answer.body.matches(&server.url).count());
        ensure!(links == own, "the page leads elsewhere: {}", answer.body);
    }
    let post = scanner.send(scanner.request(Method::POST, link)).await?;
    ensure!(post.status.is_client_error(), "a POST without its form: {}", post.status);
    Ok(())
}

#[tokio::test]
async fn rec_08_opening_a_link_spends_nothing_and_its_address_is_told_to_nobody() {
    on_every_store(async |server| {
        let mut browser = Client::browser(&server);
        browser
            .json(Method::POST, "/api/v1/accounts", &json!({ "email": KIM, "password": PASSWORD }))
            .await?;
        let verification = mailed_token(&server, KIM).await?;
        scan(&server, &format!("/verify?token={verification}")).await?;
        ensure!(
            browser
                .json(Method::POST, "/api/v1/accounts/verify", &json!({ "token": verification }))
                .await?
                .status
                == 204
        );
        let token = mailed_reset(&server, KIM).await?;
        scan(&server, &format!("/reset?token={token}")).await?;
        ensure!(reset(&server, &token, OTHER_PASSWORD).await? == StatusCode::NO_CONTENT);
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn rec_09_mailed_secrets_are_random_and_the_database_knows_their_hashes_alone() -> anyhow::Result<()> {
    let server = TestServer::start(Options::on(StoreKind::Sqlite).with(FREELY[0].0, FREELY[0].1)).await?;
    support::register(&server, KIM).await?;
    let mut tokens = BTreeSet::new();
    for _ in 0..60 {
        tokens.insert(mailed_reset(&server, KIM).await?);
    }
    ensure!(tokens.len() == 60, "a token came twice");
    let secrets = tokens.iter().map(|token| URL_SAFE_NO_PAD.decode(token)).collect::<Result<Vec<_>, _>>()?;
    ensure!(secrets.iter().all(|secret| secret.len() == 32), "256 bits");
    let starts: BTreeSet<_> = secrets.iter().map(|secret| secret[..4].to_vec()).collect();
    ensure!(starts.len() > 58, "they begin alike");
    // Each bit is one about as often as not: 30, give or take six standard deviations.
    for bit in 0..256 {
        let ones = secrets.iter().filter(|secret| secret[bit / 8] >> (bit % 8) & 1 == 1).count();
        ensure!((7..=53).contains(&ones), "bit {bit} is one in {ones} of 60");
    }
    let files = server.files()?;
    let holds = |needle: &[u8]| files.windows(needle.len()).any(|part| part == needle);
    for (token, secret) in tokens.iter().zip(&secrets).take(5) {
        ensure!(!holds(token.as_bytes()) && !holds(secret), "a secret lies in the database");
    }
    let hash = countersign_core::secret::sha256(&secrets[0]);
    ensure!(holds(hash.as_bytes()), "its hash is not there: is this the database?");
    Ok(())
}

#[tokio::test]
async fn rec_10_no_step_of_a_recovery_works_without_the_one_before() {
    on_every_store(async |server| {
        let mut browser = member(&server, KIM).await?;
        let id = browser.get("/api/v1/session").await?.json()["account"]["id"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        let mut stranger = Client::browser(&server);
        stranger.form("/recover", &[("email", KIM)]).await?;
        for token in ["", "x", &id, KIM, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "000000"] {
            for client in [&mut stranger, &mut browser] {
                let body = json!({ "token": token, "password": OTHER_PASSWORD });
                ensure!(
                    client.json(Method::POST, RESET, &body).await?.code() == "invalid_token",
                    "{token:?}"
                );
                let answer = client.form("/reset", &[("token", token), ("password", OTHER_PASSWORD)]).await?;
                ensure!(answer.status == StatusCode::BAD_REQUEST, "{token:?}: {}", answer.status);
            }
        }
        for body in [
            json!({ "password": OTHER_PASSWORD }),
            json!({ "token": Value::Null, "password": OTHER_PASSWORD }),
        ] {
            ensure!(stranger.json(Method::POST, RESET, &body).await?.code() == "invalid_request", "{body}");
        }
        ensure!(
            stranger.form("/reset", &[("password", OTHER_PASSWORD)]).await?.status == StatusCode::BAD_REQUEST
        );
        ensure!(opens(&server, KIM, PASSWORD).await? && !opens(&server, KIM, OTHER_PASSWORD).await?);
        ensure!(ask_reset(&server, KIM).await? == StatusCode::ACCEPTED);
        Ok(())
    })
    .await;
}
