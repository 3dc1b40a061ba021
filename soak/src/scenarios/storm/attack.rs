//! The attackers: a thread of low priority each, since they share our cores and real ones would not.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use anyhow::ensure;
use reqwest::Method;
use rustix::process::setpriority_process;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{sleep, timeout};

use crate::http::{Http, send};

/// Clients that never come to the end of their request.
pub(super) const SLOW: usize = 10_000;
/// Addresses that they come from: one alone may not open so many connections.
const ADDRESSES: usize = 40;
/// So many of them the server holds at least, each until its time is over.
const HELD: usize = SLOW / 4;
/// A slow client sends a byte that often.
const BYTE_EVERY: Duration = Duration::from_secs(10);
const LOGINS: usize = 500;
/// So many streams are opened and reset at least.
const RESETS: usize = 1_000;
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
    /// Of slow connections: those that the server holds at this moment, and the fewest whenever that was looked at.
    held: AtomicUsize,
    fewest: AtomicUsize,
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
        let (done, refused, held) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
        let fewest = AtomicUsize::new(usize::MAX);
        Self { name, clients, way, over: AtomicBool::new(false), done, refused, held, fewest }
    }

    /// Begins, or begins again, in a thread of its own.
    pub(super) fn begin(self: &Arc<Self>, port: u16) -> anyhow::Result<JoinHandle<()>> {
        let attack = Arc::clone(self);
        self.over.store(false, Ordering::SeqCst);
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

    /// Notes how many connections are held at this moment.
    pub(super) fn look(&self) {
        self.fewest.fetch_min(self.held.load(Ordering::SeqCst), Ordering::SeqCst);
    }

    /// What the attack should have done and did not.
    pub(super) fn missing(&self) -> Option<String> {
        let (done, fewest) = (self.done.load(Ordering::SeqCst), self.fewest.load(Ordering::SeqCst));
        match self.way {
            Way::Slow => (fewest < HELD).then(|| format!("fewer than {HELD} were held")),
            Way::Resets => (done < RESETS).then(|| format!("fewer than {RESETS}")),
            Way::Logins(..) => (done == 0).then(|| "none was let in".to_owned()),
        }
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
        let _held = Held::new(&self.held);
        for byte in b"GET /api/v1/session HTTP/1.1\r\n".iter().cycle() {
            stream.write_all(&[*byte]).await?;
            // Whatever comes, an answer or the end, it is over.
            ensure!(timeout(BYTE_EVERY, stream.read_u8()).await.is_err(), "cut off");
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
        let let_in = reply.is_some_and(|reply| reply.status == 200);
        if let_in {
            self.count();
        }
        let_in
    }
}

/// A connection that counts while it lives.
struct Held<'a>(&'a AtomicUsize);

impl<'a> Held<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(count)
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl fmt::Display for Attack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = |count: &AtomicUsize| count.load(Ordering::SeqCst);
        write!(f, "{} {} ({} times cut off or refused", count(&self.done), self.name, count(&self.refused))?;
        if matches!(self.way, Way::Slow) {
            write!(f, ", at least {} held", count(&self.fewest))?;
        }
        f.write_str(")")
    }
}
