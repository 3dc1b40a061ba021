//! What an account let apps do, and how it takes that back.

use anyhow::ensure;
use countersign_testkit::on_every_store;

use crate::people::member;
use crate::support::{KIM, LEE};

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
