//! What changes a client: its metadata, its secrets, its end. All of it goes through
//! [`apply_to_client`](crate::Store::apply_to_client).

use countersign_core::audit::{Event, Kind, Stamp};
use countersign_core::client::{Client, ClientId};
use countersign_core::revocation::StatusIndex;
use countersign_core::secret::Hash;
use countersign_core::session::EndReason;
use countersign_core::{Span, Time};

use crate::db::Result;
use crate::grant::{self, Whose};
use crate::{Batch, Store, columns};

use super::metadata;

const DESCRIBE: &str = "
UPDATE clients
   SET name = $1,
       kind = $2,
       metadata = $3,
       hears_logouts = $4,
       changed_at = $5
 WHERE id = $6";

// What took the place of another stays; what was replaced before that goes.
const DROP_REPLACED: &str = "
DELETE FROM client_secrets
 WHERE client_id = $1
   AND expires_at IS NOT NULL";

const REPLACE_SECRETS: &str = "
UPDATE client_secrets
   SET expires_at = $1
 WHERE client_id = $2
   AND expires_at IS NULL";

const INSERT_SECRET: &str = "
INSERT INTO client_secrets (id, client_id, hash, sealed, created_at)
VALUES ($1, $2, $3, $4, $5)";

const TOUCH: &str = "
UPDATE clients
   SET changed_at = $1
 WHERE id = $2";

const DISABLE: &str = "
UPDATE clients
   SET disabled_at = $1
 WHERE id = $2
   AND disabled_at IS NULL";

const ENABLE: &str = "
UPDATE clients
   SET disabled_at = NULL,
       list_id = $1,
       list_index = $2
 WHERE id = $3
   AND disabled_at IS NOT NULL";

const REVOKE_OWN: &str = "
INSERT INTO revocations (seq, kind, list_id, list_index, at, until_at)
SELECT (SELECT seq FROM revocation_seq WHERE id = 1), 'bit', list_id, list_index, disabled_at, CAST($1 AS BIGINT)
  FROM clients
 WHERE id = $2
   AND disabled_at = $3
   AND list_id IS NOT NULL";

const LIVE_GRANTS: &str = "
SELECT id
  FROM grants
 WHERE client_id = $1
   AND ended_at IS NULL
 LIMIT 1";

const HOLD_DISABLED: &str = "
UPDATE clients
   SET changed_at = $1
 WHERE id = $2
   AND disabled_at IS NOT NULL";

const DELETE_CODES: &str = "
DELETE FROM codes
 WHERE client_id = $1";

const DELETE_DEVICE_CODES: &str = "
DELETE FROM device_codes
 WHERE client_id = $1";

const DELETE_CONSENTS: &str = "
DELETE FROM consents
 WHERE client_id = $1";

const DELETE_ENDED_GRANTS: &str = "
DELETE FROM grants
 WHERE client_id = $1
   AND ended_at IS NOT NULL";

const DELETE_LOGOUTS: &str = "
DELETE FROM backchannel_logouts
 WHERE client_id = $1";

const DELETE_SECRETS: &str = "
DELETE FROM client_secrets
 WHERE client_id = $1";

const DELETE: &str = "
DELETE FROM clients
 WHERE id = $1";

const SECRETS: &str = "
SELECT created_at, expires_at
  FROM client_secrets
 WHERE client_id = $1
 ORDER BY created_at DESC, id";

pub(crate) const STATEMENTS: &[&str] = &[
    DESCRIBE,
    DROP_REPLACED,
    REPLACE_SECRETS,
    INSERT_SECRET,
    TOUCH,
    DISABLE,
    ENABLE,
    REVOKE_OWN,
    LIVE_GRANTS,
    HOLD_DISABLED,
    DELETE_CODES,
    DELETE_DEVICE_CODES,
    DELETE_CONSENTS,
    DELETE_ENDED_GRANTS,
    DELETE_LOGOUTS,
    DELETE_SECRETS,
    DELETE,
    SECRETS,
];

/// A secret about to be kept: a random id for its row, its hash, and the secret sealed.
pub type NewSecret = ([u8; 16], Hash, Option<Vec<u8>>);

/// When a secret was made, and when it ends if another took its place.
pub type SecretAge = (Time, Option<Time>);

/// How old the secrets of a client are, the newest first.
pub async fn secret_ages(store: &Store, client: &ClientId) -> Result<Vec<SecretAge>> {
    let rows = store.db.read(SECRETS, &[client.as_str().into()]).await?;
    rows.iter().map(|row| Ok((columns::time(row, 0)?, columns::opt_time(row, 1)?))).collect()
}

