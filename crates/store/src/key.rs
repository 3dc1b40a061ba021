//! Signing keys, and the keys of refresh tokens. Private parts lie sealed.

use countersign_core::Time;
use countersign_core::audit::{Event, Kind, Stamp};
use countersign_core::key::{Alg, Key, State};

use crate::db::{Result, Row};
use crate::{Batch, Store, columns};

const KEYS: &str = "
SELECT kid, alg, state, created_at, since, public, sealed
  FROM keys
 ORDER BY created_at, kid";

const CREATE: &str = "
INSERT INTO keys (kid, alg, state, public, sealed, created_at, since)
VALUES ($1, $2, $3, $4, $5, $6, $6)";

const ACTIVATE: &str = "
UPDATE keys
   SET state = 'active',
       since = $1
 WHERE kid = $2
   AND state = 'next'";

const REPLACE: &str = "
UPDATE keys
   SET state = 'retiring',
       since = $1
 WHERE kid = $2
   AND state = 'active'";

const REVOKE: &str = "
UPDATE keys
   SET state = 'revoked',
       since = $1,
       sealed = NULL
 WHERE kid = $2
   AND state = 'active'";

const RETIRE: &str = "
UPDATE keys
   SET state = 'retired',
       since = $1,
       sealed = NULL
 WHERE kid = $2
   AND state = 'retiring'";

const REVOKE_ALL: &str = "
UPDATE keys
   SET state = 'revoked',
       since = $1,
       sealed = NULL
 WHERE state NOT IN ('retired', 'revoked')";

const REDATE: &str = "
UPDATE keys
   SET since = $1,
       created_at = CASE WHEN created_at > $1 THEN $1 ELSE created_at END
 WHERE kid = $2
   AND since > $1
   AND state NOT IN ('retired', 'revoked')";

const REFRESH_KEYS: &str = "
SELECT number, sealed, created_at
  FROM refresh_keys
 ORDER BY number";

const CREATE_REFRESH_KEY: &str = "
INSERT INTO refresh_keys (number, sealed, created_at)
VALUES ($1, $2, $3)";

pub(crate) const STATEMENTS: &[&str] =
    &[KEYS, CREATE, ACTIVATE, REPLACE, REVOKE, RETIRE, REVOKE_ALL, REDATE, REFRESH_KEYS, CREATE_REFRESH_KEY];

/// A signing key as it lies in the store.
#[derive(Clone, PartialEq, Eq)]
pub struct Stored {
    /// What the rules know of it.
    pub key: Key,
    /// Its public part: a JWK as JSON.
    pub public: String,
    /// Its private part, sealed for the place `kid`; none once it is retired.
    pub sealed: Option<Vec<u8>>,
}

/// A signing key just made.
#[derive(Clone, Copy)]
pub struct NewKey<'a> {
    /// Its RFC 7638 thumbprint.
    pub kid: &'a str,
    /// The one algorithm it signs with.
    pub alg: Alg,
    /// Its public part: a JWK as JSON.
    pub public: &'a str,
    /// Its private part, sealed for the place `kid`.
    pub sealed: &'a [u8],
}

/// A key of refresh tokens.
#[derive(Clone, PartialEq, Eq)]
pub struct RefreshKey {
    /// The number that its tokens carry.
    pub number: u32,
    /// Its bytes, sealed for the place `number` (four bytes, big-endian).
    pub sealed: Vec<u8>,
    /// When it was made.
    pub created_at: Time,
}

/// Every signing key, retired ones included, the oldest first.
pub async fn keys(store: &Store) -> Result<Vec<Stored>> {
    store.db.read(KEYS, &[]).await?.iter().map(stored).collect()
}

fn stored(row: &Row) -> Result<Stored> {
    let key = Key {
        kid: row.text(0)?.to_owned(),
        alg: columns::word(row, 1, Alg::parse, "an algorithm")?,
        state: columns::word(row, 2, State::parse, "a state of a key")?,
        created_at: columns::time(row, 3)?,
        since: columns::time(row, 4)?,
    };
    Ok(Stored { key, public: row.text(5)?.to_owned(), sealed: row.opt_bytes(6)?.map(<[u8]>::to_vec) })
}

/// `Step::Create`: `state` is the step's. `Lost`: its algorithm has a key in that state by now.
pub fn create_batch(key: &NewKey<'_>, state: State, stamp: &Stamp<'_>) -> Batch {
    create(Batch::new(stamp, created(key, state)), key, state, stamp)
}

fn created(key: &NewKey<'_>, state: State) -> Event {
    about(Kind::KeyCreated, key.kid).detail("alg", key.alg.as_str()).detail("state", state.as_str())
}

