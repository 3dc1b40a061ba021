//! The narrow waist: one SQL text, four kinds of value, two drivers.
//!
//! Reads are facts and may be stale when a decision lands; writes are batches of guarded
//! statements, one transaction each, all or nothing. The portable subset of SQL is in the crate's
//! README. **No other module of the workspace sees a database driver.**

mod batch;
mod migrate;
mod postgres;
pub mod snapshot;
mod sqlite;
mod url;
mod value;

use std::time::Duration;

use countersign_core::Time;
use tokio::time::Instant;

use crate::meter::Meter;

pub use self::batch::{Expect, Outcome, Statement};
pub use self::migrate::{MIGRATIONS, Migration, Upgrade};
pub use self::postgres::Postgres;
use self::snapshot::{Snapshot, SnapshotError, Target, Watch};
pub use self::sqlite::{Site, Sqlite};
pub use self::url::{PostgresUrl, StoreUrl, StoreUrlError};
pub use self::value::{Row, Value};

/// What the database could not do. A lost race is no error: see [`Outcome::Lost`].
///
/// Messages carry the engine's words about the schema and the connection, never a value (I16).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The database cannot be reached or cannot serve now; nothing was written. 503.
    #[error("the database is unavailable: {0}")]
    Unavailable(String),
    /// The connection broke while a COMMIT was on its way: the batch may be there or not. 503,
    /// and never decided again (it would see its own spent code as reuse).
    #[error("the outcome of a commit is unknown")]
    UnknownOutcome,
    /// Another process uses this database.
    #[error("{0} is in use by another Countersign process")]
    InUse(String),
    /// A row holds what this release never writes there. That row is denied, others still serve.
    #[error("column {column} does not hold {expected}")]
    Corrupt {
        /// Counted from 0, in the order of the statement.
        column: usize,
        /// The kind that was asked for.
        expected: &'static str,
    },
    /// The engine finds its file damaged: what is asked for cannot be read. Other parts of it still serve.
    #[error("the file of the database is damaged: {0}")]
    Damaged(String),
    /// The schema is not one that this binary can work on.
    #[error("schema: {0}")]
    Schema(String),
    /// The engine refused a statement for what it says or was given: a defect of ours.
    #[error("statement refused: {reason}: {sql}")]
    Statement {
        /// The constant text.
        sql: &'static str,
        /// The engine's reason.
        reason: String,
    },
    /// A text holds U+0000, which PostgreSQL cannot store; refused on both engines alike (STO-01).
    #[error("parameter ${parameter} holds U+0000")]
    Nul {
        /// Counted from 1, as in the SQL.
        parameter: usize,
    },
}

/// Shorthand of this module.
pub type Result<T> = std::result::Result<T, Error>;

/// What an opening needs to know besides the URL.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// PostgreSQL: how long a start waits for the process before it to go.
    pub wait_for_owner: Duration,
    /// PostgreSQL: the most transactions at once, a connection each.
    pub transactions: usize,
    /// Whether a schema that is there may be brought up to date. A database without one gets it either way.
    pub upgrade: Upgrade,
}

impl Default for Settings {
    fn default() -> Self {
        Self { wait_for_owner: Duration::from_secs(10), transactions: 8, upgrade: Upgrade::Allowed }
    }
}

/// An open database, and the only process that uses it.
#[derive(Debug)]
pub struct Db {
    engine: Engine,
    upgrade: Upgrade,
    meter: Meter,
}

#[derive(Debug)]
enum Engine {
    /// One file, one writer thread.
    Sqlite(Sqlite),
    /// A server.
    Postgres(Box<Postgres>),
}

impl Db {
    /// Opens the database and keeps every other process out until [`Db::close`]. Creates the file
    /// (mode 0600) but not its folder, and not the schema: see [`Db::migrate`].
    pub async fn open(url: &StoreUrl, settings: &Settings) -> Result<Self> {
        let engine = match url {
            StoreUrl::Memory => Engine::Sqlite(Sqlite::temporary()?),
            StoreUrl::Sqlite(path) => Engine::Sqlite(Sqlite::open(path)?),
            StoreUrl::Postgres(url) => Engine::Postgres(Box::new(Postgres::open(url, settings).await?)),
        };
        Ok(Self { engine, upgrade: settings.upgrade, meter: Meter::default() })
    }

    /// What it measures of itself.
    pub const fn meter(&self) -> &Meter {
        &self.meter
    }

