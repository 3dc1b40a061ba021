//! What is data stays data, and each kind of secret opens its own door alone.

use anyhow::{Context, ensure};
use countersign_testkit::{Client, TestServer, on_every_store, on_every_store_with};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::people::{mailed_reset, mailed_token, member, opens, percent};
use crate::support::{self, KIM, LEE, LOGIN, OTHER_PASSWORD, PASSWORD, SESSION, UNLIMITED};

/// A door: what opens it is a secret of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Door {
    /// The session cookie.
    Session,
    /// An access token.
    Access,
    /// A refresh token.
    Refresh,
    /// The login cookie of the browser that registered: it spares the password.
    Login,
    /// The mailed link of a registration.
    Verification,
    /// Its code.
    Code,
    /// The mailed link of a reset.
    Reset,
}

/// The registration that waits, besides an account of its own.
const PENDING: &str = "pending@example.org";

/// Whether the secret opens the door.
async fn opened(server: &TestServer, door: Door, secret: &str, verification: &str) -> anyhow::Result<bool> {
    let mut client = Client::browser(server);
    let verify = "/api/v1/accounts/verify";
    let answer = match door {
        Door::Session => {
            client.set_cookie(SESSION, secret);
            client.get("/api/v1/session").await?
        }
        Door::Access => client.bearer(Method::GET, "/api/v1/session", secret).await?,
        Door::Refresh => client.refresh(secret).await?,
        Door::Login => {
            client.set_cookie(LOGIN, secret);
            client.json(Method::POST, verify, &json!({ "token": verification })).await?
        }
        Door::Verification => {
            client.json(Method::POST, verify, &json!({ "token": secret, "password": PASSWORD })).await?
        }
        Door::Code => {
            let body = json!({ "email": PENDING, "code": secret, "password": PASSWORD });
            client.json(Method::POST, verify, &body).await?
        }
        Door::Reset => {
            client
                .json(Method::POST, "/api/v1/reset", &json!({ "token": secret, "password": OTHER_PASSWORD }))
                .await?
        }
    };
    ensure!(!answer.status.is_server_error(), "{door:?}: {}", answer.status);
    Ok(answer.status.is_success())
}

#[tokio::test]
async fn sto_12_i9_a_secret_opens_its_own_door_and_no_other_and_is_not_spent_by_trying() {
    on_every_store(async |server| {
        let browser = member(&server, KIM).await?;
        let tokens = support::tokens(&server, KIM).await?;
        let mut pending = Client::browser(&server);
        let body = json!({ "email": PENDING, "password": PASSWORD });
        pending.json(Method::POST, "/api/v1/accounts", &body).await?;
        let code = pending.newest_mail(PENDING).await?["code"].as_str().context("no code")?.to_owned();
        let verification = mailed_token(&server, PENDING).await?;
        let secrets = [
            (Door::Session, browser.cookie(SESSION).context("no cookie")?.to_owned()),
            (Door::Access, tokens.access),
            (Door::Refresh, tokens.refresh),
            (Door::Login, pending.cookie(LOGIN).context("no login cookie")?.to_owned()),
            (Door::Verification, verification.clone()),
            (Door::Code, code),
            (Door::Reset, mailed_reset(&server, KIM).await?),
        ];
        for (kind, secret) in &secrets {
            for (door, _) in &secrets {
                let other = kind != door && !opened(&server, *door, secret, &verification).await?;
                ensure!(kind == door || other, "the secret of {kind:?} opens {door:?}");
            }
        }
        for door in [Door::Session, Door::Access, Door::Refresh, Door::Code, Door::Reset] {
            let (_, secret) = secrets.iter().find(|(kind, _)| *kind == door).context("no such secret")?;
            ensure!(opened(&server, door, secret, &verification).await?, "{door:?} was spent by trying");
        }
        ensure!(
            !opened(&server, Door::Verification, &verification, &verification).await?,
            "the code has spent it"
        );
        Ok(())
    })
    .await;
}

/// Texts that are code to somebody: to SQL, to a document store, to C.
const INJECTIONS: [&str; 12] = [
    "'",
    "\"",
    "\\",
    "';--",
    "' OR '1'='1",
    "'); DROP TABLE accounts;--",
    "\" OR \"\"=\"",
    "$1",
    "kim@example.org' --",
    "{\"$ne\":null}",
    "%",
    "a\0b",
];

