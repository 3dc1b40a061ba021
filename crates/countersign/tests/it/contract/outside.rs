//! What tests and tools from outside look for: the inbox, words and ids of pages, the description of the API.

use std::collections::BTreeSet;

use countersign_core::Span;
use countersign_testkit::Client;
use reqwest::{Method, StatusCode};
use serde_json::json;

use super::{assert_json, fields, member, server, sorted};
use crate::support::{KIM, PASSWORD};

#[tokio::test]
async fn the_dev_inbox_is_json_for_who_asks_for_it_newest_first() -> anyhow::Result<()> {
    let server = server().await?;
    let mut kim = Client::browser(&server);
    let mut empty = kim.request(Method::GET, "/dev/inbox").header("accept", "application/json");
    for count in 0..3 {
        let answer = kim.send(empty).await?;
        assert_json(&answer, StatusCode::OK);
        let json = answer.json();
        assert_eq!(fields(&json), ["messages"]);
        let messages = json["messages"].as_array().unwrap();
        assert_eq!(messages.len(), count);
        for (place, message) in messages.iter().enumerate() {
            assert_eq!(fields(message), sorted(["to", "subject", "text", "links", "code"]));
            assert_eq!(message["to"], format!("kim{}@example.org", count - place));
            let (link, code) = (message["links"][0].as_str().unwrap(), message["code"].as_str().unwrap());
            assert!(link.starts_with(&format!("{}/verify?token=", server.url)), "{link}");
            assert!(code.len() == 6 && code.bytes().all(|digit| digit.is_ascii_digit()), "{code}");
            let text = message["text"].as_str().unwrap();
            assert!(text.contains(link) && text.contains(code), "{text}");
        }
        server.clock.advance(Span::seconds(1));
        let body = json!({ "email": format!("kim{}@example.org", count + 1), "password": PASSWORD });
        kim.json(Method::POST, "/api/v1/accounts", &body).await?;
        empty = kim.request(Method::GET, "/dev/inbox").header("accept", "application/json");
    }
    Ok(())
}

#[tokio::test]
async fn the_words_and_ids_that_tests_from_outside_read_are_on_the_pages() -> anyhow::Result<()> {
    let server = server().await?;
    let mut kim = member(&server).await?;
    let login = kim.get("/login").await?.body;
    for part in [
        "<h1>Sign in</h1>",
        "id=\"login-submit\"",
        "name=\"username\"",
        "name=\"password\"",
        "name=\"remember\"",
    ] {
        assert!(login.contains(part), "{part}");
    }
    kim.log_in(KIM, PASSWORD).await?;
    let logout = kim.get("/logout").await?.body;
    assert!(logout.contains("Sign out?") && logout.contains("id=\"logout-confirm\""), "{logout}");
    let out = kim.form("/logout", &[]).await?;
    assert!(out.status == StatusCode::OK && out.body.contains("You are signed out"), "{}", out.body);
    assert!(kim.get("/logout").await?.body.contains("You are signed out"));
    assert!(kim.get("/nothing").await?.body.contains("Something went wrong"));
    Ok(())
}

#[tokio::test]
async fn the_openapi_document_names_every_route_of_the_api() -> anyhow::Result<()> {
    let server = server().await?;
    let document = Client::tool(&server).get("/api/v1/openapi.json").await?.json();
    let described: BTreeSet<&str> = fields(&document["paths"]).into_iter().collect();
    let routes: BTreeSet<&str> = countersign_server::router::paths(true)
        .filter(|path| path.starts_with("/api/v1") && !path.ends_with("openapi.json"))
        .collect();
    assert!(routes.is_subset(&described), "{:?}", routes.difference(&described));
    Ok(())
}
