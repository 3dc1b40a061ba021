//! A client as the tests need one: no redirects followed, and cookies kept by hand, since ours are Secure and the test
//! speaks plain HTTP.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, ensure};
use reqwest::header::{COOKIE, HeaderMap, LOCATION, SET_COOKIE};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};

use crate::server::TestServer;

/// One browser or tool, with a cookie jar of its own.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    jar: BTreeMap<String, String>,
    origin: bool,
}

/// Asks, and asks again for a minute where the machine is too slow for so many and the server puts them off (503): what was
/// put off wrote nothing.
///
/// # Errors
/// The server cannot be reached, or never has time.
pub async fn patiently<F>(mut ask: impl FnMut() -> F) -> anyhow::Result<Answer>
where
    F: Future<Output = anyhow::Result<Answer>>,
{
    let answered = async {
        loop {
            let answer = ask().await?;
            if answer.status != StatusCode::SERVICE_UNAVAILABLE {
                return Ok(answer);
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), answered).await.context("put off for a minute")?
}

/// An answer, read whole.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body as text.
    pub body: String,
}

impl Answer {
    /// Reads an answer to its end.
    ///
    /// # Errors
    /// The connection broke.
    pub async fn read(response: Response) -> anyhow::Result<Self> {
        let (status, headers) = (response.status(), response.headers().clone());
        Ok(Self { status, headers, body: response.text().await? })
    }

    /// The body as JSON; `null` if it is none.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or(Value::Null)
    }

    /// A header's value as text; empty if it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("")
    }

    /// Where a redirect leads.
    pub fn location(&self) -> &str {
        self.header(LOCATION.as_str())
    }

    /// The stable code of an API error.
    pub fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }

    /// Every `Set-Cookie`.
    pub fn cookies(&self) -> Vec<&str> {
        self.headers.get_all(SET_COOKIE).iter().filter_map(|value| value.to_str().ok()).collect()
    }
}

/// The tokens of a login.
#[derive(Debug, Clone)]
pub struct Tokens {
    /// `access_token`
    pub access: String,
    /// `refresh_token`
    pub refresh: String,
}

impl Tokens {
    /// From a token answer.
    ///
    /// # Errors
    /// It is none.
    pub fn of(answer: &Answer) -> anyhow::Result<Self> {
        ensure!(answer.status == StatusCode::OK, "no tokens: {} {}", answer.status, answer.body);
        let json = answer.json();
        let text = |name: &str| json[name].as_str().map(str::to_owned).with_context(|| format!("no {name}"));
        Ok(Self { access: text("access_token")?, refresh: text("refresh_token")? })
    }
}

impl Client {
    /// A browser at the server's own pages: it says where its requests come from.
    pub fn browser(server: &TestServer) -> Self {
        Self { origin: true, ..Self::tool(server) }
    }

    /// A tool such as curl: it says nothing of where it is.
    ///
    /// # Panics
    /// Never: the client's settings are constant.
    pub fn tool(server: &TestServer) -> Self {
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build();
        Self {
            http: http.expect("constant settings"),
            base: server.url.clone(),
            jar: BTreeMap::new(),
            origin: false,
        }
    }

