//! A web server of somebody else, on this machine: it answers what it was told to, and remembers what it was asked.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

/// The peer. It ends with the test's runtime.
#[derive(Debug, Clone)]
pub struct Peer {
    /// `127.0.0.1:<port>`: what `outbound.allow` names.
    pub host: String,
    state: Arc<Mutex<State>>,
    changed: Arc<Notify>,
}

#[derive(Debug, Default)]
struct State {
    answers: BTreeMap<String, (&'static str, String)>,
    held: BTreeSet<String>,
    asked: Vec<String>,
}

impl Peer {
    /// Starts one that knows nothing.
    ///
    /// # Errors
    /// There is no port to be had.
    pub async fn start() -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let peer =
            Self { host: listener.local_addr()?.to_string(), state: Arc::default(), changed: Arc::default() };
        let shared = peer.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let peer = shared.clone();
                tokio::spawn(async move { peer.converse(stream).await });
            }
        });
        Ok(peer)
    }

    /// The URL of a path.
    pub fn at(&self, path: &str) -> String {
        format!("http://{}{path}", self.host)
    }

    /// From now on this JSON is at a path, not to be kept longer than the server keeps anything.
    pub fn tell(&self, path: &str, json: &serde_json::Value) {
        self.lock().answers.insert(path.to_owned(), ("200 OK", json.to_string()));
    }

    /// From now on a path answers with this status, as `503 Service Unavailable`, and nothing else.
    pub fn say(&self, path: &str, status: &'static str) {
        self.lock().answers.insert(path.to_owned(), (status, String::new()));
    }

    /// From now on whoever asks for a path waits.
    pub fn hold(&self, path: &str) {
        self.lock().held.insert(path.to_owned());
    }

    /// Whoever waits for a path is answered.
    pub fn release(&self, path: &str) {
        self.lock().held.remove(path);
        self.changed.notify_waiters();
    }

    /// Waits until a path was asked for so many times, and returns what was asked.
    pub async fn heard(&self, path: &str, times: usize) -> Vec<String> {
        loop {
            let changed = self.changed.notified();
            let asked = self.asked_at(path);
            if asked.len() >= times {
                return asked;
            }
            changed.await;
        }
    }

    /// The requests for a path so far.
    pub fn asked_at(&self, path: &str) -> Vec<String> {
        let mut asked = self.asked();
        asked.retain(|request| path_of(request) == path);
        asked
    }

    /// From now on nothing is there.
    pub fn forget(&self, path: &str) {
        self.lock().answers.remove(path);
    }

    /// The requests so far, each with its head and body.
    pub fn asked(&self) -> Vec<String> {
        self.lock().asked.clone()
    }

    async fn converse(&self, mut stream: TcpStream) {
        let mut heard = Vec::new();
        while !is_whole(&heard) {
            match stream.read_buf(&mut heard).await {
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            }
        }
        let request = String::from_utf8_lossy(&heard).into_owned();
        let path = path_of(&request).to_owned();
        self.lock().asked.push(request);
        self.changed.notify_waiters();
        self.released(&path).await;
        let answer = self.lock().answers.get(&path).cloned();
        let (status, body) = answer.unwrap_or(("404 Not Found", "{}".to_owned()));
        let first = format!(
            "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nCache-Control: max-age=0\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n",
            body.len()
        );
        let _ = stream.write_all(format!("{first}{body}").as_bytes()).await;
        let _ = stream.shutdown().await;
    }

    async fn released(&self, path: &str) {
        loop {
            let changed = self.changed.notified();
            if !self.lock().held.contains(path) {
                return;
            }
            changed.await;
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn path_of(request: &str) -> &str {
    request.split(' ').nth(1).unwrap_or_default()
}

fn is_whole(heard: &[u8]) -> bool {
    let text = String::from_utf8_lossy(heard);
    let Some((above, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = above.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("content-length").then(|| value.parse().unwrap_or(0))
    });
    body.len() >= length.unwrap_or(0)
}
