//! Running the program in a folder of its own.

use std::fs::{self, File, Permissions};
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use countersign_testkit::Port;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;

pub(super) const PROGRAM: &str = env!("CARGO_BIN_EXE_countersign");
pub(super) const KIM: &str = "kim@example.org";
pub(super) const PASSWORD: &str = "violet-tandem-oyster-41";

/// A working folder, with a port for its server.
pub(super) struct Place {
    folder: TempDir,
    port: Port,
    env: Vec<(&'static str, String)>,
}

/// What became of a command.
#[derive(Debug)]
pub(super) struct Ran {
    pub(super) code: Option<i32>,
    pub(super) out: String,
    pub(super) err: String,
}

impl Place {
    pub(super) fn new() -> anyhow::Result<Self> {
        Ok(Self { folder: TempDir::new()?, port: Port::reserve()?, env: Vec::new() })
    }

    /// With one more variable in its environment.
    pub(super) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.env.push((name, value.into()));
        self
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A file with these bytes and this mode.
    pub(super) fn file(&self, name: &str, bytes: impl AsRef<[u8]>, mode: u32) -> anyhow::Result<PathBuf> {
        let path = self.path(name);
        fs::write(&path, bytes)?;
        fs::set_permissions(&path, Permissions::from_mode(mode))?;
        Ok(path)
    }

    /// A command in this folder; the settings of whoever runs the tests are not the program's.
    pub(super) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(PROGRAM);
        let ours = std::env::vars_os().map(|(name, _)| name);
        for name in ours.filter(|name| name.to_string_lossy().starts_with("COUNTERSIGN_")) {
            command.env_remove(name);
        }
        command.args(args).current_dir(&self.folder).stdin(Stdio::null());
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command
    }

    pub(super) fn run(&self, args: &[&str]) -> anyhow::Result<Ran> {
        Ok(Ran::of(&self.command(args).output()?))
    }

    /// Likewise, with something to read.
    pub(super) fn run_with(&self, args: &[&str], input: &str) -> anyhow::Result<Ran> {
        let mut command = self.command(args);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn()?;
        // A program that refuses at once reads nothing.
        child.stdin.take().context("stdin")?.write_all(input.as_bytes()).ok();
        Ok(Ran::of(&child.wait_with_output()?))
    }

    /// What a command prints with `--json`.
    pub(super) fn json(&self, args: &[&str]) -> anyhow::Result<Value> {
        let ran = self.run(&[args, &["--json"]].concat())?;
        ensure!(ran.code == Some(0), "{args:?}: {ran:?}");
        Ok(serde_json::from_str(&ran.out)?)
    }

    pub(super) fn create(&self, email: &str) -> anyhow::Result<Ran> {
        self.run_with(&["account", "create", "--email", email, "--password-stdin"], PASSWORD)
    }

    /// A development server. One after the other has the same name here, so that it knows the tokens of the one before.
    pub(super) fn start(&self) -> anyhow::Result<Running> {
        let log = self.path("log");
        let mut command = self.command(&["--listen", &self.port.address().to_string()]);
        let mut child = command.stdout(Stdio::piped()).stderr(File::create(&log)?).spawn()?;
        let stdout = child.stdout.take().context("stdout")?;
        let mut running = Running { child, url: String::new(), banner: String::new(), log };
        for line in BufReader::new(stdout).lines() {
            let line = line?;
            running.banner.push_str(&line);
            running.banner.push('\n');
            if let Some(url) = line.trim().strip_prefix("Open") {
                url.trim().trim_end_matches('/').clone_into(&mut running.url);
            }
            if line.starts_with("Ctrl-C") {
                return Ok(running);
            }
        }
        anyhow::bail!("it did not start: {}", running.log())
    }
}

impl Ran {
    fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
    }
}

/// A server that runs; dropping it kills it.
pub(super) struct Running {
    child: Child,
    pub(super) url: String,
    pub(super) banner: String,
    log: PathBuf,
}

impl Running {
    pub(super) fn new(child: Child, url: String, log: PathBuf) -> Self {
        Self { child, url, banner: String::new(), log }
    }

    pub(super) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Waits until the log says so: whoever logs hands its lines over, and another thread writes them.
    pub(super) async fn says(&self, words: &str) -> anyhow::Result<()> {
        let said = async {
            while !self.log().contains(words) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let patience = Duration::from_mins(1);
        tokio::time::timeout(patience, said).await.with_context(|| format!("no {words:?}: {}", self.log()))
    }

    /// As a service manager stops it.
    pub(super) fn stop(mut self) -> anyhow::Result<ExitStatus> {
        let pid = Pid::from_raw(i32::try_from(self.child.id())?).context("its id")?;
        kill_process(pid, Signal::TERM)?;
        Ok(self.child.wait()?)
    }

    /// As whoever renewed a certificate tells it.
    pub(super) fn hang_up(&self) -> anyhow::Result<()> {
        let pid = Pid::from_raw(i32::try_from(self.child.id())?).context("its id")?;
        Ok(kill_process(pid, Signal::HUP)?)
    }

    /// As a power cut stops it.
    pub(super) fn kill(mut self) -> anyhow::Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Logs in for tokens.
    pub(super) async fn log_in(&self, email: &str, password: &str) -> anyhow::Result<(u16, Value)> {
        let body = json!({"identifier": email, "password": password, "deliver": "token"});
        let url = format!("{}/api/v1/login", self.url);
        let answer = reqwest::Client::new().post(url).json(&body).send().await?;
        Ok((answer.status().as_u16(), answer.json().await?))
    }

    /// The status of "who am I".
    pub(super) async fn who(&self, tokens: &Value) -> anyhow::Result<u16> {
        let token = tokens["access_token"].as_str().context("an access token")?;
        let url = format!("{}/api/v1/session", self.url);
        Ok(reqwest::Client::new().get(url).bearer_auth(token).send().await?.status().as_u16())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to end.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
