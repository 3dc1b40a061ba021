//! Registers and logs in as a user would, to get the cookie that the measured request carries.

use std::time::Duration;

use anyhow::{Context, bail};
use reqwest::header::{ACCEPT, SET_COOKIE};
use reqwest::{Client, Response};
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use crate::served::Served;

const EMAIL: &str = "bench@example.org";
const PASSWORD: &str = "seven quiet herons over the weir";
const COOKIE: &str = "__Host-Http-session=";
const START_LIMIT: Duration = Duration::from_secs(30);
const START_POLL: Duration = Duration::from_millis(20);

/// The server with an account in it and that account's session in its request.
pub(crate) async fn log_in(mut server: Served) -> anyhow::Result<Served> {
    let client = Client::builder().no_proxy().build()?;
    let origin = server.origin();
    timeout(START_LIMIT, ready(&client, &origin)).await.context("the server did not become ready")?;

    let account = json!({ "email": EMAIL, "password": PASSWORD });
    post(&client, &origin, "/api/v1/accounts", &account).await?;
    let code = mailed_code(&client, &origin).await?;
    let proof = json!({ "email": EMAIL, "code": code, "password": PASSWORD });
    post(&client, &origin, "/api/v1/accounts/verify", &proof).await?;
    let login = json!({ "identifier": EMAIL, "password": PASSWORD, "deliver": "cookie" });
    let answer = post(&client, &origin, "/api/v1/login", &login).await?;

    let cookie = session_cookie(&answer).context("the login set no session cookie")?;
    server.headers = vec![format!("Host: localhost:{}", server.port), format!("Cookie: {cookie}")];
    Ok(server)
}

async fn ready(client: &Client, origin: &str) {
    let url = format!("{origin}/readyz");
    while !client.get(&url).send().await.is_ok_and(|answer| answer.status().is_success()) {
        sleep(START_POLL).await;
    }
}

async fn post(client: &Client, origin: &str, path: &str, body: &Value) -> anyhow::Result<Response> {
    let answer = client.post(format!("{origin}{path}")).json(body).send().await?;
    let status = answer.status();
    if !status.is_success() {
        bail!("POST {path}: {status} {}", answer.text().await?);
    }
    Ok(answer)
}

async fn mailed_code(client: &Client, origin: &str) -> anyhow::Result<String> {
    let inbox = client.get(format!("{origin}/dev/inbox")).header(ACCEPT, "application/json").send().await?;
    let inbox: Value = inbox.error_for_status()?.json().await?;
    let code = inbox["messages"][0]["code"].as_str().context("the newest mail has no code")?;
    Ok(code.to_owned())
}

fn session_cookie(answer: &Response) -> Option<String> {
    let cookies = answer.headers().get_all(SET_COOKIE).iter().filter_map(|value| value.to_str().ok());
    let session =
        cookies.filter(|cookie| cookie.starts_with(COOKIE)).filter_map(|cookie| cookie.split(';').next());
    session.map(str::to_owned).next()
}
