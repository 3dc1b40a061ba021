//! Clients: found for every request of theirs from memory, made, changed, closed.

pub mod change;
pub mod register;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use countersign_core::Time;
use countersign_core::audit::{Event, Kind, Stamp};
use countersign_core::client::{Client, ClientId, Metadata, Origin, Profile};
use countersign_core::revocation::StatusIndex;
use countersign_core::secret::Hash;
use quick_cache::sync::Cache;

use crate::db::{Error, Result, Row, Value};
use crate::store::Outcome;
use crate::{Batch, Store, columns};

const BY_ID: &str = "
SELECT id, origin, profile, first_party, disabled_at, created_at, expires_at, list_id, list_index, metadata
  FROM clients
 WHERE id = $1";

const LIST: &str = "
SELECT id, origin, profile, first_party, disabled_at, created_at, expires_at, list_id, list_index, metadata
  FROM clients
 WHERE id > $1
 ORDER BY id
 LIMIT $2";

const INSERT: &str = "
INSERT INTO clients (id, name, kind, first_party, created_at, origin, profile, metadata, changed_at, expires_at,
                     registration_hash, list_id, list_index, hears_logouts)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $5, $9, $10, $11, $12, $13)";

const SECRETS: &str = "
SELECT hash, sealed, expires_at
  FROM client_secrets
 WHERE client_id = $1
 ORDER BY created_at DESC, id";

const PLACE: &str = "
UPDATE clients
   SET list_id = $1,
       list_index = $2
 WHERE id = $3
   AND list_id IS NULL";

const MOVE: &str = "
UPDATE clients
   SET list_id = $1,
       list_index = $2
 WHERE id = $3
   AND list_id = $4
   AND list_index = $5";

pub(crate) const STATEMENTS: &[&str] = &[BY_ID, LIST, INSERT, SECRETS, PLACE, MOVE];

/// Clients kept in memory at most.
const KEPT: usize = 4096;

/// A client, and the secrets that it may authenticate with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// The client.
    pub client: Client,
    /// Its secrets, the newest first.
    pub secrets: Vec<StoredSecret>,
}

/// A secret of a client, as far as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredSecret {
    /// SHA-256 of the secret.
    pub hash: Hash,
    /// The secret itself, sealed, where it is the key of a MAC.
    pub sealed: Option<Vec<u8>>,
    /// When it stops to count, if another one took its place.
    pub expires_at: Option<Time>,
}

/// A client about to be made.
#[derive(Debug)]
pub struct NewClient<'a> {
    /// The client.
    pub client: &'a Client,
    /// Its secret: a random id for the row, its hash, the secret sealed where it is the key of a MAC.
    pub secret: Option<change::NewSecret>,
    /// SHA-256 of its registration access token.
    pub registration: Option<Hash>,
}

/// What this process remembers of clients. A change of any client forgets all of them: changes are rare, and a reading
/// that began before a change must not be kept after it.
#[derive(Debug)]
pub(crate) struct Clients {
    kept: Cache<ClientId, (u64, Arc<Stored>)>,
    changes: AtomicU64,
}

impl Default for Clients {
    fn default() -> Self {
        Self { kept: Cache::new(KEPT), changes: AtomicU64::new(0) }
    }
}

impl Store {
    /// The client with this id, open or not: from memory, else by two queries.
    pub async fn client(&self, id: &ClientId) -> Result<Option<Arc<Stored>>> {
        let changes = self.clients.changes.load(Ordering::Acquire);
        if let Some((then, stored)) = self.clients.kept.get(id)
            && then == changes
        {
            return Ok(Some(stored));
        }
        let Some(stored) = load(self, id).await?.map(Arc::new) else { return Ok(None) };
        self.clients.kept.insert(id.clone(), (changes, Arc::clone(&stored)));
        Ok(Some(stored))
    }

    /// Asks the database for a client though it lies in memory: whoever is refused must not learn from the time that it
    /// exists (attack OAU-33).
    pub async fn client_again(&self, id: &ClientId) -> Result<()> {
        self.db.read(BY_ID, &[id.as_str().into()]).await.map(drop)
    }

    /// Whether the place of a client's own tokens, given to one that was issued at `issued_at`, still counts.
    pub async fn place_lives(&self, place: StatusIndex, issued_at: Time) -> Result<bool> {
        self.caught_up().await?;
        Ok(!self.live.has_ended(place) && !self.live.epoch().ends(issued_at))
    }

