//! What was measured on: the figures mean nothing without it.

use std::fs::{self, File};
use std::io::Write as _;
use std::num::NonZero;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::Context;

use crate::figures::median;
use crate::stopwatch::Stopwatch;

/// Writes that are timed, and how much each of them writes.
const SYNCS: usize = 200;
const SYNCED: usize = 4096;

/// A machine on a day.
pub(crate) struct Machine {
    pub(crate) cores: usize,
    pub(crate) processor: String,
    pub(crate) kernel: String,
    /// `2026-11-24`
    pub(crate) date: String,
    /// Median time to write 4 KiB to the end of a file and wait for the disk.
    pub(crate) fsync: Duration,
}

impl Machine {
    /// Looks at this one; `data` is the folder whose disk is timed.
    pub(crate) fn look(data: &Path) -> anyhow::Result<Self> {
        let processors = fs::read_to_string("/proc/cpuinfo")?;
        let today = Command::new("date").args(["-u", "+%Y-%m-%d"]).output().context("run date")?;
        Ok(Self {
            cores: std::thread::available_parallelism().map_or(1, NonZero::get),
            processor: model(&processors).unwrap_or("unknown").to_owned(),
            kernel: fs::read_to_string("/proc/sys/kernel/osrelease")?.trim().to_owned(),
            date: String::from_utf8_lossy(&today.stdout).trim().to_owned(),
            fsync: fsync(data)?,
        })
    }
}

fn model(processors: &str) -> Option<&str> {
    let line = processors.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim())
}

fn fsync(folder: &Path) -> anyhow::Result<Duration> {
    let path = folder.join("fsync");
    let mut file = File::create(&path)?;
    let mut seconds = Vec::with_capacity(SYNCS);
    for _ in 0..SYNCS {
        let start = Stopwatch::start();
        file.write_all(&[7; SYNCED])?;
        file.sync_data()?;
        seconds.push(start.elapsed().as_secs_f64());
    }
    fs::remove_file(&path)?;
    Ok(Duration::from_secs_f64(median(seconds)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_processor_is_named() {
        let text = "processor\t: 0\nmodel name\t: Some CPU @ 2 GHz\nprocessor\t: 1\n";
        assert_eq!(model(text), Some("Some CPU @ 2 GHz"));
        assert_eq!(model("processor\t: 0\n"), None);
    }

    #[test]
    fn the_disk_is_timed_and_nothing_stays_on_it() {
        let folder = tempfile::tempdir().unwrap();
        assert!(fsync(folder.path()).unwrap() > Duration::ZERO);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
