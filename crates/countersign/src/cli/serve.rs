//! Serving until somebody says stop.

use std::convert::Infallible;
use std::future::Future;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context as _, anyhow};
use countersign::config::{Config, Mode};
use countersign_server::clock::{Clock as _, SystemClock};
use countersign_server::front::Front;
use countersign_server::serve::{self, Terms};
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::Notify;

use super::manager::{Manager, State};
use super::place::Place;
use super::telemetry::Traces;
use super::{log, owner};

/// `countersign serve`
pub(super) fn production(place: &Place, listen: Option<SocketAddr>) -> anyhow::Result<()> {
    let config = place.load(Mode::Production, listen)?;
    owner::demand_of_server(&config)?;
    run(config, |config| {
        if config.smtp.is_none() {
            tracing::warn!(
                "mail.smtp_url is not set: what needs mail is refused, nobody can register or recover a password; \
                 `countersign account create` makes accounts"
            );
        }
    })
}

/// Starts the service, tells `ready` the configuration that it runs on, and serves until SIGTERM or SIGINT.
pub(super) fn run(config: Config, ready: impl FnOnce(&Config)) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let traces = Traces::start(&config, runtime.handle())?;
    let _log = log::start(config.log, traces.as_ref().map(Traces::spans));
    let served = runtime.block_on(start_and_serve(config, ready));
    if let Some(traces) = traces {
        traces.end();
    }
    served
}

async fn start_and_serve(config: Config, ready: impl FnOnce(&Config)) -> anyhow::Result<()> {
    let mut stop = std::pin::pin!(asked_to_stop()?);
    let mut hangups = signal(SignalKind::hangup())?;
    let manager = Manager::of_environment();
    let terms = Terms::open(&config, serve::descriptors::raise(), SystemClock.now())?;
    let reload = Arc::clone(&terms.reload);
    let listener = bind(config.listen).await?;
    let config = config.bound_to(listener.local_addr()?);
    // A start may wait for the process before it to let the database go.
    let (router, service) = tokio::select! {
        started = countersign::router(config) => started?,
        () = &mut stop => return Ok(()),
    };
    let config = &service.app().config;
    tracing::info!(listen = %config.listen, public_url = %config.public_url, store = %config.store, "ready");
    ready(config);
    manager.tell(State::Ready).await;
    let stop = async {
        stop.await;
        manager.tell(State::Stopping).await;
    };
    tokio::select! {
        () = serve::serve(listener, Front::new(service.app(), router), terms, stop) => {}
        never = manager.reassure() => match never {},
        never = reload_when_asked(&mut hangups, &reload) => match never {},
    }
    tracing::info!("stopping");
    service.stop().await.context("the database did not take the last writes")
}

async fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| match error.kind() {
        ErrorKind::AddrInUse => anyhow!(
            "{address} is in use, perhaps by another Countersign: stop that, or choose another port with --listen"
        ),
        ErrorKind::PermissionDenied => anyhow!(
            "{address} is not allowed to this user: choose a port from 1024 on with a proxy before it, or allow low ports in \
             the unit (low-ports.conf; docs/operate.md, \"TLS\")"
        ),
        _ => anyhow!("cannot listen on {address} (server.listen): {error}"),
    })
}

/// SIGHUP asks that the certificate is read again. Settings are not: they need a restart.
async fn reload_when_asked(hangups: &mut Signal, reload: &Notify) -> Infallible {
    loop {
        hangups.recv().await;
        tracing::info!("asked to read the certificate again");
        reload.notify_one();
    }
}

/// Ready on SIGTERM or SIGINT, which do nothing else from now on.
fn asked_to_stop() -> std::io::Result<impl Future<Output = ()>> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
