//! People who have no account yet when an application asks for their login.

use anyhow::{Context, ensure};
use countersign_testkit::{Answer, Client, TestServer, on_every_store};
use reqwest::StatusCode;

use crate::people::mailed_token;
use crate::support::{KIM, PASSWORD, SESSION};

use super::{add_client, answer, log_in, request, told, visit};

/// The path of a link in a page that begins so.
fn link(page: &Answer, begins: &str) -> anyhow::Result<String> {
    let links = page.body.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next());
    let found = links.map(|link| link.replace("&amp;", "&")).find(|link| link.starts_with(begins));
    found.with_context(|| format!("no {begins}: {}", page.body))
}

/// Begins at the application, and registers on the way: the page that waits for the mail.
async fn register(browser: &mut Client) -> anyhow::Result<Answer> {
    let login = visit(browser, &request(&[])).await?;
    let form = browser.get(&link(&login, "/register?request=")?).await?;
    ensure!(
        link(&form, "/login?request=")? == link(&login, "/register?request=")?.replace("register", "login")
    );
    let sealed = super::sealed(&form)?;
    let bad = [("email", "nobody"), ("password", PASSWORD), ("request", &sealed)];
    let again = browser.form("/register", &bad).await?;
    ensure!(again.status == StatusCode::BAD_REQUEST && super::sealed(&again)? == sealed, "{}", again.body);
    let fields = [("email", KIM), ("password", PASSWORD), ("request", &sealed)];
    let sent = browser.form("/register", &fields).await?;
    ensure!(sent.status == StatusCode::SEE_OTHER, "{} {}", sent.status, sent.body);
    browser.get(sent.location()).await
}

/// Logs in at the page of this path, consents, and is answered at the application.
async fn arrive(browser: &mut Client, path: &str) -> anyhow::Result<()> {
    let login = browser.get(path).await?;
    ensure!(login.body.contains("Notes"), "it is not for the application: {}", login.body);
    let question = log_in(browser, &login, KIM).await?;
    let told = told(&answer(browser, &question, "allow").await?)?;
    ensure!(told["state"] == "s-1" && told.contains_key("code"), "{told:?}");
    Ok(())
}

async fn confirm(server: &TestServer, browser: &mut Client, more: &[(&str, &str)]) -> anyhow::Result<Answer> {
    let token = mailed_token(server, KIM).await?;
    ensure!(token.len() < 50, "the mail names no request: {token}");
    browser.form("/verify", &[&[("token", &*token)], more].concat()).await
}

#[tokio::test]
async fn whoever_registers_for_an_application_comes_to_it_by_the_link_in_the_same_browser() {
    on_every_store(async |server| {
        add_client(&server, |_| ()).await?;
        let mut browser = Client::browser(&server);
        register(&mut browser).await?;
        let done = confirm(&server, &mut browser, &[]).await?;
        arrive(&mut browser, &link(&done, "/login?request=")?).await
    })
    .await;
}

#[tokio::test]
async fn whoever_registers_for_an_application_comes_to_it_by_the_code() {
    on_every_store(async |server| {
        add_client(&server, |_| ()).await?;
        let mut browser = Client::browser(&server);
        let waits = register(&mut browser).await?;
        let sealed = super::sealed(&waits)?;
        let wrong = [("email", KIM), ("code", "000000"), ("request", &sealed)];
        let wrong = browser.form("/verify", &wrong).await?;
        ensure!(super::sealed(&wrong)? == sealed, "{}", wrong.body);
        let resent = browser.form("/verify/resend", &[("email", KIM), ("request", &sealed)]).await?;
        let waits = browser.get(resent.location()).await?;
        ensure!(super::sealed(&waits)? == sealed, "{}", waits.body);
        let mail = browser.newest_mail(KIM).await?;
        let code = mail["code"].as_str().context("no code")?;
        let done = browser.form("/verify", &[("email", KIM), ("code", code), ("request", &sealed)]).await?;
        arrive(&mut browser, &link(&done, "/login?request=")?).await
    })
    .await;
}

#[tokio::test]
async fn red_05_a_link_that_is_opened_elsewhere_leads_nobody_to_the_application_and_the_first_browser_goes_on()
 {
    on_every_store(async |server| {
        add_client(&server, |_| ()).await?;
        let (mut first, mut phone) = (Client::browser(&server), Client::browser(&server));
        let waits = register(&mut first).await?;
        let done = confirm(&server, &mut phone, &[("password", PASSWORD)]).await?;
        ensure!(
            done.status == StatusCode::OK && done.body.contains("This browser is not signed in"),
            "{}",
            done.body
        );
        ensure!(!done.body.contains("request=") && phone.cookie(SESSION).is_none(), "{}", done.body);
        arrive(&mut first, &link(&waits, "/login?request=")?).await
    })
    .await;
}

#[tokio::test]
async fn what_is_no_sealed_request_is_carried_nowhere() {
    on_every_store(async |server| {
        let mut browser = Client::browser(&server);
        for path in ["/register?request=x", "/verify?sent=1&request=n.x"] {
            let page = browser.get(path).await?;
            ensure!(page.status == StatusCode::OK && !page.body.contains("name=\"request\""), "{path}");
        }
        let fields = [("email", KIM), ("password", PASSWORD), ("request", "x")];
        ensure!(browser.form("/register", &fields).await?.status == StatusCode::SEE_OTHER);
        let done = confirm(&server, &mut browser, &[]).await?;
        ensure!(link(&done, "/login")? == "/login", "{}", done.body);
        Ok(())
    })
    .await;
}
