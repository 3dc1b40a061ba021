//! Answers that travel in a form (attack OAU-10).

use anyhow::ensure;
use countersign_testkit::{Client, Options, StoreKind, TestServer};
use reqwest::StatusCode;

use crate::people::member;
use crate::support::KIM;

use super::{add_client, request, visit};

#[tokio::test]
async fn oau_10_an_answer_in_a_form_is_escaped_and_leads_to_its_client_alone() -> anyhow::Result<()> {
    let server = TestServer::start(Options::on(StoreKind::Memory)).await?;
    add_client(&server, |client| client.first_party = true).await?;
    let mut browser = member(&server, KIM).await?;
    let state = "\"><script>alert(1)</script>'";
    for more in [("prompt", "none"), ("scope", "x")] {
        let asked = request(&[("response_mode", "form_post"), ("state", state), more]);
        let page = browser.get(&asked).await?;
        ensure!(page.status == StatusCode::OK && page.location().is_empty());
        ensure!(
            page.body.contains("<form method=\"post\" action=\"https://notes.example/cb\""),
            "{}",
            page.body
        );
        ensure!(
            page.body.contains("value=\"&#34;&#62;&#60;script&#62;alert(1)")
                && !page.body.contains("<script>")
        );
        ensure!(page.body.contains(&format!("name=\"iss\" value=\"{}\"", server.url)));
        let said =
            if more.0 == "prompt" { "name=\"code\" value=\"cs_ac_" } else { "value=\"invalid_scope\"" };
        ensure!(page.body.contains(said), "{}", page.body);
        let policy = page.header("content-security-policy");
        ensure!(
            policy.contains("form-action 'self' https://notes.example;")
                && policy.contains("script-src 'nonce-")
        );
        ensure!(page.header("cache-control") == "no-store");
    }
    let asked = request(&[("response_mode", "form_post"), ("redirect_uri", "https://evil.example")]);
    ensure!(visit(&mut Client::browser(&server), &asked).await?.status == StatusCode::BAD_REQUEST);
    Ok(())
}
