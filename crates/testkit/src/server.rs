//! A whole server inside the test: real HTTP on a port of its own, a real store, and a clock that the test moves.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use countersign_core::random::Random as _;
use countersign_server::clock::{Clock, SystemClock};
use countersign_server::config::{Config, LoadArgs, Mode};
use countersign_server::front::Front;
use countersign_server::random::SystemRandom;
use countersign_server::serve::{self, Terms, descriptors};
use countersign_server::{App, jobs, router};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::clock::ManualClock;
use crate::faults::BreakableRandom;
use crate::stores::{OwnStore, StoreKind};
use crate::tls;

/// What a test's server is like.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where it keeps its data.
    pub store: StoreKind,
    /// Settings beside the testkit's own, as the environment would set them: `COUNTERSIGN_SESSION_IDLE` …
    pub settings: BTreeMap<String, String>,
    manner: Manner,
}

/// What a server stays through its restarts.
#[derive(Debug, Clone, Copy, Default)]
struct Manner {
    production: bool,
    real_time: bool,
    tls: bool,
    tick: Option<Duration>,
}

impl Options {
    /// A dev server on this store.
    pub const fn on(store: StoreKind) -> Self {
        let manner = Manner { production: false, real_time: false, tls: false, tick: None };
        Self { store, settings: BTreeMap::new(), manner }
    }

    /// As `countersign serve` runs it, with a master key file. Passwords are hashed with the least that production takes.
    #[must_use]
    pub const fn production(mut self) -> Self {
        self.manner.production = true;
        self
    }

    /// On the machine's clock instead of the manual one: browsers hold `Max-Age` against real time.
    #[must_use]
    pub const fn real_time(mut self) -> Self {
        self.manner.real_time = true;
        self
    }

    /// With TLS of its own, on a certificate made for it: [`TestServer::certificate`].
    #[must_use]
    pub const fn tls(mut self) -> Self {
        self.manner.tls = true;
        self
    }

    /// With a listener that loses patience in so much less than a second where a real one would in a second.
    #[must_use]
    pub const fn tick(mut self, tick: Duration) -> Self {
        self.manner.tick = Some(tick);
        self
    }

    /// With one setting more.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.settings.insert(name.to_owned(), value.to_owned());
        self
    }
}

/// A running server. Dropping it stops it.
#[derive(Debug)]
pub struct TestServer {
    /// `http://localhost:<port>`, or `https`: its origin and issuer.
    pub url: String,
    /// Where it listens.
    pub address: SocketAddr,
    /// Its insides.
    pub app: App,
    /// Its clock, unless it runs in real time.
    pub clock: Arc<ManualClock>,
    /// Its randomness, which a test may break.
    pub random: Arc<BreakableRandom>,
    manner: Manner,
    stop: CancellationToken,
    serving: JoinHandle<()>,
    store: OwnStore,
}

/// Hash parameters that cost next to nothing: what is tested is never how long a hash takes.
const CHEAP: [(&str, &str); 4] = [
    ("COUNTERSIGN_PASSWORD_MEMORY_KIB", "64"),
    ("COUNTERSIGN_PASSWORD_ITERATIONS", "1"),
    ("COUNTERSIGN_PASSWORD_PARALLELISM", "1"),
    ("COUNTERSIGN_LOG_LEVEL", "debug"),
];
/// The cheapest that production takes.
const LEAST: [(&str, &str); 2] =
    [("COUNTERSIGN_PASSWORD_MEMORY_KIB", "7168"), ("COUNTERSIGN_PASSWORD_ITERATIONS", "5")];

impl TestServer {
    /// Starts one.
    ///
    /// # Errors
    /// The settings do not fit, or the store cannot be opened.
    pub async fn start(options: Options) -> anyhow::Result<Self> {
        let store = OwnStore::new(options.store).await?;
        Self::start_on(store, options.settings, (options.manner, Arc::default())).await
    }

    /// Stops this server and starts another on the same store and clock, as after a restart.
    ///
    /// # Errors
    /// As for [`start`](Self::start).
    pub async fn restart(self, settings: BTreeMap<String, String>) -> anyhow::Result<Self> {
        let time = (self.manner, Arc::clone(&self.clock));
        let store = self.shut_down().await?;
        Self::start_on(store, settings, time).await
    }

    /// Likewise, after something was done to the files of its data behind its back: for SQLite, the database's path.
    ///
    /// # Errors
    /// As for [`start`](Self::start), or it could not be done.
    pub async fn restart_tampered(
        self,
        tamper: impl AsyncFnOnce(&std::path::Path) -> anyhow::Result<()>,
    ) -> anyhow::Result<Self> {
        let time = (self.manner, Arc::clone(&self.clock));
        let store = self.shut_down().await?;
        tamper(&store.folder.path().join("test.db")).await?;
        Self::start_on(store, BTreeMap::new(), time).await
    }

