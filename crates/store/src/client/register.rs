//! Clients that registered themselves: how many there are, whose they are, and when they are forgotten (attacks OAU-59,
//! DOS-07).

use countersign_core::Time;
use countersign_core::audit::{Event, Kind, Stamp};
use countersign_core::client::ClientId;
use countersign_core::secret::Hash;

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

// Whoever let it do anything uses it, or may come back to it.
const USED: &str = "
SELECT c.id
  FROM clients c
 WHERE c.expires_at <= $1
   AND (EXISTS (SELECT 1 FROM consents k WHERE k.client_id = c.id)
    OR EXISTS (SELECT 1 FROM grants g WHERE g.client_id = c.id AND g.ended_at IS NULL))
 LIMIT $2";

const PROLONG: &str = "
UPDATE clients
   SET expires_at = $1
 WHERE id = $2
   AND expires_at IS NOT NULL";

const OVER: &str = "
SELECT c.id
  FROM clients c
 WHERE c.expires_at <= $1
   AND NOT EXISTS (SELECT 1 FROM consents k WHERE k.client_id = c.id)
   AND NOT EXISTS (SELECT 1 FROM grants g WHERE g.client_id = c.id AND g.ended_at IS NULL)
 LIMIT $2";

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

/// Lets those that are used and would end before `soon` go on until `until`. A step of the clean-up.
pub async fn prolong_used(store: &Store, soon: Time, until: Time, stamp: &Stamp<'_>) -> Result<u64> {
    let rows = store.db.scan(USED, vec![soon.micros().into(), i64::from(AT_ONCE).into()]).await?;
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

/// Those that ended at `now` or before and that nobody uses.
pub async fn unused(store: &Store, now: Time) -> Result<Vec<ClientId>> {
    let rows = store.db.scan(OVER, vec![now.micros().into(), i64::from(AT_ONCE).into()]).await?;
    rows.iter().map(|row| columns::word(row, 0, ClientId::parse, "a client")).collect()
}
