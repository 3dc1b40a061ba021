//! What is refused, and where it is said.

use anyhow::ensure;
use countersign_core::client::{AuthMethod, GrantType, Profile};
use countersign_testkit::{Client, Options, StoreKind, TestServer};
use reqwest::{Method, StatusCode};

use crate::people::member;
use crate::support::KIM;

use super::{CALLBACK, add_client, error, request, told, visit};

async fn server() -> anyhow::Result<TestServer> {
    TestServer::start(Options::on(StoreKind::Memory)).await
}

/// A page of ours, no redirect, nothing of what was sent in it that a browser could run.
async fn is_a_page(browser: &mut Client, path: &str) -> anyhow::Result<()> {
    let answer = browser.get(path).await?;
    ensure!(answer.status == StatusCode::BAD_REQUEST, "{path}: {} {}", answer.status, answer.location());
    ensure!(answer.body.contains("Something went wrong"), "{path}: {}", answer.body);
    ensure!(
        answer.location().is_empty() && !answer.body.contains("<script>alert"),
        "{path}: {}",
        answer.body
    );
    ensure!(!answer.body.contains("evil.example"), "{path} leads on: {}", answer.body);
    Ok(())
}

#[tokio::test]
async fn oau_01_oau_02_oau_03_oau_04_an_address_that_is_not_registered_gets_nothing() -> anyhow::Result<()> {
    let server = server().await?;
    add_client(&server, |_| ()).await?;
    let mut browser = member(&server, KIM).await?;
    for uri in [
        "https://evil.example/cb",
        "https://notes.example/cb/",
        "https://notes.example/cb?x=1",
        "https://notes.example/cb?code=x",
        "https://notes.example/cb#x",
        "https://notes.example:443/cb",
        "http://notes.example/cb",
        "https://notes.example/CB",
        "https://notes.example@evil.example/cb",
        "https://notes.example\\@evil.example/cb",
        "https://notes.example%40evil.example/cb",
        "https://notes.example.evil.example/cb",
        "https://evil.example/https://notes.example/cb",
        "//notes.example/cb",
        "javascript:alert(1)",
        "https://n\u{43e}tes.example/cb",
        "https://notes.example/cb\0",
        "https://notes.example/cb\r\nSet-Cookie: a=b",
        "",
    ] {
        for more in [
            &[("redirect_uri", uri)][..],
            &[("redirect_uri", uri), ("prompt", "none"), ("scope", "openid x\"")],
        ] {
            is_a_page(&mut browser, &request(more)).await?;
        }
    }
    for name in ["redirect_uri", "client_id", "state", "response_type", "scope", "foo"] {
        let twice = format!("{}&{name}=a&{name}=a", request(&[(name, "")]));
        is_a_page(&mut browser, &twice).await?;
    }
    is_a_page(&mut browser, &format!("{}&redirect_uri%5B%5D=x", request(&[("redirect_uri", "")]))).await?;
    Ok(())
}

#[tokio::test]
async fn oau_08_a_client_that_is_not_there_is_named_nowhere() -> anyhow::Result<()> {
    let server = server().await?;
    add_client(&server, |client| client.expires_at = Some(client.created_at)).await?;
    let mut browser = member(&server, KIM).await?;
    let many = "x".repeat(300);
    for id in ["notes", "other", "<script>alert(1)</script>", "a b", "countersign", "", &many] {
        is_a_page(&mut browser, &request(&[("client_id", id)])).await?;
    }
    Ok(())
}

#[tokio::test]
async fn oau_09_oau_10_oau_13_oau_14_oau_29_oau_78_what_a_client_asks_wrongly_it_is_told()
-> anyhow::Result<()> {
    let server = server().await?;
    add_client(&server, |client| {
        client.metadata.scope = Some("openid email offline_access".to_owned());
    })
    .await?;
    let mut browser = member(&server, KIM).await?;
    let long = "n".repeat(2049);
    let table: &[(&[(&str, &str)], &str)] = &[
        (&[("response_type", "token")], "unsupported_response_type"),
        (&[("response_type", "id_token token")], "unsupported_response_type"),
        (&[("response_type", "code token")], "unsupported_response_type"),
        (&[("response_type", "none")], "unsupported_response_type"),
        (&[("response_type", "")], "invalid_request"),
        (&[("response_mode", "fragment")], "invalid_request"),
        (&[("response_mode", "jwt")], "invalid_request"),
        (&[("response_mode", "web_message")], "invalid_request"),
        (&[("code_challenge", ""), ("code_challenge_method", "")], "invalid_request"),
        (&[("code_challenge_method", "plain")], "invalid_request"),
        (&[("code_challenge_method", "")], "invalid_request"),
        (&[("code_challenge", "x")], "invalid_request"),
        (&[("scope", "openid admin")], "invalid_scope"),
        (&[("scope", "openid profile")], "invalid_scope"),
        (&[("scope", "account")], "invalid_scope"),
        (&[("scope", "OPENID")], "invalid_scope"),
        (&[("scope", "\"openid\"")], "invalid_scope"),
        (&[("resource", "https://api.example")], "invalid_target"),
        (&[("resource", "https://api.example#x")], "invalid_target"),
        (&[("nonce", &long)], "invalid_request"),
        (&[("prompt", "none login")], "invalid_request"),
        (&[("prompt", "other")], "invalid_request"),
        (&[("max_age", "-1")], "invalid_request"),
        (&[("claims", "{")], "invalid_request"),
        (&[("dpop_jkt", "x")], "invalid_request"),
        (&[("request", "e30.e30.")], "request_not_supported"),
        (&[("request_uri", "https://notes.example/request.jwt")], "request_uri_not_supported"),
        (&[("registration", "{}")], "registration_not_supported"),
        (&[("id_token_hint", "x.y.z")], "invalid_request"),
    ];
    for (more, expected) in table {
        let answer = browser.get(&request(more)).await?;
        let said = told(&answer).map_err(|error| error.context(format!("{more:?}")))?;
        ensure!(said["error"] == *expected, "{more:?}: {said:?}");
        ensure!(said["state"] == "s-1" && said["iss"] == server.url, "{more:?}: {said:?}");
        ensure!(said.len() == 4 && said["error_description"].is_ascii(), "{more:?}: {said:?}");
    }
    Ok(())
}

