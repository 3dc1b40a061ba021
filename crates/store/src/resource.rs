//! Resources: the APIs that tokens may be made for.

use countersign_core::audit::{Event, Kind, Stamp};
use countersign_core::url::ResourceId;

use crate::db::{Error, Result, Row};
use crate::{Batch, Store};

const RESOURCE: &str = "
SELECT identifier
  FROM resources
 WHERE identifier = $1";

const RESOURCES: &str = "
SELECT identifier
  FROM resources
 ORDER BY identifier";

const ADD_RESOURCE: &str = "
INSERT INTO resources (identifier, created_at)
VALUES ($1, $2)";

pub(crate) const STATEMENTS: &[&str] = &[RESOURCE, RESOURCES, ADD_RESOURCE];

/// Whether an operator added this resource, spelt exactly so.
pub async fn resource_known(store: &Store, resource: &ResourceId) -> Result<bool> {
    Ok(!store.db.read(RESOURCE, &[resource.as_str().into()]).await?.is_empty())
}

/// Every resource, in the order of its spelling.
pub async fn resources(store: &Store) -> Result<Vec<ResourceId>> {
    let rows = store.db.scan(RESOURCES, vec![]).await?;
    rows.iter().map(resource_at).collect()
}

fn resource_at(row: &Row) -> Result<ResourceId> {
    ResourceId::parse(row.text(0)?).map_err(|_| Error::Corrupt { column: 0, expected: "a resource" })
}

/// Adds a resource. `Lost`: it is there.
pub fn add_resource_batch(resource: &ResourceId, stamp: &Stamp<'_>) -> Batch {
    Batch::new(stamp, Event::new(Kind::ResourceAdded).detail("resource", resource.as_str())).exactly(
        1,
        ADD_RESOURCE,
        vec![resource.as_str().into(), stamp.at.micros().into()],
    )
}