    async fn start_on(
        store: OwnStore,
        settings: BTreeMap<String, String>,
        (manner, clock): (Manner, Arc<ManualClock>),
    ) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let url = url(manner, address);
        let config = config(&store, settings, (manner, address))?;
        let master = config.prepare(&SystemRandom).map_err(|error| anyhow::anyhow!("{error}"))?;
        let time: Arc<dyn Clock> = if manner.real_time { Arc::new(SystemClock) } else { clock.clone() };
        let random: Arc<BreakableRandom> = Arc::default();
        let app = App::start(config, &master, time, random.clone()).await?;
        let stop = CancellationToken::new();
        let mut terms = Terms::open(&app.config, descriptors::raise(), app.clock.now())?;
        terms.limits.times.tick = manner.tick.unwrap_or(terms.limits.times.tick);
        let front = Front::new(&app, router::router(&app));
        let serving = tokio::spawn(serve::serve(listener, front, terms, stop.clone().cancelled_owned()));
        Ok(Self { url, address, app, clock, random, manner, stop, serving, store })
    }

    /// Runs one round of every job, as the schedule would.
    pub async fn run_jobs(&self) {
        jobs::clock::step(self.app.clone()).await;
        jobs::mail::step(self.app.clone()).await;
        jobs::backchannel::step(self.app.clone()).await;
        jobs::seen::step(self.app.clone()).await;
        jobs::keys::step(self.app.clone()).await;
        jobs::cleanup::step(self.app.clone()).await;
        jobs::sample::step(self.app.clone()).await;
    }

    /// The URL of a path.
    pub fn at(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    pub(crate) fn store_url(&self) -> &str {
        &self.store.url
    }

    /// The test's own folder.
    pub fn folder(&self) -> &std::path::Path {
        self.store.folder.path()
    }

    /// Where the certificate and the key of its TLS lie.
    pub fn certificate(&self) -> (PathBuf, PathBuf) {
        certificate(&self.store)
    }

    /// Asks it to stop, as SIGTERM does: it lets what is under way finish.
    pub fn stop(&self) {
        self.stop.cancel();
    }

    /// Waits until it has stopped.
    ///
    /// # Panics
    /// It panicked.
    pub async fn stopped(&mut self) {
        (&mut self.serving).await.expect("the server does not panic");
    }

    async fn shut_down(mut self) -> anyhow::Result<OwnStore> {
        self.stop();
        self.stopped().await;
        let random = SystemRandom;
        let stamp = countersign_core::audit::Stamp {
            at: self.app.clock.now(),
            random: &random,
            actor: countersign_core::audit::Actor::System,
            ip: None,
            request: None,
        };
        self.app.store.close(&stamp).await?;
        let empty = OwnStore { url: String::new(), folder: tempfile::TempDir::new()? };
        Ok(std::mem::replace(&mut self.store, empty))
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

fn url(manner: Manner, address: SocketAddr) -> String {
    let scheme = if manner.tls { "https" } else { "http" };
    format!("{scheme}://localhost:{}", address.port())
}

fn certificate(store: &OwnStore) -> (PathBuf, PathBuf) {
    (store.folder.path().join("tls.crt"), store.folder.path().join("tls.key"))
}

fn config(
    store: &OwnStore,
    settings: BTreeMap<String, String>,
    (manner, address): (Manner, SocketAddr),
) -> anyhow::Result<Config> {
    let least = LEAST.iter().filter(|_| manner.production);
    let mut env: BTreeMap<String, String> =
        CHEAP.iter().chain(least).map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    env.insert("COUNTERSIGN_STORE_URL".to_owned(), store.url.clone());
    env.insert("COUNTERSIGN_SERVER_PUBLIC_URL".to_owned(), url(manner, address));
    if manner.tls {
        let (certificate, key) = certificate(store);
        if !certificate.try_exists()? {
            tls::issue(&["localhost"]).write(&certificate, &key)?;
        }
        env.insert("COUNTERSIGN_TLS_CERTIFICATE".to_owned(), certificate.display().to_string());
        env.insert("COUNTERSIGN_TLS_KEY".to_owned(), key.display().to_string());
    }
    if manner.production {
        let file = master_key_file(store)?.display().to_string();
        env.insert("COUNTERSIGN_SERVER_MASTER_KEY_FILE".to_owned(), file);
    }
    env.extend(settings);
    let args = LoadArgs { listen: Some(address), data: Some(store.folder.path().join("data")), file: None };
    let mode = if manner.production { Mode::Production } else { Mode::Dev };
    Config::load(mode, args, &env).map_err(|error| anyhow::anyhow!("{error}")).context("test configuration")
}

/// Production makes no key: the test's own, the same after a restart.
fn master_key_file(store: &OwnStore) -> anyhow::Result<PathBuf> {
    let path = store.folder.path().join("test.key");
    if !path.try_exists()? {
        let mut key = [0; 32];
        SystemRandom.fill(&mut key);
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?.write_all(&key)?;
    }
    Ok(path)
}
