//! Registers, logs in and refreshes as a user would, to get the proofs that measured requests carry.

use std::time::Duration;

use anyhow::{Context, bail};
use reqwest::header::{ACCEPT, SET_COOKIE};
use reqwest::{RequestBuilder, Response};
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use crate::served::Served;

const PASSWORD: &str = "seven quiet herons over the weir";
const COOKIE: &str = "__Host-Http-session=";
const START_LIMIT: Duration = Duration::from_secs(30);
const START_POLL: Duration = Duration::from_millis(20);

/// What a login by token gives.
pub(crate) struct Tokens {
    pub(crate) access: String,
    pub(crate) refresh: String,
}

/// A user of one server.
pub(crate) struct Client {
    pub(crate) http: reqwest::Client,
    /// Its own, without a slash.
    pub(crate) origin: String,
}

impl Client {
    /// Waits until the server is ready.
    pub(crate) async fn of(server: &Served) -> anyhow::Result<Self> {
        let http =
            reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build()?;
        // The host that the server answers to: what its own pages call it.
        let client = Self { http, origin: format!("http://localhost:{}", server.port) };
        timeout(START_LIMIT, client.ready()).await.context("the server did not become ready")?;
        Ok(client)
    }

    async fn ready(&self) {
        let url = format!("{}/readyz", self.origin);
        while !self.http.get(&url).send().await.is_ok_and(|answer| answer.status().is_success()) {
            sleep(START_POLL).await;
        }
    }

    /// Makes an account, with the code that is mailed to it.
    pub(crate) async fn register(&self, email: &str) -> anyhow::Result<()> {
        self.post("/api/v1/accounts", &json!({ "email": email, "password": PASSWORD })).await?;
        let code = self.mailed_code().await?;
        let proof = json!({ "email": email, "code": code, "password": PASSWORD });
        self.post("/api/v1/accounts/verify", &proof).await.map(drop)
    }

    /// Logs in and returns the cookie, `name=value`.
    pub(crate) async fn cookie(&self, email: &str) -> anyhow::Result<String> {
        let answer = self.post("/api/v1/login", &login(email, "cookie")).await?;
        session_cookie(&answer).context("the login set no session cookie")
    }

    /// Logs in for tokens.
    pub(crate) async fn tokens(&self, email: &str) -> anyhow::Result<Tokens> {
        tokens(&self.post("/api/v1/login", &login(email, "token")).await?.json().await?)
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Response> {
        send(self.http.post(format!("{}{path}", self.origin)).json(body)).await
    }

    async fn mailed_code(&self) -> anyhow::Result<String> {
        let inbox = self.http.get(format!("{}/dev/inbox", self.origin)).header(ACCEPT, "application/json");
        let inbox: Value = send(inbox).await?.json().await?;
        let code = inbox["messages"][0]["code"].as_str().context("the newest mail has no code")?;
        Ok(code.to_owned())
    }
}

pub(crate) const FORM: &str = "application/x-www-form-urlencoded";

/// The body of a login; `deliver` is `cookie` or `token`.
pub(crate) fn login(email: &str, deliver: &str) -> Value {
    json!({ "identifier": email, "password": PASSWORD, "deliver": deliver })
}

/// The body of a refresh.
pub(crate) fn refresh_form(token: &str) -> String {
    format!("grant_type=refresh_token&client_id=countersign&refresh_token={token}")
}

pub(crate) async fn send(request: RequestBuilder) -> anyhow::Result<Response> {
    let answer = request.send().await?;
    let (status, url) = (answer.status(), answer.url().clone());
    if !status.is_success() {
        bail!("{url}: {status} {}", answer.text().await?);
    }
    Ok(answer)
}

pub(crate) fn tokens(answer: &Value) -> anyhow::Result<Tokens> {
    let token = |name: &str| {
        answer[name].as_str().map(str::to_owned).with_context(|| format!("the answer has no {name}"))
    };
    Ok(Tokens { access: token("access_token")?, refresh: token("refresh_token")? })
}

fn session_cookie(answer: &Response) -> Option<String> {
    let cookies = answer.headers().get_all(SET_COOKIE).iter().filter_map(|value| value.to_str().ok());
    let session =
        cookies.filter(|cookie| cookie.starts_with(COOKIE)).filter_map(|cookie| cookie.split(';').next());
    session.map(str::to_owned).next()
}
