//! The outbox: what has to leave the house after a commit. So far mail.
//!
//! A job is inserted by the batch of whatever causes it, so that neither exists without the other (I12). It is sent at
//! least once: each try is claimed before it is made, and the claim itself sets when the next one is due, so that a
//! process that dies while sending, or because of it, comes back to the job later.

use countersign_core::account::Email;
use countersign_core::audit::{Event, Kind, Stamp};
use countersign_core::secret::{Hash, sha256};
use countersign_core::{JobId, Span, Time};

use crate::db::{Error, Result, Row};
use crate::{Batch, Store, columns};

/// Tries before a job is given up: the last one begins about a day after the first.
pub const TRIES: u32 = 10;

const INSERT: &str = "
INSERT INTO jobs (id, kind, recipient, sealed, created_at, run_at, tries)
VALUES ($1, $2, $3, $4, $5, $6, 0)";

const DUE: &str = "
SELECT id, kind, sealed, tries
  FROM jobs
 WHERE run_at <= $1
   AND done_at IS NULL
   AND failed_at IS NULL
 ORDER BY run_at, id
 LIMIT $2";

const NEWEST_FIRST: &str = "
SELECT id, kind, sealed, created_at
  FROM jobs
 ORDER BY created_at DESC, id DESC
 LIMIT $1";

const WAITING: &str = "
SELECT COUNT(*), MIN(created_at)
  FROM jobs
 WHERE done_at IS NULL
   AND failed_at IS NULL";

const CLAIM: &str = "
UPDATE jobs
   SET tries = tries + 1,
       run_at = $1
 WHERE id = $2
   AND tries = $3
   AND done_at IS NULL
   AND failed_at IS NULL";

const DONE: &str = "
UPDATE jobs
   SET done_at = $1
 WHERE id = $2
   AND done_at IS NULL
   AND failed_at IS NULL";

const FAILED: &str = "
UPDATE jobs
   SET failed_at = $1
 WHERE id = $2
   AND done_at IS NULL
   AND failed_at IS NULL";

pub(crate) const STATEMENTS: &[&str] = &[INSERT, DUE, NEWEST_FIRST, WAITING, CLAIM, DONE, FAILED];

/// Something to be sent.
#[derive(Clone)]
pub struct Job {
    /// `job_…`
    pub id: JobId,
    /// What it is about: the word of a `mail::Message`.
    pub kind: &'static str,
    /// Whom it goes to, for the caps: [`recipient`].
    pub recipient: Hash,
    /// What it says, sealed for the place `id`.
    pub sealed: Vec<u8>,
    /// Not to be sent before.
    pub run_at: Time,
}

/// A job whose time has come.
#[derive(Clone, PartialEq, Eq)]
pub struct Due {
    /// `job_…`
    pub id: JobId,
    /// What it is about.
    pub kind: String,
    /// What it says, sealed for the place `id`.
    pub sealed: Vec<u8>,
    /// Tries so far; guards the claim.
    pub tries: u32,
}

/// A job as the dev inbox shows it, whatever became of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Posted {
    /// `job_…`
    pub id: JobId,
    /// What it is about.
    pub kind: String,
    /// What it says, sealed for the place `id`.
    pub sealed: Vec<u8>,
    /// When it was put in the outbox.
    pub created_at: Time,
}

/// Whom mails to an address are counted for: all its spellings are one.
pub fn recipient(email: &Email) -> Hash {
    sha256(email.canonical().as_bytes())
}

/// Puts a job in the outbox, in the same breath as what causes it.
pub(crate) fn insert(batch: Batch, job: &Job, at: Time) -> Batch {
    batch.exactly(
        1,
        INSERT,
        vec![
            job.id.bytes().into(),
            job.kind.into(),
            job.recipient.as_bytes().into(),
            job.sealed.clone().into(),
            at.micros().into(),
            job.run_at.micros().into(),
        ],
    )
}

/// At most `limit` jobs whose time has come, the longest waiting first.
pub async fn due(store: &Store, now: Time, limit: u32) -> Result<Vec<Due>> {
    let rows = store.db.read(DUE, &[now.micros().into(), i64::from(limit).into()]).await?;
    rows.iter().map(due_job).collect()
}

