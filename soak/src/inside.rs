//! A server inside this process, on the disk that can be broken.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;

use countersign_core::random;
use countersign_server::random::SystemRandom;
use countersign_testkit::{Options, StoreKind, TestServer};
use tempfile::TempDir;

use crate::disk;
use crate::http::Http;

/// What it calls itself, wherever it listens.
const NAME: &str = "http://localhost:7";

/// No limits, and a grace and tokens that outlive every history.
const SETTINGS: [(&str, &str); 4] = [
    ("COUNTERSIGN_SERVER_PUBLIC_URL", NAME),
    ("COUNTERSIGN_THROTTLE_ENABLED", "false"),
    ("COUNTERSIGN_TOKEN_LIFE", "1h"),
    ("COUNTERSIGN_TOKEN_REFRESH_GRACE", "5m"),
];

/// The server, its folder, and how to ask it.
pub(crate) struct Inside {
    folder: TempDir,
    pub(crate) http: Http,
    server: Option<TestServer>,
}

impl Inside {
    /// Starts one with nothing in its database.
    pub(crate) async fn start() -> anyhow::Result<Self> {
        disk::install()?;
        disk::reset();
        let mut inside = Self { folder: TempDir::new()?, http: Http::new(NAME)?, server: None };
        let mut key = OpenOptions::new();
        let mut key = key.write(true).create_new(true).mode(0o600).open(inside.key())?;
        key.write_all(&random::bytes::<32>(&SystemRandom))?;
        inside.start_again().await?;
        Ok(inside)
    }

    /// Starts it on what lies in its folder.
    pub(crate) async fn start_again(&mut self) -> anyhow::Result<()> {
        let options =
            SETTINGS.iter().fold(Options::on(StoreKind::Memory).real_time(), |options, (name, value)| {
                options.with(name, value)
            });
        let options = options
            .with("COUNTERSIGN_STORE_URL", &format!("sqlite:{}", self.database().display()))
            .with("COUNTERSIGN_SERVER_MASTER_KEY_FILE", &self.key().display().to_string());
        let server = TestServer::start(options).await?;
        self.http.moved(&server.url);
        self.server = Some(server);
        Ok(())
    }

    /// Stops it; what it cannot write any more is lost.
    pub(crate) async fn stop(&mut self) {
        if let Some(server) = self.server.take() {
            // The disk may be broken: then the last writes fail, and the files are closed all the same.
            drop(server.app.close().await);
        }
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.folder.path().join("soak.db")
    }

    fn key(&self) -> PathBuf {
        self.folder.path().join("soak.key")
    }
}
