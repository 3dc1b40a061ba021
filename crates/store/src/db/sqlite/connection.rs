//! One SQLite connection: its settings, binding by name, rows out, error codes in words.

use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::ffi::{
    SQLITE_CONSTRAINT_FOREIGNKEY, SQLITE_CONSTRAINT_PRIMARYKEY, SQLITE_CONSTRAINT_ROWID,
    SQLITE_CONSTRAINT_UNIQUE,
};
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{CachedStatement, Connection, ErrorCode, OpenFlags, ToSql};

use super::super::batch::{Failure, Statement};
use super::super::value::corrupt;
use super::super::{Error, Result, Row, Value};

/// Distinct statements kept prepared on a connection: more than the store has.
const PREPARED: usize = 256;
const BUSY: Duration = Duration::from_secs(5);

/// What a commit survives.
#[derive(Clone, Copy, Debug)]
pub(super) enum Durability {
    /// A power cut: one fsync for each commit.
    Full,
    /// Nothing: the file is removed at exit anyway.
    None,
}

pub(super) fn writer(path: &Path, durability: Durability) -> Result<Connection> {
    let connection = open(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let synchronous = match durability {
        Durability::Full => "FULL",
        Durability::None => "OFF",
    };
    let settings = format!(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = {synchronous}; \
         PRAGMA foreign_keys = ON; PRAGMA journal_size_limit = 67108864;"
    );
    connection.execute_batch(&settings).map_err(|error| cannot_open(&error))?;
    Ok(connection)
}

pub(super) fn reader(path: &Path) -> Result<Connection> {
    let connection = open(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    connection.execute_batch("PRAGMA query_only = ON").map_err(|error| cannot_open(&error))?;
    Ok(connection)
}

pub(super) fn open(path: &Path, access: OpenFlags) -> Result<Connection> {
    let flags = access | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(|error| cannot_open(&error))?;
    connection.set_prepared_statement_cache_capacity(PREPARED);
    // Else a statement is planned anew at each new value of a parameter that a plan could depend on: that takes several
    // times as long as a read by key.
    connection
        .set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)
        .and_then(|_| connection.busy_timeout(BUSY))
        .and_then(|()| connection.execute_batch("PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON"))
        .map_err(|error| cannot_open(&error))?;
    Ok(connection)
}

fn cannot_open(error: &rusqlite::Error) -> Error {
    Error::Unavailable(error.to_string())
}

/// Prepares `sql`, or finds it prepared.
pub(super) fn check(connection: &Connection, sql: &'static str) -> Result<()> {
    prepare(connection, sql).map(drop).map_err(|error| explain(sql, &error))
}

pub(super) fn query(connection: &Connection, sql: &'static str, values: &[Value]) -> Result<Vec<Row>> {
    let failed = |error: rusqlite::Error| explain(sql, &error);
    let mut statement = bind(connection, sql, values).map_err(failed)?;
    let columns = statement.column_count();
    let mut rows = statement.raw_query();
    let mut out = Vec::new();
    while let Some(row) = rows.next().map_err(failed)? {
        let values = (0..columns).map(|column| {
            let value = row.get_ref(column).map_err(failed)?;
            owned(value).ok_or_else(|| corrupt(column, "a value of the portable kinds"))
        });
        out.push(Row::new(values.collect::<Result<_>>()?));
    }
    Ok(out)
}

/// Runs one statement of a batch and holds its count against the guard.
pub(super) fn execute(connection: &Connection, statement: &Statement) -> std::result::Result<u64, Failure> {
    match write(connection, statement) {
        Ok(rows) => statement.judge(rows as u64),
        Err(error) if is_violation(&error) => Err(Failure::Lost),
        Err(error) => Err(Failure::Error(explain(statement.sql, &error))),
    }
}

fn write(connection: &Connection, statement: &Statement) -> rusqlite::Result<usize> {
    let mut prepared = bind(connection, statement.sql, &statement.values)?;
    if prepared.column_count() > 0 {
        // A SELECT would report the count of the statement before it.
        return Err(rusqlite::Error::ExecuteReturnedResults);
    }
    prepared.raw_execute()
}

fn bind<'c>(
    connection: &'c Connection,
    sql: &'static str,
    values: &[Value],
) -> rusqlite::Result<CachedStatement<'c>> {
    let mut statement = prepare(connection, sql)?;
    let needed = statement.parameter_count();
    if values.len() != needed {
        return Err(rusqlite::Error::InvalidParameterCount(values.len(), needed));
    }
    for (index, value) in values.iter().enumerate() {
        statement.raw_bind_parameter(index + 1, value)?;
    }
    Ok(statement)
}

