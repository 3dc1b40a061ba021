//! The applications of the README's recipes: openid-client, Authlib, openidconnect.

use std::path::Path;
use std::process::Command;

use anyhow::ensure;
use countersign_testkit::programs::{Program, free_port, root};
use serde_json::json;

use super::*;

/// Signs in, refreshes and signs out, as somebody with a browser would.
async fn use_it(command: impl FnOnce(&Path) -> Command) -> anyhow::Result<()> {
    let Some((server, mut kim, folder)) = world(sqlite()).await? else { return Ok(()) };
    let port = free_port()?;
    let home = format!("http://localhost:{port}/");
    let metadata = json!({
        "client_name": "Notes",
        "redirect_uris": [format!("{home}callback")],
        "post_logout_redirect_uris": [home],
        "grant_types": ["authorization_code", "refresh_token"],
    });
    client(&server, metadata, Some(SECRET)).await?;
    let mut command = command(&folder);
    command.env("ISSUER", &server.url).env("CLIENT_ID", CLIENT).env("CLIENT_SECRET", SECRET);
    let mut app = Program::start(command.env("PORT", port.to_string()))?;
    app.line_with("Running on").await?;

    let stranger = kim.open(&home).await?;
    ensure!(stranger.body.contains("Hello stranger"), "{}", stranger.body);
    let hello = kim.open(&format!("{home}login")).await?;
    ensure!(hello.body.contains(&format!("Hello {KIM}")), "{} {}", hello.url, hello.body);
    let refreshed = kim.open(&format!("{home}refresh")).await?;
    ensure!(refreshed.body == "refreshed", "{}", refreshed.body);
    let gone = kim.open(&format!("{home}logout")).await?;
    ensure!(gone.url.as_str() == home && gone.body.contains("Hello stranger"), "{} {}", gone.url, gone.body);
    is_signed_out(&server).await
}

#[tokio::test(flavor = "multi_thread")]
async fn openid_client_of_npm_logs_in_refreshes_and_logs_out() {
    let app = |_: &Path| {
        let mut node = Command::new("node");
        node.arg("app.mjs").current_dir(root().join("examples/login-javascript"));
        node
    };
    use_it(app).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn authlib_of_pypi_logs_in_refreshes_and_logs_out() {
    let app = |programs: &Path| {
        let mut python = Command::new(programs.join("venv/bin/python"));
        python.arg(root().join("examples/login-python/app.py"));
        python
    };
    use_it(app).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn openidconnect_of_rust_logs_in_refreshes_and_logs_out() {
    let app = |programs: &Path| Command::new(programs.join("rust/debug/login-rust"));
    use_it(app).await.unwrap();
}
