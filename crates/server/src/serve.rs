//! The accept loop: HTTP/1.1 on one listener, with the limits of design section 7 and a stop that drains.

use std::convert::Infallible;
use std::future::Future;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};

use crate::extract::client::Peer;
use crate::front::{Body, Front};

/// Request line and headers together; more is 431.
const MAX_HEADERS: usize = 16 * 1024;
/// A peer that takes longer to send them is slow on purpose.
const HEADER_TIME: Duration = Duration::from_secs(10);
/// A stop waits so long for requests that are under way.
const DRAIN_TIME: Duration = Duration::from_secs(10);

/// Serves what stands behind `front` on `listener` until `stop` is ready; then lets what is under way finish.
pub async fn serve(listener: TcpListener, front: Front, stop: impl Future<Output = ()>) {
    let graceful = GracefulShutdown::new();
    let mut stop = std::pin::pin!(stop);
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    // A small answer that waits for the peer's acknowledgement is a slow one.
                    drop(stream.set_nodelay(true));
                    let open = front.connection();
                    let connection = graceful.watch(connection(stream, Peer(peer), front.clone()));
                    tokio::spawn(async move {
                        let _open = open;
                        if let Err(error) = connection.await {
                            tracing::debug!(%error, "connection ended");
                        }
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot accept");
                    // Out of descriptors, most likely: some connection has to end first.
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            },
            () = &mut stop => break,
        }
    }
    drop(listener);
    if tokio::time::timeout(DRAIN_TIME, graceful.shutdown()).await.is_err() {
        tracing::warn!("some requests were still under way");
    }
}

fn connection(
    stream: TcpStream,
    peer: Peer,
    front: Front,
) -> http1::Connection<
    TokioIo<TcpStream>,
    impl hyper::service::HttpService<Incoming, ResBody = Body, Error = Infallible, Future: Send>,
> {
    let service = hyper::service::service_fn(move |request| front.answer(peer, request));
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIME)
        .max_buf_size(MAX_HEADERS)
        .serve_connection(TokioIo::new(stream), service)
}
