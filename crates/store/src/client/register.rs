//! Clients that registered themselves: how many there are, whose they are, and when they are forgotten (attacks OAU-59,
//! DOS-07).

use countersign_core::audit::{Event, Kind, Stamp};
use countersign_core::client::ClientId;
use countersign_core::secret::Hash;
use countersign_core::{Span, Time};

use crate::db::Result;
use crate::store::Outcome;
use crate::{Batch, Store, columns};

const REGISTRATION: &str = "
SELECT registration_hash
  FROM clients
 WHERE id = $1";

const COUNT: &str = "
SELECT CAST(COUNT(*) AS BIGINT)
  FROM clients
 WHERE expires_at IS NOT NULL";

// Whom somebody let do something lately, or lets do something still: a consent of long ago keeps nobody (attack DOS-07).
const USED: &str = "
SELECT c.id
  FROM clients c
 WHERE c.expires_at <= $1
   AND (EXISTS (SELECT 1 FROM consents k WHERE k.client_id = c.id AND k.changed_at > $2)
    OR EXISTS (SELECT 1 FROM grants g WHERE g.client_id = c.id AND (g.ended_at IS NULL OR g.created_at > $2)))
 LIMIT $3";

const PROLONG: &str = "
UPDATE clients
   SET expires_at = $1
 WHERE id = $2
   AND expires_at IS NOT NULL";

const OVER: &str = "
SELECT c.id
  FROM clients c
 WHERE c.expires_at <= $1
   AND NOT EXISTS (SELECT 1 FROM consents k WHERE k.client_id = c.id AND k.changed_at > $2)
   AND NOT EXISTS (SELECT 1 FROM grants g WHERE g.client_id = c.id AND (g.ended_at IS NULL OR g.created_at > $2))
 LIMIT $3";

pub(crate) const STATEMENTS: &[&str] = &[REGISTRATION, COUNT, USED, PROLONG, OVER];

/// Clients of a step.
const AT_ONCE: u32 = 100;

/// SHA-256 of the token that a client is managed with, if there is such a client and it has one.
pub async fn registration_hash(store: &Store, client: &ClientId) -> Result<Option<Hash>> {
    let rows = store.db.read(REGISTRATION, &[client.as_str().into()]).await?;
    Ok(rows.first().map(|row| columns::opt_hash(row, 0)).transpose()?.flatten())
}

/// How many clients there are that nobody vouched for.
pub async fn count_unvouched(store: &Store) -> Result<u64> {
    let rows = store.db.scan(COUNT, Vec::new()).await?;
    let count = rows.first().map(|row| row.int(0)).transpose()?.unwrap_or(0);
    Ok(u64::try_from(count).unwrap_or(0))
}

/// Lets those that were used within `life` and would end before `soon` go on for another one. A step of the clean-up.
pub async fn prolong_used(store: &Store, soon: Time, life: Span, stamp: &Stamp<'_>) -> Result<u64> {
    let (since, until) = (stamp.at - life, stamp.at + life);
    let values = vec![soon.micros().into(), since.micros().into(), i64::from(AT_ONCE).into()];
    let rows = store.db.scan(USED, values).await?;
    if rows.is_empty() {
        return Ok(0);
    }
    let event = Event::new(Kind::ClientChanged).detail("what", "expiry");
    let mut batch = Batch::new(stamp, event.detail("clients", rows.len().to_string()));
    for row in &rows {
        batch = batch.any(PROLONG, vec![until.micros().into(), row.text(0)?.into()]);
    }
    match store.apply_to_client(batch).await? {
        Outcome::Applied => Ok(rows.len() as u64),
        Outcome::Lost => Ok(0),
    }
}

/// Those that ended at `now` or before and that nobody used within `life`.
pub async fn unused(store: &Store, now: Time, life: Span) -> Result<Vec<ClientId>> {
    let since = now - life;
    let values = vec![now.micros().into(), since.micros().into(), i64::from(AT_ONCE).into()];
    let rows = store.db.scan(OVER, values).await?;
    rows.iter().map(|row| columns::word(row, 0, ClientId::parse, "a client")).collect()
}
