//! The embedded engine: reads inline on read-only connections, all writes through one thread.

mod connection;
mod replace;
mod snapshot;
mod writer;

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use countersign_core::Time;
use parking_lot::Mutex;
use rusqlite::Connection;
use rustix::fs::{FlockOperation, Mode};
use tempfile::TempDir;
use tokio::sync::Semaphore;

use self::connection::Durability;
pub use self::replace::Site;
pub(super) use self::snapshot::verify;
use self::writer::Writer;
use super::batch::{Outcome, Statement};
use super::migrate::{Migration, Upgrade};
use super::snapshot::{Progress, Snapshot, SnapshotError, Target, Watch};
use super::{Error, Result, Row, Value};

/// Read connections kept open between reads; more live only as long as their read.
const IDLE_READERS: usize = 4;
/// Scans at once: each may hold a blocking thread for long.
const SCANS: usize = 2;

/// An open SQLite file.
#[derive(Debug)]
pub struct Sqlite {
    readers: Arc<Readers>,
    writer: Writer,
    scans: Arc<Semaphore>,
}

/// What keeps the file ours. Lives as long as the writer thread, which is the last to let go.
#[derive(Debug)]
struct Held {
    _lock: File,
    _folder: Option<TempDir>,
}

impl Sqlite {
    pub(super) fn open(path: &Path) -> Result<Self> {
        Self::start(path, Durability::Full, None)
    }

    /// A file in a private folder (tried: neither shared cache nor memdb serves readers beside a
    /// writer), removed when this is dropped or closed.
    pub(super) fn temporary() -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("countersign-").tempdir();
        let folder = folder.map_err(|error| Error::Unavailable(error.to_string()))?;
        let path = folder.path().join("store.db");
        Self::start(&path, Durability::None, Some(folder))
    }

    fn start(path: &Path, durability: Durability, folder: Option<TempDir>) -> Result<Self> {
        let path = true_name(path).map_err(|error| cannot_open(path, &error))?;
        // The lock first: closing any descriptor of the file drops this process's POSIX locks on it,
        // on which the connections of a store that is open already rely.
        let held = Held { _lock: lock(&path)?, _folder: folder };
        owner_only(&path).map_err(|error| cannot_open(&path, &error))?;
        let connection = connection::writer(&path, durability)?;
        let writer = Writer::start(connection, held)?;
        let readers = Arc::new(Readers { path, idle: Mutex::new(Some(Vec::new())) });
        Ok(Self { readers, writer, scans: Arc::new(Semaphore::new(SCANS)) })
    }

    pub(super) async fn migrate(
        &self,
        migrations: &'static [Migration],
        upgrade: Upgrade,
        now: Time,
    ) -> Result<Vec<&'static str>> {
        self.writer.migrate(migrations, upgrade, now).await
    }

    pub(super) fn read(&self, sql: &'static str, values: &[Value]) -> Result<Vec<Row>> {
        self.readers.with(|connection| connection::query(connection, sql, values))
    }

    pub(super) async fn scan(&self, sql: &'static str, values: Vec<Value>) -> Result<Vec<Row>> {
        let _turn = self.scans.acquire().await.map_err(|_| closed())?;
        let readers = Arc::clone(&self.readers);
        let scan = move || readers.with(|connection| connection::query(connection, sql, &values));
        tokio::task::spawn_blocking(scan).await.map_err(|error| Error::Unavailable(error.to_string()))?
    }

    /// What the engine finds wrong with the file.
    pub(super) async fn faults(&self) -> Result<Vec<String>> {
        let _turn = self.scans.acquire().await.map_err(|_| closed())?;
        let readers = Arc::clone(&self.readers);
        let look = move || {
            readers.with(|connection| {
                snapshot::findings(connection)
                    .map_err(|error| connection::explain("PRAGMA integrity_check", &error))
            })
        };
        tokio::task::spawn_blocking(look).await.map_err(|error| Error::Unavailable(error.to_string()))?
    }

    pub(super) async fn apply(&self, statements: Vec<Statement>) -> Result<Outcome> {
        self.writer.apply(statements).await
    }

    pub(super) fn check(&self, sql: &'static str) -> Result<()> {
        self.readers.with(|connection| connection::check(connection, sql))
    }

    /// Writes a verified copy of the database. The store's end stops it.
    pub(super) async fn snapshot(
        &self,
        target: Target,
        watch: Watch,
    ) -> std::result::Result<Snapshot, SnapshotError> {
        let (readers, scans) = (Arc::clone(&self.readers), Arc::clone(&self.scans));
        let watch: Watch = Arc::new(move |at: Progress| !scans.is_closed() && watch(at));
        let copy = move || snapshot::write(&readers.path, &target, &watch);
        let copied = tokio::task::spawn_blocking(copy).await;
        copied.map_err(|error| Error::Unavailable(error.to_string()))?
    }

    pub(super) async fn close(&self) {
        self.scans.close();
        self.readers.idle.lock().take();
        self.writer.close().await;
    }
}

/// Read-only connections to one file, the one used last on top; `None` once closed.
#[derive(Debug)]
struct Readers {
    path: PathBuf,
    idle: Mutex<Option<Vec<Connection>>>,
}

impl Readers {
    fn with<T>(&self, read: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        let idle = self.idle.lock().as_mut().ok_or_else(closed)?.pop();
        let connection = match idle {
            Some(connection) => connection,
            None => connection::reader(&self.path)?,
        };
        let answer = read(&connection);
        if let Some(idle) = &mut *self.idle.lock()
            && idle.len() < IDLE_READERS
        {
            idle.push(connection);
        }
        answer
    }
}

/// The path without links: a second process may come by another name.
fn true_name(path: &Path) -> io::Result<PathBuf> {
    match path.canonicalize() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let name = path.file_name().ok_or(error)?;
            let folder = path.parent().filter(|folder| *folder != Path::new(""));
            Ok(folder.unwrap_or(Path::new(".")).canonicalize()?.join(name))
        }
        name => name,
    }
}

/// Takes `<file>.lock` for as long as the returned file is open. A lock of our own, since SQLite's
/// would let a second process in between two transactions.
fn lock(path: &Path) -> Result<File> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let name = PathBuf::from(name);
    let file = owner_only(&name).map_err(|error| cannot_open(&name, &error))?;
    match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(rustix::io::Errno::WOULDBLOCK) => Err(Error::InUse(path.display().to_string())),
        Err(error) => Err(cannot_open(&name, &error.into())),
    }
}

/// Opens or creates a file that only its owner may read. SQLite gives `-wal` and `-shm` the mode
/// of the database.
fn owner_only(path: &Path) -> io::Result<File> {
    let file =
        OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)?;
    rustix::fs::fchmod(&file, Mode::RUSR | Mode::WUSR)?;
    Ok(file)
}

fn cannot_open(path: &Path, error: &io::Error) -> Error {
    Error::Unavailable(format!("cannot open {}: {error}", path.display()))
}

fn closed() -> Error {
    Error::Unavailable("it is closed".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_temporary_store_is_removed_when_closed() {
        let store = Sqlite::temporary().expect("a store");
        let folder = store.readers.path.parent().expect("a folder").to_owned();
        assert!(folder.is_dir());
        store.close().await;
        assert!(!folder.exists());
    }
}
