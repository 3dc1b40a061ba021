//! I17: every route, asked with nothing, with another account's proofs, and with tokens that do not reach so far. A route
//! that is not in this table fails the test; so does one that is in it and not there.

use std::collections::BTreeSet;

use anyhow::{Context, ensure};
use countersign_jose::Header;
use countersign_server::router::paths;
use countersign_testkit::{Answer, Client, Options, StoreKind, TestServer, raw};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::people::{member, opens};
use crate::support::{self, KIM, LEE, OTHER_PASSWORD, PASSWORD, SESSION};

/// What a route asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Needs {
    /// Nothing: an exception, with its reason beside it.
    Nothing,
    /// A session by cookie: a page, which sends others to the login and ignores `Authorization` (I2).
    Cookie,
    /// A session by either face.
    Session,
    /// Likewise, of an administrator: tests/it/admin has who is let in.
    Admin,
}
use Needs::{Admin, Cookie, Nothing, Session};

#[rustfmt::skip]
const ROUTES: &[(&str, &str, Needs)] = &[
    ("GET", "/", Nothing),                          // the front door
    ("GET", "/login", Nothing),                     // where a session begins
    ("POST", "/login", Nothing),                    // asks for the password
    ("GET", "/register", Nothing),                  // where an account begins
    ("POST", "/register", Nothing),                 // opens nothing before the mail is answered
    ("GET", "/verify", Nothing),                    // shows a form
    ("POST", "/verify", Nothing),                   // asks for the mailed secret, and the password elsewhere
    ("POST", "/verify/resend", Nothing),            // asks for the login cookie; else sends nothing, and does not say so
    ("GET", "/recover", Nothing),                   // shows a form
    ("POST", "/recover", Nothing),                  // mails the address's owner
    ("GET", "/reset", Nothing),                     // shows a form
    ("POST", "/reset", Nothing),                    // asks for the mailed secret
    ("GET", "/account", Cookie),
    ("GET", "/account/profile", Cookie),
    ("POST", "/account/profile", Cookie),
    ("GET", "/account/sessions", Cookie),
    ("POST", "/account/sessions/end-others", Cookie),
    ("POST", "/account/sessions/{id}/end", Cookie),
    ("GET", "/account/apps", Cookie),
    ("POST", "/account/apps/remove", Cookie),
    ("GET", "/account/security", Cookie),
    ("POST", "/account/security", Cookie),
    ("GET", "/logout", Nothing),                    // whoever has no session is signed out already
    ("POST", "/logout", Nothing),                   // likewise
    ("GET", "/consent", Nothing),                   // asks nothing but for a sealed request
    ("POST", "/consent", Nothing),                  // answers nothing but that, for the session that was asked
    ("GET", "/device", Cookie),
    ("POST", "/device", Cookie),
    ("GET", "/select", Nothing),                    // as /consent
    ("POST", "/select", Nothing),                   // likewise
    ("POST", "/locale", Nothing),                   // a cookie that chooses the language, and nothing else
    ("GET", "/static/{file}", Nothing),             // the files of the pages
    ("POST", "/api/v1/accounts", Nothing),          // as /register
    ("POST", "/api/v1/accounts/verify", Nothing),   // as /verify
    ("POST", "/api/v1/login", Nothing),             // asks for the password
    ("POST", "/api/v1/recover", Nothing),           // as /recover
    ("POST", "/api/v1/reset", Nothing),             // asks for the mailed secret
    ("GET", "/api/v1/session", Session),
    ("DELETE", "/api/v1/session", Session),
    ("GET", "/api/v1/sessions", Session),
    ("DELETE", "/api/v1/sessions", Session),
    ("DELETE", "/api/v1/sessions/{id}", Session),
    ("PUT", "/api/v1/password", Session),
    ("GET", "/api/v1/profile", Session),
    ("PUT", "/api/v1/profile", Session),
    ("GET", "/api/v1/admin/clients", Admin),
    ("POST", "/api/v1/admin/clients", Admin),
    ("GET", "/api/v1/admin/clients/{id}", Admin),
    ("PUT", "/api/v1/admin/clients/{id}", Admin),
    ("DELETE", "/api/v1/admin/clients/{id}", Admin),
    ("POST", "/api/v1/admin/clients/{id}/secret", Admin),
    ("POST", "/api/v1/admin/clients/{id}/disable", Admin),
    ("POST", "/api/v1/admin/clients/{id}/enable", Admin),
    ("GET", "/api/v1/admin/clients/{id}/check", Admin),
    ("GET", "/api/v1/admin/resources", Admin),
    ("POST", "/api/v1/admin/resources", Admin),
    ("GET", "/api/v1/admin/grants", Admin),
    ("GET", "/api/v1/admin/grants/{id}", Admin),
    ("DELETE", "/api/v1/admin/grants/{id}", Admin),
    ("GET", "/api/v1/openapi.json", Nothing),       // documentation
    ("GET", "/oauth2/authorize", Nothing),          // leads to the login
    ("POST", "/oauth2/authorize", Nothing),         // reads no cookie
    ("GET", "/oauth2/userinfo", Nothing),           // asks for a token with the scope openid: tests/it/userinfo.rs
    ("POST", "/oauth2/userinfo", Nothing),          // likewise
    ("GET", "/oauth2/logout", Nothing),             // ends nothing without an ID token of the session
    ("POST", "/oauth2/logout", Nothing),            // reads no cookie
    ("POST", "/oauth2/par", Nothing),               // asks for the client's proof
    ("POST", "/oauth2/device_authorization", Nothing), // asks for the client's proof
    ("POST", "/oauth2/token", Nothing),             // asks for the refresh token
    ("POST", "/oauth2/introspect", Nothing),        // asks for a client that proves itself
    ("POST", "/oauth2/revoke", Nothing),            // asks for a client, and for the token itself
    ("POST", "/oauth2/register", Nothing),          // as `registration.policy` says
    ("GET", "/oauth2/register/{id}", Nothing),    // asks for the registration access token
    ("PUT", "/oauth2/register/{id}", Nothing),    // likewise
    ("DELETE", "/oauth2/register/{id}", Nothing), // likewise
    ("GET", "/.well-known/jwks.json", Nothing),     // public keys
    ("GET", "/.well-known/openid-configuration", Nothing),       // what this server is
    ("GET", "/.well-known/oauth-authorization-server", Nothing), // likewise
    ("GET", "/statuslists/{id}", Nothing),          // bits without names
    ("GET", "/healthz", Nothing),                   // operations
    ("GET", "/readyz", Nothing),                    // operations
    ("GET", "/dev/inbox", Nothing),                 // dev mode alone, on a loopback address alone
];

