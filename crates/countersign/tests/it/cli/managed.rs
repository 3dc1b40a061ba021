//! Under a service manager or a container engine: what it is told, what it may ask, what a crash leaves behind.

use std::io::Write as _;
use std::os::unix::net::UnixDatagram;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use rustix::process::{Pid, Signal, kill_process};

use super::program::Place;

/// A server with a manager, which takes it for hung after so many microseconds without a word.
fn managed(patience: &str) -> anyhow::Result<(UnixDatagram, Place)> {
    let place = Place::new()?;
    let name = place.path("notify");
    let manager = UnixDatagram::bind(&name)?;
    let name = name.into_os_string().into_string().ok().context("a path of text")?;
    Ok((manager, place.with("NOTIFY_SOCKET", name).with("WATCHDOG_USEC", patience)))
}

/// What the manager hears, up to the stop; it reads all the time, as one does.
fn hear(manager: &UnixDatagram, heard: &mpsc::Sender<String>) -> anyhow::Result<()> {
    manager.set_read_timeout(Some(Duration::from_mins(1)))?;
    let mut bytes = [0; 256];
    loop {
        let length = manager.recv(&mut bytes).context("the manager hears nothing")?;
        let words = String::from_utf8(bytes[..length].to_vec())?;
        let last = words == "STOPPING=1";
        heard.send(words)?;
        if last {
            return Ok(());
        }
    }
}

#[tokio::test]
async fn a_service_manager_hears_ready_then_signs_of_life_then_stopping() -> anyhow::Result<()> {
    let (manager, place) = managed("1000000")?;
    let (sender, heard) = mpsc::channel();
    let manager = std::thread::spawn(move || hear(&manager, &sender));
    let server = place.start()?;
    ensure!(heard.recv()? == "READY=1");
    ensure!(reqwest::get(format!("{}/healthz", server.url)).await?.status().is_success());
    for _ in 0..3 {
        ensure!(heard.recv()? == "WATCHDOG=1");
    }
    ensure!(server.stop()?.success());
    manager.join().ok().context("no panic")??;
    let rest: Vec<String> = heard.iter().filter(|words| words != "WATCHDOG=1").collect();
    ensure!(rest == ["STOPPING=1"], "{rest:?}");
    Ok(())
}

#[test]
fn a_manager_that_reads_nothing_holds_up_neither_requests_nor_a_stop() -> anyhow::Result<()> {
    let (_manager, place) = managed("3000000")?;
    let server = place.start()?;
    let other = UnixDatagram::unbound()?;
    other.connect(place.path("notify"))?;
    other.set_nonblocking(true)?;
    while other.send(b"STATUS=full").is_ok() {}
    let ran = place.run(&["healthcheck"])?;
    ensure!(ran.code == Some(0), "{ran:?}");
    ensure!(server.stop()?.success());
    Ok(())
}

#[test]
fn a_manager_that_cannot_be_told_is_no_reason_to_serve_nobody() -> anyhow::Result<()> {
    let place = Place::new()?.with("NOTIFY_SOCKET", "nowhere");
    ensure!(place.start()?.stop()?.success());
    let log = std::fs::read_to_string(place.path("log"))?;
    ensure!(log.contains("cannot tell the service manager"), "{log}");
    Ok(())
}

#[test]
fn a_health_check_asks_the_server_that_runs() -> anyhow::Result<()> {
    let place = Place::new()?;
    let server = place.start()?;
    let ran = place.run(&["healthcheck"])?;
    ensure!(ran.code == Some(0) && ran.out.contains("is ready"), "{ran:?}");
    ensure!(server.stop()?.success());
    let ran = place.run(&["healthcheck"])?;
    ensure!(ran.code == Some(1) && ran.err.contains("no server answers at data/admin.sock"), "{ran:?}");
    Ok(())
}

/// Starts a command that may leave a core as large as it likes, has it die of a signal that leaves one, and tells whether it left one.
fn leaves_a_core(place: &Place, program: &[&str], until: &str) -> anyhow::Result<bool> {
    let own = place.command(&[]);
    let mut shell = Command::new("sh");
    shell.args(["-c", "ulimit -c unlimited; exec \"$@\"", "sh"]).args(program);
    shell.current_dir(own.get_current_dir().context("a folder")?).stdin(Stdio::null());
    let mut child = shell.stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().context("stdout")?));
    lines.find(|line| line.as_ref().map_or(true, |line| line.starts_with(until))).context("it ended")??;
    kill_process(Pid::from_raw(i32::try_from(child.id())?).context("its id")?, Signal::ABORT)?;
    let status = child.wait()?;
    ensure!(status.signal() == Some(Signal::ABORT.as_raw()), "{status}");
    Ok(status.core_dumped())
}

#[test]
fn logg_02_a_crash_leaves_no_core_dump() -> anyhow::Result<()> {
    let place = Place::new()?;
    let other = ["sh", "-c", "echo up; while :; do :; done"];
    if !leaves_a_core(&place, &other, "up").unwrap_or(false) {
        let reason = "core dumps not looked for: this machine makes none of anybody";
        ensure!(std::env::var_os("TEST_REQUIRE_ALL").is_none(), reason);
        writeln!(std::io::stderr(), "{reason}")?;
        return Ok(());
    }
    let server = [super::program::PROGRAM, "--listen", "127.0.0.1:0"];
    ensure!(!leaves_a_core(&place, &server, "Ctrl-C")?, "a file holds its memory");
    Ok(())
}
