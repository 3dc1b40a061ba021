//! A process under measurement.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::Context;

/// Linux counts processor time for user space in hundredths of a second on every machine we run on.
const TICKS_PER_SECOND: f64 = 100.0;
const LOG: &str = "bench.log";

/// A running server. Dropping it ends the process.
pub(crate) struct Served {
    pub(crate) port: u16,
    log: Option<PathBuf>,
    process: Child,
}

impl Served {
    /// The bare hello, which is this very program.
    pub(crate) fn hello() -> anyhow::Result<Self> {
        let mut process = itself().arg("hello").stdout(Stdio::piped()).spawn()?;
        let mut address = String::new();
        let output = process.stdout.take().context("the output of hello")?;
        BufReader::new(output).read_line(&mut address)?;
        let port = address.trim().rsplit(':').next().context("the port of hello")?.parse()?;
        Ok(Self { port, log: None, process })
    }

    /// Countersign in dev mode on this store, its limits lifted; `data` is its folder.
    pub(crate) fn countersign(program: &Path, store: &str, data: &Path) -> anyhow::Result<Self> {
        fs::create_dir(data)?;
        // Another process may take the port first; then the server says so and does not start.
        let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        let path = data.join(LOG);
        let log = fs::File::create(&path)?;
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
        Ok(Self { port, log: Some(path), process })
    }

    /// What it wrote so far, for whoever wonders why it does not answer.
    pub(crate) fn log(&self) -> String {
        self.log.as_ref().and_then(|path| fs::read_to_string(path).ok()).unwrap_or_default()
    }

    /// Processor time used so far by all its threads, in the program and in the kernel, in seconds.
    pub(crate) fn cpu(&self) -> anyhow::Result<f64> {
        cpu(&self.process.id().to_string(), Of::Itself)
    }

    /// Memory that it holds now, in MiB.
    pub(crate) fn memory(&self) -> anyhow::Result<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id()))?;
        resident(&status).with_context(|| format!("unknown form of /proc/*/status: {status}"))
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to end.
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

/// This very program, to be run again.
pub(crate) fn itself() -> Command {
    // The link works even where the file was replaced by a newer one.
    Command::new("/proc/self/exe")
}

/// Processor time of all load tools that ended so far, in seconds.
pub(crate) fn tools_cpu() -> anyhow::Result<f64> {
    cpu("self", Of::ItsChildren)
}

#[derive(Clone, Copy)]
enum Of {
    Itself,
    ItsChildren,
}

fn cpu(process: &str, of: Of) -> anyhow::Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    let ticks = ticks(&stat, of).with_context(|| format!("unknown form of /proc/*/stat: {stat}"))?;
    Ok(f64::from(ticks) / TICKS_PER_SECOND)
}

/// utime + stime, or cutime + cstime, of proc(5): fields 14 to 17, counted after the name, which may hold spaces.
fn ticks(stat: &str, of: Of) -> Option<u32> {
    let (_, rest) = stat.rsplit_once(')')?;
    let skipped = match of {
        Of::Itself => 11,
        Of::ItsChildren => 13,
    };
    let mut fields = rest.split_whitespace().skip(skipped);
    let user: u32 = fields.next()?.parse().ok()?;
    let system: u32 = fields.next()?.parse().ok()?;
    Some(user + system)
}

/// `VmRSS` of proc(5), which is in KiB.
fn resident(status: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u32 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(f64::from(kib) / 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processor_time_is_user_and_system_time() {
        let stat = "7 (a ) b) S 1 7 7 0 -1 4194304 100 0 0 0 250 31 9 10 20 0 3 0 100 0 0";
        assert_eq!(ticks(stat, Of::Itself), Some(281));
        assert_eq!(ticks(stat, Of::ItsChildren), Some(19));
        assert_eq!(ticks("7 (a) S 1", Of::Itself), None);
    }

    #[test]
    fn memory_is_what_is_resident() {
        assert_eq!(resident("VmPeak:\t 9 kB\nVmRSS:\t  51200 kB\n"), Some(50.0));
        assert_eq!(resident("VmPeak:\t 9 kB\n"), None);
    }
}
