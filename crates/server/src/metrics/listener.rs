//! `GET /metrics` on a listener of its own, and nothing else there: what the service counts is its operator's business,
//! never the world's (attack ADM-18). A request a connection, whatever its Host header says.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use crate::app::App;

/// A collector or two, and somebody who looks by hand; more wait.
const CONNECTIONS: usize = 8;
/// For a connection from its beginning to its end.
const TIME: Duration = Duration::from_secs(10);
const HEADER_TIME: Duration = Duration::from_secs(5);
const MAX_HEADERS: usize = 8 * 1024;

/// Why there is no such listener.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address} (metrics.listen): {error}")]
pub struct BindError {
    address: SocketAddr,
    error: io::Error,
}

/// Takes the address.
pub async fn bind(address: SocketAddr) -> Result<TcpListener, BindError> {
    TcpListener::bind(address).await.map_err(|error| BindError { address, error })
}

/// Serves until `stop` is ready.
pub async fn serve(listener: TcpListener, app: App, stop: impl Future<Output = ()>) {
    if let Ok(address) = listener.local_addr() {
        tracing::info!(listen = %address, "metrics are served");
        if address.ip().is_unspecified() {
            tracing::warn!(listen = %address, "metrics are served at every address of this machine");
        }
        // The first one is what `countersign doctor` asks.
        let _ = app.metrics.listening.set(address);
    }
    let mut stop = std::pin::pin!(stop);
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let place = tokio::select! {
            place = Arc::clone(&places).acquire_owned() => place,
            () = &mut stop => return,
        };
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    let answering = tokio::time::timeout(TIME, connection(stream, app.clone()));
                    tokio::spawn(async move {
                        // Whoever is slow or gone comes again.
                        drop(answering.await);
                        drop(place);
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "the metrics listener cannot accept");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            },
            () = &mut stop => return,
        }
    }
}

async fn connection(stream: TcpStream, app: App) -> hyper::Result<()> {
    let service = hyper::service::service_fn(move |request| {
        let answer = answer(&app, &request);
        async { Ok::<_, Infallible>(answer) }
    });
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIME)
        .max_buf_size(MAX_HEADERS)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service)
        .await
}

fn answer(app: &App, request: &Request<Incoming>) -> Response<Full<Bytes>> {
    let mut response = Response::default();
    if request.uri().path() != "/metrics" {
        *response.status_mut() = StatusCode::NOT_FOUND;
    } else if request.method() == Method::GET || request.method() == Method::HEAD {
        *response.body_mut() = Full::new(Bytes::from(app.metrics.text(&app.hashes)));
        let text = HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");
        response.headers_mut().insert(header::CONTENT_TYPE, text);
    } else {
        *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
    }
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
