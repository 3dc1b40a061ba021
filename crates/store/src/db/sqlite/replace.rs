//! Putting another file in the place of a database: prepared beside it under a name of its own, then swapped in one
//! step. Until that step the database is as it was; after it, what was replaced still lies beside it.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use countersign_core::Time;

use super::super::snapshot::{Snapshot, SnapshotError, Watch, digest, verify};
use super::connection::{self, Durability};
use super::snapshot::{companion, copy, folder_of, is_own};
use super::{lock, owner_only, true_name};
use crate::db::Error;

/// What may lie beside a database, its own lock excepted.
const BESIDE: [&str; 3] = ["-wal", "-shm", "-journal"];

/// The place of a database that no other process uses, as long as this lives.
#[derive(Debug)]
pub struct Site {
    path: PathBuf,
    _lock: File,
}

impl Site {
    /// Keeps every other process out of the database at `path`, which need not be there; its folder must.
    pub fn hold(path: &Path) -> Result<Self, SnapshotError> {
        let failed = |error: io::Error| SnapshotError::file(path, &error);
        let path = true_name(path).map_err(failed)?;
        let lock = lock(&path)?;
        Ok(Self { path, _lock: lock })
    }

    /// Where the next database is prepared.
    pub fn draft(&self) -> PathBuf {
        companion(&self.path, ".restoring")
    }

    /// Copies the file at `source`, with what its log holds, to the draft, and verifies the copy.
    pub fn prepare(&self, source: &Path, watch: &Watch) -> Result<Snapshot, SnapshotError> {
        // The engine would take a file that is not there for an empty database.
        let file = File::open(source).map_err(|error| SnapshotError::file(source, &error))?;
        if is_own(&self.path, source) {
            return Err(SnapshotError::Own(source.display().to_string()));
        }
        drop(file);
        let digest = || digest(source).map_err(|error| SnapshotError::file(source, &error));
        let before = digest()?;
        let draft = self.draft();
        self.clear();
        owner_only(&draft).map_err(|error| SnapshotError::file(&draft, &error))?;
        copy(source, &draft, watch).map_err(|error| named(error, source))?;
        let copied = verify(&draft, watch).map_err(|error| named(error, source))?;
        // By its own digest the file is known; the bytes of a copy differ. A log beside it is read, and not in the digest.
        let (bytes, sha256) = digest()?;
        if (bytes, &sha256) != (before.0, &before.1) {
            return Err(SnapshotError::unsound(
                source,
                "it changed while it was read: is another program writing it?",
            ));
        }
        Ok(Snapshot { bytes, sha256, ..copied })
    }

    /// Swaps the draft in, which is closed by now. Where the replaced database lies from then on, if there was one.
    ///
    /// What the draft's last writer left in its log goes into the draft first: the engine does that when it is closed,
    /// and says nothing where it fails (a full disk), and the log would stay behind.
    pub fn replace(self, now: Time) -> Result<Option<PathBuf>, SnapshotError> {
        settle(&self.draft())?;
        let replaced = self.path.exists().then(|| self.set_aside(now)).transpose()?;
        let failed = |error: io::Error| SnapshotError::file(&self.path, &error);
        fs::rename(self.draft(), &self.path).map_err(|error| {
            if let Some(kept) = &replaced {
                self.put_back(kept);
            }
            failed(error)
        })?;
        File::open(folder_of(&self.path)).and_then(|folder| folder.sync_all()).map_err(failed)?;
        Ok(replaced)
    }

    /// Gives the database another name beside its own. Its log must not stay: the engine would play it into whatever
    /// lies under the name.
    fn set_aside(&self, now: Time) -> Result<PathBuf, SnapshotError> {
        let second = now.rfc3339().replace(['-', ':'], "");
        let name = |more: &str| companion(&self.path, &format!(".replaced-{second}{more}"));
        // Twice in a second: nothing that was kept is written over.
        let kept = Some(name("")).filter(|kept| !kept.exists()).unwrap_or_else(|| name("-2"));
        if let Err(error) = settle(&self.path) {
            tracing::warn!(%error, "the log of the replaced database is kept beside it");
        }
        let failed = |error: io::Error| SnapshotError::file(&kept, &error);
        fs::hard_link(&self.path, &kept).map_err(failed)?;
        for end in BESIDE {
            match fs::rename(companion(&self.path, end), companion(&kept, end)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    self.put_back(&kept);
                    return Err(failed(error));
                }
                _ => {}
            }
        }
        Ok(kept)
    }

    /// As before [`set_aside`](Self::set_aside), which came to nothing: the database has its log again.
    fn put_back(&self, kept: &Path) {
        for end in BESIDE {
            // Most are not there. One that cannot be moved back is not lost: both names are said.
            if let Err(error) = fs::rename(companion(kept, end), companion(&self.path, end))
                && error.kind() != io::ErrorKind::NotFound
            {
                tracing::error!(%error, "the log of the database lies beside its other name: rename it back by hand");
            }
        }
        drop(fs::remove_file(kept));
    }

    /// What an earlier try or this one left.
    fn clear(&self) {
        let draft = self.draft();
        for path in ["", "-wal", "-shm", "-journal", ".lock"].map(|end| companion(&draft, end)) {
            // Not there, most likely.
            drop(fs::remove_file(path));
        }
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.clear();
    }
}

