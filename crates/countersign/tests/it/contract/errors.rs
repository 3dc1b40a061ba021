//! Refusals: one document, stable codes.

use countersign_testkit::{Answer, Client};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{assert_problem, member, server};
use crate::support::{KIM, OTHER_PASSWORD, PASSWORD};

#[tokio::test]
async fn every_input_error_names_its_field() -> anyhow::Result<()> {
    let server = server().await?;
    let mut kim = Client::browser(&server);
    for (path, body, code, errors) in [
        (
            "/api/v1/accounts",
            json!({ "email": "no", "password": PASSWORD }),
            "invalid_request",
            ("email", "email_invalid"),
        ),
        (
            "/api/v1/accounts",
            json!({ "email": KIM, "password": "short" }),
            "password_rejected",
            ("password", "too_short"),
        ),
        (
            "/api/v1/accounts",
            json!({ "email": KIM, "password": PASSWORD, "locale": "fr" }),
            "invalid_request",
            ("locale", "locale_unknown"),
        ),
        (
            "/api/v1/accounts",
            json!({ "email": 5, "password": PASSWORD }),
            "invalid_request",
            ("email", "invalid"),
        ),
        (
            "/api/v1/accounts/verify",
            json!({ "email": KIM, "code": "12345" }),
            "invalid_request",
            ("code", "code_invalid"),
        ),
        ("/api/v1/recover", json!({ "email": "@" }), "invalid_request", ("email", "email_invalid")),
        (
            "/api/v1/login",
            json!({ "identifier": KIM, "password": PASSWORD, "deliver": "fax" }),
            "invalid_request",
            ("deliver", "invalid"),
        ),
        (
            "/api/v1/login",
            json!({ "identifier": KIM, "password": PASSWORD, "deliver": "token", "resource": "x" }),
            "invalid_request",
            ("resource", "resource_invalid"),
        ),
    ] {
        let answer = kim.json(Method::POST, path, &body).await?;
        assert_problem(&answer, StatusCode::BAD_REQUEST, code, &[errors]);
    }
    let body = json!({ "identifier": KIM, "password": PASSWORD, "deliver": "cookie" });
    let answer = kim.json(Method::POST, "/api/v1/login", &body).await?;
    assert_problem(&answer, StatusCode::UNAUTHORIZED, "invalid_credentials", &[]);
    Ok(())
}

/// Every route that reads JSON, with a body that it takes.
fn bodies() -> [(Method, &'static str, Value); 6] {
    [
        (Method::POST, "/api/v1/accounts", json!({ "email": KIM, "password": PASSWORD })),
        (Method::POST, "/api/v1/accounts/verify", json!({ "email": KIM, "code": "123456" })),
        (
            Method::POST,
            "/api/v1/login",
            json!({ "identifier": KIM, "password": PASSWORD, "deliver": "cookie" }),
        ),
        (Method::POST, "/api/v1/recover", json!({ "email": KIM })),
        (Method::POST, "/api/v1/reset", json!({ "token": "x", "password": PASSWORD })),
        (Method::PUT, "/api/v1/password", json!({ "current": PASSWORD, "new": OTHER_PASSWORD })),
    ]
}

#[tokio::test]
async fn unknown_missing_and_mistyped_fields_are_refused_everywhere() -> anyhow::Result<()> {
    let server = server().await?;
    let mut kim = member(&server).await?;
    kim.log_in(KIM, PASSWORD).await?;
    for (method, path, body) in bodies() {
        let mut more = body.clone();
        more["is_admin"] = json!(true);
        let by_position: Value =
            body.as_object().map(|body| body.values().cloned().collect()).unwrap_or_default();
        let answer = kim.json(method.clone(), path, &more).await?;
        assert_problem(&answer, StatusCode::BAD_REQUEST, "invalid_request", &[("is_admin", "invalid")]);
        for wrong in [json!({}), by_position, json!("text"), json!(null)] {
            let answer = kim.json(method.clone(), path, &wrong).await?;
            assert_problem(&answer, StatusCode::BAD_REQUEST, "invalid_request", &[]);
        }
        let form = kim.request(method.clone(), path).form(&[("email", KIM)]);
        let answer = kim.send(form).await?;
        assert_problem(&answer, StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", &[]);
        let large = kim.request(method, path).json(&json!({ "email": "a".repeat(70_000) }));
        let answer = kim.send(large).await?;
        assert_problem(&answer, StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large", &[]);
    }
    Ok(())
}

#[tokio::test]
async fn what_the_api_does_not_have_is_said_in_its_own_words() -> anyhow::Result<()> {
    let server = server().await?;
    let mut kim = Client::browser(&server);
    for path in ["/api/v1/nothing", "/api/v2/session", "/api/v1/session/", "/api/nothing"] {
        assert_problem(&kim.get(path).await?, StatusCode::NOT_FOUND, "not_found", &[]);
    }
    // A preflight of a route of the cookie face is a method like any other that the route does not have.
    for path in
        ["/api/v1/accounts", "/api/v1/accounts/verify", "/api/v1/login", "/api/v1/recover", "/api/v1/reset"]
    {
        for method in [Method::OPTIONS, Method::GET, Method::PUT] {
            let answer = kim.send(kim.request(method.clone(), path)).await?;
            assert_problem(&answer, StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", &[]);
            assert_eq!(answer.header("allow"), "POST", "{method} {path}");
        }
    }
    let foreign =
        Client::tool(&server).request(Method::POST, "/api/v1/login").header("sec-fetch-site", "cross-site");
    let answer = Answer::read(foreign.json(&json!({})).send().await?).await?;
    assert_problem(&answer, StatusCode::FORBIDDEN, "csrf", &[]);
    let elsewhere = kim.request(Method::GET, "/api/v1/session").header("host", "evil.example");
    let answer = kim.send(elsewhere).await?;
    assert_problem(&answer, StatusCode::MISDIRECTED_REQUEST, "wrong_host", &[]);
    Ok(())
}
