//! Programs of others, as they are published: started with their settings in the environment, spoken with by lines.

use std::env;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::timeout;

use crate::person::Person;

/// A program that is silent for so long hangs: on a busy machine the slowest of them needs some seconds.
const PATIENCE: Duration = Duration::from_mins(3);

/// A program that runs until it ends or this is dropped.
#[derive(Debug)]
pub struct Program {
    child: Child,
    input: ChildStdin,
    output: UnboundedReceiver<String>,
}

/// The root of the repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The folder that `cargo xtask test` prepared with the programs; without it they cannot be run. Where everything must be
/// there (`TEST_REQUIRE_ALL`), it is an error.
///
/// # Errors
/// They must be there and are not.
pub fn prepared() -> anyhow::Result<Option<PathBuf>> {
    let folder = env::var_os("TEST_PROGRAMS").map(PathBuf::from);
    let required = env::var_os("TEST_REQUIRE_ALL").is_some();
    ensure!(folder.is_some() || !required, "TEST_PROGRAMS is not set: run the tests by `cargo xtask test`");
    Ok(folder)
}

/// A port that was free a moment ago.
///
/// # Errors
/// None is.
pub fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

impl Program {
    /// Starts it.
    ///
    /// # Errors
    /// It does not start.
    pub fn start(command: &mut Command) -> anyhow::Result<Self> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().with_context(|| format!("start {command:?}"))?;
        let input = child.stdin.take().context("no standard input")?;
        let output = BufReader::new(child.stdout.take().context("no standard output")?);
        let (tell, told) = unbounded_channel();
        // Reads to the end even when nobody asks, so that the program never waits for its reader.
        thread::spawn(move || {
            output.lines().map_while(Result::ok).for_each(|line| {
                tell.send(line).ok();
            });
        });
        Ok(Self { child, input, output: told })
    }

    /// Reads its output up to the first line that holds `text`, and gives that line.
    ///
    /// # Errors
    /// It ended before, or is silent.
    pub async fn line_with(&mut self, text: &str) -> anyhow::Result<String> {
        while let Some(line) = self.line().await? {
            if line.contains(text) {
                return Ok(line);
            }
        }
        bail!("it ended and never said {text:?}: {}", self.child.wait()?)
    }

    /// Reads its output to the end, demands that it then ended well, and gives what it said.
    ///
    /// # Errors
    /// It did not end well.
    pub async fn ends_well(&mut self) -> anyhow::Result<String> {
        let mut said = String::new();
        while let Some(line) = self.line().await? {
            said.push_str(&line);
            said.push('\n');
        }
        let status = self.child.wait()?;
        ensure!(status.success(), "{status}: {said}");
        Ok(said)
    }

    /// The next line; nothing where it ended.
    async fn line(&mut self) -> anyhow::Result<Option<String>> {
        let line = timeout(PATIENCE, self.output.recv()).await;
        line.with_context(|| format!("it said nothing for {PATIENCE:?}, and did not end"))
    }

    /// Writes a line to its input.
    ///
    /// # Errors
    /// It does not listen.
    pub fn say(&mut self, line: &str) -> anyhow::Result<()> {
        self.input.write_all(format!("{line}\n").as_bytes())?;
        Ok(self.input.flush()?)
    }

    /// Opens in the person's browser what it asks for (`{"open": URL}`), until it is done (`{"done": …}`). `ours` are the beginnings
    /// of URLs that are the program's: nobody listens there, arriving is enough.
    ///
    /// # Errors
    /// It ends before it is done, or a page does not lead on.
    pub async fn serve(&mut self, person: &mut Person, ours: &[&str]) -> anyhow::Result<Value> {
        while let Some(line) = self.line().await? {
            let Ok(line) = serde_json::from_str::<Value>(&line) else { continue };
            if let Some(url) = line["open"].as_str() {
                let arrived = person.arrive(url, ours).await?;
                self.say(&json!({ "arrived": arrived }).to_string())?;
            } else if !line["done"].is_null() {
                return Ok(line["done"].clone());
            }
        }
        bail!("it ended before it was done: {}", self.child.wait()?)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
