//! Clients told of logouts by the back channel (attack OAU-73).

use std::collections::BTreeMap;

use countersign_core::Span;
use countersign_core::client::{Client as Registered, ClientId, SubjectType};
use countersign_core::key::Alg;
use countersign_core::session::backchannel::TRIES;
use countersign_jose::{Audience, IdToken, MAX_LEN, Policy, verify};
use countersign_server::admin::{ClientCommand, Command};
use countersign_server::clock::Clock as _;
use countersign_server::jobs::{self, Jobs};
use countersign_testkit::peer::Peer;
use countersign_testkit::{Client, Options, StoreKind, TestServer};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::authorize::add_client;
use crate::codes::{code, redeem};
use crate::support::*;

const OUT: &str = "/out";
const BUSY: &str = "503 Service Unavailable";

/// A server of each kind, and a peer that it may ask.
async fn on_every_store(test: impl AsyncFn(TestServer, Peer) -> anyhow::Result<()>) {
    for kind in StoreKind::testable() {
        let peer = Peer::start().await.unwrap();
        let server = TestServer::start(options(kind, &peer)).await.unwrap();
        test(server, peer).await.unwrap_or_else(|error| panic!("{kind:?}: {error:#}"));
    }
}

fn options(kind: StoreKind, peer: &Peer) -> Options {
    Options::on(kind).with("COUNTERSIGN_OUTBOUND_ALLOW", &peer.host)
}

/// The client `notes` of ours, which listens at this path.
async fn listener(
    server: &TestServer,
    peer: &Peer,
    change: impl FnOnce(&mut Registered),
) -> anyhow::Result<()> {
    add_client(server, |client| {
        client.first_party = true;
        client.metadata.id_token_signed_response_alg = Alg::EdDsa;
        client.metadata.backchannel_logout_uri = Some(peer.at(OUT));
        change(client);
    })
    .await?;
    Ok(())
}

/// The claims of the ID token that `notes` gets in this browser, and the token.
async fn id_token(server: &TestServer, browser: &mut Client) -> anyhow::Result<(Value, String)> {
    let code = code(browser, &[("scope", "openid")]).await?;
    let answer = redeem(server, &code, &[]).await?;
    let token = answer.json()["id_token"].as_str().unwrap_or_default().to_owned();
    Ok((claims(&token), token))
}

/// The logout token of a request.
fn logout_token(request: &str) -> &str {
    let (head, body) = request.split_once("\r\n\r\n").unwrap_or_default();
    assert!(head.starts_with("POST /out HTTP/1.1\r\n"), "{head}");
    assert!(head.to_ascii_lowercase().contains("content-type: application/x-www-form-urlencoded"), "{head}");
    body.strip_prefix("logout_token=").unwrap_or_default()
}

fn header(token: &str) -> Value {
    claims(&format!(".{}", token.split('.').next().unwrap_or_default()))
}

/// Whether a key of ours signed it for `notes`: what a client's library looks at, down to the claims of an ID token.
fn is_signed(server: &TestServer, token: &str) -> bool {
    let now = server.clock.now().seconds();
    let policy = Policy {
        typ: "logout+jwt",
        algs: Alg::ALL,
        issuer: &server.url,
        audience: Audience::Exactly("notes"),
        now,
        leeway: 0,
        max_len: MAX_LEN,
    };
    verify::<IdToken>(token, server.app.keyring.keys().verifying(), &policy).is_ok()
}

#[tokio::test]
async fn oau_73_a_logout_at_a_client_tells_every_client_in_its_own_words() {
    on_every_store(async |server, peer| {
        register(&server, KIM).await?;
        listener(&server, &peer, |client| {
            client.metadata.subject_type = SubjectType::Pairwise;
            client.metadata.post_logout_redirect_uris = vec!["https://notes.example/out".to_owned()];
        })
        .await?;
        peer.say(OUT, "200 OK");
        let mut browser = browser(&server, KIM).await?;
        let (said, hint) = id_token(&server, &mut browser).await?;
        id_token(&server, &mut browser).await?;
        let path = format!(
            "/oauth2/logout?id_token_hint={hint}&post_logout_redirect_uri=https%3A%2F%2Fnotes.example%2Fout"
        );
        assert_eq!(browser.get(&path).await?.location(), "https://notes.example/out");
        server.run_jobs().await;
        let [asked] = peer.asked().try_into().unwrap_or_default();
        let token = logout_token(&asked);
        let told = claims(token);
        let names: Vec<_> = told.as_object().into_iter().flatten().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["aud", "events", "exp", "iat", "iss", "jti", "sid", "sub"]);
        assert_eq!((&told["iss"], &told["aud"]), (&json!(server.url), &json!("notes")));
        assert_eq!((&told["sub"], &told["sid"]), (&said["sub"], &said["sid"]));
        assert_eq!(told["sub"].as_str().map(str::len), Some(43), "pairwise");
        assert_eq!(told["events"], json!({"http://schemas.openid.net/event/backchannel-logout": {}}));
        let now = server.clock.now().seconds();
        assert_eq!((&told["iat"], &told["exp"]), (&json!(now), &json!(now + 120)));
        let head = header(token);
        assert_eq!((&head["typ"], &head["alg"]), (&json!("logout+jwt"), &json!("EdDSA")));
        assert_eq!(head["kid"], header(&hint)["kid"]);
        assert!(is_signed(&server, token), "by the key that is published");
        server.run_jobs().await;
        assert_eq!(peer.asked().len(), 1, "once");
        assert_eq!(server.audited("logout.told").await?, 1);
        Ok(())
    })
    .await;
}

