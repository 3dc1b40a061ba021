//! A PostgreSQL of our own: in a temporary folder, on a random port of the loopback address, gone afterwards.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use anyhow::{Context, bail};
use rustix::process::{Pid, Signal, kill_process};

use crate::parts;
use crate::shell::{output, run, say};

/// How long it may take to start, and then to stop.
const PATIENCE: Duration = Duration::from_secs(30);
const READY: &str = "database system is ready to accept connections";

/// Whether a commit waits for the disk: benchmarks need that, tests kill processes and not machines.
#[derive(Clone, Copy)]
pub(crate) enum Fsync {
    On,
    Off,
}

/// A running cluster; dropping it stops the server and removes its folder.
pub(crate) struct Cluster {
    folder: PathBuf,
    port: u16,
    server: Child,
    log: Receiver<()>,
}

impl Cluster {
    /// Makes and starts one. Any local user may connect as `postgres` without a password while it runs.
    pub(crate) fn start(fsync: Fsync) -> anyhow::Result<Self> {
        let bin = parts::postgres_bin().context("PostgreSQL is not installed")?;
        let made = output(as_postgres("mktemp").args(["-d", "/tmp/countersign-postgres.XXXXXX"]))?;
        let folder = PathBuf::from(made.trim());
        let started = initdb(&bin, &folder).and_then(|()| serve(&bin, &folder, fsync));
        if started.is_err() {
            remove(&folder);
        }
        started
    }

    /// The database `postgres` of the superuser `postgres`.
    pub(crate) fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// Its folder: `data` is the cluster's own, `log` holds its messages.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    fn wait_until_ready(&self) -> anyhow::Result<()> {
        match self.log.recv_timeout(PATIENCE) {
            Ok(()) => Ok(()),
            Err(_) => bail!("PostgreSQL did not start:\n{}", fs::read_to_string(self.folder.join("log"))?),
        }
    }

    fn stop(&mut self) -> anyhow::Result<()> {
        let pid = Pid::from_child(&self.server);
        for signal in [Signal::INT, Signal::QUIT, Signal::KILL] {
            kill_process(pid, signal)?;
            if self.log.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Disconnected) {
                break;
            }
        }
        self.server.wait().map(drop).context("wait for PostgreSQL's end")
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Err(error) = self.stop() {
            say(&format!("PostgreSQL was not stopped: {error:#}"));
        }
        remove(&self.folder);
    }
}

fn initdb(bin: &Path, folder: &Path) -> anyhow::Result<()> {
    let mut initdb = as_postgres(bin.join("initdb"));
    initdb.args(["--no-sync", "--no-locale", "--encoding=UTF8", "--auth=trust", "--username=postgres"]);
    run(initdb.arg("-D").arg(folder.join("data")).stdout(Stdio::null()))
}

fn serve(bin: &Path, folder: &Path, fsync: Fsync) -> anyhow::Result<Cluster> {
    // Another process may take the port before PostgreSQL does; then it says so and does not start.
    let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
    let settings = [
        "listen_addresses=127.0.0.1".to_owned(),
        format!("port={port}"),
        format!("unix_socket_directories={}", folder.display()),
        format!("fsync={}", if matches!(fsync, Fsync::On) { "on" } else { "off" }),
        "max_connections=400".to_owned(),
    ];
    let mut postgres = as_postgres(bin.join("postgres"));
    postgres.arg("-D").arg(folder.join("data"));
    postgres.args(settings.iter().flat_map(|setting| ["-c", setting]));
    let mut server =
        postgres.stdin(Stdio::null()).stderr(Stdio::piped()).spawn().context("start PostgreSQL")?;
    let messages = server.stderr.take().context("PostgreSQL's messages")?;
    let mut file = File::create(folder.join("log"))?;
    let (ready, log) = mpsc::channel();
    thread::spawn(move || keep_log(messages, &mut file, &ready));
    let cluster = Cluster { folder: folder.to_owned(), port, server, log };
    cluster.wait_until_ready()?;
    Ok(cluster)
}

/// Copies the server's messages until it ends (which closes the channel), and tells when it is ready.
fn keep_log(messages: impl Read, file: &mut impl Write, ready: &Sender<()>) -> std::io::Result<()> {
    for line in BufReader::new(messages).lines() {
        let line = line?;
        writeln!(file, "{line}")?;
        if line.contains(READY) {
            ready.send(()).ok();
        }
    }
    Ok(())
}

/// PostgreSQL refuses to run as root: then it gets the user that its package made. It is told to stop when
/// we die, however that happens.
fn as_postgres(program: impl AsRef<Path>) -> Command {
    let mut command = Command::new("setpriv");
    if parts::is_root() {
        command.args(["--reuid=postgres", "--regid=postgres", "--init-groups"]);
    }
    command.args(["--pdeathsig=INT", "--"]).arg(program.as_ref()).current_dir("/");
    command
}

fn remove(folder: &Path) {
    if let Err(error) = fs::remove_dir_all(folder) {
        say(&format!("{} was not removed: {error}", folder.display()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cluster_answers_while_it_lives_and_leaves_nothing() {
        if parts::postgres_bin().is_none() {
            say("not run: PostgreSQL is not installed");
            return;
        }
        let cluster = Cluster::start(Fsync::Off).expect("a cluster starts");
        let (url, folder, port) = (cluster.url(), cluster.folder.clone(), cluster.port);
        let answer = output(Command::new("psql").args([&url, "-Atc", "SHOW fsync"])).expect("it answers");
        assert_eq!(answer.trim(), "off");
        drop(cluster);
        assert!(!folder.exists());
        std::net::TcpStream::connect(("127.0.0.1", port)).expect_err("nobody listens any more");
    }
}
