//! What is answered before the router is asked is the router's own answer, and nothing that was remembered for it
//! outlives what ends it.

use countersign_core::Span;
use countersign_server::admin::Command;
use countersign_testkit::{Answer, Client, Options, StoreKind, TestServer, on_every_store, raw};
use reqwest::header::HeaderMap;
use reqwest::{Method, StatusCode};

use crate::metrics::Metrics;
use crate::support::*;

/// The answer to `GET path` at once, and the router's: a query, even an empty one, takes the way through it.
async fn both_ways(client: &mut Client, path: &str, headers: &[(&str, &str)]) -> anyhow::Result<[Answer; 2]> {
    let mut answers = Vec::new();
    for path in [path.to_owned(), format!("{path}?")] {
        let request = client.request(Method::GET, &path);
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        answers.push(client.send(request).await?);
    }
    answers.try_into().map_err(|_| anyhow::anyhow!("two answers"))
}

fn assert_same([at_once, routed]: &[Answer; 2], status: StatusCode) {
    assert_eq!((at_once.status, routed.status), (status, status));
    assert_eq!(at_once.body, routed.body);
    let comparable = |headers: &HeaderMap| {
        let mut headers = headers.clone();
        // It names the request, and errors only.
        headers.remove("x-request-id");
        headers
    };
    assert_eq!(comparable(&at_once.headers), comparable(&routed.headers));
}

#[tokio::test]
async fn i2_the_answer_at_once_is_the_routers_answer() {
    let server = TestServer::start(Options::on(StoreKind::Memory)).await.expect("a server");
    let mut kim = Client::browser(&server);
    kim.register(KIM, PASSWORD).await.expect("an account");
    kim.log_in(KIM, PASSWORD).await.expect("a session");
    let token = tokens(&server, KIM).await.expect("tokens").access;
    let bearer = format!("Bearer {token}");
    kim.get("/api/v1/session").await.expect("the session is in memory");
    by_token(&server, &token).await.expect("the token is in memory");

    let session = "/api/v1/session";
    let answers = both_ways(&mut kim, session, &[]).await.expect("answers by cookie");
    assert_same(&answers, StatusCode::OK);
    // With an Authorization header the cookie is not looked at, here as there.
    let answers =
        both_ways(&mut kim, session, &[("authorization", &bearer)]).await.expect("answers by token");
    assert_same(&answers, StatusCode::OK);
    assert_eq!(who(&answers[0]).1, "token");
    for document in ["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"] {
        assert_same(&both_ways(&mut kim, document, &[]).await.expect("a document"), StatusCode::OK);
    }
    let keys = "/.well-known/jwks.json";
    let answers = both_ways(&mut kim, keys, &[]).await.expect("keys");
    assert_same(&answers, StatusCode::OK);
    let etag = answers[0].header("etag").to_owned();
    let answers = both_ways(&mut kim, keys, &[("if-none-match", &etag)]).await.expect("no keys");
    assert_same(&answers, StatusCode::NOT_MODIFIED);
    let answers = both_ways(&mut kim, keys, &[("if-none-match", "\"other\"")]).await.expect("keys");
    assert_same(&answers, StatusCode::OK);
}

#[tokio::test]
async fn nothing_is_answered_at_once_that_the_router_refuses() {
    let server = TestServer::start(Options::on(StoreKind::Memory)).await.expect("a server");
    let mut kim = Client::browser(&server);
    kim.register(KIM, PASSWORD).await.expect("an account");
    kim.log_in(KIM, PASSWORD).await.expect("a session");
    let token = tokens(&server, KIM).await.expect("tokens").access;
    kim.get("/api/v1/session").await.expect("the session is in memory");
    by_token(&server, &token).await.expect("the token is in memory");

    let bearer = format!("Bearer {token}");
    let (two, dpop) = (format!("{bearer}, {bearer}"), format!("DPoP {token}"));
    let refused: &[(&[(&str, &str)], StatusCode)] = &[
        (&[("authorization", "Bearer no.such.token")], StatusCode::UNAUTHORIZED),
        (&[("authorization", &two)], StatusCode::UNAUTHORIZED),
        (&[("authorization", &dpop)], StatusCode::UNAUTHORIZED),
        (&[("authorization", &bearer), ("authorization", &bearer)], StatusCode::UNAUTHORIZED),
        (&[("host", "evil.example")], StatusCode::MISDIRECTED_REQUEST),
        (&[("host", "evil.example"), ("authorization", &bearer)], StatusCode::MISDIRECTED_REQUEST),
    ];
    for (headers, status) in refused {
        let answers = both_ways(&mut kim, "/api/v1/session", headers).await.expect("answers");
        assert_eq!(answers.map(|answer| answer.status), [*status; 2], "{headers:?}");
    }
    let answers = both_ways(&mut kim, "/.well-known/jwks.json", &[("host", "evil.example")]).await;
    let statuses = answers.expect("answers").map(|answer| answer.status);
    assert_eq!(statuses, [StatusCode::MISDIRECTED_REQUEST; 2]);
    // More than any route reads is refused before anything else, whatever it is.
    let host = server.url.trim_start_matches("http://");
    let request = format!(
        "GET /api/v1/session HTTP/1.1\r\nHost: {host}\r\nAuthorization: {bearer}\r\nContent-Length: 65537\r\n\r\n"
    );
    let answer = raw::send(&server, request.as_bytes()).await.expect("an answer");
    assert_eq!(answer.status, 413);
}

