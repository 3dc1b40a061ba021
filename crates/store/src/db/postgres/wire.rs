//! Values on PostgreSQL's wire, and its errors in our words.

use std::error::Error as _;

use bytes::BytesMut;
use tokio_postgres::error::{DbError, Severity, SqlState};
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, accepts, to_sql_checked};

use super::super::value::corrupt;
use super::super::{Error, Result, Row, Value};

type Boxed = Box<dyn std::error::Error + Sync + Send>;

/// A parameter must be one of the three portable types: where PostgreSQL infers another (`$1 + 1`
/// makes it `integer`), the statement needs a `CAST($1 AS BIGINT)`.
impl ToSql for Value {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> std::result::Result<IsNull, Boxed> {
        match (self, ty) {
            (Self::Null, _) => Ok(IsNull::Yes),
            (Self::Int(value), &Type::INT8) => value.to_sql(ty, out),
            (Self::Text(value), &Type::TEXT) => value.to_sql(ty, out),
            (Self::Bytes(value), &Type::BYTEA) => value.to_sql(ty, out),
            _ => Err(format!("the parameter is of type {ty}").into()),
        }
    }

    accepts!(INT8, TEXT, BYTEA);
    to_sql_checked!();
}

/// Columns may also be what a literal or a comparison yields; SQLite makes integers of those.
impl<'a> FromSql<'a> for Value {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> std::result::Result<Self, Boxed> {
        match *ty {
            Type::INT4 => i32::from_sql(ty, raw).map(|value| Self::Int(value.into())),
            Type::BOOL => bool::from_sql(ty, raw).map(Self::from),
            Type::TEXT => String::from_sql(ty, raw).map(Self::Text),
            Type::BYTEA => Vec::from_sql(ty, raw).map(Self::Bytes),
            _ => i64::from_sql(ty, raw).map(Self::Int),
        }
    }

    fn from_sql_null(_: &Type) -> std::result::Result<Self, Boxed> {
        Ok(Self::Null)
    }

    accepts!(INT8, INT4, BOOL, TEXT, BYTEA);
}

pub(super) fn rows(rows: &[tokio_postgres::Row]) -> Result<Vec<Row>> {
    let decode = |row: &tokio_postgres::Row| {
        let column = |index| row.try_get(index).map_err(|_| corrupt(index, "a value of the portable kinds"));
        (0..row.len()).map(column).collect::<Result<_>>().map(Row::new)
    };
    rows.iter().map(decode).collect()
}

/// A statement's failure.
pub(super) enum Stop {
    /// The session is of no more use. Before COMMIT was sent, nothing was written: try another.
    Gone(Error),
    /// See [`super::super::Outcome::Lost`].
    Lost,
    /// The answer.
    Error(Error),
}

impl Stop {
    pub(super) fn new(sql: &'static str, error: &tokio_postgres::Error) -> Self {
        let reason = words(error);
        let Some(answer) = error.as_db_error() else {
            return if error.is_closed() {
                Self::Gone(Error::Unavailable(reason))
            } else {
                // The driver could not encode the parameters.
                Self::Error(Error::Statement { sql, reason })
            };
        };
        let code = answer.code();
        if is_lost(code) {
            return Self::Lost;
        }
        // A schema change under a prepared statement, or a pooler that lost it.
        let stale = [SqlState::FEATURE_NOT_SUPPORTED, SqlState::INVALID_SQL_STATEMENT_NAME];
        if is_fatal(answer) || stale.contains(code) {
            return Self::Gone(Error::Unavailable(reason));
        }
        match code.code().get(..2) {
            Some("22" | "23" | "42" | "54") => Self::Error(Error::Statement { sql, reason }),
            _ => Self::Error(Error::Unavailable(reason)),
        }
    }

    /// The error of a read, which cannot lose.
    pub(super) fn into_error(self) -> Error {
        match self {
            Self::Gone(error) | Self::Error(error) => error,
            Self::Lost => Error::Unavailable("the server gave up this statement".to_owned()),
        }
    }
}

pub(super) fn is_lost(code: &SqlState) -> bool {
    [
        SqlState::UNIQUE_VIOLATION,
        SqlState::FOREIGN_KEY_VIOLATION,
        SqlState::T_R_SERIALIZATION_FAILURE,
        SqlState::T_R_DEADLOCK_DETECTED,
    ]
    .contains(code)
}

fn is_fatal(answer: &DbError) -> bool {
    matches!(answer.parsed_severity(), Some(Severity::Fatal | Severity::Panic))
}

/// Code and message, never the detail: it quotes the row (`Key (email)=(…) already exists`), as
/// messages of class 22 quote the value.
pub(in super::super) fn words(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(answer) if answer.code().code().starts_with("22") => answer.code().code().to_owned(),
        Some(answer) => format!("{} {}", answer.code().code(), answer.message()),
        None => match error.source() {
            Some(source) => format!("{error}: {source}"),
            None => error.to_string(),
        },
    }
}