fn asking(needs: &[Needs]) -> impl Iterator<Item = (Method, &'static str, Needs)> {
    ROUTES
        .iter()
        .filter(move |(_, _, this)| needs.contains(this))
        .map(|(method, path, needs)| (method.parse().unwrap(), *path, *needs))
}

async fn server() -> anyhow::Result<TestServer> {
    TestServer::start(Options::on(StoreKind::Memory)).await
}

/// A request to a route that would do something, were it only allowed.
fn request(client: &Client, method: &Method, path: &str, id: &str) -> reqwest::RequestBuilder {
    let request = client.request(method.clone(), &path.replace("{id}", id));
    match path {
        "/api/v1/password" => request.json(&json!({ "current": PASSWORD, "new": OTHER_PASSWORD })),
        "/account/apps/remove" => request.form(&[("client", "countersign")]),
        "/api/v1/profile" if *method == Method::PUT => request.json(&json!({ "nickname": "nick" })),
        "/account/security" => request.form(&[("current", PASSWORD), ("new", OTHER_PASSWORD)]),
        _ if *method == Method::POST => request.form::<[(&str, &str); 0]>(&[]),
        _ => request,
    }
}

/// Fails unless the route refuses as it should who proves nothing.
fn is_refused(answer: &Answer, needs: Needs) -> anyhow::Result<()> {
    if needs == Cookie {
        ensure!(answer.status == StatusCode::SEE_OTHER, "{}", answer.status);
        ensure!(answer.location().starts_with("/login?return_to="), "{}", answer.location());
    } else {
        ensure!(answer.status == StatusCode::UNAUTHORIZED, "{}", answer.status);
        ensure!(answer.code() == "invalid_token", "{}", answer.body);
        ensure!(answer.header("www-authenticate").starts_with("Bearer"), "no challenge");
    }
    Ok(())
}

/// Every method of every path. A method that nobody has is answered with those that there are (RFC 9110 section 15.5.6).
pub(crate) async fn routes(server: &TestServer) -> anyhow::Result<BTreeSet<(String, String)>> {
    let mut there = BTreeSet::new();
    for path in paths(true) {
        let host = server.url.trim_start_matches("http://");
        let asked = path.replace("{id}", "x").replace("{file}", "x");
        let probe = format!("PROBE {asked} HTTP/1.1\r\nHost: {host}\r\n\r\n");
        let answer = raw::send(server, probe.as_bytes()).await?;
        ensure!(answer.status == 405, "{path}: {}", answer.status);
        let methods = answer.header("allow").split(',').map(|method| method.trim().to_owned());
        there.extend(methods.filter(|method| method != "HEAD").map(|method| (method, path.to_owned())));
    }
    Ok(there)
}

