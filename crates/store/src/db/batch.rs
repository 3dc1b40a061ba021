//! Guarded statements and what became of them.

use super::{Error, Value};

/// How many rows a statement must touch for its batch to stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// This many rows; any other number means that somebody else was first.
    Exactly(u64),
    /// Whatever the number, for instance when all sessions of an account end.
    Any,
}

/// One `INSERT`, `UPDATE` or `DELETE` in the portable subset (see the crate's README).
#[derive(Clone, Debug)]
pub struct Statement {
    /// The text, with parameters `$1 … $n` in order of first appearance.
    pub sql: &'static str,
    /// The value of `$1` first.
    pub values: Vec<Value>,
    /// The guard.
    pub expect: Expect,
}

impl Statement {
    /// A statement that must touch exactly `rows` rows.
    pub fn exactly(rows: u64, sql: &'static str, values: Vec<Value>) -> Self {
        Self { sql, values, expect: Expect::Exactly(rows) }
    }

    /// A statement that may touch any number of rows.
    pub fn any(sql: &'static str, values: Vec<Value>) -> Self {
        Self { sql, values, expect: Expect::Any }
    }

    pub(super) fn judge(&self, rows: u64) -> Result<u64, Failure> {
        match self.expect {
            Expect::Exactly(expected) if expected != rows => Err(Failure::Lost),
            Expect::Exactly(_) | Expect::Any => Ok(rows),
        }
    }
}

/// What became of a batch that the database has answered.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a lost batch wrote nothing: load the facts again and decide again"]
pub enum Outcome {
    /// All of it is committed and durable; the rows that each statement touched.
    Applied(Vec<u64>),
    /// Nothing was written: a guard did not hold, a unique or foreign key was in the way, or the
    /// database picked this transaction to give way (40001, 40P01).
    Lost,
}

/// Why a transaction must not commit.
#[derive(Debug)]
pub(super) enum Failure {
    Lost,
    Error(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

pub(super) fn settle(result: Result<Vec<u64>, Failure>) -> Result<Outcome, Error> {
    match result {
        Ok(rows) => Ok(Outcome::Applied(rows)),
        Err(Failure::Lost) => Ok(Outcome::Lost),
        Err(Failure::Error(error)) => Err(error),
    }
}
