//! Schema changes: embedded files, forward only, each in one transaction with the row that
//! records it. A process killed midway has either applied a file or not.
//!
//! A binary works on a newer schema than its own where the files that it does not know allow it (the previous release
//! beside the next one, or again in its place). There is no way back for the schema itself.

use aws_lc_rs::digest::{SHA256, digest};
use countersign_core::Time;
use rusqlite::Connection;
use tokio_postgres::Client;

use super::{Error, Result};

/// One file of `migrations/`. A file that has shipped is never edited again.
#[derive(Clone, Copy, Debug)]
pub struct Migration {
    /// Counts from 1 without a gap; the file's `NNNN`.
    pub version: i64,
    /// The file's name without `.sql`.
    pub name: &'static str,
    /// The file. A line `-- Runs with: N` in it says which schema a binary must know at least to work on a database that
    /// has this one; without such a line it is this one.
    pub sql: &'static str,
}

/// Whether a database of an earlier release may be brought up to date. Commands beside a server that stands still must not:
/// the next start may be one of that release (attack STO-15).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Upgrade {
    /// A start, and whoever asks for it.
    Allowed,
    /// Everybody else.
    Refused,
}

/// The schema of this release: every file, in order.
pub const MIGRATIONS: &[Migration] = &[
    Migration { version: 1, name: "0001_spine", sql: include_str!("../../migrations/0001_spine.sql") },
    Migration { version: 2, name: "0002_epoch", sql: include_str!("../../migrations/0002_epoch.sql") },
    Migration {
        version: 3,
        name: "0003_heartbeat",
        sql: include_str!("../../migrations/0003_heartbeat.sql"),
    },
    Migration { version: 4, name: "0004_provider", sql: include_str!("../../migrations/0004_provider.sql") },
    Migration { version: 5, name: "0005_clock", sql: include_str!("../../migrations/0005_clock.sql") },
];

const CREATE_LOG: &str = "CREATE TABLE IF NOT EXISTS schema_migrations (
    version BIGINT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    checksum BLOB NOT NULL,
    applied_at BIGINT NOT NULL
);
CREATE TABLE IF NOT EXISTS schema_marks (
    version BIGINT NOT NULL PRIMARY KEY,
    runs_with BIGINT NOT NULL
)";
const READ_LOG: &str = "
SELECT l.version, l.checksum, COALESCE(m.runs_with, l.version)
  FROM schema_migrations l
  LEFT JOIN schema_marks m ON m.version = l.version
 ORDER BY l.version";
const READ_FIRST_LOG: &str = "SELECT version, checksum, version FROM schema_migrations ORDER BY version";
const WRITE_MARK: &str = "INSERT INTO schema_marks (version, runs_with) VALUES ($1, $2)";
const WRITE_LOG: &str =
    "INSERT INTO schema_migrations (version, name, checksum, applied_at) VALUES ($1, $2, $3, $4)";

pub(super) fn sqlite(
    connection: &Connection,
    known: &'static [Migration],
    upgrade: Upgrade,
    now: Time,
) -> Result<Vec<&'static str>> {
    let applied = log(connection).map_err(|error| Error::Schema(error.to_string()))?;
    let pending = upgrade.permits(&applied, pending(&applied, known)?)?;
    for migration in pending {
        apply(connection, migration, now).map_err(|error| {
            if !connection.is_autocommit() {
                // What failed is the answer, whatever becomes of this.
                drop(connection.execute_batch("ROLLBACK"));
            }
            migration.failed(&error.to_string())
        })?;
    }
    Ok(pending.iter().map(|migration| migration.name).collect())
}

fn log(connection: &Connection) -> rusqlite::Result<Vec<Applied>> {
    connection.execute_batch(CREATE_LOG)?;
    read(connection, READ_LOG)
}

fn read(connection: &Connection, log: &str) -> rusqlite::Result<Vec<Applied>> {
    let mut log = connection.prepare(log)?;
    let applied = |row: &rusqlite::Row<'_>| {
        Ok(Applied { version: row.get(0)?, checksum: row.get(1)?, runs_with: row.get(2)? })
    };
    log.query_map([], applied)?.collect()
}

fn apply(connection: &Connection, migration: &Migration, now: Time) -> rusqlite::Result<()> {
    connection.execute_batch("BEGIN EXCLUSIVE")?;
    connection.execute_batch(migration.sql)?;
    let checksum = migration.checksum();
    connection.execute(WRITE_LOG, (migration.version, migration.name, checksum, now.micros()))?;
    connection.execute(WRITE_MARK, (migration.version, migration.runs_with()))?;
    connection.execute_batch("COMMIT")
}

