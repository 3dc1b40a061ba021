//! What the servers of this process write to their logs, kept in memory to be searched for what must not be there.

use std::io::{self, Write};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use tracing_subscriber::EnvFilter;

/// Everything that was logged since [`logs`] was first asked for, by all servers of the process.
#[derive(Debug, Clone, Default)]
pub struct Logs(Arc<Mutex<Vec<u8>>>);

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
        String::from_utf8_lossy(&self.0.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }
}

impl Write for Logs {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
