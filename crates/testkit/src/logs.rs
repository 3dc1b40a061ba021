//! What the servers of this process write to their logs, kept in memory to be searched for what must not be there.

use std::io::{self, Write};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::thread::{self, ThreadId};

use tracing_subscriber::EnvFilter;

/// A line, and the thread that wrote it.
type Line = (ThreadId, Vec<u8>);

/// Everything that was logged since [`logs`] was first asked for, by all servers of the process: lines, and who wrote each.
#[derive(Debug, Clone, Default)]
pub struct Logs(Arc<Mutex<Vec<Line>>>);

/// Finer than an operator can set it for our own code, and what the crates below it say; of the tests' own HTTP client,
/// which shares the process, nothing.
const FILTER: &str = "debug,countersign_server=trace,countersign_store=trace,countersign_core=trace,reqwest=off,hyper_util=off";

/// Starts to keep the logs of this process, once.
///
/// # Panics
/// Something else listens to them already.
pub fn logs() -> Logs {
    static LOGS: LazyLock<Logs> = LazyLock::new(|| {
        let logs = Logs::default();
        let writer = logs.clone();
        tracing_subscriber::fmt()
            .with_env_filter(EnvFilter::new(FILTER))
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .try_init()
            .expect("nothing else listens to the logs");
        logs
    });
    LOGS.clone()
}

impl Logs {
    /// All lines.
    pub fn text(&self) -> String {
        self.lines_of(|_| true)
    }

    /// How often the server of this test said so, where the test's runtime has one thread: the other tests of the process
    /// have others.
    pub fn own(&self, words: &str) -> usize {
        let here = thread::current().id();
        self.lines_of(|thread| thread == here).matches(words).count()
    }

    fn lines_of(&self, chosen: impl Fn(ThreadId) -> bool) -> String {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines
            .iter()
            .filter(|(thread, _)| chosen(*thread))
            .map(|(_, line)| String::from_utf8_lossy(line))
            .collect()
    }
}

impl Write for Logs {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let line = (thread::current().id(), bytes.to_vec());
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(line);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
