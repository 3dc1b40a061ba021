//! What becomes of a request, of its caller and of the next one when something inside breaks.

use anyhow::{Context, ensure};
use countersign_testkit::{Answer, Client, on_every_store};
use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::people::{member, opens};
use crate::support::{self, KIM, LEE, PASSWORD};

#[tokio::test]
async fn http_32_i13_a_defect_ends_one_request_and_tells_nothing() {
    on_every_store(async |server| {
        let mut browser = member(&server, KIM).await?;
        let tokens = support::tokens(&server, KIM).await?;
        server.random.break_it();
        let login = Client::browser(&server).log_in(KIM, PASSWORD).await?;
        let page =
            Client::browser(&server).form("/login", &[("username", KIM), ("password", PASSWORD)]).await?;
        let token = Client::tool(&server).refresh(&tokens.refresh).await?;
        let recover =
            Client::tool(&server).json(Method::POST, "/api/v1/recover", &json!({ "email": KIM })).await?;
        let register = json!({ "email": LEE, "password": PASSWORD });
        let register = Client::tool(&server).json(Method::POST, "/api/v1/accounts", &register).await?;
        for (name, answer) in [
            ("login", &login),
            ("page", &page),
            ("token", &token),
            ("recover", &recover),
            ("register", &register),
        ] {
            ensure!(
                answer.status == StatusCode::INTERNAL_SERVER_ERROR,
                "{name}: {} {}",
                answer.status,
                answer.body
            );
            is_generic(answer).with_context(|| name.to_owned())?;
        }
        ensure!(login.code() == "internal" && login.json()["request_id"] == login.header("x-request-id"));
        ensure!(page.body.contains("Something went wrong"), "{}", page.body);
        ensure!(token.json()["error"] == "server_error", "{}", token.body);
        server.random.mend();
        ensure!(
            support::by_cookie(&mut browser).await? == StatusCode::OK
                && opens(&server, KIM, PASSWORD).await?
        );
        ensure!(Client::tool(&server).refresh(&tokens.refresh).await?.status == StatusCode::OK);
        support::register(&server, LEE).await
    })
    .await;
}

#[tokio::test]
async fn http_32_i13_without_its_database_the_server_refuses_everything_and_tells_nothing() {
    on_every_store(async |server| {
        let browser = member(&server, KIM).await?;
        let tokens = support::tokens(&server, KIM).await?;
        server.app.close().await?;
        let mut unknown = Client::browser(&server);
        unknown.set_cookie(support::SESSION, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
        let answers = [
            ("login", Client::browser(&server).log_in(KIM, PASSWORD).await?),
            (
                "page",
                Client::browser(&server).form("/login", &[("username", KIM), ("password", PASSWORD)]).await?,
            ),
            ("cookie", unknown.get("/api/v1/session").await?),
            ("token", Client::tool(&server).refresh(&tokens.refresh).await?),
            ("list", Answer::read(browser.request(Method::GET, "/api/v1/sessions").send().await?).await?),
            ("logout", Answer::read(browser.request(Method::DELETE, "/api/v1/session").send().await?).await?),
            ("ready", Client::tool(&server).get("/readyz").await?),
        ];
        for (name, answer) in &answers {
            ensure!(
                [500, 503].contains(&answer.status.as_u16()),
                "{name}: {} {}",
                answer.status,
                answer.body
            );
            ensure!(answer.cookies().is_empty(), "{name} set a cookie");
            let put_off = answer.status == StatusCode::SERVICE_UNAVAILABLE;
            ensure!(!put_off || answer.header("retry-after") == "1", "{name} does not say when to try again");
            is_generic(answer).with_context(|| (*name).to_owned())?;
        }
        ensure!(Client::tool(&server).get("/healthz").await?.status == StatusCode::NO_CONTENT);
        Ok(())
    })
    .await;
}

/// Fails if the answer shows anything of the inside.
fn is_generic(answer: &Answer) -> anyhow::Result<()> {
    let shown = format!("{:?}\n{}", answer.headers, answer.body).to_lowercase();
    for inside in [
        "panic",
        "the test broke",
        "sqlite",
        "postgres",
        "select ",
        "insert ",
        "database",
        ".rs:",
        "/tmp",
        "thread",
    ] {
        ensure!(!shown.contains(inside), "shows {inside}: {shown}");
    }
    Ok(())
}
