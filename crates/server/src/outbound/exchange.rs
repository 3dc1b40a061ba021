//! One request and its answer over a connection of their own (HTTP/1.1), which ends with them.

use bytes::Bytes;
use countersign_core::outbound::Target;
use http::{HeaderValue, header};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::task::JoinHandle;

use super::connect::Stream;
use super::{Answer, MAX_ANSWER, OutboundError};

/// The most that the head of an answer may have.
const MAX_HEAD: usize = 16 * 1024;

/// Ends the task that drives a connection when the answer is there, or nobody waits for it any more.
struct Driver(JoinHandle<()>);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Sends the request and reads the answer whole.
pub(super) async fn exchange(
    stream: Box<dyn Stream>,
    target: &Target,
    request: http::request::Builder,
    body: Bytes,
) -> Result<Answer, OutboundError> {
    let mut builder = http1::Builder::new();
    builder.max_buf_size(MAX_HEAD);
    let (mut sender, connection) =
        builder.handshake(TokioIo::new(stream)).await.map_err(|_| OutboundError::Protocol)?;
    let _driver = Driver(tokio::spawn(async move {
        // Its error is that of the request.
        let _ = connection.await;
    }));
    let request = request
        .uri(target.path_and_query())
        .header(header::HOST, target.authority())
        .header(header::USER_AGENT, "countersign")
        .header(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"))
        .header(header::CONNECTION, HeaderValue::from_static("close"))
        .body(Full::new(body))
        .map_err(|_| OutboundError::Protocol)?;
    let response = sender.send_request(request).await.map_err(|_| OutboundError::Protocol)?;
    let (parts, body) = response.into_parts();
    if parts.status.is_redirection() {
        return Err(OutboundError::Redirect);
    }
    let is_plain = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"identity");
    if !parts.headers.get_all(header::CONTENT_ENCODING).iter().all(is_plain) {
        return Err(OutboundError::Encoded);
    }
    let body = match Limited::new(body, MAX_ANSWER).collect().await {
        Ok(whole) => whole.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => return Err(OutboundError::TooLarge),
        Err(_) => return Err(OutboundError::Protocol),
    };
    Ok(Answer { status: parts.status, headers: parts.headers, body })
}
