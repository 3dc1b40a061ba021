//! HTTP/2 on one connection.
//!
//! What a flood could use is bounded (attack HTTP-06): streams at the same time, bytes sent ahead, headers (HPACK bombs,
//! CONTINUATION frames, which `h2` counts), empty DATA frames (`h2` has a budget of them), streams reset by us for errors of
//! the peer, and here the streams that the peer resets before their answer. PING and SETTINGS frames are answered before
//! the next frame is read, so they cost their sender as much as us and pile up nowhere.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use http::{HeaderValue, Request, header};
use hyper::body::{Body as _, Frame, Incoming, SizeHint};
use hyper::server::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::graceful::GracefulConnection;
use tokio::io::{AsyncRead, AsyncWrite};

use super::guest::{Guest, Stream};
use super::limits::{CONNECTION_WINDOW, MAX_HEADERS_READ, MAX_STREAMS, STREAM_WINDOW};
use crate::extract::client::Peer;
use crate::front::{Body, Front};

/// Serves `front` to whoever is at the other end of `io`. All times are the guest's.
pub(super) fn connection<T>(
    io: T,
    peer: SocketAddr,
    guest: &Arc<Guest>,
    front: Front,
) -> impl GracefulConnection<Error = hyper::Error> + Send
where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (guest, tolerance) = (Arc::clone(guest), guest.tolerance);
    let service = hyper::service::service_fn(move |mut request: Request<Incoming>| {
        name_host(&mut request);
        let (asked, waits) = (Asked { guest: Arc::clone(&guest), answered: false }, guest.stream());
        let answer = front.answer(Peer(peer), request);
        async move {
            let response = answer.await?;
            drop(waits);
            Ok::<_, Infallible>(response.map(|body| Watched::new(body, asked)))
        }
    });
    http2::Builder::new(TokioExecutor::new())
        .max_concurrent_streams(MAX_STREAMS)
        .max_header_list_size(MAX_HEADERS_READ)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_pending_accept_reset_streams(tolerance.unseen)
        .max_local_error_reset_streams(tolerance.errors)
        .serve_connection(TokioIo::new(io), service)
}

/// Gives a request that names the server in `:authority` alone the `Host` that says the same (RFC 9113 section 8.3.1), so
/// that one rule reads both versions. Where the two differ that rule refuses (attack HTTP-02).
fn name_host<B>(request: &mut Request<B>) {
    let authority = request.uri().authority().map(|authority| HeaderValue::try_from(authority.as_str()));
    if let Some(Ok(authority)) = authority
        && !request.headers().contains_key(header::HOST)
    {
        request.headers_mut().insert(header::HOST, authority);
    }
}

/// A request until its answer was sent, or until the peer took it back.
struct Asked {
    guest: Arc<Guest>,
    answered: bool,
}

impl Drop for Asked {
    fn drop(&mut self) {
        if self.answered {
            self.guest.answered();
        } else {
            self.guest.took_back();
        }
    }
}

/// The body of an answer. HTTP/2 asks for the next piece when the peer has room for it, and lets a piece go when it was
/// sent: both are waited for as long as for an answer, and no longer.
struct Watched {
    body: Body,
    asked: Asked,
    /// It is the peer who is waited for.
    waits: Option<Stream>,
}

impl Watched {
    fn new(body: Body, mut asked: Asked) -> Self {
        asked.answered = body.is_end_stream();
        Self { body, waits: Some(asked.guest.stream()), asked }
    }
}

impl hyper::body::Body for Watched {
    type Data = Piece;
    type Error = <Body as hyper::body::Body>::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Piece>, Self::Error>>> {
        self.waits = None;
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        self.asked.answered = frame.is_none() || self.body.is_end_stream();
        self.waits = Some(self.asked.guest.stream());
        let piece = |bytes| Piece { bytes, _waits: self.asked.guest.stream() };
        Poll::Ready(frame.map(|frame| frame.map(|frame| frame.map_data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A piece of a body that was not sent yet.
struct Piece {
    bytes: Bytes,
    _waits: Stream,
}

impl Buf for Piece {
    fn remaining(&self) -> usize {
        self.bytes.remaining()
    }

    fn chunk(&self) -> &[u8] {
        self.bytes.chunk()
    }

    fn advance(&mut self, count: usize) {
        self.bytes.advance(count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(uri: &str, host: Option<&'static str>) -> Vec<String> {
        let mut request = Request::new(());
        *request.uri_mut() = uri.parse().unwrap();
        host.map(|host| request.headers_mut().insert(header::HOST, HeaderValue::from_static(host)));
        name_host(&mut request);
        request.headers().get_all(header::HOST).iter().map(|host| host.to_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn http_02_the_authority_is_the_host_unless_there_is_one() {
        assert_eq!(named("https://id.example/login", None), ["id.example"]);
        assert_eq!(
            named("https://evil.tld/login", Some("id.example")),
            ["id.example"],
            "left for the rule to refuse"
        );
        assert!(named("/login", None).is_empty());
    }
}
