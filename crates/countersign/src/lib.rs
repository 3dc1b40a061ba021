//! Countersign as a library: the whole server as a router, to be served or mounted at the root of an application's own.
//!
//! ```no_run
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! use countersign::config::{Config, LoadArgs, Mode};
//!
//! let config = Config::load(Mode::Dev, LoadArgs::default(), &Default::default())?;
//! let (router, service) = countersign::router(config).await?;
//! // Serve `router`, and at the end:
//! # drop(router);
//! service.stop().await?;
//! # Ok(())
//! # }
//! ```

use std::pin::Pin;
use std::sync::Arc;

use countersign_server::admin::socket::{AdminSocket, NAME, SocketError};
use countersign_server::clock::SystemClock;
use countersign_server::config::{Config, ConfigErrors};
use countersign_server::jobs::Jobs;
use countersign_server::metrics::listener::{self, BindError};
use countersign_server::random::SystemRandom;
use countersign_server::router;
use countersign_server::router::Router;
use countersign_server::{App, StartError};
use countersign_store::db::{self, Upgrade};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

pub use countersign_server::config;

/// What runs beside the router: the database, the jobs and the admin socket. Keep it as long as the router is served,
/// then [`stop`](Service::stop) it.
#[derive(Debug)]
pub struct Service {
    app: App,
    jobs: Jobs,
    socket: Beside,
    metrics: Option<Beside>,
}

/// A task that runs beside the router until it is told to stop.
#[derive(Debug)]
struct Beside {
    task: JoinHandle<()>,
    /// Dropped, it ends the task.
    stop: oneshot::Sender<()>,
}

/// Ready when the task shall end.
type Stop = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Why the service does not start. Each says what to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The data folder or the master key.
    #[error(transparent)]
    Config(#[from] ConfigErrors),
    /// The database, the keys or the mail server.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The admin socket.
    #[error(transparent)]
    Socket(#[from] SocketError),
    /// The listener of metrics.
    #[error(transparent)]
    Metrics(#[from] BindError),
}

/// Starts the service and returns its router: makes what is missing, opens the database and brings its schema up to
/// date, and starts the jobs and the admin socket. Needs a Tokio runtime with all of its drivers.
pub async fn router(config: Config) -> Result<(Router, Service), Error> {
    let metrics = match config.metrics_listen {
        Some(address) => Some(listener::bind(address).await?),
        None => None,
    };
    let app = open_with(config, Upgrade::Allowed).await?;
    let socket = match AdminSocket::bind(&app.config.data.join(NAME)).await {
        Ok(socket) => socket,
        Err(error) => {
            // Another process may open the database at once; that this one cannot start is the answer either way.
            drop(app.close().await);
            return Err(error.into());
        }
    };
    let socket = Beside::start(|stop| socket.serve(app.clone(), stop));
    let metrics = metrics.map(|bound| Beside::start(|stop| listener::serve(bound, app.clone(), stop)));
    let jobs = Jobs::start(&app);
    Ok((router::router(&app), Service { app, jobs, socket, metrics }))
}

/// Opens the service without serving anything: for a command in a process of its own. [`App::close`] it at the end. A
/// database of an earlier release is refused: only a start, and `migrate`, bring one up to date.
pub async fn open(config: Config) -> Result<App, Error> {
    open_with(config, Upgrade::Refused).await
}

async fn open_with(config: Config, upgrade: Upgrade) -> Result<App, Error> {
    let random = Arc::new(SystemRandom);
    let master = config.prepare(&*random)?;
    let settings = db::Settings { upgrade, ..db::Settings::default() };
    Ok(App::start_on(&settings, config, &master, (Arc::new(SystemClock), random)).await?)
}

impl Beside {
    fn start<F>(serve: impl FnOnce(Stop) -> F) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (stop, stopped) = oneshot::channel();
        // An error is what is waited for: the other end was dropped.
        let stopped: Stop = Box::pin(async move { drop(stopped.await) });
        Self { task: tokio::spawn(serve(stopped)), stop }
    }

    async fn end(self) {
        drop(self.stop);
        // It panics nowhere; if it did, it has ended.
        drop(self.task.await);
    }
}

impl Service {
    /// The service's parts.
    pub const fn app(&self) -> &App {
        &self.app
    }

    /// Ends commands and jobs, writes what is only in memory, and lets the database go.
    pub async fn stop(self) -> Result<(), db::Error> {
        let metrics = async {
            if let Some(metrics) = self.metrics {
                metrics.end().await;
            }
        };
        // Side by side: a stop has 30 s in all, and each of them may take a third of that.
        tokio::join!(self.socket.end(), self.jobs.stop(&self.app), metrics);
        self.app.close().await
    }
}