#[tokio::test]
async fn sto_01_what_is_typed_is_data_in_every_field() {
    on_every_store_with(&[UNLIMITED], async |server| {
        let mut browser = member(&server, KIM).await?;
        let before = server.audited("account.created").await?;
        for text in INJECTIONS {
            for (method, path, body) in bodies(text) {
                let answer = browser.clone().json(method, path, &body).await?;
                let status = answer.status.as_u16();
                ensure!([202, 400, 401].contains(&status), "{path} {body}: {status} {}", answer.body);
            }
            for (path, fields) in forms(text) {
                let answer = Client::browser(&server).form(path, &fields).await?;
                ensure!(answer.status.as_u16() < 500, "{path} {text:?}: {}", answer.status);
                ensure!(
                    answer.cookies().iter().all(|cookie| !cookie.starts_with(SESSION)),
                    "{path} {text:?}"
                );
            }
            let encoded = percent(text.as_bytes());
            for path in ["/api/v1/sessions/", "/statuslists/", "/static/"] {
                let request = browser.request(Method::DELETE, &format!("{path}{encoded}"));
                let answer = browser.send(request).await?;
                ensure!([404, 405].contains(&answer.status.as_u16()), "{path} {text:?}: {}", answer.status);
            }
            for query in [
                "/login?return_to=",
                "/verify?token=",
                "/reset?token=",
                "/verify?sent=1&email=",
                "/statuslists/x?seq=",
            ] {
                let answer = browser.get(&format!("{query}{encoded}")).await?;
                ensure!(answer.status.as_u16() < 500, "{query} {text:?}: {}", answer.status);
            }
            let mut cookie = Client::browser(&server);
            cookie.set_cookie(SESSION, &text.replace('\0', ""));
            ensure!(support::by_cookie(&mut cookie).await? == StatusCode::UNAUTHORIZED, "{text:?}");
        }
        ensure!(server.audited("account.created").await? == before);
        ensure!(
            opens(&server, KIM, PASSWORD).await? && support::by_cookie(&mut browser).await? == StatusCode::OK
        );
        support::register(&server, LEE).await
    })
    .await;
}

fn bodies(text: &str) -> Vec<(Method, &'static str, Value)> {
    let (post, put) = (|| Method::POST, Method::PUT);
    vec![
        (post(), "/api/v1/login", json!({ "identifier": text, "password": PASSWORD, "deliver": "cookie" })),
        (post(), "/api/v1/login", json!({ "identifier": KIM, "password": text, "deliver": "token" })),
        (
            post(),
            "/api/v1/login",
            json!({ "identifier": KIM, "password": text, "deliver": "token", "resource": text }),
        ),
        (post(), "/api/v1/accounts", json!({ "email": text, "password": PASSWORD })),
        (
            post(),
            "/api/v1/accounts",
            json!({ "email": format!("{text}@example.org"), "password": text, "name": text }),
        ),
        (post(), "/api/v1/accounts/verify", json!({ "token": text, "password": text })),
        (post(), "/api/v1/accounts/verify", json!({ "email": KIM, "code": text })),
        (post(), "/api/v1/recover", json!({ "email": text })),
        (post(), "/api/v1/reset", json!({ "token": text, "password": OTHER_PASSWORD })),
        (put, "/api/v1/password", json!({ "current": text, "new": OTHER_PASSWORD })),
    ]
}

fn forms(text: &str) -> Vec<(&'static str, Vec<(&'static str, &str)>)> {
    vec![
        ("/login", vec![("username", text), ("password", text), ("return_to", text)]),
        ("/register", vec![("email", text), ("name", text), ("password", text)]),
        ("/verify", vec![("token", text), ("password", text)]),
        ("/verify/resend", vec![("email", text)]),
        ("/reset", vec![("token", text), ("password", text)]),
        ("/locale", vec![("locale", text), ("return_to", text)]),
        (
            "/oauth2/token",
            vec![("grant_type", "refresh_token"), ("client_id", text), ("refresh_token", text)],
        ),
        ("/oauth2/token", vec![("grant_type", text), ("client_id", "countersign"), ("scope", text)]),
    ]
}
