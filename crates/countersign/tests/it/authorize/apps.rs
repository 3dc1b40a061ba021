//! What an account let apps do, and how it takes that back.

use anyhow::ensure;
use countersign_testkit::{Client, Tokens, on_every_store};
use reqwest::{Method, StatusCode};

use crate::codes::{code, redeem, refresh};
use crate::people::member;
use crate::status_lists::revoked;
use crate::support::{KIM, LEE, by_cookie};

use super::{add_client, answer, error, request, told, visit};

#[tokio::test]
async fn what_was_allowed_is_listed_and_taken_back_by_its_account_alone() {
    on_every_store(async |server| {
        add_client(&server, |client| client.metadata.client_name = Some("<b>Notes</b>".to_owned())).await?;
        let (mut kim, mut lee) = (member(&server, KIM).await?, member(&server, LEE).await?);
        ensure!(kim.get("/account/apps").await?.body.contains("No app uses your account"));
        for browser in [&mut kim, &mut lee] {
            let question = visit(browser, &request(&[])).await?;
            told(&answer(browser, &question, "allow").await?)?;
        }
        let listed = kim.get("/account/apps").await?.body;
        ensure!(
            listed.contains("&#60;b&#62;Notes") && listed.contains("openid") && !listed.contains("<b>Notes")
        );
        let removed = kim.form("/account/apps/remove", &[("client", "notes")]).await?;
        ensure!(removed.location() == "/account/apps?removed=1");
        ensure!(kim.get("/account/apps?removed=1").await?.body.contains("Access removed"));
        ensure!(kim.get("/account/apps").await?.body.contains("No app uses your account"));
        ensure!(error(&kim.get(&request(&[("prompt", "none")])).await?)? == "consent_required");
        ensure!(told(&lee.get(&request(&[("prompt", "none")])).await?)?.contains_key("code"), "Lee's stays");
        ensure!(
            server.audited("consent.given").await? == 2 && server.audited("consent.withdrawn").await? == 1
        );
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn i1_oau_19_what_is_taken_back_ends_with_all_that_came_of_it() {
    on_every_store(async |server| {
        add_client(&server, |_| ()).await?;
        let mut browser = member(&server, KIM).await?;
        let scope = &[("scope", "openid offline_access")];
        let question = visit(&mut browser, &request(scope)).await?;
        let first = told(&answer(&mut browser, &question, "allow").await?)?;
        let offline = Tokens::of(&redeem(&server, &first["code"], &[]).await?)?;
        let of_session = code(&mut browser, &[("scope", "openid")]).await?;
        let of_session = Tokens::of(&redeem(&server, &of_session, &[]).await?)?;
        let waiting = code(&mut browser, &[("scope", "openid")]).await?;
        browser.form("/account/apps/remove", &[("client", "notes")]).await?;
        ensure!(redeem(&server, &waiting, &[]).await?.json()["error"] == "invalid_grant", "the code lives");
        for tokens in [offline, of_session] {
            let status =
                Client::tool(&server).bearer(Method::GET, "/oauth2/userinfo", &tokens.access).await?;
            ensure!(status.status == StatusCode::UNAUTHORIZED, "an access token lives");
            ensure!(refresh(&server, &tokens.refresh).await?.json()["error"] == "invalid_grant");
            ensure!(revoked(&server, &tokens.access).await?, "whoever verifies offline is not told");
        }
        ensure!(by_cookie(&mut browser).await? == StatusCode::OK, "the session is the account's own");
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn claims_asked_for_one_by_one_are_asked_of_people_too() {
    on_every_store(async |server| {
        add_client(&server, |_| ()).await?;
        let mut browser = member(&server, KIM).await?;
        let question = visit(&mut browser, &request(&[])).await?;
        told(&answer(&mut browser, &question, "allow").await?)?;
        let sly = request(&[("claims", r#"{"userinfo":{"address":null}}"#)]);
        let question = visit(&mut browser, &sly).await?;
        ensure!(question.body.contains("See your postal address"), "{}", question.body);
        Ok(())
    })
    .await;
}
