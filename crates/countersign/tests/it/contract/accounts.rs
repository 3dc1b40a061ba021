//! Accounts: registered, verified, their passwords changed.

use countersign_core::Span;
use countersign_testkit::Client;
use reqwest::{Method, StatusCode};
use serde_json::json;

use super::{assert_accepted, assert_empty, assert_problem, member, server};
use crate::support::{KIM, LOGIN, OTHER_PASSWORD, PASSWORD, SESSION};

#[tokio::test]
async fn registering_and_verifying() -> anyhow::Result<()> {
    let server = server().await?;
    let mut kim = Client::browser(&server);
    let body = json!({ "email": "Kim@Example.org", "password": PASSWORD, "name": "김민지", "locale": "ko" });
    let answer = kim.json(Method::POST, "/api/v1/accounts", &body).await?;
    assert_accepted(&answer);
    assert_eq!(answer.cookies().len(), 1);
    let cookie = answer.cookies()[0];
    assert!(cookie.starts_with(&format!("{LOGIN}=")) && cookie.ends_with("; Max-Age=86400"), "{cookie}");

    let mail = kim.newest_mail("Kim@example.org").await?;
    let body = json!({ "email": "kim@example.org", "code": mail["code"] });
    assert_empty(&kim.json(Method::POST, "/api/v1/accounts/verify", &body).await?);
    let answer = kim.json(Method::POST, "/api/v1/accounts/verify", &body).await?;
    assert_problem(&answer, StatusCode::UNAUTHORIZED, "invalid_token", &[]);
    kim.log_in("KIM@example.org", PASSWORD).await?;
    let account = kim.get("/api/v1/session").await?.json()["account"].clone();
    assert_eq!((&account["name"], &account["locale"]), (&json!("김민지"), &json!("ko")));
    assert_eq!(account["email"], "Kim@Example.org", "as its owner wrote it");
    Ok(())
}

#[tokio::test]
async fn verifying_elsewhere_asks_for_the_password() -> anyhow::Result<()> {
    let server = server().await?;
    let mut kim = Client::browser(&server);
    let body = json!({ "email": KIM, "password": PASSWORD });
    kim.json(Method::POST, "/api/v1/accounts", &body).await?;
    let mail = kim.newest_mail(KIM).await?;
    let token = mail["links"][0].as_str().and_then(|link| link.split_once("token=")).unwrap().1;
    let mut elsewhere = Client::browser(&server);
    let answer = elsewhere.json(Method::POST, "/api/v1/accounts/verify", &json!({ "token": token })).await?;
    let errors = [("password", "password_required")];
    assert_problem(&answer, StatusCode::BAD_REQUEST, "invalid_request", &errors);
    let body = json!({ "token": token, "password": PASSWORD });
    assert_empty(&elsewhere.json(Method::POST, "/api/v1/accounts/verify", &body).await?);
    Ok(())
}

#[tokio::test]
async fn passwords_are_changed_recovered_and_reset() -> anyhow::Result<()> {
    let server = server().await?;
    let mut kim = member(&server).await?;
    kim.log_in(KIM, PASSWORD).await?;
    let change = |current: &str, new: &str| json!({ "current": current, "new": new });
    for (body, code, errors) in [
        (change("wrong", OTHER_PASSWORD), "invalid_request", [("current", "current_wrong")]),
        (change(PASSWORD, PASSWORD), "password_rejected", [("new", "same")]),
        (change(PASSWORD, "short"), "password_rejected", [("new", "too_short")]),
        (change(PASSWORD, "password123"), "password_rejected", [("new", "common")]),
    ] {
        let answer = kim.json(Method::PUT, "/api/v1/password", &body).await?;
        assert_problem(&answer, StatusCode::BAD_REQUEST, code, &errors);
    }
    let body = change(PASSWORD, OTHER_PASSWORD);
    let answer = kim.json(Method::PUT, "/api/v1/password", &body).await?;
    assert_empty(&answer);
    assert!(answer.cookies()[0].starts_with(&format!("{SESSION}=")), "a new secret");

    server.clock.advance(Span::seconds(1));
    assert_accepted(&kim.json(Method::POST, "/api/v1/recover", &json!({ "email": KIM })).await?);
    let unknown = kim.json(Method::POST, "/api/v1/recover", &json!({ "email": "no@example.org" })).await?;
    assert_accepted(&unknown);
    let mail = kim.newest_mail(KIM).await?;
    let token = mail["links"][0].as_str().and_then(|link| link.split_once("/reset?token=")).unwrap().1;
    let body = json!({ "token": token, "password": PASSWORD });
    assert_empty(&kim.json(Method::POST, "/api/v1/reset", &body).await?);
    let again = kim.json(Method::POST, "/api/v1/reset", &body).await?;
    assert_problem(&again, StatusCode::UNAUTHORIZED, "invalid_token", &[]);
    Ok(())
}