fn create(batch: Batch, key: &NewKey<'_>, state: State, stamp: &Stamp<'_>) -> Batch {
    batch.exactly(
        1,
        CREATE,
        vec![
            key.kid.into(),
            key.alg.as_str().into(),
            state.as_str().into(),
            key.public.into(),
            key.sealed.into(),
            stamp.at.micros().into(),
        ],
    )
}

/// `Step::Replace`: the next key takes over from the active one. `Lost`: one of them has moved on.
pub fn replace_batch(active: &str, next: &str, stamp: &Stamp<'_>) -> Batch {
    // In this order: an algorithm never has two active keys, not even between two statements.
    Batch::new(stamp, moved(active, State::Retiring))
        .event(stamp, moved(next, State::Active))
        .exactly(1, REPLACE, vec![stamp.at.micros().into(), active.into()])
        .exactly(1, ACTIVATE, vec![stamp.at.micros().into(), next.into()])
}

/// `Step::Revoke`: the next key takes over, the active one is no longer published and its private part is gone. `Lost`:
/// one of them has moved on.
pub fn revoke_batch(active: &str, next: &str, stamp: &Stamp<'_>) -> Batch {
    Batch::new(stamp, moved(active, State::Revoked))
        .event(stamp, moved(next, State::Active))
        .exactly(1, REVOKE, vec![stamp.at.micros().into(), active.into()])
        .exactly(1, ACTIVATE, vec![stamp.at.micros().into(), next.into()])
}

/// `Step::Activate`: the next key begins to sign. `Lost`: it has moved on, or its algorithm has an active key.
pub fn activate_batch(next: &str, stamp: &Stamp<'_>) -> Batch {
    let batch = Batch::new(stamp, moved(next, State::Active));
    batch.exactly(1, ACTIVATE, vec![stamp.at.micros().into(), next.into()])
}

/// `Step::Retire`: the key is no longer published and its private part is gone. `Lost`: it has moved on.
pub fn retire_batch(kid: &str, stamp: &Stamp<'_>) -> Batch {
    let batch = Batch::new(stamp, moved(kid, State::Retired));
    batch.exactly(1, RETIRE, vec![stamp.at.micros().into(), kid.into()])
}

/// `Step::Redate`: the key's time counts from now on. `Lost`: it has moved on.
pub fn redate_batch(kid: &str, stamp: &Stamp<'_>) -> Batch {
    let batch = Batch::new(stamp, about(Kind::KeyMoved, kid).detail("since", "now"));
    batch.exactly(1, REDATE, vec![stamp.at.micros().into(), kid.into()])
}

/// Every key of refresh tokens, the first one first.
pub async fn refresh_keys(store: &Store) -> Result<Vec<RefreshKey>> {
    store.db.read(REFRESH_KEYS, &[]).await?.iter().map(refresh_key).collect()
}

fn refresh_key(row: &Row) -> Result<RefreshKey> {
    Ok(RefreshKey {
        number: columns::count(row, 0)?,
        sealed: row.bytes(1)?.to_vec(),
        created_at: columns::time(row, 2)?,
    })
}

/// Keeps a new key of refresh tokens. `Lost`: another process made that number first; its key counts.
pub fn insert_refresh_key_batch(number: u32, sealed: &[u8], stamp: &Stamp<'_>) -> Batch {
    create_refresh_key(Batch::new(stamp, refresh_key_created(number)), number, sealed, stamp)
}

/// Likewise, as part of something that has an event of its own.
pub(crate) fn insert_refresh_key(batch: Batch, number: u32, sealed: &[u8], stamp: &Stamp<'_>) -> Batch {
    create_refresh_key(batch.event(stamp, refresh_key_created(number)), number, sealed, stamp)
}

fn refresh_key_created(number: u32) -> Event {
    Event::new(Kind::KeyCreated).detail("use", "refresh").detail("number", number.to_string())
}

fn create_refresh_key(batch: Batch, number: u32, sealed: &[u8], stamp: &Stamp<'_>) -> Batch {
    let values = vec![i64::from(number).into(), sealed.into(), stamp.at.micros().into()];
    batch.exactly(1, CREATE_REFRESH_KEY, values)
}

/// No key of before is published or accepted any more, and `key` signs, as part of something that has an event of its
/// own.
pub(crate) fn replace_all(batch: Batch, key: &NewKey<'_>, stamp: &Stamp<'_>) -> Batch {
    let batch = batch.any(REVOKE_ALL, vec![stamp.at.micros().into()]);
    create(batch.event(stamp, created(key, State::Active)), key, State::Active, stamp)
}

fn about(what: Kind, kid: &str) -> Event {
    Event::new(what).detail("kid", kid)
}

fn moved(kid: &str, to: State) -> Event {
    about(Kind::KeyMoved, kid).detail("state", to.as_str())
}
