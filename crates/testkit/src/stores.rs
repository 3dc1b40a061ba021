//! The three kinds of store, each empty and a test's own.

use std::env;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, ensure};
use tempfile::TempDir;
use tokio_postgres::NoTls;

/// A kind of store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreKind {
    /// `memory:`
    Memory,
    /// `sqlite:` in a temporary folder.
    Sqlite,
    /// A new database in the PostgreSQL that `TEST_POSTGRES_URL` names.
    Postgres,
}

impl StoreKind {
    /// All kinds that can be tested here. Without `TEST_POSTGRES_URL` PostgreSQL is left out, aloud; under
    /// `TEST_REQUIRE_ALL` that fails.
    ///
    /// # Panics
    /// Under `TEST_REQUIRE_ALL` without `TEST_POSTGRES_URL`.
    pub fn testable() -> Vec<Self> {
        if env::var_os("TEST_POSTGRES_URL").is_some() {
            return vec![Self::Memory, Self::Sqlite, Self::Postgres];
        }
        assert!(env::var_os("TEST_REQUIRE_ALL").is_none(), "TEST_POSTGRES_URL is not set");
        say("postgres not run: TEST_POSTGRES_URL is not set");
        vec![Self::Memory, Self::Sqlite]
    }
}

/// A store of one test, gone with it.
#[derive(Debug)]
pub struct OwnStore {
    /// What `store.url` is set to.
    pub url: String,
    /// The test's own folder: data, key and, if that is the kind, the database.
    pub folder: TempDir,
}

impl OwnStore {
    /// A new and empty one.
    ///
    /// # Errors
    /// There is no folder to be made, or PostgreSQL does not answer.
    pub async fn new(kind: StoreKind) -> anyhow::Result<Self> {
        let folder = TempDir::new()?;
        let url = match kind {
            StoreKind::Memory => "memory:".to_owned(),
            StoreKind::Sqlite => format!("sqlite:{}", database(&folder).display()),
            StoreKind::Postgres => new_database().await?,
        };
        Ok(Self { url, folder })
    }
}

fn database(folder: &TempDir) -> PathBuf {
    folder.path().join("test.db")
}

/// Makes a database with a name of its own. It stays until the cluster goes, which `cargo xtask test` made for the run.
async fn new_database() -> anyhow::Result<String> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let server = env::var("TEST_POSTGRES_URL").context("TEST_POSTGRES_URL is not set")?;
    let name = format!("testkit_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    let (client, connection) = tokio_postgres::connect(&server, NoTls).await?;
    let task = tokio::spawn(connection);
    client.batch_execute(&format!("CREATE DATABASE {name}")).await?;
    drop(client);
    task.await??;
    let (before, path) = server.rsplit_once('/').context("TEST_POSTGRES_URL names no database")?;
    ensure!(!before.is_empty(), "TEST_POSTGRES_URL is no URL");
    let parameters = path.split_once('?').map_or(String::new(), |(_, rest)| format!("?{rest}"));
    Ok(format!("{before}/{name}{parameters}"))
}

#[expect(clippy::print_stdout, reason = "whoever reads the test's output must learn that it tested less")]
fn say(text: &str) {
    println!("{text}");
}
