//! HTTP as the scenarios need it: a status, a cookie, a body, or no answer.

use std::sync::Arc;
use std::time::Duration;

use anyhow::ensure;
use parking_lot::RwLock;
use reqwest::header::{HOST, SET_COOKIE};
use reqwest::{Method, RequestBuilder};
use serde_json::Value;
use tokio::time::{Instant, sleep};

/// The session cookie.
pub(crate) const SESSION: &str = "__Host-Http-session";
/// A request takes no longer than that, or there is no answer.
const PATIENCE: Duration = Duration::from_secs(40);

const POLL: Duration = Duration::from_millis(5);

/// A server, asked from outside.
#[derive(Debug, Clone)]
pub(crate) struct Http {
    client: reqwest::Client,
    /// What its own pages call it: a host, perhaps with a port.
    name: String,
    /// Where it listens: `http://localhost:<port>`.
    at: Arc<RwLock<String>>,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// The secret of a session cookie that it sets.
    pub(crate) cookie: Option<String>,
    /// `null` where the body is no JSON.
    pub(crate) body: Value,
}

impl Http {
    /// Asks the server at `origin`, over connections of its own.
    pub(crate) fn new(origin: &str) -> anyhow::Result<Self> {
        let client = reqwest::Client::builder().no_proxy().timeout(PATIENCE).tcp_nodelay(true).build()?;
        let name = origin.trim_start_matches("http://").to_owned();
        Ok(Self { client, name, at: Arc::new(RwLock::new(origin.to_owned())) })
    }

    /// The server listens somewhere else now, under the name that it had: for all clones of this.
    pub(crate) fn moved(&self, origin: &str) {
        origin.clone_into(&mut self.at.write());
    }

    /// A request from one of the server's own pages.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.client.request(method, format!("{}{path}", self.at.read()));
        let request = request.header(HOST, &self.name);
        request.header("sec-fetch-site", "same-origin").header("accept", "application/json")
    }

    /// Waits until the server says that it can serve.
    pub(crate) async fn until_ready(&self) -> anyhow::Result<()> {
        let began = Instant::now();
        while !self.is_ready().await {
            ensure!(began.elapsed() < PATIENCE, "not ready after {PATIENCE:?}");
            sleep(POLL).await;
        }
        Ok(())
    }

    /// Whether the server says that it can serve.
    pub(crate) async fn is_ready(&self) -> bool {
        send(self.request(Method::GET, "/readyz")).await.is_some_and(|reply| reply.status == 204)
    }
}

/// The answer, if one came whole.
pub(crate) async fn send(request: RequestBuilder) -> Option<Reply> {
    let response = request.send().await.ok()?;
    let status = response.status().as_u16();
    let cookies = response.headers().get_all(SET_COOKIE).iter().filter_map(|value| value.to_str().ok());
    let secrets = cookies.filter_map(|cookie| cookie.strip_prefix(SESSION)?.strip_prefix('='));
    let cookie = secrets.map(|rest| rest.split(';').next().unwrap_or_default().to_owned()).next();
    let bytes = response.bytes().await.ok()?;
    Some(Reply { status, cookie, body: serde_json::from_slice(&bytes).unwrap_or(Value::Null) })
}
