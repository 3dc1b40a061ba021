//! Programs that tell the test what to open: oauth4webapi, go-oidc.

use std::process::Command;

use anyhow::ensure;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign_jose::{Alg, SigningKey};
use countersign_testkit::programs::{Program, root};
use serde_json::{Value, json};

use super::*;

/// Nobody listens there: the test is the browser, and tells the program where it arrived.
const REDIRECT: &str = "https://notes.example/callback";
const LOGGED_OUT: &str = "https://notes.example/goodbye";

fn metadata(more: Value) -> Value {
    let mut metadata = json!({
        "client_name": "Notes",
        "redirect_uris": [REDIRECT],
        "post_logout_redirect_uris": [LOGGED_OUT],
        "grant_types": ["authorization_code", "refresh_token"],
    });
    if let (Some(metadata), Value::Object(more)) = (metadata.as_object_mut(), more) {
        metadata.extend(more);
    }
    metadata
}

async fn run(mut command: Command, (server, kim): (&TestServer, &mut Person)) -> anyhow::Result<()> {
    command.env("ISSUER", &server.url).env("CLIENT_ID", CLIENT);
    command.env("REDIRECT_URI", REDIRECT).env("LOGOUT_URI", LOGGED_OUT);
    let mut program = Program::start(&mut command)?;
    let done = program.serve(kim, &[REDIRECT, LOGGED_OUT]).await?;
    ensure!(done["email"] == KIM, "{done}");
    is_signed_out(server).await
}

#[tokio::test(flavor = "multi_thread")]
async fn go_oidc_logs_in_refreshes_and_logs_out() -> anyhow::Result<()> {
    let Some((server, mut kim, folder)) = world(sqlite()).await? else { return Ok(()) };
    client(&server, metadata(json!({})), Some(SECRET)).await?;
    let mut command = Command::new(folder.join("go-client"));
    command.env("CLIENT_SECRET", SECRET);
    run(command, (&server, &mut kim)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn oauth4webapi_pushes_signs_binds_refreshes_revokes_and_logs_out() -> anyhow::Result<()> {
    let Some((server, mut kim, _)) = world(sqlite()).await? else { return Ok(()) };
    let (key, private) = SigningKey::generate(Alg::Es256)?;
    let more = json!({
        "token_endpoint_auth_method": "private_key_jwt",
        "jwks": { "keys": [key.public()] },
        "id_token_signed_response_alg": "ES256",
        "dpop_bound_access_tokens": true,
    });
    client(&server, metadata(more), None).await?;
    let mut command = Command::new("node");
    command.arg("oauth4webapi.mjs").current_dir(root().join("crates/testkit/clients/node"));
    command.env("CLIENT_KEY", STANDARD.encode(private.as_bytes())).env("CLIENT_KID", key.kid());
    run(command, (&server, &mut kim)).await
}
