//! Logouts that a client asks for (attack OAU-72).

use countersign_core::Span;
use countersign_core::client::Profile;
use countersign_core::key::Alg;
use countersign_server::admin::Command;
use countersign_server::jobs;
use countersign_testkit::{Client, TestServer, on_every_store};
use reqwest::StatusCode;
use serde_json::json;

use crate::authorize::add_client;
use crate::codes::{code, redeem};
use crate::support::*;

const PATH: &str = "/oauth2/logout";
const URI: &str = "https%3A%2F%2Fnotes.example%2Fout";

#[tokio::test]
async fn oau_72_without_a_hint_a_page_asks_and_nobody_is_led_elsewhere() {
    on_every_store(async |server| {
        register(&server, KIM).await?;
        let metadata = json!({ "post_logout_redirect_uris": ["https://notes.example/out"] });
        server.add_client("notes", Profile::Oidc, &metadata, Some("secret of notes")).await?;
        let mut browser = Client::browser(&server);
        let page = browser.get(&format!("{PATH}?post_logout_redirect_uri={URI}&client_id=notes")).await?;
        assert_eq!(page.status, StatusCode::OK);
        assert!(page.body.contains("You are signed out"));
        browser.log_in(KIM, PASSWORD).await?;
        for query in ["", "?state=x", &format!("?post_logout_redirect_uri={URI}&client_id=notes")] {
            let answer = browser.get(&format!("{PATH}{query}")).await?;
            assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, "/logout"), "{query}");
        }
        assert!(browser.get("/logout").await?.body.contains("id=\"logout-confirm\""));
        for hint in ["x", "a.b.c", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0."] {
            let answer =
                browser.get(&format!("{PATH}?id_token_hint={hint}&post_logout_redirect_uri={URI}")).await?;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{hint}");
            assert!(answer.body.contains("Something went wrong"));
        }
        let form =
            [("post_logout_redirect_uri", "https://notes.example/out"), ("state", "a b"), ("other", "x")];
        let posted = browser.form(PATH, &form).await?;
        let to = posted.location();
        assert!(
            posted.status == StatusCode::SEE_OTHER && to.starts_with(&format!("{PATH}?continue=")),
            "{to}"
        );
        assert!(!to.contains("notes.example") && !to.contains("a+b"), "what a form says is in no URL: {to}");
        assert_eq!(browser.get(to).await?.location(), "/logout");
        let hint = browser.form(PATH, &[("id_token_hint", "x")]).await?;
        assert_eq!(browser.get(hint.location()).await?.status, StatusCode::BAD_REQUEST, "it is heard");
        for wrong in [format!("{PATH}?continue=x"), format!("{PATH}?continue="), format!("{to}A")] {
            assert_eq!(browser.get(&wrong).await?.status, StatusCode::BAD_REQUEST, "{wrong}");
        }
        server.clock.advance(Span::minutes(10));
        assert_eq!(browser.get(to).await?.status, StatusCode::BAD_REQUEST, "it is too old");
        assert_eq!(browser.get("/api/v1/session").await?.status, StatusCode::OK, "nothing ended");
        Ok(())
    })
    .await;
}

/// An ID token of this browser's session.
async fn id_token(server: &TestServer, browser: &mut Client) -> anyhow::Result<String> {
    let code = code(browser, &[]).await?;
    let answer = redeem(server, &code, &[]).await?;
    Ok(answer.json()["id_token"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn oau_72_jwt_34_a_retired_keys_id_token_is_a_hint_and_a_stolen_keys_is_none() {
    on_every_store(async |server| {
        register(&server, KIM).await?;
        add_client(&server, |client| {
            client.first_party = true;
            client.metadata.id_token_signed_response_alg = Alg::EdDsa;
        })
        .await?;
        let hint = id_token(&server, &mut browser(&server, KIM).await?).await?;
        for wait in [Span::ZERO, Span::hours(24), Span::hours(48)] {
            server.clock.advance(wait);
            operate(&server, Command::KeysRotate { now: false }).await?;
            jobs::keys::step(server.app.clone()).await;
        }
        let mut nobody = Client::browser(&server);
        let ask = async |browser: &mut Client, hint: &str| {
            browser.get(&format!("{PATH}?id_token_hint={hint}")).await.map(|answer| answer.status)
        };
        let jwks = nobody.get("/.well-known/jwks.json").await?.body;
        let kid = |token: &str| claims(&format!(".{token}"))["kid"].as_str().unwrap_or("none").to_owned();
        assert!(!jwks.contains(&kid(&hint)), "retired");
        assert_eq!(ask(&mut nobody, &hint).await?, StatusCode::OK);
        let mut browser = browser(&server, KIM).await?;
        let newer = id_token(&server, &mut browser).await?;
        assert_ne!(kid(&newer), kid(&hint));
        operate(&server, Command::KeysRotate { now: true }).await?;
        assert_eq!(ask(&mut browser, &newer).await?, StatusCode::BAD_REQUEST);
        assert_eq!(browser.get("/api/v1/session").await?.status, StatusCode::OK, "nothing ended");
        assert_eq!(
            ask(&mut nobody, &hint).await?,
            StatusCode::OK,
            "one that was retired before was not stolen"
        );
        Ok(())
    })
    .await;
}
