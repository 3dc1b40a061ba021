//! Devices that ask to be let in (RFC 8628), as devices, clients and people see it.

mod ends;
mod guesses;
mod pages;
mod polls;

use anyhow::{Context, ensure};
use countersign_core::client::Profile;
use countersign_testkit::{Answer, Client, TestServer};
use reqwest::StatusCode;
use serde_json::{Value, json};

/// The value of `grant_type`.
pub(crate) const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// A public client `tv` for devices, with other or more metadata.
pub(crate) async fn tv(server: &TestServer, more: Value) -> anyhow::Result<()> {
    client(server, "tv", more, None).await
}

pub(crate) async fn client(
    server: &TestServer,
    id: &str,
    more: Value,
    secret: Option<&str>,
) -> anyhow::Result<()> {
    let mut metadata = json!({ "client_name": "Notes for TV", "token_endpoint_auth_method": "none",
        "response_types": [], "grant_types": [GRANT, "refresh_token"] });
    let members = metadata.as_object_mut().context("an object")?;
    members.extend(more.as_object().cloned().unwrap_or_default());
    server.add_client(id, Profile::Oauth21, &metadata, secret).await
}

/// What a device got.
#[derive(Debug, Clone)]
pub(crate) struct Codes {
    pub(crate) device: String,
    pub(crate) user: String,
}

/// The client `tv` asks, with other or more fields.
pub(crate) async fn ask(server: &TestServer, more: &[(&str, &str)]) -> anyhow::Result<Answer> {
    let mut fields = vec![("client_id", "tv"), ("scope", "openid offline_access")];
    fields.retain(|(name, _)| !more.iter().any(|(other, _)| name == other));
    fields.extend(more);
    Client::tool(server).form("/oauth2/device_authorization", &fields).await
}

/// The codes of a device that asked.
pub(crate) async fn codes(server: &TestServer, more: &[(&str, &str)]) -> anyhow::Result<Codes> {
    let answer = ask(server, more).await?;
    ensure!(answer.status == StatusCode::OK, "{} {}", answer.status, answer.body);
    let json = answer.json();
    let text = |name: &str| json[name].as_str().map(str::to_owned).with_context(|| format!("no {name}"));
    Ok(Codes { device: text("device_code")?, user: text("user_code")? })
}

/// The device asks for its tokens.
pub(crate) async fn poll(
    server: &TestServer,
    device_code: &str,
    more: &[(&str, &str)],
) -> anyhow::Result<Answer> {
    let mut fields = vec![("grant_type", GRANT), ("client_id", "tv"), ("device_code", device_code)];
    fields.retain(|(name, _)| !more.iter().any(|(other, _)| name == other));
    fields.extend(more);
    Client::tool(server).form("/oauth2/token", &fields).await
}

/// What the device is told instead of tokens.
pub(crate) async fn told(server: &TestServer, codes: &Codes) -> anyhow::Result<String> {
    error(&poll(server, &codes.device, &[]).await?)
}

pub(crate) fn error(answer: &Answer) -> anyhow::Result<String> {
    ensure!(answer.status == StatusCode::BAD_REQUEST, "{} {}", answer.status, answer.body);
    Ok(answer.json()["error"].as_str().context("no error")?.to_owned())
}

/// A person in this browser answers.
pub(crate) async fn answer(browser: &mut Client, user_code: &str, choice: &str) -> anyhow::Result<Answer> {
    browser.form("/device", &[("user_code", user_code), ("choice", choice)]).await
}

/// A person in this browser lets the device in.
pub(crate) async fn allow(browser: &mut Client, user_code: &str) -> anyhow::Result<()> {
    let answer = answer(browser, user_code, "allow").await?;
    ensure!(answer.location() == "/device?done=allow", "{} {}", answer.status, answer.body);
    Ok(())
}
