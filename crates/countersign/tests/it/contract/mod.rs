//! What programs outside build on: paths, fields, codes, ids and words, exactly as the design spells them.

mod accounts;
mod errors;
mod outside;
mod sessions;

use countersign_testkit::{Answer, Client, Options, StoreKind, TestServer};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::{KIM, PASSWORD};

const ACCOUNT: [&str; 6] = ["created_at", "email", "email_verified", "id", "locale", "name"];
const SESSION_FIELDS: [&str; 13] = [
    "acr",
    "amr",
    "authenticated_at",
    "browser",
    "created_at",
    "current",
    "expires_at",
    "id",
    "idle_expires_at",
    "ip",
    "last_seen_at",
    "remember",
    "system",
];
const CHROME: &str =
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36";

async fn server() -> anyhow::Result<TestServer> {
    TestServer::start(Options::on(StoreKind::Memory)).await
}

async fn member(server: &TestServer) -> anyhow::Result<Client> {
    let mut kim = Client::browser(server);
    kim.register(KIM, PASSWORD).await?;
    Ok(kim)
}

/// The names in an object, sorted: these and no others.
fn fields(value: &Value) -> Vec<&str> {
    value.as_object().map(|object| object.keys().map(String::as_str).collect()).unwrap_or_default()
}

fn sorted<const N: usize>(mut names: [&'static str; N]) -> [&'static str; N] {
    names.sort_unstable();
    names
}

fn assert_json(answer: &Answer, status: StatusCode) {
    assert_eq!(answer.status, status, "{}", answer.body);
    assert_eq!(answer.header("content-type"), "application/json");
}

fn assert_empty(answer: &Answer) {
    assert_eq!((answer.status, answer.body.as_str()), (StatusCode::NO_CONTENT, ""));
}

fn assert_accepted(answer: &Answer) {
    assert_json(answer, StatusCode::ACCEPTED);
    assert_eq!(answer.body, "{}");
}

/// An error document: its status and code, the exact fields, and the codes of the fields that are wrong.
fn assert_problem(answer: &Answer, status: StatusCode, code: &str, errors: &[(&str, &str)]) {
    assert_eq!(answer.status, status, "{code}: {}", answer.body);
    assert_eq!(answer.header("content-type"), "application/problem+json", "{code}");
    let json = answer.json();
    let mut expected = vec!["code", "detail", "request_id", "status", "title", "type"];
    if !errors.is_empty() {
        expected.insert(2, "errors");
    }
    assert_eq!(fields(&json), expected, "{code}");
    assert_eq!((&json["status"], &json["code"]), (&json!(status.as_u16()), &json!(code)));
    assert_eq!(json["type"], "about:blank", "{code}");
    assert_eq!(json["request_id"], answer.header("x-request-id"), "{code}");
    for text in ["title", "detail"] {
        assert!(json[text].as_str().is_some_and(|text| !text.is_empty()), "{code}: {text}");
    }
    let listed = json["errors"].as_array().cloned().unwrap_or_default();
    for error in &listed {
        assert_eq!(fields(error), ["code", "detail", "field"], "{code}");
    }
    let listed: Vec<(&str, &str)> = listed
        .iter()
        .map(|error| (error["field"].as_str().unwrap_or(""), error["code"].as_str().unwrap_or("")))
        .collect();
    assert_eq!(listed, errors, "{code}");
}