/// What must end a remembered token at once.
const ENDS: [&str; 6] =
    ["logout", "revoked session", "revoked account", "disabled account", "expiry", "withdrawn key"];

async fn end(server: &TestServer, how: &str, email: &str, token: &str) -> anyhow::Result<()> {
    let tool = Client::tool(server);
    let account = email.to_owned();
    match how {
        "logout" => drop(tool.bearer(Method::DELETE, "/api/v1/session", token).await?),
        "revoked session" => {
            let (session, _) = who(&tool.bearer(Method::GET, "/api/v1/session", token).await?);
            operate(server, Command::RevokeSession { session }).await?;
        }
        "revoked account" => drop(operate(server, Command::RevokeAccount { account }).await?),
        "disabled account" => drop(operate(server, Command::AccountDisable { account }).await?),
        "expiry" => server.clock.set(countersign_core::Time::from_micros(
            claims(token)["exp"].as_i64().unwrap_or_default() * 1_000_000,
        )),
        _ => drop(operate(server, Command::KeysRotate { now: true }).await?),
    }
    Ok(())
}

#[tokio::test]
async fn i7_i11_a_remembered_token_does_not_survive_what_ends_it() {
    on_every_store(async |server| {
        for (number, how) in ENDS.into_iter().enumerate() {
            let email = format!("kim{number}@example.org");
            register(&server, &email).await?;
            let token = tokens(&server, &email).await?.access;
            let other = tokens(&server, &email).await?.access;
            for _ in 0..3 {
                assert_eq!(by_token(&server, &token).await?, StatusCode::OK, "{how}");
            }
            end(&server, how, &email, &token).await?;
            assert_eq!(by_token(&server, &token).await?, StatusCode::UNAUTHORIZED, "{how}");
            // And only that: another login of the account goes on after a logout.
            let lives = ["logout", "revoked session"].contains(&how);
            assert_eq!(by_token(&server, &other).await? == StatusCode::OK, lives, "{how}");
        }
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn a_remembered_token_is_read_again_where_the_clock_went_back() {
    on_every_store(async |server| {
        register(&server, KIM).await?;
        let token = tokens(&server, KIM).await?.access;
        assert_eq!(by_token(&server, &token).await?, StatusCode::OK);
        server.clock.advance(Span::seconds(-2));
        assert_eq!(by_token(&server, &token).await?, StatusCode::UNAUTHORIZED, "it is not issued yet");
        server.clock.advance(Span::seconds(2));
        assert_eq!(by_token(&server, &token).await?, StatusCode::OK);
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn dos_06_a_defect_of_the_short_cut_costs_nobody_an_answer() {
    let server = TestServer::start(Options::on(StoreKind::Memory)).await.expect("a server");
    let metrics = Metrics::of(&server).await.expect("metrics");
    let mut kim = Client::browser(&server);
    kim.register(KIM, PASSWORD).await.expect("an account");
    kim.log_in(KIM, PASSWORD).await.expect("a session");
    assert_eq!(by_cookie(&mut kim).await.expect("from the router"), StatusCode::OK);
    server.clock.fail_once();
    assert_eq!(by_cookie(&mut kim).await.expect("an answer all the same"), StatusCode::OK);
    let panics = metrics.value("countersign_panics_total").await.expect("a count");
    assert!((panics - 1.0).abs() < 0.5, "{panics}");
}
