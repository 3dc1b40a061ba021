//! ID tokens as hints, and what they are signed with where nothing is said (JWT-34, OAU-31, OAU-72).

use anyhow::{Context, ensure};
use countersign_testkit::{Client, TestServer, on_every_store};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::authorize::{CALLBACK, error, request, told, visit};
use crate::codes::{code, own_client, redeem};
use crate::support::*;

/// An ID token that somebody's browser got for the client `notes`.
async fn id_token(server: &TestServer, browser: &mut Client) -> anyhow::Result<String> {
    let code = code(browser, &[]).await?;
    let answer = redeem(server, &code, &[]).await?.json();
    Ok(answer["id_token"].as_str().context("no ID token")?.to_owned())
}

fn header(token: &str) -> Value {
    use base64::Engine as _;
    let part = token.split('.').next().unwrap_or_default();
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(part).unwrap_or_default();
    serde_json::from_slice(&bytes).unwrap_or_default()
}

#[tokio::test]
async fn jwt_34_a_client_that_names_no_algorithm_gets_rs256_under_a_published_key() {
    on_every_store(async |server| {
        register(&server, KIM).await?;
        let described = json!({ "redirect_uris": [CALLBACK], "token_endpoint_auth_method": "none" });
        let mut tool = Client::tool(&server);
        let registered = tool.json(Method::POST, "/oauth2/register", &described).await?.json();
        ensure!(registered["id_token_signed_response_alg"] == "RS256", "{registered}");
        let id = registered["client_id"].as_str().context("no client")?;
        let mut browser = browser(&server, KIM).await?;
        let question = visit(&mut browser, &request(&[("client_id", id)])).await?;
        let allowed = crate::authorize::answer(&mut browser, &question, "allow").await?;
        let answer = redeem(&server, &told(&allowed)?["code"], &[("client_id", id)]).await?.json();
        let said = header(answer["id_token"].as_str().context("no ID token")?);
        let (alg, kid) = (&said["alg"], &said["kid"]);
        ensure!(alg == "RS256", "{said}");
        let keys = tool.get("/.well-known/jwks.json").await?.json();
        let keys = keys["keys"].as_array().context("no keys")?;
        ensure!(keys.iter().any(|key| key["kid"] == *kid && key["kty"] == "RSA"), "{said}");
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn oau_31_oau_72_a_hint_of_somebody_else_logs_nobody_in_and_nobody_out() {
    on_every_store(async |server| {
        for email in [KIM, LEE] {
            register(&server, email).await?;
        }
        own_client(&server).await?;
        let (mut kim, mut lee) = (browser(&server, KIM).await?, browser(&server, LEE).await?);
        let (own, hint) = (id_token(&server, &mut kim).await?, id_token(&server, &mut lee).await?);
        let asked = |hint| request(&[("prompt", "none"), ("id_token_hint", hint)]);
        ensure!(error(&kim.get(&asked(&hint)).await?)? == "login_required");
        ensure!(told(&kim.get(&asked(&own)).await?)?.contains_key("code"));
        let asks = visit(&mut kim, &request(&[("id_token_hint", &hint)])).await?;
        ensure!(asks.body.contains("login-submit"), "{}", asks.body);

        let answer = kim.get(&format!("/oauth2/logout?id_token_hint={hint}")).await?;
        ensure!(
            (answer.status, answer.location()) == (StatusCode::SEE_OTHER, "/logout"),
            "{}",
            answer.status
        );
        ensure!(kim.get("/logout").await?.body.contains("logout-confirm"));
        for browser in [&mut kim, &mut lee] {
            ensure!(by_cookie(browser).await? == StatusCode::OK, "nobody was logged out");
        }
        Ok(())
    })
    .await;
}