/// Brings what the log of a database holds into the database, durably. Fails where any of it would stay.
fn settle(path: &Path) -> Result<(), Error> {
    let connection = connection::writer(path, Durability::Full)?;
    let unavailable = |error: rusqlite::Error| Error::Unavailable(error.to_string());
    let busy = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0));
    if busy.map_err(unavailable)? != 0 {
        return Err(Error::Unavailable(format!("another program reads {}", path.display())));
    }
    connection.close().map_err(|(_, error)| unavailable(error))
}

/// An error about the copy is one about what was copied.
fn named(error: SnapshotError, source: &Path) -> SnapshotError {
    match error {
        SnapshotError::Unsound { reason, .. } | SnapshotError::Store(Error::Unavailable(reason)) => {
            SnapshotError::unsound(source, reason)
        }
        error => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Time = Time::from_micros(1_700_000_000_000_000);

    /// A database whose last change lies in its log alone, as after a checkpoint that failed.
    fn unsettled(path: &Path) -> rusqlite::Connection {
        let open = || rusqlite::Connection::open(path).expect("the file");
        let (stays, writes) = (open(), open());
        stays.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE things (name TEXT)").expect("a table");
        writes.execute_batch("INSERT INTO things VALUES ('forgotten')").expect("a row");
        stays
    }

    #[test]
    fn sto_16_what_was_forgotten_last_is_not_left_behind_in_a_log() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("countersign.db");
        let site = Site::hold(&path).expect("the place");
        let open = unsettled(&site.draft());
        assert!(companion(&site.draft(), "-wal").metadata().expect("a log").len() > 0);
        site.replace(NOW).expect("it is swapped in");
        drop(open);
        let things = rusqlite::Connection::open(&path).expect("the database");
        let count = things.query_row("SELECT COUNT(*) FROM things", [], |row| row.get::<_, i64>(0));
        assert_eq!(count, Ok(1));
    }

    #[test]
    fn sto_16_a_swap_that_fails_leaves_the_database_with_its_log() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("countersign.db");
        let site = Site::hold(&path).expect("the place");
        // A database whose log cannot be emptied: somebody reads it.
        let (reads, late) = (unsettled(&path), rusqlite::Connection::open(&path).expect("the database"));
        reads.execute_batch("BEGIN; SELECT * FROM things").expect("a reader");
        late.execute_batch("INSERT INTO things VALUES ('late')").expect("a row that the reader does not see");
        drop(unsettled(&site.draft()));
        // A name that is taken by what no file can replace: as a disk that takes nothing more.
        let kept = folder.path().join("countersign.db.replaced-20231114T221320Z");
        fs::create_dir_all(companion(&kept, "-shm").join("full")).expect("a folder");
        site.replace(NOW).expect_err("the log's index cannot be set aside");
        assert!(companion(&path, "-wal").metadata().expect("its log").len() > 0 && !kept.exists());
        drop((reads, late));
        let things = rusqlite::Connection::open(&path).expect("the database");
        let count = things.query_row("SELECT COUNT(*) FROM things", [], |row| row.get::<_, i64>(0));
        assert_eq!(count, Ok(2), "nothing is lost");
    }

    #[test]
    fn sto_16_a_draft_that_cannot_be_settled_replaces_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("countersign.db");
        fs::write(&path, "as it was").expect("a database");
        let site = Site::hold(&path).expect("the place");
        let open = unsettled(&site.draft());
        open.execute_batch("BEGIN; SELECT * FROM things").expect("a reader");
        let late = rusqlite::Connection::open(site.draft()).expect("the draft");
        late.execute_batch("INSERT INTO things VALUES ('late')").expect("a row that the reader does not see");
        site.replace(NOW).expect_err("the log cannot be emptied");
        assert_eq!(fs::read(&path).expect("the database"), b"as it was");
    }
}
