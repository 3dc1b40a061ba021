//! Load, by `wrk`.

use std::process::Command;

use anyhow::{Context, ensure};

use crate::served::Served;

const CONNECTIONS: &str = "32";
const THREADS: &str = "2";

/// What one run sent and got answered.
#[derive(Debug, PartialEq)]
pub(crate) struct Load {
    pub(crate) requests: f64,
    pub(crate) seconds: f64,
}

/// Sends the target's request over 32 connections for so many seconds. An answer that is no success is an error.
pub(crate) fn run(target: &Served, seconds: u32) -> anyhow::Result<Load> {
    let mut wrk = Command::new("wrk");
    wrk.args(["--threads", THREADS, "--connections", CONNECTIONS, "--duration", &format!("{seconds}s")]);
    wrk.args(target.headers.iter().flat_map(|header| ["--header", header]));
    wrk.arg(format!("http://127.0.0.1:{}{}", target.port, target.path));
    let output = wrk.output().context("start wrk")?;
    let text = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.success(), "wrk failed: {text}{}", String::from_utf8_lossy(&output.stderr));
    read(&text).with_context(|| format!("{}: wrk says: {text}", target.name))
}

fn read(text: &str) -> anyhow::Result<Load> {
    let failed = text.lines().find(|line| line.contains("Non-2xx") || line.contains("Socket errors"));
    ensure!(failed.is_none(), "not every request was answered with success");
    let line = text.lines().find(|line| line.contains(" requests in ")).context("no count of requests")?;
    let mut words = line.split_whitespace();
    let requests = words.next().context("no count")?.parse()?;
    let duration = words.nth(2).context("no duration")?.trim_end_matches(',');
    Ok(Load { requests, seconds: seconds(duration)? })
}

/// wrk writes `6.05s` or, from a minute on, `1.02m`.
fn seconds(duration: &str) -> anyhow::Result<f64> {
    match duration.strip_suffix('m') {
        Some(minutes) => Ok(minutes.parse::<f64>()? * 60.0),
        None => Ok(duration.trim_end_matches('s').parse()?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "Running 6s test\n  2 threads and 32 connections\n  361234 requests in 6.05s, 41.2MB read\n\
                        Requests/sec:  59708.10\n";

    #[test]
    fn requests_and_their_time_are_read() {
        assert_eq!(read(GOOD).expect("a good run"), Load { requests: 361_234.0, seconds: 6.05 });
        assert!((seconds("1.5m").expect("minutes") - 90.0).abs() < 1e-9);
    }

    #[test]
    fn a_run_with_refused_requests_is_no_measurement() {
        read(&format!("{GOOD}  Non-2xx or 3xx responses: 12\n")).expect_err("refused requests are cheap");
        read(&format!("{GOOD}  Socket errors: connect 0, read 3\n")).expect_err("so are lost ones");
        read("").expect_err("and none");
    }
}
