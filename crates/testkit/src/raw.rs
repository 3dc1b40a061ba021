//! HTTP as no client would send it: bytes in, one answer out.

use std::time::Duration;

use anyhow::{Context, bail};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::server::TestServer;

/// One answer, taken apart by hand.
#[derive(Debug, Clone)]
pub struct RawAnswer {
    /// The number in the status line.
    pub status: u16,
    /// The lines after it.
    pub headers: Vec<(String, String)>,
    /// What follows the empty line.
    pub body: Vec<u8>,
}

impl RawAnswer {
    /// A header's value; empty if it is not there.
    pub fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(this, _)| this.eq_ignore_ascii_case(name));
        found.map_or("", |(_, value)| value.as_str())
    }
}

/// An answer takes no longer than that, or there is none.
const PATIENCE: Duration = Duration::from_secs(20);

/// Sends bytes as they are and reads the first answer: up to its `Content-Length`, or to the end of the connection. The
/// request may end in the middle: what is asked is whether the server answers all the same.
///
/// # Errors
/// The server closes without an answer, or gives none in time.
pub async fn send(server: &TestServer, request: &[u8]) -> anyhow::Result<RawAnswer> {
    tokio::time::timeout(PATIENCE, exchange(server, request)).await.context("no answer in time")?
}

async fn exchange(server: &TestServer, request: &[u8]) -> anyhow::Result<RawAnswer> {
    send_on(&mut TcpStream::connect(server.address).await?, request).await
}

/// Sends everything, and reads whatever comes until the server closes.
///
/// # Errors
/// The server does not close in time.
pub async fn send_and_drain(server: &TestServer, request: &[u8]) -> anyhow::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(server.address).await?;
    drop(stream.write_all(request).await);
    let mut bytes = Vec::new();
    // A connection that is reset has ended too.
    let end = async { while stream.read_buf(&mut bytes).await.unwrap_or(0) > 0 {} };
    tokio::time::timeout(PATIENCE, end).await.context("it does not close")?;
    Ok(bytes)
}

/// Sends bytes on a connection, and reads the first answer.
///
/// # Errors
/// The server closes without an answer.
pub async fn send_on<T: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut T,
    request: &[u8],
) -> anyhow::Result<RawAnswer> {
    // A server that has refused already need not read the rest.
    drop(stream.write_all(request).await);
    let mut bytes = Vec::new();
    loop {
        if let Some(answer) = parse(&bytes)? {
            return Ok(answer);
        }
        if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
            bail!("closed after {} bytes: {}", bytes.len(), String::from_utf8_lossy(&bytes));
        }
    }
}

/// The answer, if all of it is there.
fn parse(bytes: &[u8]) -> anyhow::Result<Option<RawAnswer>> {
    let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { return Ok(None) };
    let (head, body) = (str::from_utf8(&bytes[..end])?, &bytes[end + 4..]);
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).context("no status line")?.parse()?;
    let headers: Vec<_> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let answer = RawAnswer { status, headers, body: body.to_vec() };
    let declared = answer.header("content-length").parse().unwrap_or(0);
    Ok((answer.body.len() >= declared).then_some(answer))
}