#[tokio::test]
async fn i17_every_route_is_in_the_authorization_table() -> anyhow::Result<()> {
    let server = server().await?;
    let there = routes(&server).await?;
    let listed: BTreeSet<_> =
        ROUTES.iter().map(|(method, path, _)| ((*method).to_owned(), (*path).to_owned())).collect();
    assert_eq!(there, listed);
    Ok(())
}

#[tokio::test]
async fn i17_without_credentials_or_with_dead_ones_no_route_opens() -> anyhow::Result<()> {
    let server = server().await?;
    let mut gone = member(&server, KIM).await?;
    let (secret, token) = (cookie(&gone)?, support::tokens(&server, KIM).await?.access);
    let id = gone.get("/api/v1/session").await?.json()["session"]["id"].as_str().unwrap().to_owned();
    gone.send(gone.request(Method::DELETE, "/api/v1/session")).await?;
    let ended = Client::tool(&server).bearer(Method::DELETE, "/api/v1/session", &token).await?;
    ensure!(ended.status == StatusCode::NO_CONTENT);

    for (method, path, needs) in asking(&[Cookie, Session, Admin]) {
        for (name, proof) in [
            ("nothing", None),
            ("an ended session", Some(secret.as_str())),
            ("garbage", Some("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")),
            ("an empty cookie", Some("")),
        ] {
            let mut browser = Client::browser(&server);
            if let Some(value) = proof {
                browser.set_cookie(SESSION, value);
            }
            let answer = browser.send(request(&browser, &method, path, &id)).await?;
            is_refused(&answer, needs).with_context(|| format!("{method} {path} with {name}"))?;
        }
        for dead in [token.as_str(), "", "x", "a.b.c"] {
            let browser = Client::browser(&server);
            let answer =
                Answer::read(request(&browser, &method, path, &id).bearer_auth(dead).send().await?).await?;
            is_refused(&answer, needs).with_context(|| format!("{method} {path} with token {dead}"))?;
        }
    }
    ensure!(opens(&server, KIM, PASSWORD).await?, "the password was changed");
    Ok(())
}

fn cookie(browser: &Client) -> anyhow::Result<String> {
    Ok(browser.cookie(SESSION).context("no session cookie")?.to_owned())
}

#[tokio::test]
async fn i17_another_accounts_proofs_reach_only_what_is_its_own() -> anyhow::Result<()> {
    let (limits, off) = support::UNLIMITED;
    let server = TestServer::start(Options::on(StoreKind::Memory).with(limits, off)).await?;
    let mut owner = member(&server, KIM).await?;
    let told = owner.get("/api/v1/session").await?.json();
    let id = told["session"]["id"].as_str().context("no id")?;
    let tokens = support::tokens(&server, KIM).await?;
    support::register(&server, LEE).await?;

    for (method, path, needs) in asking(&[Cookie, Session, Admin]) {
        let mut stranger = support::browser(&server, LEE).await?;
        let by_cookie = stranger.send(request(&stranger, &method, path, id)).await?;
        let mut answers = vec![by_cookie];
        if needs != Cookie {
            // The request before may have changed the password: it is set back for the login.
            set_back(&server).await?;
            let token = support::tokens(&server, LEE).await?.access;
            let tool = Client::tool(&server);
            let by_token = request(&tool, &method, path, id).bearer_auth(&token).send().await?;
            answers.push(Answer::read(by_token).await?);
        }
        set_back(&server).await?;
        for answer in answers {
            ensure!(!answer.status.is_server_error(), "{method} {path}: {}", answer.status);
            for own in [KIM, id, told["account"]["id"].as_str().context("no id")?] {
                ensure!(!answer.body.contains(own), "{method} {path} shows {own}: {}", answer.body);
            }
            let named = path.contains("{id}") && needs == Session;
            ensure!(!named || answer.status == StatusCode::NOT_FOUND, "{method} {path}: {}", answer.status);
            let admin = needs == Admin;
            ensure!(!admin || answer.status == StatusCode::FORBIDDEN, "{method} {path}: {}", answer.status);
        }
        ensure!(
            owner.get("/api/v1/session").await?.status == StatusCode::OK,
            "{method} {path} ended a session"
        );
        let token = support::by_token(&server, &tokens.access).await?;
        ensure!(token == StatusCode::OK, "{method} {path} ended a grant");
    }
    ensure!(opens(&server, KIM, PASSWORD).await?, "the password was changed");
    Ok(())
}

