//! Schema changes: embedded files, forward only, each in one transaction with the row that
//! records it. A process killed midway has either applied a file or not.

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
    /// The file.
    pub sql: &'static str,
}

/// The schema of this release: every file, in order.
pub const MIGRATIONS: &[Migration] =
    &[Migration { version: 1, name: "0001_spine", sql: include_str!("../../migrations/0001_spine.sql") }];

const CREATE_LOG: &str = "CREATE TABLE IF NOT EXISTS schema_migrations (
    version BIGINT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    checksum BLOB NOT NULL,
    applied_at BIGINT NOT NULL
)";
const READ_LOG: &str = "SELECT version, checksum FROM schema_migrations ORDER BY version";
const WRITE_LOG: &str =
    "INSERT INTO schema_migrations (version, name, checksum, applied_at) VALUES ($1, $2, $3, $4)";

pub(super) fn sqlite(
    connection: &Connection,
    known: &'static [Migration],
    now: Time,
) -> Result<Vec<&'static str>> {
    let applied = log(connection).map_err(|error| Error::Schema(error.to_string()))?;
    let pending = pending(&applied, known)?;
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

fn log(connection: &Connection) -> rusqlite::Result<Vec<(i64, Vec<u8>)>> {
    connection.execute_batch(CREATE_LOG)?;
    let mut log = connection.prepare(READ_LOG)?;
    log.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}

fn apply(connection: &Connection, migration: &Migration, now: Time) -> rusqlite::Result<()> {
    connection.execute_batch("BEGIN EXCLUSIVE")?;
    connection.execute_batch(migration.sql)?;
    let checksum = migration.checksum();
    connection.execute(WRITE_LOG, (migration.version, migration.name, checksum, now.micros()))?;
    connection.execute_batch("COMMIT")
}

/// The caller holds the database's advisory lock.
pub(super) async fn postgres(
    client: &mut Client,
    known: &'static [Migration],
    now: Time,
) -> Result<Vec<&'static str>> {
    let broken = |error: tokio_postgres::Error| Error::Schema(super::postgres::words(&error));
    client.batch_execute(&in_postgres(CREATE_LOG)).await.map_err(broken)?;
    let log = client.query(READ_LOG, &[]).await.map_err(broken)?;
    let applied: Vec<_> = log.iter().map(|row| (row.get(0), row.get(1))).collect();
    let pending = pending(&applied, known)?;
    for migration in pending {
        let transaction = client.transaction().await.map_err(broken)?;
        let failed = |error: tokio_postgres::Error| migration.failed(&super::postgres::words(&error));
        transaction.batch_execute(&in_postgres(migration.sql)).await.map_err(failed)?;
        let checksum = migration.checksum();
        transaction
            .execute(WRITE_LOG, &[&migration.version, &migration.name, &checksum, &now.micros()])
            .await
            .map_err(failed)?;
        transaction.commit().await.map_err(failed)?;
    }
    Ok(pending.iter().map(|migration| migration.name).collect())
}

/// The one word in which the two schemas differ. (`BYTEA` would give SQLite's columns numeric
/// affinity, and PostgreSQL knows no `BLOB`.)
fn in_postgres(sql: &str) -> String {
    sql.replace(" BLOB", " BYTEA")
}

/// The files still to run, if those recorded are the first ones that this binary knows.
fn pending(applied: &[(i64, Vec<u8>)], known: &'static [Migration]) -> Result<&'static [Migration]> {
    for (index, (version, checksum)) in applied.iter().enumerate() {
        let Some(migration) = known.get(index) else {
            return Err(Error::Schema(format!(
                "made by a newer Countersign (it has {version}, this binary knows {})",
                known.len()
            )));
        };
        if migration.version != *version || migration.checksum() != *checksum {
            return Err(Error::Schema(format!(
                "migration {} is not the file that was applied as {version}",
                migration.name
            )));
        }
    }
    Ok(&known[applied.len()..])
}

impl Migration {
    fn checksum(&self) -> Vec<u8> {
        digest(&SHA256, self.sql.as_bytes()).as_ref().to_vec()
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

    fn applied(count: usize) -> Vec<(i64, Vec<u8>)> {
        KNOWN[..count].iter().map(|known| (known.version, known.checksum())).collect()
    }

    #[test]
    fn the_files_of_this_release_count_from_one() {
        for (index, migration) in MIGRATIONS.iter().enumerate() {
            assert_eq!(usize::try_from(migration.version), Ok(index + 1));
            assert!(migration.name.starts_with(&format!("{:04}_", migration.version)));
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
    fn a_newer_schema_an_edited_file_and_a_gap_are_refused() {
        let newer = [applied(2), vec![(3, vec![0; 32])]].concat();
        let edited = vec![(1, vec![0; 32])];
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
    fn postgresql_gets_its_own_word_for_bytes() {
        assert_eq!(in_postgres(KNOWN[0].sql), "CREATE TABLE a (id BYTEA NOT NULL)");
        assert_eq!(in_postgres(KNOWN[1].sql), KNOWN[1].sql);
    }
}