fn prepare<'c>(connection: &'c Connection, sql: &'static str) -> rusqlite::Result<CachedStatement<'c>> {
    let statement = connection.prepare_cached(sql)?;
    // SQLite numbers `$n` by first appearance, PostgreSQL by n: only in that order are they one.
    for index in 1..=statement.parameter_count() {
        let name = statement.parameter_name(index).and_then(|name| name.strip_prefix('$'));
        if name.and_then(|name| name.parse().ok()) != Some(index) {
            return Err(rusqlite::Error::InvalidParameterName(format!("expected ${index}")));
        }
    }
    Ok(statement)
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Int(value) => ValueRef::Integer(*value),
            Self::Text(value) => ValueRef::Text(value.as_bytes()),
            Self::Bytes(value) => ValueRef::Blob(value),
        }))
    }
}

fn owned(value: ValueRef<'_>) -> Option<Value> {
    match value {
        ValueRef::Null => Some(Value::Null),
        ValueRef::Integer(value) => Some(Value::Int(value)),
        ValueRef::Text(value) => std::str::from_utf8(value).ok().map(Value::from),
        ValueRef::Blob(value) => Some(Value::from(value)),
        ValueRef::Real(_) => None,
    }
}

fn is_violation(error: &rusqlite::Error) -> bool {
    let code = error.sqlite_error().map(|error| error.extended_code);
    code.is_some_and(|code| {
        [
            SQLITE_CONSTRAINT_UNIQUE,
            SQLITE_CONSTRAINT_PRIMARYKEY,
            SQLITE_CONSTRAINT_ROWID,
            SQLITE_CONSTRAINT_FOREIGNKEY,
        ]
        .contains(&code)
    })
}

/// SQLite's messages name tables and columns, never values.
pub(super) fn explain(sql: &'static str, error: &rusqlite::Error) -> Error {
    let reason = error.to_string();
    match error.sqlite_error_code() {
        // Our text is wrong, or what it was given.
        None | Some(ErrorCode::Unknown | ErrorCode::ConstraintViolation | ErrorCode::TooBig) => {
            Error::Statement { sql, reason }
        }
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Error::Damaged(reason),
        // Disk full, I/O error, a lock held by a foreign tool.
        Some(_) => Error::Unavailable(reason),
    }
}

#[cfg(test)]
mod tests {
    use countersign_core::Time;
    use rusqlite::StatementStatus;

    use super::super::super::migrate::{self, MIGRATIONS, Upgrade};
    use super::*;

    /// A statement that is planned anew whenever its values change costs more than it does.
    #[test]
    fn a_statement_is_planned_once_whatever_its_values() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("plans.db");
        std::fs::write(&path, "").expect("a file");
        let writer = writer(&path, Durability::None).expect("open");
        migrate::sqlite(&writer, MIGRATIONS, Upgrade::Allowed, Time::from_micros(1)).expect("a schema");
        let reader = reader(&path).expect("open");
        for sql in crate::statements() {
            let connection = if sql.trim_start().starts_with("SELECT") { &reader } else { &writer };
            let count = prepare(connection, sql).expect("a statement").parameter_count();
            for value in [1_i64, 2] {
                let mut statement = bind(connection, sql, &vec![value.into(); count]).expect("bind");
                // Whether it does anything does not matter, nor whether the schema lets it.
                drop(statement.raw_query().next());
                assert_eq!(statement.get_status(StatementStatus::RePrepare), 0, "{sql}");
            }
        }
    }
}
