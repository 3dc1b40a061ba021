//! A database in one file: what a backup is, and what a restore begins with (attack STO-16).

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws_lc_rs::digest::{Context, SHA256};

use super::{Error, sqlite};

/// What is being done, and how much of it is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Being done.
    pub stage: Stage,
    /// Pages of the database.
    pub done: u64,
    /// Of so many.
    pub total: u64,
}

/// A part of the work on a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Pages are copied.
    Copying,
    /// What was copied is read again, all of it, and looked at.
    Verifying,
}

/// Hears of the progress, and says whether to go on.
pub type Watch = Arc<dyn Fn(Progress) -> bool + Send + Sync>;

/// A file that holds a whole and sound database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Its size.
    pub bytes: u64,
    /// Of the file: 64 hexadecimal digits.
    pub sha256: String,
    /// The last migration in it.
    pub schema: i64,
    /// Rows of `accounts`.
    pub accounts: u64,
    /// Rows of `sessions`, ended ones included.
    pub sessions: u64,
    /// Rows of `audit`.
    pub events: u64,
}

/// Why there is no snapshot. Whatever was half made is gone.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotError {
    /// Never written over by itself.
    #[error("{0} is there already: choose another name, or say --force")]
    Exists(String),
    /// The target is the database, or lies where the engine keeps files of its own.
    #[error("{0} belongs to the database itself: choose another name")]
    Own(String),
    /// The system refuses.
    #[error("{path}: {reason}")]
    File {
        /// Which file.
        path: String,
        /// Why.
        reason: String,
    },
    /// The file is no database of ours, or not whole.
    #[error("{path} is no sound backup: {reason}")]
    Unsound {
        /// Which file.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Whoever watched said so, or the store was closed.
    #[error("stopped before it was done")]
    Stopped,
    /// PostgreSQL keeps no file.
    #[error("PostgreSQL makes its own backups")]
    NotAFile,
    /// The database.
    #[error(transparent)]
    Store(#[from] Error),
}

impl SnapshotError {
    pub(super) fn file(path: &Path, error: &io::Error) -> Self {
        Self::File { path: path.display().to_string(), reason: error.to_string() }
    }

    pub(super) fn unsound(path: &Path, reason: impl Into<String>) -> Self {
        Self::Unsound { path: path.display().to_string(), reason: reason.into() }
    }
}

/// Where a snapshot goes.
#[derive(Clone, Debug)]
pub struct Target {
    /// Its name. The file appears under it only when it is whole, on disk and verified.
    pub path: PathBuf,
    /// Whether it may take the place of a file that is there.
    pub overwrite: bool,
}

/// Reads all of a file that should be a snapshot and says what is in it. Takes as long as reading it does.
pub fn verify(path: &Path, watch: &Watch) -> Result<Snapshot, SnapshotError> {
    let found = sqlite::verify(path, watch)?;
    let (bytes, sha256) = digest(path).map_err(|error| SnapshotError::file(path, &error))?;
    Ok(Snapshot { bytes, sha256, ..found })
}

/// Length and SHA-256 of a file.
pub(super) fn digest(path: &Path) -> io::Result<(u64, String)> {
    let (mut file, mut context) = (File::open(path)?, Context::new(&SHA256));
    let (mut bytes, mut chunk) = (0, vec![0; 1 << 20]);
    loop {
        let read = file.read(&mut chunk)?;
        if read == 0 {
            break;
        }
        context.update(&chunk[..read]);
        bytes += read as u64;
    }
    let hex = |hex: String, byte: &u8| hex + &format!("{byte:02x}");
    Ok((bytes, context.finish().as_ref().iter().fold(String::new(), hex)))
}