    /// Brings the schema up to the last of `migrations`, if the settings allow that, and returns the names of those that ran.
    /// `now` is recorded beside each.
    pub async fn migrate(&self, migrations: &'static [Migration], now: Time) -> Result<Vec<&'static str>> {
        match &self.engine {
            Engine::Sqlite(db) => db.migrate(migrations, self.upgrade, now).await,
            Engine::Postgres(db) => db.migrate(migrations, self.upgrade, now).await,
        }
    }

    /// Reads a few rows by key. SQLite answers inline, in microseconds: for anything that walks a
    /// table there is [`Db::scan`].
    pub async fn read(&self, sql: &'static str, values: &[Value]) -> Result<Vec<Row>> {
        refuse_nul(values)?;
        let begun = Instant::now();
        let rows = match &self.engine {
            Engine::Sqlite(db) => db.read(sql, values),
            Engine::Postgres(db) => db.read(sql, values).await,
        };
        self.meter.took(&self.meter.reads, begun, rows)
    }

    /// Reads what takes longer, away from the point reads: on the blocking pool (SQLite) or a
    /// connection of its own (PostgreSQL).
    pub async fn scan(&self, sql: &'static str, values: Vec<Value>) -> Result<Vec<Row>> {
        refuse_nul(&values)?;
        let begun = Instant::now();
        let rows = match &self.engine {
            Engine::Sqlite(db) => db.scan(sql, values).await,
            Engine::Postgres(db) => db.scan(sql, &values).await,
        };
        self.meter.took(&self.meter.scans, begun, rows)
    }

    /// Applies all statements in one transaction, or none. The answer comes after the commit is
    /// durable (I12), a `Lost` after the commit of what it lost against.
    ///
    /// Once under way, the batch runs to its end even if this future is dropped.
    pub async fn apply(&self, statements: Vec<Statement>) -> Result<Outcome> {
        for statement in &statements {
            refuse_nul(&statement.values)?;
        }
        let begun = Instant::now();
        let outcome = match &self.engine {
            Engine::Sqlite(db) => db.apply(statements).await,
            Engine::Postgres(db) => db.apply(statements).await,
        };
        if outcome == Ok(Outcome::Lost) {
            self.meter.lost.inc();
        }
        self.meter.took(&self.meter.batches, begun, outcome)
    }

    /// Prepares a statement without running it: the engine knows its tables and columns, and its
    /// parameters are `$1 … $n` in order of first appearance.
    pub async fn check(&self, sql: &'static str) -> Result<()> {
        match &self.engine {
            Engine::Sqlite(db) => db.check(sql),
            Engine::Postgres(db) => db.check(sql).await,
        }
    }

    /// Writes a verified copy of the database to one file while it serves. PostgreSQL makes its own.
    pub async fn snapshot(
        &self,
        target: Target,
        watch: Watch,
    ) -> std::result::Result<Snapshot, SnapshotError> {
        match &self.engine {
            Engine::Sqlite(db) => db.snapshot(target, watch).await,
            Engine::Postgres(_) => Err(SnapshotError::NotAFile),
        }
    }

    /// What is wrong with the file, which is read whole; none where a server looks after its own.
    pub async fn faults(&self) -> Result<Option<Vec<String>>> {
        match &self.engine {
            Engine::Sqlite(db) => db.faults().await.map(Some),
            Engine::Postgres(_) => Ok(None),
        }
    }

    /// Whether this process is the only one that uses the database, now. PostgreSQL: `false` from
    /// the moment its lock is known to be lost until it is taken again; meanwhile batches wait
    /// 2 s, then are refused, and another process may be writing.
    pub fn is_owner(&self) -> bool {
        match &self.engine {
            Engine::Sqlite(_) => true,
            Engine::Postgres(db) => db.owned(),
        }
    }

    /// How often this process became the owner, 1 at first. When it grows, another process may
    /// have written in between: what was cached before is stale.
    pub fn claims(&self) -> u64 {
        match &self.engine {
            Engine::Sqlite(_) => 1,
            Engine::Postgres(db) => db.claims(),
        }
    }

    /// Ends all use of the database: what was applied is answered, what comes later is refused
    /// with [`Error::Unavailable`], and the next process may open it.
    pub async fn close(&self) {
        match &self.engine {
            Engine::Sqlite(db) => db.close().await,
            Engine::Postgres(db) => db.close().await,
        }
    }
}

fn refuse_nul(values: &[Value]) -> Result<()> {
    let holds_nul = |value: &Value| matches!(value, Value::Text(text) if text.contains('\0'));
    match values.iter().position(holds_nul) {
        Some(index) => Err(Error::Nul { parameter: index + 1 }),
        None => Ok(()),
    }
}
