//! Copies of a file by the engine itself, page by page under one read transaction: writers go on meanwhile, and what
//! they write is not in the copy.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, ErrorCode, OpenFlags};
use rustix::fs::{FileType, FlockOperation, Mode, OFlags, flock, fstat};
use tempfile::NamedTempFile;

use super::super::Error;
use super::super::migrate::{self, MIGRATIONS};
use super::super::snapshot::{
    Progress, Snapshot, SnapshotError, Stage, Target, Watch, verify as verify_file,
};
use super::connection;

/// Pages between two looks at whoever watches: 1 MiB.
const STEP: i32 = 256;
/// Operations of the engine between two looks while it verifies: some milliseconds.
const OPERATIONS: i32 = 100_000;
/// Findings of the engine that are told; one is as bad as many.
const FINDINGS: usize = 5;
/// What the engine and this store keep beside a database, and beside the draft of the next one.
const COMPANIONS: [&str; 9] = [
    "-wal",
    "-shm",
    "-journal",
    ".lock",
    ".restoring",
    ".restoring-wal",
    ".restoring-shm",
    ".restoring-journal",
    ".restoring.lock",
];
/// How the drafts of backups begin.
const DRAFT: &str = ".countersign-backup-";

/// Writes the database at `source` to the target, verified.
pub(super) fn write(
    source: &Path,
    target: &Target,
    watch: &Watch,
) -> std::result::Result<Snapshot, SnapshotError> {
    let path = &target.path;
    let failed = |error: io::Error| SnapshotError::file(path, &error);
    if is_own(source, path) {
        return Err(SnapshotError::Own(path.display().to_string()));
    }
    if !target.overwrite && path.try_exists().map_err(failed)? {
        return Err(SnapshotError::Exists(path.display().to_string()));
    }
    let folder = folder_of(path);
    clear_drafts(folder).map_err(failed)?;
    // Mode 0600 from its first byte on; gone when dropped.
    let draft = tempfile::Builder::new().prefix(DRAFT).tempfile_in(folder).map_err(failed)?;
    flock(&draft, FlockOperation::NonBlockingLockExclusive).map_err(|error| failed(error.into()))?;
    copy(source, draft.path(), watch)?;
    let snapshot = verify_file(draft.path(), watch)?;
    appear(draft, target)?;
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)?;
    Ok(snapshot)
}

