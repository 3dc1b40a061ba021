//! A line now and then, so that whoever waits knows for what.

use std::time::Duration;

use tokio::time::Instant;

/// How far a scenario is.
pub(crate) struct Progress {
    name: &'static str,
    times: usize,
    said: Instant,
}

const BETWEEN: Duration = Duration::from_secs(10);

impl Progress {
    /// A scenario that does something so many times.
    pub(crate) fn new(name: &'static str, times: usize) -> Self {
        Self { name, times, said: Instant::now() }
    }

    /// So many times by now.
    pub(crate) fn at(&mut self, done: usize) {
        if self.said.elapsed() >= BETWEEN {
            self.said = Instant::now();
            say(&format!("    {}: {done} of {}", self.name, self.times));
        }
    }
}

/// Prints a line.
#[expect(clippy::print_stdout, reason = "progress on standard output is what whoever waits wants to see")]
pub(crate) fn say(line: &str) {
    println!("{line}");
}
