//! The attackers: a thread of low priority each, since they share our cores and real ones would not.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use reqwest::Method;
use rustix::process::setpriority_process;
use serde_json::json;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::sleep;

use crate::http::{Http, send};

/// Clients that never come to the end of their request.
pub(super) const SLOW: usize = 10_000;
/// Addresses that they come from: one alone may not open so many connections.
const ADDRESSES: usize = 40;
/// A slow client sends a byte that often.
const BYTE_EVERY: Duration = Duration::from_secs(10);
const LOGINS: usize = 500;
const FLOODS: usize = 8;
/// Streams that a connection opens and resets in one breath.
const STREAMS: usize = 100;
/// Whoever was refused comes again.
const AGAIN: Duration = Duration::from_secs(1);
const POLL: Duration = Duration::from_millis(50);
const NICE: i32 = 10;

/// Who attacks, and what came of it.
pub(super) struct Attack {
    pub(super) name: &'static str,
    clients: usize,
    way: Way,
    over: AtomicBool,
    done: AtomicUsize,
    refused: AtomicUsize,
}

#[derive(Clone, Copy)]
enum Way {
    Slow,
    Resets,
    Logins(&'static str, &'static str),
}

impl Attack {
    pub(super) const fn slow() -> Self {
        Self::new("slow connections", SLOW, Way::Slow)
    }

    pub(super) const fn resets() -> Self {
        Self::new("streams opened and reset", FLOODS, Way::Resets)
    }

    pub(super) const fn logins((email, password): (&'static str, &'static str)) -> Self {
        Self::new("parallel logins", LOGINS, Way::Logins(email, password))
    }

    const fn new(name: &'static str, clients: usize, way: Way) -> Self {
        let (done, refused) = (AtomicUsize::new(0), AtomicUsize::new(0));
        Self { name, clients, way, over: AtomicBool::new(false), done, refused }
    }

    /// Begins in a thread of its own.
    pub(super) fn begin(self: &Arc<Self>, port: u16) -> anyhow::Result<JoinHandle<()>> {
        let attack = Arc::clone(self);
        let http = Http::new(&format!("http://localhost:{port}"))?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let thread = Builder::new().name("attacker".to_owned());
        Ok(thread.spawn(move || {
            // Without it the figures are worse than the truth, not better.
            setpriority_process(None, NICE).ok();
            runtime.block_on(attack.run(port, http));
        })?)
    }

    /// Ends it.
    pub(super) fn end(&self) {
        self.over.store(true, Ordering::SeqCst);
    }

    pub(super) fn did_nothing(&self) -> bool {
        self.done.load(Ordering::SeqCst) == 0
    }

    async fn run(self: Arc<Self>, port: u16, http: Http) {
        for number in 0..self.clients {
            let (attack, http) = (Arc::clone(&self), http.clone());
            tokio::spawn(async move { attack.again_and_again(number, port, &http).await });
        }
        while !self.over.load(Ordering::SeqCst) {
            sleep(POLL).await;
        }
    }

    async fn again_and_again(&self, number: usize, port: u16, http: &Http) {
        loop {
            let went_through = match self.way {
                Way::Slow => self.dawdle(number, port).await.is_ok(),
                Way::Resets => self.flood(port).await.is_ok(),
                Way::Logins(email, password) => self.log_in(http, (email, password)).await,
            };
            if !went_through {
                self.refused.fetch_add(1, Ordering::SeqCst);
                sleep(AGAIN).await;
            }
        }
    }

    fn count(&self) {
        self.done.fetch_add(1, Ordering::SeqCst);
    }

    /// Sends a request byte by byte until it is cut off.
    async fn dawdle(&self, number: usize, port: u16) -> anyhow::Result<()> {
        let socket = TcpSocket::new_v4()?;
        let from = u8::try_from(2 + number % ADDRESSES)?;
        socket.bind(SocketAddr::from(([127, 0, 0, from], 0)))?;
        let mut stream = socket.connect(SocketAddr::from(([127, 0, 0, 1], port))).await?;
        self.count();
        for byte in b"GET /api/v1/session HTTP/1.1\r\n".iter().cycle() {
            stream.write_all(&[*byte]).await?;
            sleep(BYTE_EVERY).await;
        }
        Ok(())
    }

    /// Opens streams and resets them (CVE-2023-44487) until it is cut off.
    async fn flood(&self, port: u16) -> anyhow::Result<()> {
        let stream = TcpStream::connect(("127.0.0.1", port)).await?;
        let (mut client, connection) = h2::client::handshake(stream).await?;
        let driver = tokio::spawn(connection);
        while !driver.is_finished() {
            for _ in 0..STREAMS {
                client = client.ready().await?;
                let request = http::Request::get(format!("http://localhost:{port}/login")).body(())?;
                let (_, mut stream) = client.send_request(request, true)?;
                stream.send_reset(h2::Reason::CANCEL);
                self.count();
            }
            tokio::task::yield_now().await;
        }
        Ok(driver.await??)
    }

    /// Whether a login was let in.
    async fn log_in(&self, http: &Http, (email, password): (&str, &str)) -> bool {
        let body = json!({ "identifier": email, "password": password, "deliver": "token" });
        let reply = send(http.request(Method::POST, "/api/v1/login").json(&body)).await;
        self.count();
        reply.is_some_and(|reply| reply.status == 200)
    }
}

impl fmt::Display for Attack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = |count: &AtomicUsize| count.load(Ordering::SeqCst);
        write!(f, "{} {} ({} times cut off or refused)", count(&self.done), self.name, count(&self.refused))
    }
}
