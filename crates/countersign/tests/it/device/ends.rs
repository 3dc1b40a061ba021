//! A yes lasts no longer than what it came from, and what it was given is taken back like anything else (I1).

use countersign_core::Span;
use countersign_core::account::change::Change;
use countersign_server::admin::Command;
use countersign_testkit::{Client, Tokens, on_every_store};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::*;
use crate::support::*;

#[tokio::test]
async fn i1_nothing_comes_of_a_yes_whose_session_account_or_consent_is_over() {
    on_every_store(async |server| {
        tv(&server, json!({})).await?;
        let table = [
            ("logout", "invalid_grant"),
            ("disable", "access_denied"),
            ("password", "access_denied"),
            ("withdrawal", "access_denied"),
            ("everything", "invalid_grant"),
        ];
        for (number, (end, expected)) in table.into_iter().enumerate() {
            let email = format!("person{number}@example.org");
            register(&server, &email).await?;
            let mut person = browser(&server, &email).await?;
            let codes = codes(&server, &[]).await?;
            allow(&mut person, &codes.user).await?;
            match end {
                "logout" => {
                    person.json(Method::DELETE, "/api/v1/session", &Value::Null).await?;
                }
                "disable" => server.change_account(&email, Change::Disable).await?,
                "password" => {
                    let body = json!({ "current": PASSWORD, "new": OTHER_PASSWORD });
                    let changed = person.json(Method::PUT, "/api/v1/password", &body).await?;
                    assert_eq!(changed.status, StatusCode::NO_CONTENT);
                }
                "withdrawal" => {
                    let removed = person.form("/account/apps/remove", &[("client", "tv")]).await?;
                    assert_eq!(removed.status, StatusCode::SEE_OTHER);
                }
                _ => {
                    operate(&server, Command::RevokeEverything).await?;
                }
            }
            assert_eq!(told(&server, &codes).await?, expected, "{end}");
        }
        assert_eq!(server.audited("grant.opened").await?, 0);
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn i1_a_device_with_offline_access_outlives_the_login_that_let_it_in_until_it_is_removed() {
    on_every_store(async |server| {
        register(&server, KIM).await?;
        tv(&server, json!({})).await?;
        let mut kim = browser(&server, KIM).await?;
        let codes = codes(&server, &[]).await?;
        allow(&mut kim, &codes.user).await?;
        let tokens = Tokens::of(&poll(&server, &codes.device, &[]).await?)?;
        kim.json(Method::DELETE, "/api/v1/session", &Value::Null).await?;
        server.clock.advance(Span::days(3));
        let refresh = async |token: &str| {
            let fields = [("grant_type", "refresh_token"), ("client_id", "tv"), ("refresh_token", token)];
            Client::tool(&server).form("/oauth2/token", &fields).await
        };
        let later = Tokens::of(&refresh(&tokens.refresh).await?)?;
        let mut again = browser(&server, KIM).await?;
        let apps = again.get("/account/apps").await?;
        assert!(apps.body.contains("Notes for TV"), "{}", apps.body);
        again.form("/account/apps/remove", &[("client", "tv")]).await?;
        assert_eq!(error(&refresh(&later.refresh).await?)?, "invalid_grant");
        Ok(())
    })
    .await;
}