/// Runs one round of telling, as the schedule would.
async fn round(server: &TestServer) {
    jobs::backchannel::step(server.app.clone()).await;
}

/// A session of Kim's in which `notes` got a grant, over.
async fn logged_out(server: &TestServer) -> anyhow::Result<()> {
    let mut browser = browser(server, KIM).await?;
    id_token(server, &mut browser).await?;
    let answer = browser.json(Method::DELETE, "/api/v1/session", &json!({})).await?;
    anyhow::ensure!(answer.status == StatusCode::NO_CONTENT, "{} {}", answer.status, answer.body);
    Ok(())
}

#[tokio::test]
async fn oau_73_a_busy_client_is_tried_again_with_another_token_after_a_restart_too() {
    let peer = Peer::start().await.unwrap();
    let settings = BTreeMap::from([("COUNTERSIGN_OUTBOUND_ALLOW".to_owned(), peer.host.clone())]);
    let server = TestServer::start(options(StoreKind::Sqlite, &peer)).await.unwrap();
    register(&server, KIM).await.unwrap();
    listener(&server, &peer, |_| {}).await.unwrap();
    peer.say(OUT, BUSY);
    logged_out(&server).await.unwrap();
    round(&server).await;
    round(&server).await;
    assert_eq!(peer.asked().len(), 1, "not before it is due");
    let server = server.restart(settings).await.unwrap();
    server.clock.advance(Span::seconds(30));
    peer.say(OUT, "204 No Content");
    round(&server).await;
    let tokens: Vec<Value> = peer.asked().iter().map(|asked| claims(logout_token(asked))).collect();
    assert_eq!(tokens.len(), 2);
    assert_eq!(tokens[0]["sid"], tokens[1]["sid"]);
    assert_ne!(tokens[0]["jti"], tokens[1]["jti"]);
    assert_ne!(tokens[0]["exp"], tokens[1]["exp"]);
    server.clock.advance(Span::days(2));
    round(&server).await;
    assert_eq!(peer.asked().len(), 2, "it knows");
}

#[tokio::test]
async fn oau_73_a_client_is_given_up_at_last_and_at_once_when_it_refuses_or_is_gone() {
    on_every_store(async |server, peer| {
        register(&server, KIM).await?;
        listener(&server, &peer, |_| {}).await?;
        let elsewhere = ("302 Found", TRIES);
        for (over, (status, tries)) in
            [("400 Bad Request", 1), (BUSY, TRIES), elsewhere].into_iter().enumerate()
        {
            let before = peer.asked().len();
            peer.say(OUT, status);
            logged_out(&server).await?;
            for attempt in 0..TRIES {
                round(&server).await;
                server.clock.advance(Span::seconds(30 << attempt));
            }
            round(&server).await;
            assert_eq!(peer.asked().len() - before, usize::try_from(tries)?, "{status}");
            assert_eq!(server.audited("logout.told").await?, over + 1, "{status}");
        }
        let before = peer.asked().len();
        logged_out(&server).await?;
        round(&server).await;
        server.clock.advance(Span::days(1));
        round(&server).await;
        assert_eq!(peer.asked().len() - before, 1, "what is a day old is not told");
        logged_out(&server).await?;
        operate(&server, Command::Client(ClientCommand::Disable { client: "notes".to_owned() })).await?;
        round(&server).await;
        assert_eq!(peer.asked().len() - before, 1, "whom an operator closed is told nothing");
        assert_eq!(server.audited("logout.told").await?, 5);
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn oau_73_a_client_that_never_answers_holds_up_neither_the_logout_nor_the_other_clients() {
    let peer = Peer::start().await.unwrap();
    let server = TestServer::start(options(StoreKind::Memory, &peer)).await.unwrap();
    register(&server, KIM).await.unwrap();
    listener(&server, &peer, |_| {}).await.unwrap();
    let other = |client: &mut Registered| {
        client.id = ClientId::parse("other").unwrap();
        client.metadata.backchannel_logout_uri = Some(peer.at("/other"));
    };
    listener(&server, &peer, other).await.unwrap();
    peer.hold(OUT);
    peer.say("/other", "200 OK");
    let jobs = Jobs::start(&server.app);
    for times in 1..=3 {
        let mut browser = browser(&server, KIM).await.unwrap();
        id_token(&server, &mut browser).await.unwrap();
        let asked = [("scope", "openid"), ("client_id", "other")];
        let code = code(&mut browser, &asked).await.unwrap();
        assert_eq!(redeem(&server, &code, &asked[1..]).await.unwrap().status, StatusCode::OK);
        assert!(browser.form("/logout", &[]).await.unwrap().body.contains("You are signed out"));
        // Whoever waits for the first one never gets here.
        assert_eq!(peer.heard("/other", times).await.len(), times);
        assert_eq!(peer.heard(OUT, 1).await.len(), 1, "it is asked for one thing at a time");
        server.clock.advance(Span::seconds(1));
    }
    jobs.stop(&server.app).await;
}