/// The last file that was applied to a database that is only looked at. One that this binary can neither work on nor
/// bring up to date is refused.
pub(super) fn examine(connection: &Connection, known: &'static [Migration]) -> Result<i64> {
    let broken =
        |error: rusqlite::Error| Error::Schema(format!("it is no database of Countersign's: {error}"));
    let has_marks = "SELECT COUNT(*) FROM sqlite_master WHERE name = 'schema_marks'";
    let has_marks: bool = connection.query_row(has_marks, [], |row| row.get(0)).map_err(broken)?;
    // A database of the first release has none; nothing is written here.
    let log = if has_marks { READ_LOG } else { READ_FIRST_LOG };
    let applied = read(connection, log).map_err(broken)?;
    pending(&applied, known)?;
    applied.last().map(|applied| applied.version).ok_or_else(|| Error::Schema("it is empty".to_owned()))
}

/// The caller holds the database's advisory lock.
pub(super) async fn postgres(
    client: &mut Client,
    known: &'static [Migration],
    upgrade: Upgrade,
    now: Time,
) -> Result<Vec<&'static str>> {
    let broken = |error: tokio_postgres::Error| Error::Schema(super::postgres::words(&error));
    client.batch_execute(&in_postgres(CREATE_LOG)).await.map_err(broken)?;
    let log = client.query(READ_LOG, &[]).await.map_err(broken)?;
    let applied = |row: &tokio_postgres::Row| Applied {
        version: row.get(0),
        checksum: row.get(1),
        runs_with: row.get(2),
    };
    let applied: Vec<_> = log.iter().map(applied).collect();
    let pending = upgrade.permits(&applied, pending(&applied, known)?)?;
    for migration in pending {
        let transaction = client.transaction().await.map_err(broken)?;
        let failed = |error: tokio_postgres::Error| migration.failed(&super::postgres::words(&error));
        transaction.batch_execute(&in_postgres(migration.sql)).await.map_err(failed)?;
        let checksum = migration.checksum();
        transaction
            .execute(WRITE_LOG, &[&migration.version, &migration.name, &checksum, &now.micros()])
            .await
            .map_err(failed)?;
        let runs_with = migration.runs_with();
        transaction.execute(WRITE_MARK, &[&migration.version, &runs_with]).await.map_err(failed)?;
        transaction.commit().await.map_err(failed)?;
    }
    Ok(pending.iter().map(|migration| migration.name).collect())
}

/// The one word in which the two schemas differ. (`BYTEA` would give SQLite's columns numeric
/// affinity, and PostgreSQL knows no `BLOB`.)
fn in_postgres(sql: &str) -> String {
    sql.replace(" BLOB", " BYTEA")
}

/// A file that was applied, as the database remembers it.
#[derive(Clone)]
struct Applied {
    version: i64,
    checksum: Vec<u8>,
    runs_with: i64,
}