/// What waits in the outbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outbox {
    /// How many.
    pub waiting: i64,
    /// When the oldest of them was put there.
    pub oldest: Option<Time>,
}

/// How many jobs wait, due or not, and since when.
pub async fn outbox(store: &Store) -> Result<Outbox> {
    let rows = store.db.scan(WAITING, Vec::new()).await?;
    let row = rows.first().ok_or_else(|| Error::Schema("a count has no row".to_owned()))?;
    Ok(Outbox { waiting: row.int(0)?, oldest: columns::opt_time(row, 1)? })
}

fn due_job(row: &Row) -> Result<Due> {
    Ok(Due {
        id: columns::id(row, 0)?,
        kind: row.text(1)?.to_owned(),
        sealed: row.bytes(2)?.to_vec(),
        tries: columns::count(row, 3)?,
    })
}

/// The newest `limit` jobs, sent or not: the dev inbox.
pub async fn all_newest_first(store: &Store, limit: u32) -> Result<Vec<Posted>> {
    let rows = store.db.scan(NEWEST_FIRST, vec![i64::from(limit).into()]).await?;
    rows.iter().map(posted).collect()
}

fn posted(row: &Row) -> Result<Posted> {
    Ok(Posted {
        id: columns::id(row, 0)?,
        kind: row.text(1)?.to_owned(),
        sealed: row.bytes(2)?.to_vec(),
        created_at: columns::time(row, 3)?,
    })
}

/// Takes the job for one try. `Lost`: another worker has it, or it is over.
///
/// The next try is due after `backoff`, unless [`done_batch`] or [`failed_batch`] says that there is none.
pub fn claim_batch(job: &Due, stamp: &Stamp<'_>) -> Batch {
    let attempt = job.tries + 1;
    let next = stamp.at + backoff(attempt);
    Batch::new(stamp, about(Kind::MailTried, job).detail("try", attempt.to_string())).exactly(
        1,
        CLAIM,
        vec![next.micros().into(), job.id.bytes().into(), i64::from(job.tries).into()],
    )
}

/// It was sent.
pub fn done_batch(job: &Due, stamp: &Stamp<'_>) -> Batch {
    Batch::new(stamp, about(Kind::MailSent, job).detail("result", "sent")).exactly(
        1,
        DONE,
        vec![stamp.at.micros().into(), job.id.bytes().into()],
    )
}

/// It is given up: refused for good, or its tries are used up ([`last_try`]).
pub fn failed_batch(job: &Due, stamp: &Stamp<'_>) -> Batch {
    Batch::new(stamp, about(Kind::MailSent, job).detail("result", "failed")).exactly(
        1,
        FAILED,
        vec![stamp.at.micros().into(), job.id.bytes().into()],
    )
}

/// Whether the try that [`claim_batch`] takes of this job is the last one.
pub const fn last_try(job: &Due) -> bool {
    job.tries + 1 >= TRIES
}

/// How long after try number `attempt` (from 1) the next one is due: 3 minutes, then twice as long each time.
fn backoff(attempt: u32) -> Span {
    Span::minutes(3 << attempt.clamp(1, TRIES).saturating_sub(1))
}

fn about(kind: Kind, job: &Due) -> Event {
    Event::new(kind).detail("job", job.id.to_string()).detail("kind", job.kind.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_tries_take_about_a_day() {
        let waits: i64 = (1..TRIES).map(|attempt| backoff(attempt).as_seconds()).sum();
        assert!((20 * 3600..30 * 3600).contains(&waits), "{waits}");
        assert_eq!(backoff(1), Span::minutes(3));
        assert_eq!(backoff(2), Span::minutes(6));
        assert_eq!(backoff(u32::MAX), backoff(TRIES));
    }

    #[test]
    fn all_spellings_of_an_address_are_one_recipient() {
        let spellings = ["kim@example.org", " KIM@Example.ORG "];
        let [one, other] = spellings.map(|text| recipient(&Email::parse(text).unwrap()));
        assert_eq!(one, other);
        assert_ne!(one, recipient(&Email::parse("kim+1@example.org").unwrap()));
    }
}
