//! Whether the time of an answer tells what the answer does not (attacks LOG-03, SES-06, REC-01; invariant I14).

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use countersign_core::account::change::Change;
use countersign_testkit::people::{PASSWORD, register};
use countersign_testkit::{Client, Options, StoreKind, TestServer};
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tokio::time::Instant;

use crate::dice::Dice;
use crate::http::SESSION;
use crate::progress::Progress;
use crate::scenario::{Outcome, Setup};
use crate::stats::{median, welch};

/// A difference that chance makes once in 100,000 tries.
const WELCH: f64 = 4.5;
/// Or one that is less than this part of the whole.
const PART: f64 = 0.02;
const PATIENCE: Duration = Duration::from_secs(10);
/// KiB and passes of a hash: a few milliseconds; those of the account that was made before.
const TODAY: (&str, &str) = ("4096", "2");
const BEFORE: (&str, &str) = ("2048", "1");

const KNOWN: &str = "known@example.org";
const DISABLED: &str = "disabled@example.org";
const OLDER: &str = "older@example.org";

pub(crate) fn run(setup: &Setup) -> anyhow::Result<Outcome> {
    let samples = setup.times(50, 2000);
    let runtime = Runtime::new()?;
    let (server, secret) = runtime.block_on(server())?;
    let mut asker = Asker { wire: Wire::to(&server)?, dice: Dice::new(setup.seed, 6), samples };
    let mut outcome = Outcome { times: format!("2 x {samples} answers each"), ..Outcome::default() };
    for row in rows(&secret) {
        asker.compare(&row, &mut outcome)?;
    }
    Ok(outcome)
}

/// A server with an account of each kind, and the secret of a session.
async fn server() -> anyhow::Result<(TestServer, String)> {
    let options = |(memory, passes): (&str, &str)| {
        Options::on(StoreKind::Sqlite)
            .with("COUNTERSIGN_THROTTLE_ENABLED", "false")
            .with("COUNTERSIGN_PASSWORD_MEMORY_KIB", memory)
            .with("COUNTERSIGN_PASSWORD_ITERATIONS", passes)
    };
    let server = TestServer::start(options(BEFORE)).await?;
    register(&server, OLDER).await?;
    let server = server.restart(options(TODAY).settings).await?;
    register(&server, KNOWN).await?;
    register(&server, DISABLED).await?;
    server.change_account(DISABLED, Change::Disable).await?;
    let mut browser = Client::browser(&server);
    let answer = browser.log_in(KNOWN, PASSWORD).await?;
    let secret = browser.cookie(SESSION).with_context(|| format!("no cookie: {}", answer.status))?.to_owned();
    Ok((server, secret))
}