/// The client says something else of itself. `Lost`: it is gone.
pub fn describe_batch(client: &Client, stamp: &Stamp<'_>) -> Batch {
    let event = Event::new(Kind::ClientChanged).client(client.id.clone()).detail("what", "metadata");
    let values = vec![
        client.shown_name().into(),
        client.kind().as_str().into(),
        metadata(&client.metadata),
        client.metadata.backchannel_logout_uri.is_some().into(),
        stamp.at.micros().into(),
        client.id.as_str().into(),
    ];
    Batch::new(stamp, event).exactly(1, DESCRIBE, values)
}

/// Another secret counts from now on; the one before counts until `until` (attack OAU-36), those before that no more.
/// `Lost`: the client is gone.
pub fn rotate_secret_batch(client: &ClientId, secret: &NewSecret, until: Time, stamp: &Stamp<'_>) -> Batch {
    let event = Event::new(Kind::ClientChanged).client(client.clone()).detail("what", "secret");
    let batch = Batch::new(stamp, event)
        .exactly(1, TOUCH, vec![stamp.at.micros().into(), client.as_str().into()])
        .any(DROP_REPLACED, vec![client.as_str().into()])
        .any(REPLACE_SECRETS, vec![until.micros().into(), client.as_str().into()]);
    insert_secret(batch, client, secret, stamp)
}

pub(super) fn insert_secret(batch: Batch, client: &ClientId, secret: &NewSecret, stamp: &Stamp<'_>) -> Batch {
    let (id, hash, sealed) = secret;
    let values = vec![
        id.into(),
        client.as_str().into(),
        hash.as_bytes().into(),
        sealed.clone().into(),
        stamp.at.micros().into(),
    ];
    batch.exactly(1, INSERT_SECRET, values)
}

/// Closes a client: all that it was let do ends, whatever number of grants that is, and so do its own tokens. `Lost`: it
/// is closed already, or gone.
///
/// A grant whose birth began before may be written down after: whoever closes looks for [`has_live_grants`] when this
/// was applied, and ends those too ([`end_grants_batch`]).
pub fn disable_batch(client: &ClientId, longest_life: Span, stamp: &Stamp<'_>) -> Batch {
    let at = stamp.at.micros();
    let until = (stamp.at + longest_life).micros();
    let batch = Batch::new(stamp, Event::new(Kind::ClientDisabled).client(client.clone()));
    let batch = batch.exactly(1, DISABLE, vec![at.into(), client.as_str().into()]);
    grant::end(batch, Whose::Client(client), EndReason::ClientClosed, longest_life, stamp)
        .revoke(REVOKE_OWN, vec![until.into(), client.as_str().into(), at.into()])
}

/// Opens a closed client again. What ended stays ended: its own tokens get another place. `Lost`: it is open, or gone.
pub fn enable_batch(client: &ClientId, index: Option<StatusIndex>, stamp: &Stamp<'_>) -> Batch {
    let values = vec![
        index.map(|index| *index.list.bytes()).into(),
        index.map(|index| i64::from(index.index)).into(),
        client.as_str().into(),
    ];
    Batch::new(stamp, Event::new(Kind::ClientEnabled).client(client.clone())).exactly(1, ENABLE, values)
}

/// Whether a grant of the client has not ended.
pub async fn has_live_grants(store: &Store, client: &ClientId) -> Result<bool> {
    Ok(!store.db.read(LIVE_GRANTS, &[client.as_str().into()]).await?.is_empty())
}

/// Ends what a client was let do.
pub fn end_grants_batch(client: &ClientId, longest_life: Span, stamp: &Stamp<'_>) -> Batch {
    let event = Event::new(Kind::GrantEnded).client(client.clone());
    let event = event.detail("reason", EndReason::ClientClosed.as_str());
    let batch = Batch::new(stamp, event);
    grant::end(batch, Whose::Client(client), EndReason::ClientClosed, longest_life, stamp)
}

/// Deletes a closed client with all that is left of it. `Lost`: it is open, gone, or has a grant that has not ended: a
/// grant's row goes only after its bit is set.
pub fn delete_batch(client: &ClientId, stamp: &Stamp<'_>) -> Batch {
    let id = || vec![client.as_str().into()];
    Batch::new(stamp, Event::new(Kind::ClientDeleted).client(client.clone()))
        .exactly(1, HOLD_DISABLED, vec![stamp.at.micros().into(), client.as_str().into()])
        .any(DELETE_CODES, id())
        .any(DELETE_DEVICE_CODES, id())
        .any(DELETE_CONSENTS, id())
        .any(DELETE_ENDED_GRANTS, id())
        .any(DELETE_LOGOUTS, id())
        .any(DELETE_SECRETS, id())
        .exactly(1, DELETE, id())
}
