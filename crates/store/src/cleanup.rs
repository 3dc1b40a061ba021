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

// One query an index: with all three ends in one, the engines walk the table (attack STO-21).
const FIND_ABSOLUTE: &str = "
SELECT id
  FROM sessions
 WHERE absolute_ends_at <= $1
 LIMIT $2";

const FIND_IDLE: &str = "
SELECT id
  FROM sessions
 WHERE idle_ends_at <= $1
 LIMIT $2";

const FIND_ENDED: &str = "
SELECT id
  FROM sessions
 WHERE ended_at <= $1
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

const FIND_SPENT: &str = "
SELECT hash
  FROM spent
 WHERE until_at <= $1
 LIMIT $2";

// Two kinds may have a hash in common, so a key may be two rows.
const DELETE_SPENT: &str = "
DELETE FROM spent
 WHERE hash = $1
   AND until_at <= $2";

const FIND_CODES: &str = "
SELECT hash
  FROM codes
 WHERE expires_at <= $1
 LIMIT $2";

const DELETE_CODE: &str = "
DELETE FROM codes
 WHERE hash = $1
   AND expires_at <= $2";

const FIND_DEVICE_CODES: &str = "
SELECT hash
  FROM device_codes
 WHERE expires_at <= $1
 LIMIT $2";

const DELETE_DEVICE_CODE: &str = "
DELETE FROM device_codes
 WHERE hash = $1
   AND expires_at <= $2";

const FIND_OFFLINE_GRANTS: &str = "
SELECT id
  FROM grants
 WHERE absolute_ends_at <= $1
 LIMIT $2";

const DELETE_OFFLINE_GRANT: &str = "
DELETE FROM grants
 WHERE id = $1
   AND absolute_ends_at <= $2";

const FIND_DONE: &str = "
SELECT id
  FROM jobs
 WHERE done_at <= $1
 LIMIT $2";

const FIND_FAILED: &str = "
SELECT id
  FROM jobs
 WHERE failed_at <= $1
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
    FIND_ABSOLUTE,
    FIND_IDLE,
    FIND_ENDED,
    HOLD_SESSION,
    DELETE_GRANTS,
    DELETE_SESSION,
    FIND_PENDINGS,
    DELETE_PENDING,
    FIND_CODE_TRIES,
    DELETE_CODE_TRIES,
    FIND_RESETS,
    DELETE_RESET,
    FIND_SPENT,
    DELETE_SPENT,
    FIND_CODES,
    DELETE_CODE,
    FIND_DEVICE_CODES,
    DELETE_DEVICE_CODE,
    FIND_OFFLINE_GRANTS,
    DELETE_OFFLINE_GRANT,
    FIND_DONE,
    FIND_FAILED,
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
    let session = |find| step("sessions", now - MARGIN, find, Delete::Session);
    let mut steps = vec![
        session(FIND_ABSOLUTE),
        session(FIND_IDLE),
        session(FIND_ENDED),
        row("pending_accounts", now, FIND_PENDINGS, DELETE_PENDING),
        row("code_tries", now, FIND_CODE_TRIES, DELETE_CODE_TRIES),
        row("resets", now - MARGIN, FIND_RESETS, DELETE_RESET),
        step("spent", now, FIND_SPENT, Delete::Rows(DELETE_SPENT)),
        // A code that comes back after its end still ends what its first use minted (attack OAU-18).
        row("codes", now - MARGIN, FIND_CODES, DELETE_CODE),
        row("device_codes", now - MARGIN, FIND_DEVICE_CODES, DELETE_DEVICE_CODE),
        row("grants", now - MARGIN, FIND_OFFLINE_GRANTS, DELETE_OFFLINE_GRANT),
        row("status_lists", now, FIND_LISTS, DELETE_LIST),
        row("audit", now - kept.audit, FIND_AUDIT, DELETE_AUDIT),
        step("revocations", now, FIND_REVOCATIONS, Delete::Rows(DELETE_REVOCATIONS)),
    ];
    if !kept.jobs {
        steps.extend([FIND_DONE, FIND_FAILED].map(|find| row("jobs", now - MARGIN, find, DELETE_JOB)));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::{Db, MIGRATIONS, Settings, StoreUrl};

    const NOW: Time = Time::from_micros(1_700_000_000_000_000);

    #[tokio::test]
    async fn sto_21_what_is_looked_for_is_found_by_an_index() {
        let db = Db::open(&StoreUrl::Memory, &Settings::default()).await.expect("a store");
        db.migrate(MIGRATIONS, NOW).await.expect("its schema");
        let kept = Kept { audit: Span::days(400), jobs: false };
        // There are a handful of lists at most.
        let steps: Vec<_> =
            steps(&kept, NOW).into_iter().filter(|step| step.table != "status_lists").collect();
        assert_eq!(steps.len(), 14);
        for step in steps {
            let question: &'static str = format!("EXPLAIN QUERY PLAN {}", step.find).leak();
            let plan = db.scan(question, vec![NOW.micros().into(), 1.into()]).await.expect("a plan");
            let plan: Vec<_> = plan.iter().map(|row| row.text(3).expect("a step")).collect();
            assert!(plan[0].starts_with("SEARCH "), "{}: {plan:?}", step.find);
        }
        db.close().await;
    }
}