#[tokio::test]
async fn oau_24_a_state_comes_back_exactly_or_the_request_goes_nowhere() -> anyhow::Result<()> {
    let server = server().await?;
    add_client(&server, |client| client.first_party = true).await?;
    let mut browser = member(&server, KIM).await?;
    let (longest, longer) = ("s".repeat(4096), "s".repeat(4097));
    for state in ["%00", "\0", "\u{1f600} a+b&c=d#e", "\"><script>alert(1)</script>", &longest] {
        let said = told(&browser.get(&request(&[("state", state)])).await?)?;
        ensure!(said["state"] == state && said.contains_key("code"), "{said:?}");
        let refused = told(&browser.get(&request(&[("state", state), ("scope", "x")])).await?)?;
        ensure!(refused["state"] == state && refused["error"] == "invalid_scope", "{refused:?}");
    }
    ensure!(!told(&browser.get(&request(&[("state", "")])).await?)?.contains_key("state"));
    is_a_page(&mut browser, &request(&[("state", &longer)])).await
}

#[tokio::test]
async fn who_has_no_use_for_a_code_gets_none_and_what_only_wishes_never_errs() -> anyhow::Result<()> {
    let server = server().await?;
    add_client(&server, |client| {
        client.profile = Profile::Oidc;
        client.first_party = true;
        client.metadata.token_endpoint_auth_method = AuthMethod::ClientSecretBasic;
    })
    .await?;
    add_client(&server, |client| {
        client.id = countersign_core::client::ClientId::parse("machine").unwrap();
        client.metadata.grant_types = vec![GrantType::ClientCredentials];
    })
    .await?;
    let mut browser = member(&server, KIM).await?;
    ensure!(error(&browser.get(&request(&[("client_id", "machine")])).await?)? == "unauthorized_client");
    // A client of OpenID Connect need not know PKCE, and unknown scopes are left out.
    let bare = [("code_challenge", ""), ("code_challenge_method", ""), ("scope", "openid unknown")];
    ensure!(told(&browser.get(&request(&bare)).await?)?.contains_key("code"));
    let nonce = "n".repeat(2000);
    let wishes = [
        ("display", "popup"),
        ("ui_locales", "se"),
        ("claims_locales", "se"),
        ("acr_values", "1 2"),
        ("login_hint", "<b>"),
        ("nonce", &*nonce),
        ("foo", "bar"),
    ];
    ensure!(told(&browser.get(&request(&wishes)).await?)?.contains_key("code"));
    Ok(())
}

#[tokio::test]
async fn oau_70_csr_12_the_endpoint_is_a_page_for_browsers_and_for_nobody_else() -> anyhow::Result<()> {
    let server = server().await?;
    add_client(&server, |_| ()).await?;
    let mut browser = member(&server, KIM).await?;
    for method in [Method::GET, Method::OPTIONS] {
        let asked = browser.request(method, &request(&[])).header("origin", "https://notes.example");
        let answer = browser.send(asked.header("access-control-request-method", "GET")).await?;
        for name in ["access-control-allow-origin", "access-control-allow-credentials"] {
            ensure!(answer.header(name).is_empty(), "{name}");
        }
    }
    let page = visit(&mut browser, &request(&[])).await?;
    ensure!(page.header("cross-origin-opener-policy") == "same-origin");
    ensure!(page.header("content-security-policy").contains("frame-ancestors 'none'"));
    ensure!(page.body.contains("consent-allow") && !page.body.contains(&format!("<img src=\"{CALLBACK}")));
    Ok(())
}
