//! Everything that lies sealed, sealed anew under another master key (attack STO-18).

use countersign_core::JobId;
use countersign_core::audit::{Event, Kind, Stamp};
use countersign_core::client::ClientId;

use crate::db::{Result, Value};
use crate::key::{RefreshKey, Stored, keys, refresh_keys};
use crate::{Batch, Store, columns};

const JOBS: &str = "
SELECT id, sealed
  FROM jobs
 ORDER BY id";

const CLIENT_SECRETS: &str = "
SELECT id, client_id, sealed
  FROM client_secrets
 WHERE sealed IS NOT NULL
 ORDER BY id";

const SEAL_KEY: &str = "
UPDATE keys
   SET sealed = $1
 WHERE kid = $2
   AND sealed = $3";

const SEAL_REFRESH_KEY: &str = "
UPDATE refresh_keys
   SET sealed = $1
 WHERE number = $2
   AND sealed = $3";

const SEAL_JOB: &str = "
UPDATE jobs
   SET sealed = $1
 WHERE id = $2
   AND sealed = $3";

const SEAL_CLIENT_SECRET: &str = "
UPDATE client_secrets
   SET sealed = $1
 WHERE id = $2
   AND sealed = $3";

pub(crate) const STATEMENTS: &[&str] =
    &[JOBS, CLIENT_SECRETS, SEAL_KEY, SEAL_REFRESH_KEY, SEAL_JOB, SEAL_CLIENT_SECRET];

/// Where something lies sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// The private part of the signing key of this name.
    Key(String),
    /// The key of refresh tokens of this number.
    RefreshKey(u32),
    /// A secret of a client: its row, and whose it is.
    ClientSecret([u8; 16], ClientId),
    /// A mail of the outbox.
    Job(JobId),
}

/// Something that lies sealed.
#[derive(Clone, PartialEq, Eq)]
pub struct Item {
    /// Where.
    pub place: Place,
    /// As it lies there.
    pub sealed: Vec<u8>,
}

/// All that lies sealed.
pub async fn items(store: &Store) -> Result<Vec<Item>> {
    let mut items = Vec::new();
    for Stored { key, sealed, .. } in keys(store).await? {
        items.extend(sealed.map(|sealed| Item { place: Place::Key(key.kid), sealed }));
    }
    for RefreshKey { number, sealed, .. } in refresh_keys(store).await? {
        items.push(Item { place: Place::RefreshKey(number), sealed });
    }
    for row in store.db.scan(CLIENT_SECRETS, Vec::new()).await? {
        let client = columns::word(&row, 1, ClientId::parse, "a client")?;
        items
            .push(Item { place: Place::ClientSecret(row.array(0)?, client), sealed: row.bytes(2)?.to_vec() });
    }
    for row in store.db.scan(JOBS, Vec::new()).await? {
        items.push(Item { place: Place::Job(columns::id(&row, 0)?), sealed: row.bytes(1)?.to_vec() });
    }
    Ok(items)
}

/// Puts what was sealed anew in the place of what was: all of it or nothing. `Lost`: something was sealed meanwhile.
pub fn reseal_batch(anew: &[(Item, Vec<u8>)], stamp: &Stamp<'_>) -> Batch {
    let event = Event::new(Kind::StoreResealed).detail("items", anew.len().to_string());
    anew.iter().fold(Batch::new(stamp, event), |batch, (item, sealed)| {
        let (sql, place): (_, Value) = match &item.place {
            Place::Key(kid) => (SEAL_KEY, kid.as_str().into()),
            Place::RefreshKey(number) => (SEAL_REFRESH_KEY, i64::from(*number).into()),
            Place::ClientSecret(id, _) => (SEAL_CLIENT_SECRET, id.into()),
            Place::Job(id) => (SEAL_JOB, id.bytes().into()),
        };
        batch.exactly(1, sql, vec![sealed.as_slice().into(), place, item.sealed.as_slice().into()])
    })
}
