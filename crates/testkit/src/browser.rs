//! Journeys in a real browser: Node scripts in `crates/testkit/browser/` that drive Chromium.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};

/// How long one journey may take.
const TIME_LIMIT: Duration = Duration::from_mins(5);
/// How long a journey that was told to end may take to close its browser.
const GRACE: Duration = Duration::from_secs(5);
const CHROMIUM: &str = "/usr/bin/chromium";

/// How a journey ended that did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Journey {
    /// The script ran to its end and every step held.
    Passed,
    /// Something that it needs is not installed; what, was printed.
    NotRun,
}

/// Runs `script`, a file name in `crates/testkit/browser/`, with Node; `env` is added to our environment.
///
/// # Errors
/// The script failed, ran longer than five minutes, or something that it needs is missing while
/// `TEST_REQUIRE_ALL` is set.
pub fn run(script: &str, env: &[(&str, &str)]) -> anyhow::Result<Journey> {
    let missing = missing_parts();
    if !missing.is_empty() {
        let reason = format!("browser journey {script} not run: missing {}", missing.join(", "));
        ensure!(env::var_os("TEST_REQUIRE_ALL").is_none(), "{reason}");
        say(&reason);
        return Ok(Journey::NotRun);
    }
    let child = Command::new("node")
        .arg(script)
        .envs(env.iter().copied())
        .current_dir(folder())
        .stdin(Stdio::null())
        .spawn()
        .with_context(|| format!("start node {script}"))?;
    let status = finish(child, TIME_LIMIT, GRACE).with_context(|| format!("browser journey {script}"))?;
    ensure!(status.success(), "browser journey {script} failed: {status}");
    Ok(Journey::Passed)
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("browser")
}

fn missing_parts() -> Vec<&'static str> {
    let chromium = env::var_os("CHROMIUM_PATH").unwrap_or_else(|| CHROMIUM.into());
    let parts = [
        ("node (apt-get install nodejs npm)", on_path("node")),
        ("Chromium (apt-get install chromium, or set CHROMIUM_PATH)", Path::new(&chromium).is_file()),
        (
            "npm packages (npm ci in crates/testkit/browser)",
            folder().join("node_modules/playwright-core").is_dir(),
        ),
    ];
    parts.into_iter().filter_map(|(name, found)| (!found).then_some(name)).collect()
}

fn on_path(program: &str) -> bool {
    env::var_os("PATH").is_some_and(|path| env::split_paths(&path).any(|dir| dir.join(program).is_file()))
}

#[expect(clippy::print_stdout, reason = "whoever reads the test's output must learn that it tested nothing")]
fn say(reason: &str) {
    println!("{reason}");
}

/// Waits for the child's end. At the limit it is told to close its browser, after the grace it is killed.
fn finish(mut child: Child, limit: Duration, grace: Duration) -> anyhow::Result<ExitStatus> {
    let pid = Pid::from_child(&child);
    let (ended, end) = mpsc::channel();
    thread::spawn(move || ended.send(child.wait()));
    match end.recv_timeout(limit) {
        Ok(status) => Ok(status?),
        Err(RecvTimeoutError::Disconnected) => bail!("nobody waited for process {pid:?}"),
        Err(RecvTimeoutError::Timeout) => {
            stop(pid, &end, grace)?;
            bail!("still ran after {} s", limit.as_secs())
        }
    }
}

fn stop<T>(pid: Pid, end: &Receiver<T>, grace: Duration) -> anyhow::Result<()> {
    kill_process(pid, Signal::TERM)?;
    if end.recv_timeout(grace).is_err() {
        kill_process(pid, Signal::KILL)?;
        end.recv_timeout(GRACE).context("a killed process must end")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_driver_works_here() {
        let journey = run("selftest.mjs", &[]).expect("the driver's own test passes");
        assert_eq!(journey == Journey::Passed, missing_parts().is_empty());
    }

    #[test]
    fn a_script_that_fails_fails_the_journey() {
        if missing_parts().is_empty() {
            let error = run("no-such-script.mjs", &[]).expect_err("there is no such script");
            assert!(error.to_string().contains("no-such-script.mjs failed"), "{error}");
        }
    }

    #[test]
    fn a_child_that_hangs_is_stopped_at_the_limit() {
        let child = Command::new("sleep").arg("60").spawn().expect("sleep starts");
        assert_stopped(child, Duration::from_millis(50));
    }

    #[test]
    fn a_child_that_ignores_the_first_signal_is_killed() {
        let script = "trap '' TERM; exec sleep 60";
        let child = Command::new("sh").args(["-c", script]).spawn().expect("sh starts");
        assert_stopped(child, Duration::from_millis(300));
    }

    fn assert_stopped(child: Child, limit: Duration) {
        let pid = Pid::from_child(&child);
        let error = finish(child, limit, Duration::from_millis(300)).expect_err("it cannot end in time");
        assert!(error.to_string().contains("still ran"), "{error}");
        assert!(rustix::process::test_kill_process(pid).is_err(), "the child is gone");
    }
}
