//! Logins, sessions and tokens.

use countersign_testkit::Client;
use reqwest::{Method, StatusCode};
use serde_json::json;

use super::{
    ACCOUNT, CHROME, SESSION_FIELDS, assert_empty, assert_json, assert_problem, fields, member, server,
    sorted,
};
use crate::support::{KIM, PASSWORD, SESSION};

#[tokio::test]
async fn logging_in_by_cookie_and_who_am_i() -> anyhow::Result<()> {
    let server = server().await?;
    let mut kim = member(&server).await?;
    let body = json!({ "identifier": KIM, "password": PASSWORD, "deliver": "cookie" });
    let request = kim.request(Method::POST, "/api/v1/login").header("user-agent", CHROME).json(&body);
    let answer = kim.send(request).await?;
    assert_json(&answer, StatusCode::OK);
    let json = answer.json();
    assert_eq!(fields(&json), ["account", "session"]);
    let cookie = answer.cookies()[0];
    assert!(cookie.starts_with(&format!("{SESSION}=")) && !cookie.contains("Max-Age"), "{cookie}");

    let who = kim.get("/api/v1/session").await?;
    assert_json(&who, StatusCode::OK);
    let who = who.json();
    assert_eq!(fields(&who), ["account", "face", "session"]);
    assert_eq!(who["face"], "cookie");
    let (account, session) = (&who["account"], &who["session"]);
    assert_eq!(fields(account), ACCOUNT);
    assert!(account["id"].as_str().unwrap().starts_with("acc_"));
    let expected = json!({ "id": account["id"], "email": KIM, "email_verified": true, "name": null, "locale": "en",
        "created_at": "2026-11-24T09:00:00Z" });
    assert_eq!(*account, expected);
    assert_eq!(fields(session), SESSION_FIELDS);
    assert!(session["id"].as_str().unwrap().starts_with("ses_"));
    let expected = json!({ "id": session["id"], "created_at": "2026-11-24T09:00:00Z",
        "authenticated_at": "2026-11-24T09:00:00Z", "last_seen_at": "2026-11-24T09:00:00Z",
        "idle_expires_at": "2026-11-24T11:00:00Z", "expires_at": "2026-11-25T09:00:00Z", "amr": ["pwd"], "acr": "aal1",
        "remember": false, "current": true, "browser": "Chrome", "system": "Linux", "ip": "127.0.0.1" });
    assert_eq!(*session, expected);
    assert_eq!((&json["account"], &json["session"]), (account, session), "a login answers the same");
    Ok(())
}

#[tokio::test]
async fn a_remembered_login_has_its_own_ends_and_a_cookie_that_lasts() -> anyhow::Result<()> {
    let server = server().await?;
    let mut kim = member(&server).await?;
    let body = json!({ "identifier": KIM, "password": PASSWORD, "deliver": "cookie", "remember": true });
    let answer = kim.json(Method::POST, "/api/v1/login", &body).await?;
    assert!(answer.cookies()[0].ends_with("; Max-Age=5184000"), "{:?}", answer.cookies());
    let session = answer.json()["session"].clone();
    assert_eq!(session["remember"], true);
    assert_eq!(session["idle_expires_at"], "2026-12-08T09:00:00Z");
    assert_eq!(session["expires_at"], "2027-01-23T09:00:00Z");
    let by_form = [("username", KIM), ("password", PASSWORD), ("remember", "on")];
    let answer = kim.form("/login", &by_form).await?;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert!(answer.cookies()[0].ends_with("; Max-Age=5184000"), "{:?}", answer.cookies());
    Ok(())
}

#[tokio::test]
async fn logging_in_for_tokens_and_refreshing() -> anyhow::Result<()> {
    let server = server().await?;
    let mut kim = member(&server).await?;
    let body = json!({ "identifier": KIM, "password": PASSWORD, "deliver": "token" });
    let answer = kim.json(Method::POST, "/api/v1/login", &body).await?;
    let mut tokens = answer;
    for _ in 0..2 {
        assert_json(&tokens, StatusCode::OK);
        assert_eq!(tokens.header("cache-control"), "no-store");
        assert!(tokens.cookies().is_empty());
        let json = tokens.json();
        let expected = sorted(["access_token", "token_type", "expires_in", "refresh_token", "scope"]);
        assert_eq!(fields(&json), expected);
        assert_eq!((&json["token_type"], &json["expires_in"]), (&json!("Bearer"), &json!(300)));
        let scopes: Vec<&str> = json["scope"].as_str().unwrap().split(' ').collect();
        assert!(scopes.contains(&"account"), "{scopes:?}");
        let refresh = json["refresh_token"].as_str().unwrap();
        assert!(refresh.starts_with("cs_rt_"));
        let access = json["access_token"].as_str().unwrap();
        let who = kim.bearer(Method::GET, "/api/v1/session", access).await?.json();
        assert_eq!((&who["face"], fields(&who["session"])), (&json!("token"), SESSION_FIELDS.to_vec()));
        tokens = kim.refresh(refresh).await?;
    }
    let refused = kim.refresh("cs_rt_no").await?;
    assert_json(&refused, StatusCode::BAD_REQUEST);
    assert_eq!(fields(&refused.json()), ["error", "error_description"]);
    assert_eq!(refused.json()["error"], "invalid_grant");
    Ok(())
}

#[tokio::test]
async fn sessions_are_listed_and_ended() -> anyhow::Result<()> {
    let server = server().await?;
    let mut kim = member(&server).await?;
    let mut other = Client::browser(&server);
    kim.log_in(KIM, PASSWORD).await?;
    let other_id = other.log_in(KIM, PASSWORD).await?.json()["session"]["id"].clone();
    let list = kim.get("/api/v1/sessions").await?;
    assert_json(&list, StatusCode::OK);
    assert_eq!(fields(&list.json()), ["sessions"]);
    let sessions = list.json()["sessions"].as_array().unwrap().clone();
    assert_eq!(sessions.len(), 2);
    assert!(sessions.iter().all(|session| fields(session) == SESSION_FIELDS));
    assert_eq!(sessions.iter().filter(|session| session["current"] == true).count(), 1);

    let path = format!("/api/v1/sessions/{}", other_id.as_str().unwrap());
    assert_empty(&kim.send(kim.request(Method::DELETE, &path)).await?);
    let gone = kim.send(kim.request(Method::DELETE, &path)).await?;
    assert_problem(&gone, StatusCode::NOT_FOUND, "not_found", &[]);
    other.log_in(KIM, PASSWORD).await?;
    assert_empty(&kim.send(kim.request(Method::DELETE, "/api/v1/sessions")).await?);
    assert_eq!(other.get("/api/v1/session").await?.status, StatusCode::UNAUTHORIZED);

    let out = kim.send(kim.request(Method::DELETE, "/api/v1/session")).await?;
    assert_empty(&out);
    assert_eq!(out.header("clear-site-data"), "\"cache\", \"storage\"");
    assert!(out.cookies()[0].ends_with("; Max-Age=0"), "{:?}", out.cookies());
    let who = kim.get("/api/v1/session").await?;
    assert_problem(&who, StatusCode::UNAUTHORIZED, "invalid_token", &[]);
    assert_eq!(who.header("www-authenticate"), "Bearer");
    Ok(())
}
