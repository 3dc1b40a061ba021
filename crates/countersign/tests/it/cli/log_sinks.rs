//! A log that nobody takes: a pipe that is not read, one that was closed, a full disk. The server goes on.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use countersign_testkit::Port;
use rustix::process::{Pid, Signal, kill_process};

use super::program::Place;

/// More lines than a pipe, the writer's hands and the queue before it hold.
const ENOUGH: usize = 10_000;
/// What hangs takes for ever; nothing else takes so long.
const PATIENCE: Duration = Duration::from_mins(2);

/// The line that says how many were dropped.
const DROPPED: &str = "log lines were dropped: nobody took them";

struct Server {
    child: Child,
    url: String,
    metrics: Port,
}

impl Server {
    /// A server that serves metrics and whose log goes to `stderr`.
    fn start(place: &Place, stderr: Stdio) -> anyhow::Result<Self> {
        let metrics = Port::reserve()?;
        let mut command: Command = place.command(&["--listen", "127.0.0.1:0"]);
        command.env("COUNTERSIGN_METRICS_LISTEN", metrics.address().to_string());
        command.env("COUNTERSIGN_LOG_LEVEL", "debug");
        let mut child = command.stdout(Stdio::piped()).stderr(stderr).spawn()?;
        let stdout = BufReader::new(child.stdout.take().context("stdout")?);
        let mut url = String::new();
        for line in stdout.lines() {
            let line = line?;
            if let Some(found) = line.trim().strip_prefix("Open") {
                found.trim().trim_end_matches('/').clone_into(&mut url);
            }
            if line.starts_with("Ctrl-C") {
                return Ok(Self { child, url, metrics });
            }
        }
        anyhow::bail!("it did not start")
    }

    /// Requests that are each worth a line.
    async fn ask(&self, times: usize) -> anyhow::Result<()> {
        let client = reqwest::Client::new();
        for _ in 0..times {
            let answer = client.get(format!("{}/nothing-here", self.url)).send();
            let answer = tokio::time::timeout(PATIENCE, answer).await.context("it hangs")??;
            ensure!(answer.status() == 404);
        }
        Ok(())
    }

    /// Requests until the log can take no more; how many.
    async fn fill(&self) -> anyhow::Result<usize> {
        let mut asked = 0;
        while self.dropped().await? == 0 {
            ensure!(asked < ENOUGH, "the pipe takes it all");
            self.ask(100).await?;
            asked += 100;
        }
        self.ask(50).await?;
        Ok(asked + 50)
    }

    async fn dropped(&self) -> anyhow::Result<usize> {
        let answer = reqwest::get(format!("http://{}/metrics", self.metrics.address())).await?;
        let text = answer.text().await?;
        let name = "countersign_log_lines_dropped_total ";
        let value = text.lines().find_map(|line| line.strip_prefix(name)).context("not counted")?;
        Ok(value.parse()?)
    }

    /// Waits until lines were dropped: another thread than those who log writes them.
    async fn drops(&self) -> anyhow::Result<()> {
        let dropped = async {
            while self.dropped().await? == 0 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            Ok(())
        };
        tokio::time::timeout(PATIENCE, dropped).await.context("none was counted")?
    }

    fn ask_to_stop(&self) -> anyhow::Result<()> {
        let pid = Pid::from_raw(i32::try_from(self.child.id())?).context("its id")?;
        Ok(kill_process(pid, Signal::TERM)?)
    }

    async fn stop(mut self) -> anyhow::Result<()> {
        self.ask_to_stop()?;
        let ended = tokio::task::spawn_blocking(move || self.child.wait());
        let status = tokio::time::timeout(PATIENCE, ended).await.context("it does not stop")???;
        ensure!(status.success(), "{status}");
        Ok(())
    }
}

#[tokio::test]
async fn logg_04_a_pipe_that_nobody_reads_holds_up_neither_requests_nor_a_stop() -> anyhow::Result<()> {
    let place = Place::new()?;
    let server = Server::start(&place, Stdio::piped())?;
    server.fill().await?;
    server.stop().await
}

#[tokio::test]
async fn logg_04_a_reader_that_comes_back_is_told_how_many_lines_it_missed() -> anyhow::Result<()> {
    let place = Place::new()?;
    let mut server = Server::start(&place, Stdio::piped())?;
    let log = BufReader::new(server.child.stderr.take().context("stderr")?);
    let asked = server.fill().await?;
    let dropped = server.dropped().await?;
    let (refused, told) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let read = tokio::task::spawn_blocking({
        let counts = [("request refused", Arc::clone(&refused)), (DROPPED, Arc::clone(&told))];
        move || read(log, &counts)
    });
    let all_read = async {
        while refused.load(Ordering::SeqCst) + dropped < asked || told.load(Ordering::SeqCst) == 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let all_read = tokio::time::timeout(PATIENCE, all_read).await;
    ensure!(dropped > 0 && all_read.is_ok(), "{asked} asked: {refused:?} and {dropped}, {told:?}");
    server.stop().await?;
    read.await??;
    Ok(())
}

/// Reads lines, whole ones of ours, to the end, and counts those that hold some words.
fn read(log: impl BufRead, counts: &[(&str, Arc<AtomicUsize>)]) -> anyhow::Result<()> {
    for line in log.lines() {
        let line = line?;
        ensure!(line.contains("countersign"), "a torn line: {line}");
        for (_, count) in counts.iter().filter(|(words, _)| line.contains(words)) {
            count.fetch_add(1, Ordering::SeqCst);
        }
    }
    Ok(())
}

#[tokio::test]
async fn logg_04_a_closed_pipe_and_a_full_disk_are_counted_and_hurt_nobody() -> anyhow::Result<()> {
    let place = Place::new()?;
    let mut server = Server::start(&place, Stdio::piped())?;
    drop(server.child.stderr.take());
    server.ask(20).await?;
    server.drops().await?;
    server.stop().await?;

    // Whatever is written there meets a full disk (full(4)).
    let full: File = OpenOptions::new().write(true).open("/dev/full")?;
    let server = Server::start(&place, full.into())?;
    server.ask(20).await?;
    server.drops().await?;
    server.stop().await
}
