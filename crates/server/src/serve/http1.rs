//! HTTP/1.1 on one connection.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use http_body_util::Full;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::GracefulConnection;
use tokio::io::{AsyncRead, AsyncWrite};

use super::guest::{Guest, Phase};
use super::io::Watched;
use super::limits::MAX_HEAD_READ;
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
    let of = Arc::clone(guest);
    let service = hyper::service::service_fn(move |request: http::Request<hyper::body::Incoming>| {
        of.now(Phase::Asked);
        let (of, framing) = (Arc::clone(&of), Framing::of(request.headers()));
        let answer = (framing != Framing::Malformed).then(|| front.answer(Peer(peer), request));
        async move {
            let mut response = match answer {
                Some(answer) => answer.await?,
                None => malformed(),
            };
            if framing != Framing::Plain {
                response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            of.now(Phase::Answered);
            Ok::<_, Infallible>(response)
        }
    });
    http1::Builder::new()
        .header_read_timeout(None)
        .max_buf_size(MAX_HEAD_READ)
        // Answers are small: put together, they cost less than a write of their parts.
        .writev(false)
        .serve_connection(TokioIo::new(Watched::new(io, Arc::clone(guest))), service)
}

/// How a request says where it ends (RFC 9112 section 6.1; attack HTTP-01).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Framing {
    /// By its length, or it has no body.
    Plain,
    /// In chunks. Where a proxy before us saw another end, what it takes for the rest must not be read as a request: the
    /// connection ends with the answer. (A length beside the chunks was refused before: `heads`.)
    Chunked,
    /// In another way, or in two.
    Malformed,
}

impl Framing {
    fn of(headers: &HeaderMap) -> Self {
        let mut codings = headers.get_all(header::TRANSFER_ENCODING).iter();
        match (codings.next(), codings.next()) {
            (None, _) => Self::Plain,
            (Some(coding), None) if coding.as_bytes().eq_ignore_ascii_case(b"chunked") => Self::Chunked,
            _ => Self::Malformed,
        }
    }
}

/// As the parser itself answers what it cannot read.
fn malformed() -> Response<Body> {
    let mut response = Response::new(Body::Left(Full::new(Bytes::new())));
    *response.status_mut() = StatusCode::BAD_REQUEST;
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn http_01_chunks_once_or_a_length_and_nothing_else() {
        let of = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(header::TRANSFER_ENCODING, HeaderValue::from_static(value));
            }
            Framing::of(&headers)
        };
        assert_eq!(of(&[]), Framing::Plain);
        assert_eq!(of(&["chunked"]), Framing::Chunked);
        assert_eq!(of(&["CHUNKED"]), Framing::Chunked);
        for values in
            [&["chunked", "chunked"][..], &["chunked, chunked"], &["gzip, chunked"], &["xchunked"], &[""]]
        {
            assert_eq!(of(values), Framing::Malformed, "{values:?}");
        }
    }
}
