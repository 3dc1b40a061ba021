//! Clean-up of what expired, in bounded steps: nothing here is needed for safety, since the rules refuse what expired
//! whether or not it still lies in a table.
//!
//! A step reads at most `ROWS` keys away from the writer, then deletes exactly those rows, each guarded by the same
//! condition: what began to live again in between makes the step lost, and it is left for the next run.

use countersign_core::audit::{Event, Kind, Stamp};
use countersign_core::{Span, Time};

use crate::db::{Result, Value};
use crate::{Batch, Outcome, Store};

/// Rows of a step: a batch of so many deletions holds up nobody for long.
const ROWS: u32 = 200;

/// What ended is kept a day longer: for whoever looks what happened, and well over the grain in which "last seen" is
/// written behind.
const MARGIN: Span = Span::days(1);

const FIND_SESSIONS: &str = "
SELECT id
  FROM sessions
 WHERE absolute_ends_at <= $1
    OR idle_ends_at <= $1
    OR ended_at <= $1
 LIMIT $2";

// The parent is locked first, as everywhere, and goes last.
const HOLD_SESSION: &str = "
UPDATE sessions
   SET seen_at = seen_at
 WHERE id = $1
   AND (absolute_ends_at <= $2 OR idle_ends_at <= $2 OR ended_at <= $2)";

const DELETE_GRANTS: &str = "
DELETE FROM grants
 WHERE session_id = $1";

const DELETE_SESSION: &str = "
DELETE FROM sessions
 WHERE id = $1";

const FIND_PENDINGS: &str = "
SELECT id
  FROM pending_accounts
 WHERE expires_at <= $1
 LIMIT $2";

const DELETE_PENDING: &str = "
DELETE FROM pending_accounts
 WHERE id = $1
   AND expires_at <= $2";

const FIND_CODE_TRIES: &str = "
SELECT email
  FROM code_tries
 WHERE expires_at <= $1
 LIMIT $2";

const DELETE_CODE_TRIES: &str = "
DELETE FROM code_tries
 WHERE email = $1
   AND expires_at <= $2";

const FIND_RESETS: &str = "
SELECT id
  FROM resets
 WHERE expires_at <= $1
 LIMIT $2";

const DELETE_RESET: &str = "
DELETE FROM resets
 WHERE id = $1
   AND expires_at <= $2";

const FIND_JOBS: &str = "
SELECT id
  FROM jobs
 WHERE done_at <= $1
    OR failed_at <= $1
 LIMIT $2";

const DELETE_JOB: &str = "
DELETE FROM jobs
 WHERE id = $1
   AND (done_at <= $2 OR failed_at <= $2)";

const FIND_LISTS: &str = "
SELECT id
  FROM status_lists
 WHERE ends_at <= $1
 LIMIT $2";

const DELETE_LIST: &str = "
DELETE FROM status_lists
 WHERE id = $1
   AND ends_at <= $2";

const FIND_AUDIT: &str = "
SELECT id
  FROM audit
 WHERE at <= $1
 ORDER BY at
 LIMIT $2";

const DELETE_AUDIT: &str = "
DELETE FROM audit
 WHERE id = $1
   AND at <= $2";

// Entries have no key of their own: a step takes all that one transaction wrote. The newest of the log always stays.
const FIND_REVOCATIONS: &str = "
SELECT DISTINCT seq
  FROM revocations
 WHERE until_at <= $1
   AND seq < (SELECT seq FROM revocation_seq WHERE id = 1)
 LIMIT $2";

const DELETE_REVOCATIONS: &str = "
DELETE FROM revocations
 WHERE seq = $1
   AND until_at <= $2";

pub(crate) const STATEMENTS: &[&str] = &[
    FIND_SESSIONS,
    HOLD_SESSION,
    DELETE_GRANTS,
    DELETE_SESSION,
    FIND_PENDINGS,
    DELETE_PENDING,
    FIND_CODE_TRIES,
    DELETE_CODE_TRIES,
    FIND_RESETS,
    DELETE_RESET,
    FIND_JOBS,
    DELETE_JOB,
    FIND_LISTS,
    DELETE_LIST,
    FIND_AUDIT,
    DELETE_AUDIT,
    FIND_REVOCATIONS,
    DELETE_REVOCATIONS,
];

/// How long things are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept {
    /// Events of the audit log.
    pub audit: Span,
    /// Sent mail stays for good: the dev inbox shows it.
    pub jobs: bool,
}

struct Step {
    table: &'static str,
    /// What is over at this time goes.
    cutoff: Time,
    find: &'static str,
    delete: Delete,
}

enum Delete {
    /// A key is one row.
    Row(&'static str),
    /// A key is some rows.
    Rows(&'static str),
    /// A key is a session, with its grants.
    Session,
}

/// Deletes all that is over, step by step, and returns the rows (of `revocations`: the transactions) that went.
pub async fn clean_up(store: &Store, kept: &Kept, stamp: &Stamp<'_>) -> Result<u64> {
    let mut gone = 0;
    for step in steps(kept, stamp.at) {
        loop {
            let found = take(store, &step, stamp).await?;
            gone += found;
            if found < u64::from(ROWS) {
                break;
            }
        }
    }
    Ok(gone)
}

fn steps(kept: &Kept, now: Time) -> Vec<Step> {
    let step = |table, cutoff, find, delete| Step { table, cutoff, find, delete };
    let row = |table, cutoff, find, sql| step(table, cutoff, find, Delete::Row(sql));
    let mut steps = vec![
        step("sessions", now - MARGIN, FIND_SESSIONS, Delete::Session),
        row("pending_accounts", now, FIND_PENDINGS, DELETE_PENDING),
        row("code_tries", now, FIND_CODE_TRIES, DELETE_CODE_TRIES),
        row("resets", now - MARGIN, FIND_RESETS, DELETE_RESET),
        row("status_lists", now, FIND_LISTS, DELETE_LIST),
        row("audit", now - kept.audit, FIND_AUDIT, DELETE_AUDIT),
        step("revocations", now, FIND_REVOCATIONS, Delete::Rows(DELETE_REVOCATIONS)),
    ];
    if !kept.jobs {
        steps.push(row("jobs", now - MARGIN, FIND_JOBS, DELETE_JOB));
    }
    steps
}

/// One step: the rows that went, none where it was lost.
async fn take(store: &Store, step: &Step, stamp: &Stamp<'_>) -> Result<u64> {
    let cutoff = || Value::from(step.cutoff.micros());
    let rows = store.db.scan(step.find, vec![cutoff(), i64::from(ROWS).into()]).await?;
    if rows.is_empty() {
        return Ok(0);
    }
    let event =
        Event::new(Kind::CleanedUp).detail("table", step.table).detail("rows", rows.len().to_string());
    let mut batch = Batch::new(stamp, event);
    for row in &rows {
        let key = row.value(0)?;
        batch = match step.delete {
            Delete::Row(sql) => batch.exactly(1, sql, vec![key.clone(), cutoff()]),
            Delete::Rows(sql) => batch.any(sql, vec![key.clone(), cutoff()]),
            Delete::Session => batch
                .exactly(1, HOLD_SESSION, vec![key.clone(), cutoff()])
                .any(DELETE_GRANTS, vec![key.clone()])
                .exactly(1, DELETE_SESSION, vec![key.clone()]),
        };
    }
    match store.apply(batch).await? {
        Outcome::Applied => Ok(rows.len() as u64),
        Outcome::Lost => Ok(0),
    }
}
