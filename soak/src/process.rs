//! The server as a process of its own, started, stopped and killed.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use countersign_testkit::Port;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use crate::http::Http;

/// A start or a stop takes no longer than that.
const PATIENCE: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(2);

/// A dev server with its folder, which goes with it.
pub(crate) struct Server {
    program: PathBuf,
    folder: TempDir,
    port: Port,
    settings: Vec<(&'static str, String)>,
    child: Option<Child>,
}

/// No limits on rates, hashes that cost next to nothing, and a grace and tokens that outlive every history.
const SETTINGS: [(&str, &str); 7] = [
    ("COUNTERSIGN_THROTTLE_ENABLED", "false"),
    ("COUNTERSIGN_PASSWORD_MEMORY_KIB", "64"),
    ("COUNTERSIGN_PASSWORD_ITERATIONS", "1"),
    ("COUNTERSIGN_PASSWORD_QUEUE", "1000"),
    ("COUNTERSIGN_TOKEN_LIFE", "1h"),
    ("COUNTERSIGN_TOKEN_REFRESH_GRACE", "5m"),
    ("COUNTERSIGN_LOG_LEVEL", "warn"),
];

impl Server {
    /// A server that does not run yet, with a port and an empty folder of its own: on SQLite unless a setting says
    /// otherwise.
    pub(crate) fn new(program: &Path, settings: &[(&'static str, String)]) -> anyhow::Result<Self> {
        let port = Port::reserve()?;
        let usual = SETTINGS.map(|(name, value)| (name, value.to_owned()));
        let settings = usual.into_iter().chain(settings.iter().cloned()).collect();
        Ok(Self { program: program.to_owned(), folder: TempDir::new()?, port, settings, child: None })
    }

    /// Another one with a copy of its folder and a port of its own. Neither runs.
    pub(crate) fn twin(&self) -> anyhow::Result<Self> {
        let mut twin = Self::new(&self.program, &[])?;
        twin.settings.clone_from(&self.settings);
        for entry in std::fs::read_dir(self.folder.path())? {
            let path = entry?.path();
            if path.is_file() {
                std::fs::copy(&path, twin.folder.path().join(path.file_name().context("a name")?))?;
            }
        }
        Ok(twin)
    }

    /// What its own pages call it.
    pub(crate) fn origin(&self) -> String {
        format!("http://localhost:{}", self.port())
    }

    /// Its port on the loopback address.
    pub(crate) const fn port(&self) -> u16 {
        self.port.address().port()
    }

    /// Its database, where that is SQLite.
    pub(crate) fn database(&self) -> PathBuf {
        self.folder.path().join("countersign.db")
    }

    /// Whether the process that was started last still runs.
    pub(crate) fn runs(&mut self) -> anyhow::Result<bool> {
        Ok(match &mut self.child {
            Some(child) => child.try_wait()?.is_none(),
            None => false,
        })
    }

    /// What it wrote to its log since it was started last.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Starts the process; whether it serves yet is another matter.
    pub(crate) fn spawn(&mut self) -> anyhow::Result<()> {
        let log = File::create(self.folder.path().join("log"))?;
        let mut command = Command::new(&self.program);
        let others = std::env::vars_os().map(|(name, _)| name);
        for name in others.filter(|name| name.to_string_lossy().starts_with("COUNTERSIGN_")) {
            command.env_remove(name);
        }
        command.args(["--listen", &self.port.address().to_string(), "--data"]).arg(self.folder.path());
        command.envs(self.settings.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let child = command.spawn().with_context(|| format!("start {}", self.program.display()))?;
        self.child = Some(child);
        Ok(())
    }

    /// Starts it and waits until it says that it is ready: the time that took.
    pub(crate) async fn start(&mut self, http: &Http) -> anyhow::Result<Duration> {
        let began = Instant::now();
        self.spawn()?;
        while !http.is_ready().await {
            if let Some(status) = self.child.as_mut().context("it was spawned")?.try_wait()? {
                bail!("the server ended at its start ({status}): {}", self.log());
            }
            ensure!(began.elapsed() < PATIENCE, "not ready after {PATIENCE:?}: {}", self.log());
            sleep(POLL).await;
        }
        Ok(began.elapsed())
    }

    /// `kill -9`
    pub(crate) fn kill(&mut self) -> anyhow::Result<()> {
        let mut child = self.child.take().context("it does not run")?;
        child.kill()?;
        child.wait()?;
        Ok(())
    }

    /// Ends it as a service manager does: the time that took, and how it ended.
    pub(crate) async fn stop(&mut self) -> anyhow::Result<(Duration, ExitStatus)> {
        let mut child = self.child.take().context("it does not run")?;
        let began = Instant::now();
        kill_process(Pid::from_child(&child), Signal::TERM)?;
        loop {
            if let Some(status) = child.try_wait()? {
                return Ok((began.elapsed(), status));
            }
            if began.elapsed() > PATIENCE {
                child.kill()?;
                bail!("still running {PATIENCE:?} after SIGTERM");
            }
            sleep(POLL).await;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            // It may have ended by itself; then there is nothing to end.
            child.kill().ok();
            child.wait().ok();
        }
    }
}