    /// Applies a batch that changes a client, its secrets or its end: what is remembered of clients is forgotten before
    /// this returns.
    pub async fn apply_to_client(&self, batch: Batch) -> Result<Outcome> {
        let outcome = self.apply(batch).await;
        // Whatever came of it: an unknown outcome may be a change.
        self.clients.changes.fetch_add(1, Ordering::AcqRel);
        outcome
    }
}

async fn load(store: &Store, id: &ClientId) -> Result<Option<Stored>> {
    let rows = store.db.read(BY_ID, &[id.as_str().into()]).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    let client = client_at(row)?;
    let secrets = store.db.read(SECRETS, &[id.as_str().into()]).await?;
    let secrets = secrets.iter().map(secret_at).collect::<Result<_>>()?;
    Ok(Some(Stored { client, secrets }))
}

/// A page of clients in the order of their ids, after `after`.
pub async fn clients(store: &Store, after: Option<&ClientId>, limit: u32) -> Result<Vec<Client>> {
    let after = after.map_or("", ClientId::as_str);
    let rows = store.db.scan(LIST, vec![after.into(), i64::from(limit).into()]).await?;
    rows.iter().map(client_at).collect()
}

/// Makes a client. `Lost`: the id is taken.
pub fn create_batch(new: &NewClient<'_>, stamp: &Stamp<'_>) -> Batch {
    let NewClient { client, secret, registration } = new;
    let event = Event::new(Kind::ClientCreated).client(client.id.clone());
    let event = event.detail("origin", client.origin.as_str()).detail("profile", client.profile.as_str());
    let at = stamp.at.micros();
    let values = vec![
        client.id.as_str().into(),
        client.shown_name().into(),
        client.kind().as_str().into(),
        client.first_party.into(),
        at.into(),
        client.origin.as_str().into(),
        client.profile.as_str().into(),
        metadata(&client.metadata),
        client.expires_at.map(Time::micros).into(),
        registration.as_ref().map(Hash::as_bytes).into(),
        client.index.map(|index| *index.list.bytes()).into(),
        client.index.map(|index| i64::from(index.index)).into(),
        client.metadata.backchannel_logout_uri.is_some().into(),
    ];
    let batch = Batch::new(stamp, event).exactly(1, INSERT, values);
    match secret {
        None => batch,
        Some(secret) => change::insert_secret(batch, &client.id, secret, stamp),
    }
}

/// Gives a client another place for its own tokens, in place of `old`. `Lost`: it has another one by now.
pub fn place_batch(
    client: &ClientId,
    old: Option<StatusIndex>,
    new: StatusIndex,
    stamp: &Stamp<'_>,
) -> Batch {
    let event = Event::new(Kind::ClientChanged).client(client.clone()).detail("changed", "place");
    let mut values = vec![new.list.bytes().into(), i64::from(new.index).into(), client.as_str().into()];
    let batch = Batch::new(stamp, event);
    let Some(old) = old else { return batch.exactly(1, PLACE, values) };
    values.extend([old.list.bytes().into(), i64::from(old.index).into()]);
    batch.exactly(1, MOVE, values)
}

fn metadata(metadata: &Metadata) -> Value {
    // invariant: strings, numbers and lists of them always become JSON.
    serde_json::to_string(metadata).unwrap_or_default().into()
}

fn client_at(row: &Row) -> Result<Client> {
    let index = match row.opt_array(7)? {
        Some(list) => Some(StatusIndex {
            list: countersign_core::revocation::ListId::from_bytes(list),
            index: columns::count(row, 8)?,
        }),
        None => None,
    };
    let metadata = serde_json::from_str(row.text(9)?);
    Ok(Client {
        id: columns::word(row, 0, ClientId::parse, "a client")?,
        origin: columns::word(row, 1, Origin::parse, "how a client came")?,
        profile: columns::word(row, 2, Profile::parse, "a profile")?,
        first_party: row.bool(3)?,
        disabled: row.opt_int(4)?.is_some(),
        created_at: columns::time(row, 5)?,
        expires_at: columns::opt_time(row, 6)?,
        index,
        metadata: metadata.map_err(|_| Error::Corrupt { column: 9, expected: "a client's metadata" })?,
    })
}

fn secret_at(row: &Row) -> Result<StoredSecret> {
    Ok(StoredSecret {
        hash: Hash::from_bytes(row.array(0)?),
        sealed: row.opt_bytes(1)?.map(<[u8]>::to_vec),
        expires_at: columns::opt_time(row, 2)?,
    })
}
