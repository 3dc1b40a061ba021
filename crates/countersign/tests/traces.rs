//! Traces, with the program itself and a collector of ours: what is in them, and what never is (attack LOGG-02).
//! Built with the feature `otel` alone.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread::{self, JoinHandle};

use anyhow::{Context as _, ensure};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;

const PASSWORD: &str = "violet-tandem-oyster-41";
const KIM: &str = "kim@example.org";

/// Takes whatever is posted, until it is told to stop by a request for `/stop`; then hands over all of it.
fn collector() -> anyhow::Result<(String, JoinHandle<anyhow::Result<Vec<u8>>>)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let url = format!("http://{}", listener.local_addr()?);
    let collecting = thread::spawn(move || {
        let (sender, posted) = std::sync::mpsc::channel();
        loop {
            let (stream, _) = listener.accept()?;
            let mut stream = BufReader::new(stream);
            let mut first = String::new();
            stream.read_line(&mut first)?;
            if first.starts_with("GET /stop") {
                break;
            }
            let sender = sender.clone();
            thread::spawn(move || take(first, stream, &sender));
        }
        drop(sender);
        Ok(posted.into_iter().flatten().collect())
    });
    Ok((url, collecting))
}

/// All requests of a connection.
fn take(
    mut line: String,
    mut stream: BufReader<TcpStream>,
    posted: &std::sync::mpsc::Sender<Vec<u8>>,
) -> anyhow::Result<()> {
    loop {
        ensure!(line.starts_with("POST /v1/traces "), "{line}");
        let mut length = 0;
        loop {
            line.clear();
            ensure!(stream.read_line(&mut line)? > 0, "the end");
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse()?;
            }
            if line == "\r\n" {
                break;
            }
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body)?;
        posted.send(body)?;
        stream.get_mut().write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")?;
        line.clear();
        ensure!(stream.read_line(&mut line)? > 0, "the end");
    }
}

struct Place(TempDir);

impl Place {
    fn command(&self, args: &[&str], endpoint: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
        command.args(args).current_dir(&self.0).env("COUNTERSIGN_TELEMETRY_OTLP_ENDPOINT", endpoint);
        command
    }

    /// A development server with one account, and its URL.
    fn start(&self, endpoint: &str) -> anyhow::Result<(Child, String)> {
        let log = File::create(self.0.path().join("log"))?;
        let mut server = self.command(&["--listen", "127.0.0.1:0"], endpoint);
        let mut server = server.stdout(Stdio::piped()).stderr(log).spawn()?;
        let lines = BufReader::new(server.stdout.take().context("stdout")?).lines();
        let mut url = None;
        for line in lines {
            let line = line?;
            url = line
                .trim()
                .strip_prefix("Open")
                .map(|url| url.trim().trim_end_matches('/').to_owned())
                .or(url);
            if line.starts_with("Ctrl-C") {
                break;
            }
        }
        let mut create = self.command(&["account", "create", "--email", KIM, "--password-stdin"], endpoint);
        let mut create = create.stdin(Stdio::piped()).stdout(Stdio::null()).spawn()?;
        create.stdin.take().context("stdin")?.write_all(PASSWORD.as_bytes())?;
        ensure!(create.wait()?.success(), "no account");
        Ok((server, url.context("it did not start")?))
    }
}

fn stop(mut server: Child) -> anyhow::Result<()> {
    kill_process(Pid::from_raw(i32::try_from(server.id())?).context("its id")?, Signal::TERM)?;
    ensure!(server.wait()?.success());
    Ok(())
}

/// Logs in both ways: the tokens, and the cookie's secret.
async fn log_in(url: &str) -> anyhow::Result<(Value, String)> {
    let client = reqwest::Client::new();
    let login = |deliver: &str| {
        let body = json!({ "identifier": KIM, "password": PASSWORD, "deliver": deliver });
        client.post(format!("{url}/api/v1/login")).json(&body).send()
    };
    let tokens = login("token").await?.error_for_status()?.json().await?;
    let answer = login("cookie").await?.error_for_status()?;
    let cookie = answer.headers().get("set-cookie").context("no cookie")?.to_str()?.to_owned();
    let secret = cookie.split([';', '=']).nth(1).context("no secret")?.to_owned();
    let page = client.get(format!("{url}/login?return_to=/account/sessions&mark=q7x")).send().await?;
    ensure!(page.status() == 200);
    Ok((tokens, secret))
}

#[tokio::test]
async fn logg_02_a_login_is_seen_from_request_to_commit_and_no_secret_and_nobody_with_it()
-> anyhow::Result<()> {
    let (endpoint, collecting) = collector()?;
    let place = Place(TempDir::new()?);
    let (server, url) = place.start(&endpoint)?;
    let (tokens, secret) = log_in(&url).await?;
    stop(server)?;
    let address = endpoint.strip_prefix("http://").context("an address")?;
    TcpStream::connect(address)?.write_all(b"GET /stop HTTP/1.1\r\n\r\n")?;
    let bytes = collecting.join().map_err(|_| anyhow::anyhow!("the collector panicked"))??;
    let seen = |words: &str| bytes.windows(words.len()).any(|window| window == words.as_bytes());
    for words in
        ["countersign", "POST /api/v1/login", "GET /login", "hash", "store.apply", "http.route", "req_"]
    {
        ensure!(seen(words), "{words} is missing");
    }
    let token = |name: &str| tokens[name].as_str().map(str::to_owned).context("a token");
    let (access, refresh) = (token("access_token")?, token("refresh_token")?);
    for words in [PASSWORD, &secret, &access, &refresh, KIM, "acc_", "ses_", "return_to", "q7x", "127.0.0.1:"]
    {
        ensure!(!seen(words), "{words} was sent");
    }
    Ok(())
}

#[tokio::test]
async fn a_collector_that_is_not_there_hurts_nobody() -> anyhow::Result<()> {
    let nobody = TcpListener::bind("127.0.0.1:0")?;
    let endpoint = format!("http://{}", nobody.local_addr()?);
    drop(nobody);
    let place = Place(TempDir::new()?);
    let (server, url) = place.start(&endpoint)?;
    log_in(&url).await?;
    stop(server)
}
