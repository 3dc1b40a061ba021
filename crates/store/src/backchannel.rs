//! Logouts that clients have yet to hear of: an outbox of its own beside that of mails, since what it says is no secret and is
//! known by the database alone.
//!
//! A row is written by the batch that ends the session (I12), one for each client that got a grant in it and wants to
//! hear. A try is claimed before it is made, and the claim itself sets when the next one is due: nothing is tried twice at
//! once, and a process that dies in the middle comes back to it. What is over leaves no row.

use countersign_core::audit::{Event, Kind, Stamp};
use countersign_core::client::ClientId;
use countersign_core::session::backchannel::{Logout, Verdict};
use countersign_core::{AccountId, Time};

use crate::db::{Error, Result, Row};
use crate::{Batch, Store, columns};

const TELL_ENDED: &str = "
INSERT INTO backchannel_logouts (client_id, session_id, account_id, ended_at, run_at, tries)
SELECT DISTINCT g.client_id, s.id, s.account_id, s.ended_at, s.ended_at, 0
  FROM sessions s
  JOIN grants g ON g.opened_by = s.id
  JOIN clients c ON c.id = g.client_id
 WHERE s.account_id = $1
   AND s.ended_at = $2
   AND c.hears_logouts = 1
    ON CONFLICT (client_id, session_id) DO NOTHING";

const TELL_WITHDRAWN: &str = "
INSERT INTO backchannel_logouts (client_id, session_id, account_id, ended_at, run_at, tries)
SELECT DISTINCT g.client_id, s.id, s.account_id, CAST($1 AS BIGINT), CAST($1 AS BIGINT), 0
  FROM grants g
  JOIN sessions s ON s.id = g.opened_by
  JOIN clients c ON c.id = g.client_id
 WHERE g.account_id = $2
   AND g.client_id = $3
   AND s.ended_at IS NULL
   AND c.hears_logouts = 1
    ON CONFLICT (client_id, session_id) DO NOTHING";

const TELL_EVERYTHING: &str = "
INSERT INTO backchannel_logouts (client_id, session_id, account_id, ended_at, run_at, tries)
SELECT DISTINCT g.client_id, s.id, s.account_id, CAST($1 AS BIGINT), CAST($1 AS BIGINT), 0
  FROM sessions s
  JOIN grants g ON g.opened_by = s.id
  JOIN clients c ON c.id = g.client_id
 WHERE (s.ended_at IS NULL OR s.ended_at = $1)
   AND s.absolute_ends_at > $1
   AND s.created_at >= $2
   AND c.hears_logouts = 1
    ON CONFLICT (client_id, session_id) DO NOTHING";

const CLIENTS_DUE: &str = "
SELECT client_id
  FROM backchannel_logouts
 WHERE run_at <= $1
 GROUP BY client_id
 ORDER BY MIN(run_at), client_id
 LIMIT $2";

const DUE: &str = "
SELECT client_id, session_id, account_id, ended_at, tries
  FROM backchannel_logouts
 WHERE client_id = $1
   AND run_at <= $2
 ORDER BY run_at, session_id
 LIMIT $3";

const WAITING: &str = "
SELECT COUNT(*)
  FROM backchannel_logouts";

const CLAIM: &str = "
UPDATE backchannel_logouts
   SET tries = tries + 1,
       run_at = $1
 WHERE client_id = $2
   AND session_id = $3
   AND tries = $4";

const DELETE: &str = "
DELETE FROM backchannel_logouts
 WHERE client_id = $1
   AND session_id = $2";

pub(crate) const STATEMENTS: &[&str] =
    &[TELL_ENDED, TELL_WITHDRAWN, TELL_EVERYTHING, CLIENTS_DUE, DUE, WAITING, CLAIM, DELETE];

/// Clients hear of the sessions of the account that this batch ended.
pub(crate) fn tell_ended(batch: Batch, account: AccountId, stamp: &Stamp<'_>) -> Batch {
    batch.tells(TELL_ENDED, vec![account.bytes().into(), stamp.at.micros().into()])
}

/// The client hears that it counts no more in the sessions of the account, which go on.
pub(crate) fn tell_withdrawn(
    batch: Batch,
    account: AccountId,
    client: &ClientId,
    stamp: &Stamp<'_>,
) -> Batch {
    let values = vec![stamp.at.micros().into(), account.bytes().into(), client.as_str().into()];
    batch.tells(TELL_WITHDRAWN, values)
}

/// Clients hear of every session that began since `present`, the epoch before the one that ends them all.
pub(crate) fn tell_everything(batch: Batch, present: Time, stamp: &Stamp<'_>) -> Batch {
    batch.tells(TELL_EVERYTHING, vec![stamp.at.micros().into(), present.micros().into()])
}

impl Store {
    /// Comes back when a batch of this process left something for a client to hear.
    pub async fn logouts_waiting(&self) {
        self.logouts.notified().await;
    }
}

/// At most `limit` clients that may be told of something now, whoever waits longest first.
pub async fn clients_due(store: &Store, now: Time, limit: usize) -> Result<Vec<ClientId>> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = store.db.read(CLIENTS_DUE, &[now.micros().into(), limit.into()]).await?;
    rows.iter().map(|row| columns::word(row, 0, ClientId::parse, "a client")).collect()
}

/// At most `limit` of a client's logouts whose time has come, the longest waiting first.
pub async fn due(store: &Store, client: &ClientId, now: Time, limit: u32) -> Result<Vec<Logout>> {
    let values = [client.as_str().into(), now.micros().into(), i64::from(limit).into()];
    store.db.read(DUE, &values).await?.iter().map(logout_at).collect()
}

/// How many wait, due or not.
pub async fn waiting(store: &Store) -> Result<i64> {
    let rows = store.db.scan(WAITING, Vec::new()).await?;
    rows.first().ok_or_else(|| Error::Schema("a count has no row".to_owned()))?.int(0)
}

fn logout_at(row: &Row) -> Result<Logout> {
    Ok(Logout {
        client: columns::word(row, 0, ClientId::parse, "a client")?,
        session: columns::id(row, 1)?,
        account: columns::id(row, 2)?,
        ended_at: columns::time(row, 3)?,
        tries: columns::count(row, 4)?,
    })
}

/// Takes the logout for one try. `Lost`: another worker has it, or it is over.
pub fn claim_batch(logout: &Logout, stamp: &Stamp<'_>) -> Batch {
    let event = about(Kind::LogoutTried, logout).detail("try", (logout.tries + 1).to_string());
    let values = vec![
        logout.next_try(stamp.at).micros().into(),
        logout.client.as_str().into(),
        logout.session.bytes().into(),
        i64::from(logout.tries).into(),
    ];
    Batch::new(stamp, event).exactly(1, CLAIM, values)
}

/// The client knows, or is given up. `Lost`: that is known already.
pub fn over_batch(logout: &Logout, verdict: Verdict, stamp: &Stamp<'_>) -> Batch {
    let event = about(Kind::LogoutTold, logout).detail("result", verdict.as_str());
    let values = vec![logout.client.as_str().into(), logout.session.bytes().into()];
    Batch::new(stamp, event).exactly(1, DELETE, values)
}

fn about(kind: Kind, logout: &Logout) -> Event {
    Event::new(kind).account(logout.account).session(logout.session).client(logout.client.clone())
}
