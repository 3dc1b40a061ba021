//! What a client may want of the person (attack OAU-31).

use anyhow::{Context, ensure};
use countersign_core::Span;
use countersign_testkit::{Answer, Client, TestServer, on_every_store};
use reqwest::StatusCode;

use crate::people::member;
use crate::support::{KIM, LEE, PASSWORD, SESSION, register};

use super::{add_client, answer, error, follow, log_in, request, sealed, told, visit};

async fn own(server: &TestServer) -> anyhow::Result<()> {
    add_client(server, |client| client.first_party = true).await.map(drop)
}

async fn session(browser: &mut Client) -> anyhow::Result<(String, String)> {
    let told = browser.get("/api/v1/session").await?.json();
    let text = |name: &str| told["session"][name].as_str().map(str::to_owned).context("no session");
    Ok((text("id")?, text("authenticated_at")?))
}

fn is_login(answer: &Answer) -> bool {
    answer.status == StatusCode::OK && answer.body.contains("login-submit")
}

#[tokio::test]
async fn oau_31_prompt_none_never_shows_a_page() {
    on_every_store(async |server| {
        add_client(&server, |_| ()).await?;
        let mut stranger = Client::browser(&server);
        assert_eq!(error(&stranger.get(&request(&[("prompt", "none")])).await?)?, "login_required");
        let mut browser = member(&server, KIM).await?;
        assert_eq!(error(&browser.get(&request(&[("prompt", "none")])).await?)?, "consent_required");
        let question = visit(&mut browser, &request(&[])).await?;
        answer(&mut browser, &question, "allow").await?;
        server.clock.advance(Span::minutes(10));
        assert!(told(&browser.get(&request(&[("prompt", "none")])).await?)?.contains_key("code"));
        let old = [("prompt", "none"), ("max_age", "60")];
        assert_eq!(error(&browser.get(&request(&old)).await?)?, "login_required");
        let more = [("prompt", "none"), ("scope", "openid profile")];
        assert_eq!(error(&browser.get(&request(&more)).await?)?, "consent_required");
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn oau_31_a_new_login_proves_the_same_session_anew_under_a_new_secret() {
    on_every_store(async |server| {
        own(&server).await?;
        let mut browser = member(&server, KIM).await?;
        let (id, before) = session(&mut browser).await?;
        let secret = browser.cookie(SESSION).context("no cookie")?.to_owned();
        for more in [&[("prompt", "login")][..], &[("max_age", "60")], &[("max_age", "0")]] {
            server.clock.advance(Span::minutes(2));
            let page = visit(&mut browser, &request(more)).await?;
            ensure!(is_login(&page) && page.body.contains("Sign in again") && page.body.contains(KIM));
            let done = log_in(&mut browser, &page, KIM).await?;
            ensure!(told(&done)?.contains_key("code"), "{more:?}");
            let (still, after) = session(&mut browser).await?;
            ensure!(still == id && after > before, "{still} {after}");
        }
        let mut thief = Client::browser(&server);
        thief.set_cookie(SESSION, &secret);
        ensure!(thief.get("/api/v1/session").await?.status == StatusCode::UNAUTHORIZED);
        ensure!(server.audited("session.proved").await? == 3);
        ensure!(server.audited("session.opened").await? == 1);
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn another_account_at_a_new_login_is_another_session() {
    on_every_store(async |server| {
        own(&server).await?;
        register(&server, LEE).await?;
        let mut browser = member(&server, KIM).await?;
        let (kim, _) = session(&mut browser).await?;
        let secret = browser.cookie(SESSION).context("no cookie")?.to_owned();
        let page = visit(&mut browser, &request(&[("prompt", "login")])).await?;
        let wrong = browser
            .form(
                "/login",
                &[("request", &*sealed(&page)?), ("username", KIM), ("password", "wrong password")],
            )
            .await?;
        ensure!(wrong.status == StatusCode::UNAUTHORIZED && wrong.body.contains("do not match"));
        let done = log_in(&mut browser, &wrong_is_a_form(&wrong), LEE).await?;
        ensure!(told(&done)?.contains_key("code"));
        ensure!(session(&mut browser).await?.0 != kim);
        let mut left = Client::browser(&server);
        left.set_cookie(SESSION, &secret);
        ensure!(left.get("/api/v1/session").await?.status == StatusCode::UNAUTHORIZED, "it was replaced");
        Ok(())
    })
    .await;
}

/// The same page as the first time, only with a word about the password.
fn wrong_is_a_form(answer: &Answer) -> Answer {
    Answer { status: StatusCode::OK, ..answer.clone() }
}

#[tokio::test]
async fn another_account_is_chosen_by_logging_out_first() {
    on_every_store(async |server| {
        own(&server).await?;
        register(&server, LEE).await?;
        let mut browser = member(&server, KIM).await?;
        let choice = visit(&mut browser, &request(&[("prompt", "select_account")])).await?;
        ensure!(choice.body.contains("select-continue") && choice.body.contains(KIM), "{}", choice.body);
        let (sealed, kept) = (sealed(&choice)?, browser.clone());
        let stay = browser.form("/select", &[("request", &*sealed), ("choice", "continue")]).await?;
        ensure!(told(&follow(&mut browser, stay).await?)?.contains_key("code"));
        let other = browser.form("/select", &[("request", &*sealed), ("choice", "other")]).await?;
        let page = follow(&mut browser, other).await?;
        ensure!(is_login(&page) && browser.cookie(SESSION).is_none());
        let mut left = kept;
        ensure!(left.get("/api/v1/session").await?.status == StatusCode::UNAUTHORIZED);
        let done = log_in(&mut browser, &page, LEE).await?;
        ensure!(told(&done)?.contains_key("code"), "who just logged in was chosen");
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn oau_31_a_subject_asked_for_by_name_is_the_one_or_nobody() {
    on_every_store(async |server| {
        own(&server).await?;
        register(&server, LEE).await?;
        let mut browser = member(&server, KIM).await?;
        let kim = browser.get("/api/v1/session").await?.json()["account"]["id"].clone();
        let claims = |sub: &str| format!(r#"{{"id_token":{{"sub":{{"value":"{sub}"}}}}}}"#);
        let fits = claims(kim.as_str().context("no id")?);
        ensure!(told(&browser.get(&request(&[("claims", &fits)])).await?)?.contains_key("code"));
        let other = claims("acc_00000000000000000000000000");
        let quiet = request(&[("claims", &other), ("prompt", "none")]);
        ensure!(error(&browser.get(&quiet).await?)? == "login_required");
        let page = visit(&mut browser, &request(&[("claims", &other)])).await?;
        ensure!(is_login(&page));
        ensure!(error(&log_in(&mut browser, &page, LEE).await?)? == "login_required");
        let phr = r#"{"id_token":{"acr":{"essential":true,"value":"phr"}}}"#;
        ensure!(
            error(&browser.get(&request(&[("claims", phr)])).await?)? == "unmet_authentication_requirements"
        );
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn the_login_speaks_the_language_asked_for_and_knows_whom_to_expect() {
    on_every_store(async |server| {
        own(&server).await?;
        let mut browser = Client::browser(&server);
        let hints = [("ui_locales", "se ko-KR en"), ("login_hint", "kim\"><script>alert(1)</script>")];
        let page = visit(&mut browser, &request(&hints)).await?;
        ensure!(page.body.contains("<html lang=\"ko\">") && page.body.contains("kim&#34;&#62;&#60;script"));
        ensure!(!page.body.contains("<script>alert"));
        browser.form("/locale", &[("locale", "en"), ("return_to", "/login")]).await?;
        let chosen = visit(&mut browser, &request(&hints)).await?;
        ensure!(chosen.body.contains("<html lang=\"en\">"), "what the person chose counts more");
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn i5_a_browser_that_keeps_no_cookie_is_told_so_and_not_asked_again() {
    on_every_store(async |server| {
        own(&server).await?;
        register(&server, KIM).await?;
        let mut browser = Client::browser(&server);
        let page = visit(&mut browser, &request(&[])).await?;
        let fields = [("request", &*sealed(&page)?), ("username", KIM), ("password", PASSWORD)];
        let logged_in = browser.form("/login", &fields).await?;
        let next = logged_in.location().to_owned();
        let told = Client::browser(&server).get(&next).await?;
        ensure!(
            told.status == StatusCode::OK && told.body.contains("did not keep the cookie"),
            "{}",
            told.body
        );
        Ok(())
    })
    .await;
}
