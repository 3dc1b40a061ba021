//! What counts once: its mark is an insert that only the first can make (I9).

use countersign_core::audit::{Event, Kind, Stamp};
use countersign_core::client::ClientId;
use countersign_core::replay::Mark;

use crate::db::Result;
use crate::{Batch, Store};

const SPEND: &str = "
INSERT INTO spent (kind, hash, until_at)
VALUES ($1, $2, $3)";

const FIND: &str = "
SELECT until_at
  FROM spent
 WHERE kind = $1
   AND hash = $2";

pub(crate) const STATEMENTS: &[&str] = &[SPEND, FIND];

/// Whether the mark is there: what a lost batch that would have set it asks.
pub async fn is_spent(store: &Store, mark: &Mark) -> Result<bool> {
    let key = [mark.kind.as_str().into(), mark.hash.as_bytes().into()];
    Ok(!store.db.read(FIND, &key).await?.is_empty())
}

/// Sets the mark. `Lost`: it is there, or will be in a moment.
pub fn spend_batch(mark: &Mark, client: &ClientId, stamp: &Stamp<'_>) -> Batch {
    let event = Event::new(Kind::ProofSpent).client(client.clone()).detail("kind", mark.kind.as_str());
    spend(Batch::new(stamp, event), mark)
}

/// Sets the mark as part of what it protects.
pub(crate) fn spend(batch: Batch, mark: &Mark) -> Batch {
    let values = vec![mark.kind.as_str().into(), mark.hash.as_bytes().into(), mark.until.micros().into()];
    batch.exactly(1, SPEND, values)
}
