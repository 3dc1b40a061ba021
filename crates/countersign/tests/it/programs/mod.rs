//! Clients that others wrote, as they are published: each logs in or gets its token, refreshes, and logs out.

mod agent;
mod apache;
mod apps;
mod curl;
mod mcp;
mod scripts;

use std::path::PathBuf;

use anyhow::ensure;
use countersign_core::client::Profile;
use countersign_server::jobs;
use countersign_testkit::person::Person;
use countersign_testkit::programs::prepared;
use countersign_testkit::{Options, StoreKind, TestServer};
use serde_json::Value;

use crate::support::*;

/// Where a secret of a client is shown once, and nobody guesses it.
const SECRET: &str = "cs_cs_kpS3zq0mT9v1xYwUQe7gJr2bN5dHf8aLc4iOo6tEuWs";
const CLIENT: &str = "notes";

/// A server on the machine's own clock, which is the programs' too, with Kim, who is signed in nowhere; and the folder of
/// the programs. `None` where they were not prepared.
async fn world(options: Options) -> anyhow::Result<Option<(TestServer, Person, PathBuf)>> {
    let Some(folder) = prepared()? else { return Ok(None) };
    let server = TestServer::start(options.real_time()).await?;
    // As at every start: a program may read the keys once and for all.
    jobs::keys::prepare(server.app.clone()).await;
    register(&server, KIM).await?;
    Ok(Some((server, Person::new(KIM, PASSWORD), folder)))
}

fn sqlite() -> Options {
    Options::on(StoreKind::Sqlite)
}

/// A client named [`CLIENT`], of the profile that is the default.
async fn client(server: &TestServer, metadata: Value, secret: Option<&str>) -> anyhow::Result<()> {
    server.add_client(CLIENT, Profile::Oauth21, &metadata, secret).await
}

/// Kim's sessions at the server are over.
async fn is_signed_out(server: &TestServer) -> anyhow::Result<()> {
    ensure!(server.audited("session.ended").await? > 0, "no session ended");
    Ok(())
}