/// Gives the stranger the first password again, where a route that was tried changed it.
async fn set_back(server: &TestServer) -> anyhow::Result<()> {
    let mut browser = Client::browser(server);
    if browser.log_in(LEE, OTHER_PASSWORD).await?.status == StatusCode::OK {
        let body = json!({ "current": OTHER_PASSWORD, "new": PASSWORD });
        let answer = browser.json(Method::PUT, "/api/v1/password", &body).await?;
        ensure!(answer.status == StatusCode::NO_CONTENT, "set back: {}", answer.body);
    }
    Ok(())
}

#[tokio::test]
async fn i17_tokens_for_another_resource_client_or_scope_open_no_route() -> anyhow::Result<()> {
    let server = server().await?;
    let mut owner = member(&server, KIM).await?;
    let id = owner.get("/api/v1/session").await?.json()["session"]["id"].as_str().unwrap().to_owned();
    let body = json!({ "identifier": KIM, "password": PASSWORD, "deliver": "token",
        "resource": "http://localhost:9/things" });
    let elsewhere = Client::tool(&server).json(Method::POST, "/api/v1/login", &body).await?.json();
    let elsewhere = elsewhere["access_token"].as_str().context("no token for a resource")?;
    let good = support::tokens(&server, KIM).await?.access;

    let with = |name: &str, value: Value| resigned(&server, &good, name, value);
    let table = [
        ("another resource", elsewhere.to_owned(), StatusCode::UNAUTHORIZED),
        ("no scope", with("scope", Value::Null)?, StatusCode::FORBIDDEN),
        ("another scope", with("scope", json!("openid accounts"))?, StatusCode::FORBIDDEN),
        ("another client", with("client_id", json!("somebody"))?, StatusCode::FORBIDDEN),
        (
            "another account",
            with("sub", json!("acc_01890a5d-ac96-774b-bcce-b302099a8057"))?,
            StatusCode::UNAUTHORIZED,
        ),
    ];
    for (method, path, needs) in asking(&[Cookie, Session, Admin]) {
        for (name, token, expected) in &table {
            let browser = Client::browser(&server);
            let sent = request(&browser, &method, path, &id).bearer_auth(token).send().await?;
            let answer = Answer::read(sent).await?;
            let expected = match needs {
                Cookie => StatusCode::SEE_OTHER,
                // Whether a token lives is asked first there, and the grant is not that client's.
                Admin if *name == "another client" => StatusCode::UNAUTHORIZED,
                _ => *expected,
            };
            ensure!(
                answer.status == expected,
                "{method} {path} with {name}: {} {}",
                answer.status,
                answer.body
            );
        }
    }
    // The same pen writes a token that opens: what is refused above is refused for its content.
    let same = with("jti", json!("another-name"))?;
    ensure!(support::by_token(&server, &same).await? == StatusCode::OK);
    ensure!(support::by_cookie(&mut owner).await? == StatusCode::OK && opens(&server, KIM, PASSWORD).await?);
    Ok(())
}

/// The token with one claim set otherwise, or left out, and signed by the server's own key.
pub(crate) fn resigned(server: &TestServer, token: &str, name: &str, value: Value) -> anyhow::Result<String> {
    let mut claims = support::claims(token);
    let object = claims.as_object_mut().context("no claims")?;
    object.remove(name);
    if !value.is_null() {
        object.insert(name.to_owned(), value);
    }
    Ok(server.app.keyring.keys().signing().sign(&Header { typ: "at+jwt" }, &claims)?)
}

#[tokio::test]
async fn i17_what_is_no_route_is_answered_in_the_words_of_its_place() -> anyhow::Result<()> {
    let server = server().await?;
    let mut client = Client::browser(&server);
    for (path, content_type) in [
        ("/nothing", "text/html"),
        ("/account/nothing", "text/html"),
        ("/api/v1/nothing", "application/problem+json"),
        ("/api/v2/session", "application/problem+json"),
        ("/oauth2/nothing", "application/json"),
    ] {
        let answer = client.get(path).await?;
        ensure!(answer.status == StatusCode::NOT_FOUND, "{path}: {}", answer.status);
        ensure!(answer.header("content-type").starts_with(content_type), "{path}");
    }
    Ok(())
}