    /// A request with the jar's cookies, not sent yet.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.base));
        let cookies: Vec<String> = self.jar.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = if cookies.is_empty() { request } else { request.header(COOKIE, cookies.join("; ")) };
        if self.origin {
            request.header("sec-fetch-site", "same-origin").header("origin", &self.base)
        } else {
            request
        }
    }

    /// Sends a request and keeps the cookies of the answer.
    ///
    /// # Errors
    /// The server cannot be reached.
    pub async fn send(&mut self, request: RequestBuilder) -> anyhow::Result<Answer> {
        let answer = Answer::read(request.send().await?).await?;
        for cookie in answer.cookies() {
            let pair = cookie.split(';').next().unwrap_or_default();
            let Some((name, value)) = pair.split_once('=') else { continue };
            if cookie.contains("Max-Age=0") {
                self.jar.remove(name);
            } else {
                self.jar.insert(name.to_owned(), value.to_owned());
            }
        }
        Ok(answer)
    }

    /// `GET`
    ///
    /// # Errors
    /// The server cannot be reached.
    pub async fn get(&mut self, path: &str) -> anyhow::Result<Answer> {
        self.send(self.request(Method::GET, path)).await
    }

    /// `POST` with a form.
    ///
    /// # Errors
    /// The server cannot be reached.
    pub async fn form(&mut self, path: &str, fields: &[(&str, &str)]) -> anyhow::Result<Answer> {
        self.send(self.request(Method::POST, path).form(fields)).await
    }

    /// Any method with JSON.
    ///
    /// # Errors
    /// The server cannot be reached.
    pub async fn json(&mut self, method: Method, path: &str, body: &Value) -> anyhow::Result<Answer> {
        self.send(self.request(method, path).json(body)).await
    }

    /// A request by token: no cookie goes along.
    ///
    /// # Errors
    /// The server cannot be reached.
    pub async fn bearer(&self, method: Method, path: &str, token: &str) -> anyhow::Result<Answer> {
        let request = self.http.request(method, format!("{}{path}", self.base)).bearer_auth(token);
        Answer::read(request.send().await?).await
    }

    /// A cookie's value.
    pub fn cookie(&self, name: &str) -> Option<&str> {
        self.jar.get(name).map(String::as_str)
    }

    /// Puts a cookie into the jar, whatever it is.
    pub fn set_cookie(&mut self, name: &str, value: &str) {
        self.jar.insert(name.to_owned(), value.to_owned());
    }

    /// Registers and verifies an account by the mailed link.
    ///
    /// # Errors
    /// A step does not answer as it should.
    pub async fn register(&mut self, email: &str, password: &str) -> anyhow::Result<()> {
        let body = json!({ "email": email, "password": password });
        let answer = self.json(Method::POST, "/api/v1/accounts", &body).await?;
        ensure!(answer.status == StatusCode::ACCEPTED, "register: {} {}", answer.status, answer.body);
        let link =
            self.newest_mail(email).await?["links"][0].as_str().context("no link in the mail")?.to_owned();
        let token = link.split_once("token=").context("no token in the link")?.1.to_owned();
        let body = json!({ "token": token, "password": password });
        let answer = self.json(Method::POST, "/api/v1/accounts/verify", &body).await?;
        ensure!(answer.status == StatusCode::NO_CONTENT, "verify: {} {}", answer.status, answer.body);
        Ok(())
    }

    /// Logs in by cookie.
    ///
    /// # Errors
    /// The server cannot be reached.
    pub async fn log_in(&mut self, email: &str, password: &str) -> anyhow::Result<Answer> {
        let body = json!({ "identifier": email, "password": password, "deliver": "cookie" });
        self.json(Method::POST, "/api/v1/login", &body).await
    }

    /// Logs in for tokens.
    ///
    /// # Errors
    /// The login is refused.
    pub async fn tokens(&mut self, email: &str, password: &str) -> anyhow::Result<Tokens> {
        let body = json!({ "identifier": email, "password": password, "deliver": "token" });
        Tokens::of(&self.json(Method::POST, "/api/v1/login", &body).await?)
    }

    /// Refreshes at the token endpoint.
    ///
    /// # Errors
    /// The server cannot be reached.
    pub async fn refresh(&self, refresh: &str) -> anyhow::Result<Answer> {
        let fields =
            [("grant_type", "refresh_token"), ("client_id", "countersign"), ("refresh_token", refresh)];
        let request = self.http.post(format!("{}/oauth2/token", self.base)).form(&fields);
        Answer::read(request.send().await?).await
    }

    /// All mails of the dev inbox, newest first.
    ///
    /// # Errors
    /// The inbox does not answer.
    pub async fn mails(&self) -> anyhow::Result<Vec<Value>> {
        let request = self.http.get(format!("{}/dev/inbox", self.base)).header("accept", "application/json");
        let answer = Answer::read(request.send().await?).await?;
        answer.json()["messages"].as_array().cloned().context("no inbox")
    }

    /// The newest mail to an address.
    ///
    /// # Errors
    /// There is none.
    pub async fn newest_mail(&self, to: &str) -> anyhow::Result<Value> {
        let mails = self.mails().await?;
        mails.into_iter().find(|mail| mail["to"] == to).with_context(|| format!("no mail to {to}"))
    }
}
