//! Clients, and the resources that tokens may be made for.

use countersign_core::audit::{Event, Kind, Stamp};
use countersign_core::client::{self, ClientId};
use countersign_core::url::ResourceId;

use crate::db::{Error, Result, Row};
use crate::{Batch, Store, columns};

const CLIENT: &str = "
SELECT kind, first_party, disabled_at
  FROM clients
 WHERE id = $1";

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

pub(crate) const STATEMENTS: &[&str] = &[CLIENT, RESOURCE, RESOURCES, ADD_RESOURCE];

/// A client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Client {
    /// Whether it can keep a secret.
    pub kind: client::Kind,
    /// Ours: it may have scopes of ours.
    pub first_party: bool,
    /// An operator closed it.
    pub disabled: bool,
}

/// The client with this id.
pub async fn client(store: &Store, id: &ClientId) -> Result<Option<Client>> {
    let rows = store.db.read(CLIENT, &[id.as_str().into()]).await?;
    rows.first().map(client_at).transpose()
}

fn client_at(row: &Row) -> Result<Client> {
    Ok(Client {
        kind: columns::word(row, 0, client::Kind::parse, "a kind of client")?,
        first_party: row.bool(1)?,
        disabled: row.opt_int(2)?.is_some(),
    })
}

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
