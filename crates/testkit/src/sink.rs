//! A mail server that keeps what it is sent, or refuses it as the test says.

use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// A mail server on this machine. It ends with the test's runtime.
#[derive(Debug, Clone)]
pub struct Sink {
    /// `smtp://127.0.0.1:<port>`
    pub url: String,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    letters: Vec<Letter>,
    /// A command, and the answer that it gets instead of the usual one.
    refusal: Option<(&'static str, &'static str)>,
    connections: usize,
}

/// A mail that arrived.
#[derive(Debug, Clone, Default)]
pub struct Letter {
    /// The envelope: who sends it.
    pub from: String,
    /// The envelope: whom it is for.
    pub to: Vec<String>,
    /// Headers and body as they came, dots of the transport removed.
    pub data: String,
}

impl Sink {
    /// Starts one.
    ///
    /// # Errors
    /// There is no port to be had.
    pub async fn start() -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("smtp://{}", listener.local_addr()?);
        let sink = Self { url, state: Arc::default() };
        let shared = Arc::clone(&sink.state);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(converse(stream, Arc::clone(&shared)));
            }
        });
        Ok(sink)
    }

    /// From now on commands that begin with `command` get this answer: `("RCPT", "451 later")`. `("", …)` is the greeting.
    pub fn refuse(&self, command: &'static str, answer: &'static str) {
        lock(&self.state).refusal = Some((command, answer));
    }

    /// From now on everything is taken.
    pub fn take(&self) {
        lock(&self.state).refusal = None;
    }

    /// What arrived so far, oldest first.
    pub fn letters(&self) -> Vec<Letter> {
        lock(&self.state).letters.clone()
    }

    /// How often somebody came.
    pub fn connections(&self) -> usize {
        lock(&self.state).connections
    }
}

impl Letter {
    /// A header's value, unfolded and with its encoded words (RFC 2047) decoded; empty if it is not there once.
    pub fn header(&self, name: &str) -> String {
        let (head, _) = self.data.split_once("\r\n\r\n").unwrap_or((&self.data, ""));
        header(head, name)
    }

    /// The parts of a multipart: content type and decoded text.
    pub fn parts(&self) -> Vec<(String, String)> {
        let (_, body) = self.data.split_once("\r\n\r\n").unwrap_or((&self.data, ""));
        let kind = self.header("Content-Type");
        let boundary = kind.split("boundary=\"").nth(1).and_then(|rest| rest.split('"').next());
        let Some(boundary) = boundary else { return Vec::new() };
        let delimiter = format!("--{boundary}");
        let parts = body.split(delimiter.as_str()).skip(1).filter_map(|part| part.strip_prefix("\r\n"));
        parts.map(decoded).collect()
    }
}

fn decoded(part: &str) -> (String, String) {
    let (head, body) = part.split_once("\r\n\r\n").unwrap_or((part, ""));
    let bytes = match header(head, "Content-Transfer-Encoding").as_str() {
        "base64" => STANDARD.decode(body.replace("\r\n", "")).unwrap_or_default(),
        "quoted-printable" => quoted_printable(body),
        _ => body.as_bytes().to_vec(),
    };
    (header(head, "Content-Type"), String::from_utf8_lossy(&bytes).replace("\r\n", "\n"))
}

fn header(head: &str, name: &str) -> String {
    let unfolded = head.replace("\r\n ", " ");
    let mut values = unfolded.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    match (values.next(), values.next()) {
        (Some(value), None) => words(value),
        _ => String::new(),
    }
}

/// Encoded words joined, where there are any.
fn words(value: &str) -> String {
    let (before, encoded) = value.split_once("=?utf-8?b?").unwrap_or((value, ""));
    let pieces = encoded.split("=?utf-8?b?").map(|word| word.split_once("?=").unwrap_or((word, "")));
    let mut bytes = before.as_bytes().to_vec();
    for (word, after) in pieces {
        bytes.extend(STANDARD.decode(word).unwrap_or_default());
        // Space between encoded words is not part of the text; what else follows is.
        bytes.extend_from_slice(if after.trim().is_empty() { b"" } else { after.as_bytes() });
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn quoted_printable(body: &str) -> Vec<u8> {
    let joined = body.replace("=\r\n", "");
    let mut pieces = joined.split('=');
    let mut bytes = pieces.next().unwrap_or_default().as_bytes().to_vec();
    for piece in pieces {
        let (code, rest) = piece.split_at(piece.len().min(2));
        bytes.extend(u8::from_str_radix(code, 16));
        bytes.extend_from_slice(rest.as_bytes());
    }
    bytes
}

/// One connection. What breaks it off is the client's to notice.
async fn converse(stream: TcpStream, state: Arc<Mutex<State>>) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    lock(&state).connections += 1;
    stream.write_all(answer(&state, "", "220 ready").as_bytes()).await?;
    let mut letter = Letter::default();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let command = line.trim_end();
        let usual = match command.split(' ').next() {
            Some("EHLO") => "250-sink\r\n250 8BITMIME",
            Some("DATA") => "354 go on",
            Some("QUIT") => "221 bye",
            _ => "250 ok",
        };
        let said = answer(&state, command, usual);
        stream.write_all(said.as_bytes()).await?;
        if let Some(from) = mailbox(command, "MAIL FROM:") {
            letter.from = from;
        } else if let Some(to) = mailbox(command, "RCPT TO:") {
            letter.to.push(to);
        } else if said.starts_with("354") {
            letter.data = read_data(&mut stream).await?;
            let end = answer(&state, ".", "250 ok");
            if end.starts_with('2') {
                lock(&state).letters.push(std::mem::take(&mut letter));
            }
            stream.write_all(end.as_bytes()).await?;
        }
    }
}

/// Up to the dot that stands alone (RFC 5321 section 4.5.2).
async fn read_data(stream: &mut BufReader<TcpStream>) -> std::io::Result<String> {
    let mut data = String::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 || line == ".\r\n" {
            return Ok(data);
        }
        data.push_str(line.strip_prefix('.').unwrap_or(&line));
    }
}

fn mailbox(command: &str, start: &str) -> Option<String> {
    command.strip_prefix(start)?.strip_prefix('<')?.split('>').next().map(str::to_owned)
}

fn answer(state: &Mutex<State>, command: &str, usual: &str) -> String {
    let refusal = lock(state).refusal;
    let refused = refusal.filter(|(start, _)| {
        if start.is_empty() || command.is_empty() { start == &command } else { command.starts_with(start) }
    });
    format!("{}\r\n", refused.map_or(usual, |(_, answer)| answer))
}

fn lock(state: &Mutex<State>) -> std::sync::MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
