//! A server process under measurement.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::Context;

/// Linux counts processor time for user space in hundredths of a second on every machine we run on.
const TICKS_PER_SECOND: f64 = 100.0;
/// Where a server's output goes, in its data folder.
pub(crate) const LOG: &str = "bench.log";

/// A running server, and the request to measure it with. Dropping it ends the process.
pub(crate) struct Served {
    pub(crate) name: &'static str,
    pub(crate) port: u16,
    pub(crate) path: &'static str,
    pub(crate) headers: Vec<String>,
    process: Child,
}

impl Served {
    /// The bare hello, which is this very program.
    pub(crate) fn hello(name: &'static str) -> anyhow::Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        let mut process = command.arg("hello").stdout(Stdio::piped()).spawn()?;
        let mut address = String::new();
        let output = process.stdout.take().context("the output of hello")?;
        BufReader::new(output).read_line(&mut address)?;
        let port = address.trim().rsplit(':').next().context("the port of hello")?.parse()?;
        Ok(Self { name, port, path: "/", headers: Vec::new(), process })
    }

    /// Countersign in dev mode on this store, its limits lifted; `data` is its folder.
    pub(crate) fn countersign(
        name: &'static str,
        program: &Path,
        store: &str,
        data: &Path,
    ) -> anyhow::Result<Self> {
        fs::create_dir(data)?;
        // Another process may take the port first; then the server says so and does not start.
        let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        let log = fs::File::create(data.join(LOG))?;
        let process = Command::new(program)
            .args(["--listen", &format!("127.0.0.1:{port}"), "--data"])
            .arg(data)
            .env("COUNTERSIGN_STORE_URL", store)
            .env("COUNTERSIGN_THROTTLE_ENABLED", "false")
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("start {}", program.display()))?;
        Ok(Self { name, port, path: "/api/v1/session", headers: Vec::new(), process })
    }

    /// What its own pages call it: the host that the server answers to.
    pub(crate) fn origin(&self) -> String {
        format!("http://localhost:{}", self.port)
    }

    /// Processor time used so far by all its threads, in the program and in the kernel.
    pub(crate) fn cpu_seconds(&self) -> anyhow::Result<f64> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.process.id()))?;
        let ticks = cpu_ticks(&stat).with_context(|| format!("unknown form of /proc/*/stat: {stat}"))?;
        Ok(f64::from(ticks) / TICKS_PER_SECOND)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to end.
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

/// utime + stime of proc(5): fields 14 and 15, counted after the name, which may hold spaces.
fn cpu_ticks(stat: &str) -> Option<u32> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace().skip(11);
    let user: u32 = fields.next()?.parse().ok()?;
    let system: u32 = fields.next()?.parse().ok()?;
    Some(user + system)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processor_time_is_user_and_system_time() {
        let stat = "7 (a ) b) S 1 7 7 0 -1 4194304 100 0 0 0 250 31 9 9 20 0 3 0 100 0 0";
        assert_eq!(cpu_ticks(stat), Some(281));
        assert_eq!(cpu_ticks("7 (a) S 1"), None);
    }
}