/// What backups that were killed left behind. Whoever still writes one holds its lock.
fn clear_drafts(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if !entry.file_name().as_encoded_bytes().starts_with(DRAFT.as_bytes()) {
            continue;
        }
        // Somebody else's, or just gone: it is theirs. What is no file is none of ours, and is not waited for.
        let plain = OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let Ok(draft) = rustix::fs::open(entry.path(), plain, Mode::empty()) else { continue };
        if !fstat(&draft).is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode).is_file()) {
            continue;
        }
        if flock(&draft, FlockOperation::NonBlockingLockExclusive).is_ok() {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

fn appear(draft: NamedTempFile, target: &Target) -> std::result::Result<(), SnapshotError> {
    let path = &target.path;
    let named = if target.overwrite { draft.persist(path) } else { draft.persist_noclobber(path) };
    match named {
        Ok(_) => Ok(()),
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {
            Err(SnapshotError::Exists(path.display().to_string()))
        }
        Err(error) => Err(SnapshotError::file(path, &error.error)),
    }
}

/// Copies the database at `source` over the file at `target`, which is then on disk and needs no file beside it.
pub(super) fn copy(source: &Path, target: &Path, watch: &Watch) -> std::result::Result<(), SnapshotError> {
    let from = connection::reader(source)?;
    let mut to = connection::open(target, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    // One transaction over all steps, else each commit of the writer would have the copy begin anew.
    from.execute_batch("BEGIN; SELECT COUNT(*) FROM sqlite_master").map_err(|error| unavailable(&error))?;
    pages(&from, &mut to, watch)?;
    // The copy says of itself that a log lies beside it, which it does not.
    to.execute_batch("PRAGMA journal_mode = DELETE").map_err(|error| unavailable(&error))?;
    to.close().map_err(|(_, error)| unavailable(&error))?;
    File::open(target).and_then(|file| file.sync_all()).map_err(|error| SnapshotError::file(target, &error))
}

fn pages(from: &Connection, to: &mut Connection, watch: &Watch) -> std::result::Result<(), SnapshotError> {
    let backup = Backup::new(from, to).map_err(|error| unavailable(&error))?;
    loop {
        let step = backup.step(STEP).map_err(|error| unavailable(&error))?;
        let pages = backup.progress();
        let count = |pages: i32| u64::try_from(pages).unwrap_or(0);
        let (done, total) = (count(pages.pagecount - pages.remaining), count(pages.pagecount));
        if !watch(Progress { stage: Stage::Copying, done, total }) {
            return Err(SnapshotError::Stopped);
        }
        match step {
            StepResult::Done => return Ok(()),
            StepResult::More => {}
            _ => return Err(Error::Unavailable("another program holds the file".to_owned()).into()),
        }
    }
}

/// Everything that the engine can say of a file: whether it is whole, and what it holds. Bytes and digest are the caller's.
pub(in super::super) fn verify(path: &Path, watch: &Watch) -> std::result::Result<Snapshot, SnapshotError> {
    // Before the engine is asked: it would take a file that is not there for an empty database.
    File::open(path).map_err(|error| SnapshotError::file(path, &error))?;
    let unsound = |reason: String| SnapshotError::unsound(path, reason);
    let mut connection = connection::reader(path).map_err(|error| unsound(error.to_string()))?;
    let broken = |error: rusqlite::Error| match error.sqlite_error_code() {
        Some(ErrorCode::OperationInterrupted) => SnapshotError::Stopped,
        _ => unsound(error.to_string()),
    };
    let total = count(&connection, "SELECT page_count FROM pragma_page_count").map_err(broken)?;
    let watching = {
        let watch = Arc::clone(watch);
        move || !watch(Progress { stage: Stage::Verifying, done: 0, total })
    };
    connection.progress_handler(OPERATIONS, Some(watching)).map_err(broken)?;
    let findings = findings(&connection).map_err(broken)?;
    if !findings.is_empty() {
        return Err(unsound(findings.join("; ")));
    }
    let schema = migrate::examine(&connection, MIGRATIONS).map_err(|error| unsound(error.to_string()))?;
    let count = |sql| count(&connection, sql).map_err(broken);
    let snapshot = Snapshot {
        bytes: 0,
        sha256: String::new(),
        schema,
        accounts: count("SELECT COUNT(*) FROM accounts")?,
        sessions: count("SELECT COUNT(*) FROM sessions")?,
        events: count("SELECT COUNT(*) FROM audit")?,
    };
    let went_on = watch(Progress { stage: Stage::Verifying, done: total, total });
    if went_on { Ok(snapshot) } else { Err(SnapshotError::Stopped) }
}

/// What the engine finds wrong; nothing where all is well.
pub(super) fn findings(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut check = connection.prepare("PRAGMA integrity_check(5)")?;
    let told = check.query_map([], |row| row.get::<_, String>(0))?;
    let mut findings: Vec<_> =
        told.filter(|finding| finding.as_deref() != Ok("ok")).collect::<rusqlite::Result<_>>()?;
    let mut references = connection.prepare("PRAGMA foreign_key_check")?;
    let strays = references.query_map([], |row| {
        let (child, parent): (String, String) = (row.get(0)?, row.get(2)?);
        Ok(format!("a row of {child} refers to a row of {parent} that is not there"))
    })?;
    for stray in strays.take(FINDINGS) {
        findings.push(stray?);
    }
    Ok(findings)
}

fn count(connection: &Connection, sql: &str) -> rusqlite::Result<u64> {
    connection.query_row(sql, [], |row| row.get::<_, i64>(0)).map(|count| u64::try_from(count).unwrap_or(0))
}

/// Whether `path` is the database, or a name that is kept for what lies beside it.
pub(super) fn is_own(database: &Path, path: &Path) -> bool {
    let true_name = |path: &Path| super::true_name(path).unwrap_or_else(|_| path.to_owned());
    let (database, path) = (true_name(database), true_name(path));
    path == database || COMPANIONS.iter().any(|end| path == companion(&database, end))
}

/// `<database><end>`
pub(super) fn companion(database: &Path, end: &str) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(end);
    name.into()
}

pub(super) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."))
}

fn unavailable(error: &rusqlite::Error) -> SnapshotError {
    Error::Unavailable(error.to_string()).into()
}