/// Method and path, a cookie, a body.
type Request = (&'static str, Option<String>, Option<Value>);
/// A kind of request by name; each is another one.
type Kind = (&'static str, Box<dyn Fn(u64) -> Request>);

/// What is compared: the first kind with each of the others.
struct Row {
    id: &'static str,
    /// What all of them are answered.
    status: &'static str,
    kinds: Vec<Kind>,
}

/// The rows; `secret` is that of a session.
fn rows(secret: &str) -> Vec<Row> {
    let kind = |name, request: fn(&str) -> Request, email: Option<&'static str>| -> Kind {
        (name, Box::new(move |number| request(&email.map_or_else(|| stranger(number), str::to_owned))))
    };
    let beginning = secret.chars().take(BEGINNING).collect::<String>();
    vec![
        Row {
            id: "LOG-03, a wrong password",
            status: "401",
            kinds: vec![
                kind("known", log_in, Some(KNOWN)),
                kind("unknown", log_in, None),
                kind("disabled", log_in, Some(DISABLED)),
                kind("older hash", log_in, Some(OLDER)),
            ],
        },
        Row {
            id: "SES-06, a cookie",
            status: "401",
            kinds: vec![
                ("random", Box::new(|number| check(&random_text(number)))),
                (
                    "with a known beginning",
                    Box::new(move |number| check(&format!("{beginning}{}", random_text(number)))),
                ),
            ],
        },
        Row {
            id: "REC-01, recover",
            status: "202",
            kinds: vec![kind("unknown", recover, None), kind("known", recover, Some(KNOWN))],
        },
        Row {
            id: "REC-01, register",
            status: "202",
            kinds: vec![kind("unknown", sign_up, None), kind("known", sign_up, Some(KNOWN))],
        },
    ]
}

/// So much of a secret is known: half of it.
const BEGINNING: usize = 22;
/// The length of a secret in a cookie.
const SECRET: usize = 43;

fn log_in(email: &str) -> Request {
    let body = json!({ "identifier": email, "password": "wrong", "deliver": "token" });
    ("POST /api/v1/login", None, Some(body))
}

fn recover(email: &str) -> Request {
    ("POST /api/v1/recover", None, Some(json!({ "email": email })))
}

fn sign_up(email: &str) -> Request {
    ("POST /api/v1/accounts", None, Some(json!({ "email": email, "password": PASSWORD })))
}

/// The last character of a secret has four bits: `A` is one that can be.
fn check(secret: &str) -> Request {
    let secret = secret.chars().take(SECRET - 1).collect::<String>();
    ("GET /api/v1/session", Some(format!("{SESSION}={secret}A")), None)
}

fn random_text(number: u64) -> String {
    let mut dice = Dice::new(number, 7);
    format!("{:016x}{:016x}{:016x}", dice.any(), dice.any(), dice.any())
}

/// An address that nobody has.
fn stranger(number: u64) -> String {
    format!("s{number:08x}@example.org")
}

/// Asks and compares.
struct Asker {
    wire: Wire,
    dice: Dice,
    samples: usize,
}

impl Asker {
    /// Asks for all kinds in turn, in an order that changes, and compares their times.
    fn compare(&mut self, row: &Row, outcome: &mut Outcome) -> anyhow::Result<()> {
        let mut times = vec![Vec::with_capacity(self.samples); row.kinds.len()];
        let mut progress = Progress::new(row.id, self.samples);
        for sample in 0..self.samples {
            let first = self.dice.below(row.kinds.len());
            for place in 0..row.kinds.len() {
                let place = (first + place) % row.kinds.len();
                let request = (row.kinds[place].1)(self.dice.any() >> 32);
                times[place].push(self.wire.ask(&request, row.status)?);
            }
            progress.at(sample);
        }
        let base = median(&times[0]);
        outcome.figures.push(format!("{}: {} {:.3} ms", row.id, row.kinds[0].0, base * 1e3));
        for ((name, _), others) in row.kinds.iter().zip(&times).skip(1) {
            let (score, part) = (welch(&times[0], others), (median(others) - base) / base);
            let told = format!("{name} t {score:.1}, median {:+.1} %", part * 100.0);
            if score.abs() >= WELCH && part.abs() >= PART {
                outcome.problems.push(format!("{}: {told}", row.id));
            }
            outcome.figures.push(told);
        }
        Ok(())
    }
}

/// One connection, over which nothing else goes.
struct Wire {
    stream: TcpStream,
    host: String,
}

impl Wire {
    fn to(server: &TestServer) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(server.address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self { stream, host: format!("localhost:{}", server.address.port()) })
    }

    /// Sends a request and reads its answer: the seconds from the first byte to the last.
    fn ask(&mut self, (line, cookie, body): &Request, status: &str) -> anyhow::Result<f64> {
        let body = body.as_ref().map(Value::to_string).unwrap_or_default();
        let cookie = cookie.as_ref().map(|cookie| format!("cookie: {cookie}\r\n")).unwrap_or_default();
        let request = format!(
            "{line} HTTP/1.1\r\nhost: {}\r\nsec-fetch-site: same-origin\r\n{cookie}\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            self.host,
            body.len()
        );
        let began = Instant::now();
        self.stream.write_all(request.as_bytes())?;
        self.read(status)?;
        Ok(began.elapsed().as_secs_f64())
    }

    fn read(&mut self, status: &str) -> anyhow::Result<()> {
        let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
        loop {
            let length = self.stream.read(&mut buffer)?;
            ensure!(length > 0, "the server closed the connection");
            bytes.extend_from_slice(&buffer[..length]);
            let text = String::from_utf8_lossy(&bytes);
            let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
            ensure!(head.split(' ').nth(1) == Some(status), "not answered {status}: {head}");
            let declared = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if body.len() >= declared.map_or(Ok(0), str::parse)? {
                return Ok(());
            }
        }
    }
}
