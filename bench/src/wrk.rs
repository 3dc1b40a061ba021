//! Load, by `wrk` (Debian), with small Lua scripts where each request differs from the one before.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};

/// The scripts read by each thread expect two of them.
const THREADS: &str = "2";
/// Connections that a load keeps open, unless it says otherwise.
pub(crate) const CONNECTIONS: u32 = 32;
/// A paced connection waits so long after an answer, in milliseconds: from the least to the most.
pub(crate) const PACE: (u32, u32) = (16, 48);
/// An answer that takes longer is an error. On a busy machine logins wait long.
const TIMEOUT: &str = "30s";
const SCRIPTS: [(&str, &str); 6] = [
    ("authorize.lua", include_str!("../wrk/authorize.lua")),
    ("exchange.lua", include_str!("../wrk/exchange.lua")),
    ("post.lua", include_str!("../wrk/post.lua")),
    ("refresh.lua", include_str!("../wrk/refresh.lua")),
    ("bearer.lua", include_str!("../wrk/bearer.lua")),
    ("paced.lua", include_str!("../wrk/paced.lua")),
];

/// The scripts, in a folder of their own.
pub(crate) struct Scripts(PathBuf);

impl Scripts {
    /// Writes them there.
    pub(crate) fn write(folder: PathBuf) -> anyhow::Result<Self> {
        fs::create_dir(&folder)?;
        for (name, text) in SCRIPTS {
            fs::write(folder.join(name), text)?;
        }
        Ok(Self(folder))
    }

    /// Where one of them is.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

/// What to send.
pub(crate) struct Load {
    pub(crate) port: u16,
    pub(crate) path: String,
    /// `Name: value`
    pub(crate) headers: Vec<String>,
    pub(crate) connections: u32,
    script: Option<(PathBuf, Vec<String>)>,
}

/// What was sent and how it was answered; times of answers in milliseconds.
#[derive(Debug, PartialEq)]
pub(crate) struct Answered {
    pub(crate) requests: f64,
    pub(crate) seconds: f64,
    pub(crate) p50: f64,
    pub(crate) p99: f64,
}

impl Load {
    /// `GET path` over [`CONNECTIONS`].
    pub(crate) fn new(port: u16, path: impl Into<String>) -> Self {
        Self { port, path: path.into(), headers: Vec::new(), connections: CONNECTIONS, script: None }
    }

    /// With a header.
    pub(crate) fn header(mut self, header: String) -> Self {
        self.headers.push(header);
        self
    }

    /// By a script with these arguments.
    pub(crate) fn script(mut self, script: PathBuf, args: &[&str]) -> Self {
        self.script = Some((script, args.iter().map(|arg| (*arg).to_owned()).collect()));
        self
    }

    /// Over so many connections.
    pub(crate) fn connections(mut self, connections: u32) -> Self {
        self.connections = connections;
        self
    }

    /// Sends it for so many seconds. An answer that is no success is an error.
    pub(crate) fn run(&self, seconds: u32) -> anyhow::Result<Answered> {
        let mut wrk = Command::new("wrk");
        let (connections, duration) = (self.connections.to_string(), format!("{seconds}s"));
        wrk.args([
            "--latency",
            "--timeout",
            TIMEOUT,
            "--threads",
            THREADS,
            "--connections",
            &connections,
            "--duration",
            &duration,
        ]);
        wrk.args(self.headers.iter().flat_map(|header| ["--header", header]));
        if let Some((script, _)) = &self.script {
            wrk.arg("--script").arg(script);
        }
        wrk.arg(format!("http://127.0.0.1:{}{}", self.port, self.path));
        if let Some((_, args)) = &self.script {
            wrk.arg("--").args(args);
        }
        let output = wrk.output().context("start wrk")?;
        let text = String::from_utf8_lossy(&output.stdout);
        ensure!(output.status.success(), "wrk failed: {text}{}", String::from_utf8_lossy(&output.stderr));
        read(&text).with_context(|| format!("{}: wrk says: {text}", self.path))
    }
}

/// A file with these lines, for a script to read.
pub(crate) fn lines(path: &Path, lines: &[String]) -> anyhow::Result<()> {
    fs::write(path, lines.join("\n")).with_context(|| format!("write {}", path.display()))
}

fn read(text: &str) -> anyhow::Result<Answered> {
    let failed = text.lines().find(|line| line.contains("Non-2xx") || line.contains("Socket errors"));
    ensure!(failed.is_none(), "not every request was answered with success");
    let line = text.lines().find(|line| line.contains(" requests in ")).context("no count of requests")?;
    let mut words = line.split_whitespace();
    let requests = words.next().context("no count")?.parse()?;
    let seconds = milliseconds(words.nth(2).context("no duration")?.trim_end_matches(','))? / 1000.0;
    let percentile = |name| {
        let mut times = text.lines().filter_map(|line| line.trim().strip_prefix(name));
        milliseconds(times.next().with_context(|| format!("no {name}"))?.trim())
    };
    Ok(Answered { requests, seconds, p50: percentile("50%")?, p99: percentile("99%")? })
}

/// wrk writes `950.00us`, `1.05ms`, `6.05s` or, from a minute on, `1.02m`.
fn milliseconds(time: &str) -> anyhow::Result<f64> {
    let units = [("us", 0.001), ("ms", 1.0), ("s", 1000.0), ("m", 60_000.0)];
    let known = units.into_iter().find_map(|(unit, factor)| Some((time.strip_suffix(unit)?, factor)));
    let (number, factor) = known.with_context(|| format!("no time: {time}"))?;
    Ok(number.parse::<f64>()? * factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "Running 6s test\n  2 threads and 32 connections\n  Latency Distribution\n     50%  423.00us\n     \
                        75%  600.00us\n     90%    1.10ms\n     99%    2.05ms\n  361234 requests in 6.05s, 41.2MB read\n\
                        Requests/sec:  59708.10\n";

    #[test]
    fn requests_and_their_times_are_read() {
        let read = read(GOOD).expect("a good run");
        assert_eq!(read, Answered { requests: 361_234.0, seconds: 6.05, p50: 0.423, p99: 2.05 });
        assert!((milliseconds("1.5m").expect("minutes") - 90_000.0).abs() < 1e-9);
        milliseconds("1.5h").expect_err("wrk has no hours here");
    }

    #[test]
    fn a_run_with_refused_requests_is_no_measurement() {
        read(&format!("{GOOD}  Non-2xx or 3xx responses: 12\n")).expect_err("refused requests are cheap");
        read(&format!("{GOOD}  Socket errors: connect 0, read 3\n")).expect_err("so are lost ones");
        read("").expect_err("and none");
    }
}
