//! The listener: HTTP/1.1 and HTTP/2, over TLS of its own or in clear behind a proxy, with limits on connections and slow
//! peers (design section 7; attacks HTTP-03, HTTP-06), and a stop that drains.
//!
//! Everything that waits for a peer is bounded by one clock, which looks at all connections once a second (`guest`,
//! `seats`): a request costs two stores for it, and no timer.

pub mod certificate;
pub mod descriptors;
#[cfg(any(test, feature = "fuzz"))]
pub(crate) mod fuzz;
mod guest;
mod heads;
mod http1;
mod http2;
mod io;
mod limits;
mod seats;
mod tls;

use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;

use countersign_core::Time;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::time::{MissedTickBehavior, interval};

use self::certificate::{Certificate, PairError};
use self::guest::Guest;
pub use self::limits::{Limits, Times};
use self::seats::{Seat, Seats};
pub use self::tls::Tls;
use crate::app::App;
use crate::config::Config;
use crate::front::Front;

/// How a listener is served.
#[derive(Debug)]
pub struct Terms {
    /// Its limits.
    pub limits: Limits,
    /// TLS of its own; none: in clear.
    pub tls: Option<Tls>,
    /// Rung when somebody asks that the certificate is read again, without waiting until it is looked at anyway.
    pub reload: Arc<Notify>,
}

impl Terms {
    /// Those of a configuration, where this process may have `descriptors` files open. Says which certificate is shown.
    pub fn open(config: &Config, descriptors: Option<u64>, now: Time) -> Result<Self, PairError> {
        let tls = match &config.tls {
            None => None,
            Some(files) => {
                let (tls, certificate) = Tls::open(files.clone(), now)?;
                tracing::info!(names = ?certificate.names, expires = %certificate.ends, "TLS with this certificate");
                hold_against(&certificate, config);
                Some(tls)
            }
        };
        Ok(Self { limits: Limits::of(config, descriptors), tls, reload: Arc::default() })
    }
}

/// Serves what stands behind `front` on `listener` until `stop` is ready; then lets what is under way finish.
pub async fn serve(listener: TcpListener, front: Front, terms: Terms, stop: impl Future<Output = ()>) {
    let times = terms.limits.times;
    let host = Host { seats: Seats::new(terms.limits), tls: terms.tls.map(Arc::new), times, front };
    host.reload();
    let mut clock = interval(times.tick / seats::PARTS);
    clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut stop = pin!(stop);
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => host.receive(stream, peer),
                Err(error) => {
                    tracing::warn!(%error, "cannot accept");
                    // Out of descriptors, most likely: some connection has to end first.
                    tokio::time::sleep(times.tick / 20).await;
                }
            },
            _ = clock.tick() => host.part_of_tick(),
            () = terms.reload.notified() => host.reload(),
            () = &mut stop => break,
        }
    }
    drop(listener);
    host.front.app().drain();
    let late = host.seats.clear(times.span(times.drain)).await;
    if late > 0 {
        tracing::warn!(connections = late, "some requests were still under way");
    }
}

/// What every connection of a listener needs.
#[derive(Clone)]
struct Host {
    seats: Seats,
    tls: Option<Arc<Tls>>,
    times: Times,
    front: Front,
}

impl Host {
    /// Serves a connection, if there is a seat; else it ends here.
    fn receive(&self, stream: TcpStream, peer: SocketAddr) {
        let Some(seat) = self.seats.take(peer.ip(), self.tls.is_some()) else { return };
        // A small answer that waits for the peer's acknowledgement is a slow one.
        drop(stream.set_nodelay(true));
        let (host, open) = (self.clone(), self.front.connection());
        tokio::spawn(async move {
            host.converse(stream, peer, seat).await;
            drop(open);
        });
    }

    async fn converse(self, stream: TcpStream, peer: SocketAddr, seat: Seat) {
        let guest = &seat.guest;
        let Some(tls) = &self.tls else {
            if let Some(http2) = guest.before(begins_http2(&stream)).await {
                self.speak(http2, stream, peer, guest).await;
            }
            return;
        };
        match guest.before(tls.acceptor().accept(stream)).await {
            Some(Ok(stream)) => {
                let http2 = stream.get_ref().1.alpn_protocol() == Some(tls::H2);
                self.speak(http2, stream, peer, guest).await;
            }
            Some(Err(error)) => tracing::debug!(%error, "no TLS"),
            None => {}
        }
    }

    async fn speak<T>(&self, http2: bool, stream: T, peer: SocketAddr, guest: &Arc<Guest>)
    where
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let front = self.front.clone();
        let ended = if http2 {
            guest.attend(http2::connection(stream, peer, guest, front)).await
        } else {
            guest.attend(http1::connection(stream, peer, guest, front)).await
        };
        match ended {
            Some(Ok(())) => {}
            Some(Err(error)) => tracing::debug!(%error, "connection ended"),
            None => tracing::debug!("connection ended: its peer took too long, or too much"),
        }
    }

    fn part_of_tick(&self) {
        let Some(now) = self.seats.part_of_tick() else { return };
        if now.is_multiple_of(TELL) {
            let turned_away = self.seats.turned_away();
            if turned_away > 0 {
                tracing::warn!(
                    connections = turned_away,
                    "turned away: server.connections or server.connections_per_address is reached"
                );
            }
        }
        if now.is_multiple_of(self.times.certificates) {
            self.reload();
        }
    }

    fn reload(&self) {
        if let Some(tls) = &self.tls {
            let (tls, app) = (Arc::clone(tls), self.front.app().clone());
            tokio::task::spawn_blocking(move || look(&tls, &app));
        }
    }
}

/// So many ticks lie between two log lines about connections turned away.
const TELL: u64 = 10;

/// Whether a connection in clear speaks HTTP/2 with prior knowledge, as some proxies do (RFC 9113 section 3.3). Its
/// preface begins as no method does; whoever sends that in single bytes is read as HTTP/1 and refused.
async fn begins_http2(stream: &TcpStream) -> bool {
    let mut first = [0; 3];
    stream.peek(&mut first).await.is_ok() && &first == b"PRI"
}

/// Reads the certificate again, and says until when the one that is shown is good.
fn look(tls: &Tls, app: &App) {
    let now = app.clock.now();
    match tls.reload(now) {
        Ok(None) => {}
        Ok(Some(certificate)) => {
            tracing::info!(names = ?certificate.names, expires = %certificate.ends, "another certificate is shown from now on");
            hold_against(&certificate, &app.config);
        }
        Err(error) => tracing::warn!(%error, "the certificate that was read last stays"),
    }
    app.metrics.certificate_expires.set(tls.ends().seconds());
    if tls.must_warn(now) {
        tracing::warn!(expires = %tls.ends(), "the certificate ends soon and was not renewed");
    }
}

/// One for another host is shown all the same: whoever asks by that name may be content.
fn hold_against(certificate: &Certificate, config: &Config) {
    let host = config.public_url.host();
    if !certificate.covers(host) {
        tracing::warn!(host, "the certificate is not for the host of server.public_url: browsers refuse it");
    }
}
