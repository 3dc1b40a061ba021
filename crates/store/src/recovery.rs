//! Recovery: mailed resets of passwords.

use countersign_core::account::{Email, State};
use countersign_core::audit::{Event, Kind, Stamp};
use countersign_core::recovery::recover::{self, WINDOW};
use countersign_core::recovery::reset::{self, Reset};
use countersign_core::secret::Hash;
use countersign_core::session::EndReason;
use countersign_core::session::end::{self, Scope};
use countersign_core::{AccountId, CredentialId, ResetId, Span, Time};

use crate::db::{Result, Row};
use crate::job::{self, Job};
use crate::{Batch, Store, columns, credential, revocation, session};

const OWNER: &str = "
SELECT a.id, a.state
  FROM identifiers i
  JOIN accounts a ON a.id = i.account_id
 WHERE i.kind = 'email'
   AND i.canonical = $1
   AND i.verified_at IS NOT NULL";

const RECENT_MAILS: &str = "
SELECT COUNT(*)
  FROM jobs
 WHERE recipient = $1
   AND kind = 'reset'
   AND created_at > $2";

const BY_TOKEN: &str = "
SELECT r.id, r.account_id, r.created_at, r.expires_at, r.dead_at, a.state
  FROM resets r
  JOIN accounts a ON a.id = r.account_id
 WHERE r.token_hash = $1";

const HOLD_ACTIVE: &str = "
UPDATE accounts
   SET state = state
 WHERE id = $1
   AND state = 'active'";

const HOLD_MAILS: &str = "
UPDATE accounts
   SET state = state
 WHERE id = $1
   AND (SELECT COUNT(*)
          FROM jobs
         WHERE recipient = $2
           AND kind = 'reset'
           AND created_at > $3) <= $4";

const KILL: &str = "
UPDATE resets
   SET dead_at = $1
 WHERE account_id = $2
   AND dead_at IS NULL";

const INSERT: &str = "
INSERT INTO resets (id, account_id, token_hash, created_at, expires_at)
VALUES ($1, $2, $3, $4, $5)";

const SPEND: &str = "
UPDATE resets
   SET dead_at = $1
 WHERE id = $2
   AND dead_at IS NULL
   AND expires_at > $1
   AND created_at >= (SELECT not_before FROM epoch WHERE id = 1)";

const SET_PASSWORD: &str = "
INSERT INTO credentials (id, account_id, kind, data, created_at, changed_at)
VALUES ($1, $2, 'password', $3, $4, $4)
ON CONFLICT (account_id) WHERE kind = 'password' DO UPDATE
   SET data = excluded.data,
       changed_at = excluded.changed_at";

pub(crate) const STATEMENTS: &[&str] =
    &[OWNER, RECENT_MAILS, BY_TOKEN, HOLD_ACTIVE, HOLD_MAILS, KILL, INSERT, SPEND, SET_PASSWORD];

/// A reset to be mailed.
#[derive(Debug, Clone, Copy)]
pub struct NewReset {
    /// `rst_…`
    pub id: ResetId,
    /// Whose password it sets.
    pub account: AccountId,
    /// Hash of the secret in the link.
    pub token: Hash,
    /// When it stops working.
    pub expires_at: Time,
}

/// A password that a reset sets.
#[derive(Clone, Copy)]
pub struct NewPassword<'a> {
    /// Its id where the account had none.
    pub credential: CredentialId,
    /// Its hash (PHC string).
    pub hash: &'a str,
}

/// What is known of an address that asks for a reset.
pub async fn recover_facts(store: &Store, email: &Email, now: Time) -> Result<recover::Facts> {
    let owner = store.db.read(OWNER, &[email.canonical().into()]).await?;
    let account = owner.first().map(|row| Ok((columns::id(row, 0)?, state(row, 1)?))).transpose()?;
    let since = (now - WINDOW).micros();
    let mails = [job::recipient(email).as_bytes().into(), since.into()];
    let mails = store.db.read(RECENT_MAILS, &mails).await?;
    let recent_mails = mails.first().map_or(Ok(0), |row| columns::count(row, 0))?;
    Ok(recover::Facts { account, recent_mails })
}

/// Mails a link; older ones die (attack REC-05). `recent` is what the facts counted: `Lost` when another link went
/// out since, so that parallel requests cannot send more than the cap (attack DOS-08), or the account is closed.
pub fn send_batch(reset: &NewReset, mail: &Job, recent: u32, stamp: &Stamp<'_>) -> Batch {
    let account = || reset.account.bytes().into();
    let since = (stamp.at - WINDOW).micros();
    // The first statement waits for whoever holds the account; only the second one then sees what that one wrote.
    let batch = Batch::new(stamp, Event::new(Kind::ResetRequested).account(reset.account))
        .exactly(1, HOLD_ACTIVE, vec![account()])
        .exactly(
            1,
            HOLD_MAILS,
            vec![account(), mail.recipient.as_bytes().into(), since.into(), i64::from(recent).into()],
        );
    let batch = kill(batch, reset.account, stamp).exactly(
        1,
        INSERT,
        vec![
            reset.id.bytes().into(),
            account(),
            reset.token.as_bytes().into(),
            stamp.at.micros().into(),
            reset.expires_at.micros().into(),
        ],
    );
    job::insert(batch, mail, stamp.at)
}

/// The reset with this link, dead and expired ones included.
pub async fn reset_facts(store: &Store, token: Hash) -> Result<reset::Facts> {
    let epoch = store.epoch().await?;
    let rows = store.db.read(BY_TOKEN, &[token.as_bytes().into()]).await?;
    Ok(reset::Facts { reset: rows.first().map(reset_at).transpose()?, epoch })
}

fn reset_at(row: &Row) -> Result<(Reset, State)> {
    let reset = Reset {
        id: columns::id(row, 0)?,
        account: columns::id(row, 1)?,
        created_at: columns::time(row, 2)?,
        expires_at: columns::time(row, 3)?,
        dead: row.opt_int(4)?.is_some(),
    };
    Ok((reset, state(row, 5)?))
}

fn state(row: &Row, column: usize) -> Result<State> {
    columns::word(row, column, State::parse, "a state of an account")
}

/// Sets the password, once: every session and grant of the account ends, other resets die, and its owner is told.
/// `Lost`: the link is dead or the account closed.
pub fn reset_batch(
    reset: &Reset,
    password: NewPassword<'_>,
    notice: Option<&Job>,
    longest_life: Span,
    stamp: &Stamp<'_>,
) -> Batch {
    let now = || stamp.at.micros().into();
    let account = reset.account;
    let event = Event::new(Kind::PasswordReset).account(account);
    let batch = credential::new_version(Batch::new(stamp, event), account);
    let end = end::decide(account, Scope::All, EndReason::PasswordReset);
    let batch = session::end(batch, &end, longest_life, stamp)
        .exactly(1, SPEND, vec![now(), reset.id.bytes().into()])
        .exactly(
            1,
            SET_PASSWORD,
            vec![password.credential.bytes().into(), account.bytes().into(), password.hash.into(), now()],
        );
    let mut batch = kill(batch, account, stamp);
    if let Some(notice) = notice {
        batch = job::insert(batch, notice, stamp.at);
    }
    revocation::account(batch, account, longest_life, stamp)
}

/// Every mailed reset of the account dies (attack REC-05).
pub(crate) fn kill(batch: Batch, account: AccountId, stamp: &Stamp<'_>) -> Batch {
    batch.any(KILL, vec![stamp.at.micros().into(), account.bytes().into()])
}
