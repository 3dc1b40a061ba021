//! Addresses that a client, or somebody in its name, writes down: nobody is asked for what lies there (attacks OAU-54, OAU-63),
//! and strangers' documents fill nothing (OAU-59, DOS-04, DOS-07).

use anyhow::ensure;
use countersign_core::Span;
use countersign_testkit::peer::Peer;
use countersign_testkit::{Client, Options, StoreKind, TestServer};
use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::people::{at_once, member};
use crate::support::KIM;

use super::{CALLBACK, add_client, error, request, visit};

/// A server that may ask the peer for whatever it asks for at all.
async fn server(peer: &Peer, settings: &[(&str, &str)]) -> anyhow::Result<TestServer> {
    let options = Options::on(StoreKind::Sqlite).with("COUNTERSIGN_OUTBOUND_ALLOW", &peer.host);
    TestServer::start(settings.iter().fold(options, |options, (name, value)| options.with(name, value))).await
}

#[tokio::test]
async fn oau_54_a_request_uri_names_a_pushed_request_and_nothing_is_ever_fetched() -> anyhow::Result<()> {
    let peer = Peer::start().await?;
    peer.tell("/request", &json!({ "client_id": "notes" }));
    let server = server(&peer, &[]).await?;
    add_client(&server, |_| ()).await?;
    let mut browser = member(&server, KIM).await?;
    for uri in [&*peer.at("/request"), "https://notes.example/request#1", "http://169.254.169.254/", "x", ""]
    {
        // An empty parameter is left out (RFC 6749 section 3.1), and so is nothing refused.
        let answer = visit(&mut browser, &request(&[("request_uri", uri)])).await?;
        match uri {
            "" => ensure!(answer.body.contains("consent-allow"), "{}", answer.body),
            uri => ensure!(error(&answer)? == "request_uri_not_supported", "{uri}"),
        }
    }
    let forged = format!("urn:ietf:params:oauth:request_uri:{}", "A".repeat(43));
    let answer = visit(&mut browser, &request(&[("request_uri", &forged)])).await?;
    ensure!(answer.status == StatusCode::BAD_REQUEST && answer.location().is_empty(), "{}", answer.status);
    let fields = [("client_id", "notes"), ("request_uri", &*peer.at("/request"))];
    let pushed = Client::tool(&server).form("/oauth2/par", &fields).await?;
    ensure!(pushed.json()["error"] == "invalid_request", "{}", pushed.body);
    ensure!(peer.asked().is_empty(), "{:?}", peer.asked());
    Ok(())
}

#[tokio::test]
async fn oau_63_a_clients_picture_and_pages_are_neither_fetched_nor_shown() -> anyhow::Result<()> {
    let peer = Peer::start().await?;
    let server = server(&peer, &[]).await?;
    let members = ["logo_uri", "client_uri", "policy_uri", "tos_uri"];
    let mut described = json!({ "redirect_uris": [CALLBACK], "token_endpoint_auth_method": "none" });
    for member in members {
        described[member] = json!(peer.at(&format!("/{member}")));
    }
    let registered = Client::tool(&server).json(Method::POST, "/oauth2/register", &described).await?.json();
    ensure!(members.iter().all(|member| registered[*member] == described[*member]), "{registered}");
    let id = registered["client_id"].as_str().unwrap_or_default();
    let mut browser = member(&server, KIM).await?;
    let question = visit(&mut browser, &request(&[("client_id", id)])).await?;
    ensure!(question.body.contains("consent-allow"), "{}", question.body);
    let policy = question.header("content-security-policy");
    ensure!(policy.contains("default-src 'none'") && !policy.contains(&peer.host), "{policy}");
    let apps = {
        super::answer(&mut browser, &question, "allow").await?;
        browser.get("/account/apps").await?
    };
    for page in [question, apps] {
        ensure!(!page.body.contains(&peer.host), "{}", page.body);
    }
    server.run_jobs().await;
    ensure!(peer.asked().is_empty(), "{:?}", peer.asked());
    Ok(())
}

#[tokio::test]
async fn dos_04_dos_07_a_flood_of_documents_makes_no_more_clients_than_the_limit_and_they_end()
-> anyhow::Result<()> {
    let peer = Peer::start().await?;
    let settings =
        [("COUNTERSIGN_REGISTRATION_LIMIT", "3"), ("COUNTERSIGN_REGISTRATION_PER_ADDRESS", "1000")];
    let server = server(&peer, &settings).await?;
    let ask = async |name: String| {
        let id = peer.at(&format!("/{name}"));
        peer.tell(
            &format!("/{name}"),
            &json!({ "client_id": id, "client_name": name, "redirect_uris": [CALLBACK],
                "token_endpoint_auth_method": "none" }),
        );
        visit(&mut Client::browser(&server), &request(&[("client_id", &id)])).await
    };
    let mut statuses = Vec::new();
    for number in 0..8 {
        statuses.push(ask(format!("app{number}")).await?.status.as_u16());
    }
    ensure!(statuses == [200, 200, 200, 503, 503, 503, 503, 503], "{statuses:?}");
    ensure!(server.audited("client.created").await? == 3);
    // Those that are known go on, and end where nobody uses them.
    ensure!(ask("app1".to_owned()).await?.status == StatusCode::OK);
    server.clock.advance(Span::days(400));
    server.run_jobs().await;
    ensure!(server.audited("client.deleted").await? == 3);
    ensure!(ask("app9".to_owned()).await?.status == StatusCode::OK, "there is room again");
    Ok(())
}

#[tokio::test]
async fn dos_07_documents_that_come_all_at_once_are_bounded_as_well() -> anyhow::Result<()> {
    let peer = Peer::start().await?;
    let settings =
        [("COUNTERSIGN_REGISTRATION_LIMIT", "3"), ("COUNTERSIGN_REGISTRATION_PER_ADDRESS", "1000")];
    let server = server(&peer, &settings).await?;
    let browser = Client::browser(&server);
    at_once(20, |number| {
        let (path, mut browser) = (format!("/app{number}"), browser.clone());
        let id = peer.at(&path);
        let described =
            json!({ "client_id": id, "redirect_uris": [CALLBACK], "token_endpoint_auth_method": "none" });
        peer.tell(&path, &described);
        async move { visit(&mut browser, &request(&[("client_id", &id)])).await }
    })
    .await?;
    let made = server.audited("client.created").await?;
    ensure!((1..=3).contains(&made), "{made} clients were made");
    Ok(())
}
