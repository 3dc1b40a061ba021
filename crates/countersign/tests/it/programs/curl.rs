//! curl, for what needs no browser: a client's own tokens.

use std::process::{Command, Stdio};

use anyhow::{Context, ensure};
use serde_json::json;

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn curl_gets_a_clients_own_token_and_asks_about_it_and_takes_it_back() -> anyhow::Result<()> {
    let Some((server, ..)) = world(sqlite()).await? else { return Ok(()) };
    client(&server, json!({ "grant_types": ["client_credentials"], "redirect_uris": [] }), Some(SECRET))
        .await?;
    let user = format!("{CLIENT}:{SECRET}");
    let ask = async |path: &str, fields: &[&str]| -> anyhow::Result<Value> {
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--show-error", "--fail-with-body", "--user", &user, &server.at(path)]);
        for field in fields {
            curl.args(["--data-urlencode", field]);
        }
        let output = tokio::task::spawn_blocking(move || curl.stdin(Stdio::null()).output()).await??;
        let text = String::from_utf8(output.stdout)?;
        ensure!(output.status.success(), "{text}");
        Ok(serde_json::from_str(&text).unwrap_or_default())
    };
    let tokens = ask("/oauth2/token", &["grant_type=client_credentials"]).await?;
    let token = tokens["access_token"].as_str().context("no access token")?;
    ensure!(tokens["refresh_token"].is_null() && tokens["token_type"] == "Bearer", "{tokens}");
    let field = format!("token={token}");
    let found = ask("/oauth2/introspect", &[&field]).await?;
    ensure!(found["active"] == true && found["sub"] == CLIENT && found["client_id"] == CLIENT, "{found}");
    ask("/oauth2/revoke", &[&field]).await?;
    ensure!(ask("/oauth2/introspect", &[&field]).await? == json!({ "active": false }));
    Ok(())
}
