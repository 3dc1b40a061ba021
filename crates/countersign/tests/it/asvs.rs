//! What OWASP ASVS 5.0 asks of every answer (docs/asvs.md), route by route.

use anyhow::Context as _;
use countersign_core::Span;
use countersign_server::admin::{Command, execute};
use countersign_server::router::paths;
use countersign_testkit::every::on_every_store;
use countersign_testkit::logs::logs;
use countersign_testkit::{Client, Options, StoreKind, TestServer};
use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::support::{KIM, PASSWORD, browser, register};

async fn server() -> anyhow::Result<TestServer> {
    TestServer::start(Options::on(StoreKind::Memory)).await
}

#[tokio::test]
async fn asvs_3_4_every_answer_of_every_route_says_what_a_browser_may_do_with_it() -> anyhow::Result<()> {
    let server = server().await?;
    register(&server, KIM).await?;
    let mut kim = browser(&server, KIM).await?;
    for path in paths(true) {
        let path = path.replace("{id}", "ses_x").replace("{file}", "look.css");
        for method in [Method::GET, Method::POST, Method::DELETE] {
            let answer = kim.send(kim.request(method.clone(), &path)).await?;
            let name = format!("{method} {path}");
            assert_eq!(answer.header("x-content-type-options"), "nosniff", "3.4.4: {name}");
            assert_eq!(answer.header("referrer-policy"), "same-origin", "3.4.5: {name}");
            let policy = answer.header("content-security-policy");
            for directive in
                ["default-src 'none'", "object-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"]
            {
                assert!(policy.contains(directive), "3.4.3, 3.4.6: {name}: {policy}");
            }
            let is_page = answer.header("content-type").starts_with("text/html");
            assert!(
                is_page || policy.ends_with("; sandbox") || answer.status.is_redirection(),
                "3.2.1: {name}"
            );
            if is_page {
                assert_eq!(answer.header("cross-origin-opener-policy"), "same-origin", "3.4.8: {name}");
            }
            assert!(!answer.header("cross-origin-resource-policy").is_empty(), "3.5.8: {name}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn asvs_3_4_1_over_https_every_answer_keeps_the_browser_there() -> anyhow::Result<()> {
    let options = Options::on(StoreKind::Sqlite).production();
    let options = options.with("COUNTERSIGN_SERVER_PUBLIC_URL", "https://login.example.com");
    let server = TestServer::start(options).await?;
    let mut tool = Client::tool(&server);
    for path in ["/login", "/account", "/api/v1/session", "/.well-known/jwks.json", "/no-such-page"] {
        let answer = tool.send(tool.request(Method::GET, path).header("host", "login.example.com")).await?;
        let hsts = answer.header("strict-transport-security");
        assert_eq!(hsts, "max-age=63072000; includeSubDomains", "{path}");
    }
    Ok(())
}

#[tokio::test]
async fn asvs_3_3_5_no_cookie_of_ours_comes_near_what_browsers_keep() -> anyhow::Result<()> {
    let server = server().await?;
    register(&server, KIM).await?;
    let mut tool = Client::browser(&server);
    let registration = json!({ "email": "lee@example.org", "password": PASSWORD, "name": "Lee" });
    let login = json!({ "identifier": KIM, "password": PASSWORD, "deliver": "cookie", "remember": true });
    let answers = [
        tool.json(Method::POST, "/api/v1/accounts", &registration).await?,
        tool.json(Method::POST, "/api/v1/login", &login).await?,
    ];
    for answer in &answers {
        let cookies = answer.cookies();
        assert!(!cookies.is_empty(), "{}", answer.body);
        assert!(cookies.iter().all(|cookie| cookie.len() < 256), "{cookies:?}");
    }
    Ok(())
}

#[tokio::test]
async fn asvs_6_2_1_forms_ask_for_long_passwords_and_take_what_a_manager_types() -> anyhow::Result<()> {
    let server = server().await?;
    let mut browser = Client::browser(&server);
    let form = browser.get("/register").await?;
    assert!(form.body.contains("15 or more are better"));
    assert!(form.body.contains("type=\"password\" autocomplete=\"new-password\""), "6.2.6, 6.2.7");
    for hindrance in ["maxlength", "onpaste", "autocomplete=\"off\"", "pattern="] {
        assert!(!form.body.contains(hindrance), "6.2.7, 6.2.9: {hindrance}");
    }
    assert_eq!(form.status, StatusCode::OK);
    Ok(())
}

#[tokio::test]
async fn asvs_7_4_5_an_operator_ends_everything_at_once_for_everybody() {
    on_every_store(async |server| {
        register(&server, KIM).await?;
        register(&server, "lee@example.org").await?;
        let (mut kim, mut lee) = (browser(&server, KIM).await?, Client::tool(&server));
        let tokens = lee.tokens("lee@example.org", PASSWORD).await?;
        execute(&server.app, Command::RevokeEverything).await?;
        assert_eq!(kim.get("/api/v1/session").await?.status, StatusCode::UNAUTHORIZED);
        let answer = lee.bearer(Method::GET, "/api/v1/session", &tokens.access).await?;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        let refreshed = lee.refresh(&tokens.refresh).await?;
        assert_eq!(
            (refreshed.status, refreshed.json()["error"].as_str()),
            (StatusCode::BAD_REQUEST, Some("invalid_grant"))
        );
        assert_eq!(server.audited("everything.ended").await?, 1);
        server.clock.advance(Span::seconds(4));
        assert_eq!(browser(&server, KIM).await?.get("/api/v1/session").await?.status, StatusCode::OK);
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn asvs_16_3_2_what_is_forbidden_is_a_line_of_the_log_with_who_tried() -> anyhow::Result<()> {
    let log = logs();
    let server = server().await?;
    let mut stranger = Client::tool(&server);
    let login = stranger.request(Method::POST, "/login").header("origin", "https://evil.example");
    let answer = stranger.send(login.form(&[("username", KIM)])).await?;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    let id = answer.header("x-request-id");
    let lines = log.text();
    let line = lines.lines().find(|line| line.contains(id)).context("a line")?;
    for part in [" INFO ", "request refused", "ip=127.0.0.1", "code=\"csrf\""] {
        assert!(line.contains(part), "{part}: {line}");
    }
    Ok(())
}

#[tokio::test]
async fn asvs_16_3_1_the_audit_log_says_with_which_factors_a_session_began() -> anyhow::Result<()> {
    let server = server().await?;
    register(&server, KIM).await?;
    browser(&server, KIM).await?;
    let lines = server.audit().await?;
    let opened = lines.iter().find(|line| line.kind == "session.opened").context("a session began")?;
    assert_eq!(opened.detail.get("amr").map(String::as_str), Some("pwd"), "{opened:?}");
    Ok(())
}