/// The files still to run: those recorded are the first ones that this binary knows, or this binary is one that the
/// files that it does not know put up with.
fn pending(applied: &[Applied], known: &'static [Migration]) -> Result<&'static [Migration]> {
    for (applied, migration) in applied.iter().zip(known) {
        if migration.version != applied.version || migration.checksum() != applied.checksum {
            return Err(Error::Schema(format!(
                "migration {} is not the file that was applied as {}",
                migration.name, applied.version
            )));
        }
    }
    let newest = known.last().map_or(0, |migration| migration.version);
    let newer = applied.get(known.len()..).unwrap_or_default();
    match newer.iter().max_by_key(|applied| applied.runs_with) {
        Some(strictest) if strictest.runs_with > newest => Err(Error::Schema(format!(
            "made by a newer Countersign: its schema {} needs a binary that knows {} and this one knows {newest}. Run the \
             newer binary, or restore a backup from before the upgrade",
            strictest.version, strictest.runs_with
        ))),
        _ => Ok(known.get(applied.len()..).unwrap_or_default()),
    }
}

impl Upgrade {
    /// The files that may run. A database without any is a new one, and gets all.
    fn permits(self, applied: &[Applied], pending: &'static [Migration]) -> Result<&'static [Migration]> {
        match (self, applied.last(), pending.first()) {
            (Self::Refused, Some(applied), Some(next)) => Err(Error::Schema(format!(
                "it is one of an earlier release: {} has not run on it, which has {}. Take a backup with that release's program, then \
                 run `countersign migrate`, or start the server",
                next.name, applied.version
            ))),
            _ => Ok(pending),
        }
    }
}

impl Migration {
    fn checksum(&self) -> Vec<u8> {
        digest(&SHA256, self.sql.as_bytes()).as_ref().to_vec()
    }

    /// The schema that a binary must know at least to work on a database that has this file.
    fn runs_with(&self) -> i64 {
        let said = self.sql.lines().find_map(|line| line.strip_prefix("-- Runs with: "));
        said.and_then(|version| version.trim().parse().ok()).unwrap_or(self.version)
    }

    fn failed(&self, reason: &str) -> Error {
        Error::Schema(format!("migration {} failed and left nothing: {reason}", self.name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &[Migration] = &[
        Migration { version: 1, name: "0001_a", sql: "CREATE TABLE a (id BLOB NOT NULL)" },
        Migration { version: 2, name: "0002_b", sql: "CREATE TABLE b (id BIGINT NOT NULL)" },
    ];

    fn applied(count: usize) -> Vec<Applied> {
        let applied = |known: &Migration| Applied {
            version: known.version,
            checksum: known.checksum(),
            runs_with: known.runs_with(),
        };
        KNOWN[..count].iter().map(applied).collect()
    }

    fn unknown(version: i64, runs_with: i64) -> Applied {
        Applied { version, checksum: vec![0; 32], runs_with }
    }

    #[test]
    fn the_files_of_this_release_count_from_one() {
        for (index, migration) in MIGRATIONS.iter().enumerate() {
            assert_eq!(usize::try_from(migration.version), Ok(index + 1));
            assert!(migration.name.starts_with(&format!("{:04}_", migration.version)));
            assert!((1..=migration.version).contains(&migration.runs_with()), "{}", migration.name);
        }
    }

    #[test]
    fn only_what_is_missing_runs() {
        for count in 0..=2 {
            let names = pending(&applied(count), KNOWN).expect("a prefix");
            assert_eq!(names.len(), 2 - count);
        }
    }

    #[test]
    fn sto_15_only_who_may_brings_a_database_up_to_date_that_is_there() {
        for (upgrade, count, runs) in [
            (Upgrade::Allowed, 0, Some(2)),
            (Upgrade::Allowed, 1, Some(1)),
            (Upgrade::Refused, 0, Some(2)),
            (Upgrade::Refused, 1, None),
            (Upgrade::Refused, 2, Some(0)),
        ] {
            let pending = pending(&applied(count), KNOWN).expect("a prefix");
            let permitted = upgrade.permits(&applied(count), pending);
            assert_eq!(permitted.ok().map(<[_]>::len), runs, "{upgrade:?} {count}");
        }
    }

    #[test]
    fn a_newer_schema_an_edited_file_and_a_gap_are_refused() {
        let newer = [applied(2), vec![unknown(3, 3)]].concat();
        let edited = vec![unknown(1, 1)];
        let gap = applied(2).split_off(1);
        for (log, words) in [
            (newer, "newer Countersign"),
            (edited, "0001_a is not the file"),
            (gap, "0001_a is not the file"),
        ] {
            let error = pending(&log, KNOWN).expect_err("refused");
            assert!(error.to_string().contains(words), "{error}");
        }
    }

    #[test]
    fn sto_15_a_newer_schema_is_worked_on_where_all_of_it_allows_that() {
        for (newer, allowed) in [
            (vec![unknown(3, 2)], true),
            (vec![unknown(3, 1), unknown(4, 2)], true),
            (vec![unknown(3, 2), unknown(4, 3)], false),
            (vec![unknown(3, 3), unknown(4, 2)], false),
        ] {
            let marks: Vec<_> = newer.iter().map(|applied| applied.runs_with).collect();
            let judged = pending(&[applied(2), newer].concat(), KNOWN);
            assert_eq!(judged.is_ok_and(<[_]>::is_empty), allowed, "{marks:?}");
        }
    }

    #[test]
    fn sto_15_a_file_says_which_binaries_run_with_it() {
        let file = |sql| Migration { version: 7, name: "0007_x", sql };
        assert_eq!(file("-- Runs with: 6\nCREATE TABLE a (id BLOB)").runs_with(), 6);
        assert_eq!(file("CREATE TABLE a (id BLOB)").runs_with(), 7);
        assert_eq!(file("-- Runs with: whatever\n").runs_with(), 7);
    }

    #[test]
    fn postgresql_gets_its_own_word_for_bytes() {
        assert_eq!(in_postgres(KNOWN[0].sql), "CREATE TABLE a (id BYTEA NOT NULL)");
        assert_eq!(in_postgres(KNOWN[1].sql), KNOWN[1].sql);
    }
}
