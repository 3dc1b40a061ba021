//! Passwords: read for a comparison, changed by whoever proved the current one.

use countersign_core::audit::{Event, Kind, Stamp};
use countersign_core::secret::Hash;
use countersign_core::session::EndReason;
use countersign_core::session::end::{self, Scope};
use countersign_core::{AccountId, GrantId, SessionId, Span};

use crate::db::Result;
use crate::job::{self, Job};
use crate::{Batch, Store, recovery, revocation, session};

const PASSWORD: &str = "
SELECT data
  FROM credentials
 WHERE account_id = $1
   AND kind = 'password'";

const NEW_VERSION: &str = "
UPDATE accounts
   SET version = version + 1
 WHERE id = $1
   AND state = 'active'";

const HOLD_SESSION: &str = "
UPDATE sessions
   SET seen_at = seen_at
 WHERE id = $1
   AND account_id = $2
   AND ended_at IS NULL";

const HOLD_GRANT: &str = "
UPDATE grants
   SET used_at = used_at
 WHERE id = $1
   AND session_id = $2
   AND ended_at IS NULL";

const CHANGE: &str = "
UPDATE credentials
   SET data = $1,
       changed_at = $2
 WHERE account_id = $3
   AND kind = 'password'
   AND data = $4";

pub(crate) const STATEMENTS: &[&str] = &[PASSWORD, NEW_VERSION, HOLD_SESSION, HOLD_GRANT, CHANGE];

/// A password to be changed, with all that guards it.
#[derive(Clone, Copy)]
pub struct Change<'a> {
    /// Whose.
    pub account: AccountId,
    /// Guard: the hash that the current password was compared with (PHC string).
    pub old: &'a str,
    /// Hash of the new password (PHC string).
    pub new: &'a str,
    /// The session that asked: it stays, and must still be there.
    pub session: SessionId,
    /// The grant whose token asked, if it was one: likewise.
    pub grant: Option<GrantId>,
    /// The hashes of its cookie's secret until now and from now on; none for a session of tokens.
    pub secret: Option<(Hash, Hash)>,
}

/// Hash of the account's password (PHC string).
pub async fn password_of(store: &Store, account: AccountId) -> Result<Option<String>> {
    let rows = store.db.read(PASSWORD, &[account.bytes().into()]).await?;
    rows.first().map(|row| row.text(0).map(str::to_owned)).transpose()
}

/// Changes the password: every other session ends, offline grants too, mailed resets die, and the session that asked
/// gets a new secret (I1, I5; attack REC-05). `Lost`: password, session, grant or account are not what they were.
pub fn change_batch(
    change: &Change<'_>,
    notice: Option<&Job>,
    longest_life: Span,
    stamp: &Stamp<'_>,
) -> Batch {
    let Change { account, session, .. } = *change;
    let event = Event::new(Kind::PasswordChanged).account(account).session(session);
    let batch = new_version(Batch::new(stamp, event), account).exactly(
        1,
        HOLD_SESSION,
        vec![session.bytes().into(), account.bytes().into()],
    );
    let end = end::decide(account, Scope::Others(session), EndReason::PasswordChanged);
    let mut batch = session::end(batch, &end, longest_life, stamp);
    if let Some(grant) = change.grant {
        batch = batch.exactly(1, HOLD_GRANT, vec![grant.bytes().into(), session.bytes().into()]);
    }
    if let Some((old, new)) = change.secret {
        batch = session::rotate(batch, session, (old, new), longest_life, stamp);
    }
    batch = batch.exactly(
        1,
        CHANGE,
        vec![change.new.into(), stamp.at.micros().into(), account.bytes().into(), change.old.into()],
    );
    batch = recovery::kill(batch, account, stamp);
    if let Some(notice) = notice {
        batch = job::insert(batch, notice, stamp.at);
    }
    revocation::account(batch, account, longest_life, stamp)
}

/// Counts a change of an account that may log in: logins that read it before are lost.
pub(crate) fn new_version(batch: Batch, account: AccountId) -> Batch {
    batch.exactly(1, NEW_VERSION, vec![account.bytes().into()])
}
