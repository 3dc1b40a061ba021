//! What a database that was put back must forget (attack STO-16; design section 4).
//!
//! It went back in time: indexes of status lists, generations of refresh tokens and spent links are free again though the
//! world has seen them. So the lists are closed and get other names, the key of refresh tokens is another one, all
//! that tokens prove ends, and no mailed link works. What a browser's session proves is asked of the database alone: it
//! lives on as it was, unless an epoch ends everything.

use countersign_core::audit::{Event, Kind, Stamp};
use countersign_core::revocation::{Epoch, LIST_SIZE, ListId};
use countersign_core::{Span, Time};

use crate::db::Result;
use crate::key::NewKey;
use crate::{Batch, Store, columns, key, revocation};

const LISTS: &str = "
SELECT id
  FROM status_lists
 ORDER BY id";

const LIVE: &str = "
SELECT face, COUNT(*)
  FROM sessions
 WHERE ended_at IS NULL
   AND idle_ends_at > $1
   AND absolute_ends_at > $1
   AND created_at >= (SELECT not_before FROM epoch WHERE id = 1)
 GROUP BY face";

const NEXT_NUMBER: &str = "SELECT COALESCE(MAX(number), 0) + 1 FROM refresh_keys";

const CLOSE_LIST: &str = "
UPDATE status_lists
   SET id = $1,
       next_index = $2
 WHERE id = $3";

const MOVE_SESSIONS: &str = "
UPDATE sessions
   SET list_id = $1
 WHERE list_id = $2";

const MOVE_GRANTS: &str = "
UPDATE grants
   SET list_id = $1
 WHERE list_id = $2";

const MOVE_BITS: &str = "
UPDATE revocations
   SET list_id = $1
 WHERE list_id = $2";

const END_TOKEN_SESSIONS: &str = "
UPDATE sessions
   SET ended_at = $1,
       end_reason = 'revoked'
 WHERE face = 'token'
   AND ended_at IS NULL";

const END_GRANTS: &str = "
UPDATE grants
   SET ended_at = $1,
       end_reason = 'revoked'
 WHERE ended_at IS NULL";

// Their places are in lists that are closed now: they get others when they are needed.
const FORGET_CLIENTS_PLACES: &str = "
UPDATE clients
   SET list_id = NULL,
       list_index = NULL
 WHERE list_id IS NOT NULL";

// Spent since, most likely, though the database does not know it any more.
const DROP_CODES: &str = "DELETE FROM codes";

const DROP_DEVICE_CODES: &str = "DELETE FROM device_codes";

const KILL_RESETS: &str = "
UPDATE resets
   SET dead_at = $1
 WHERE dead_at IS NULL";

const DROP_PENDINGS: &str = "DELETE FROM pending_accounts";

// They were sent since, most likely, and their links are dead.
const GIVE_UP_MAILS: &str = "
UPDATE jobs
   SET failed_at = $1
 WHERE done_at IS NULL
   AND failed_at IS NULL";

const DROP_REFRESH_KEYS: &str = "DELETE FROM refresh_keys";

// Readers of the log know higher numbers than the database by now; none of them may be given twice.
const JUMP: &str = "
UPDATE revocation_seq
   SET seq = seq + 4294967296
 WHERE id = 1";

pub(crate) const STATEMENTS: &[&str] = &[
    LISTS,
    LIVE,
    NEXT_NUMBER,
    CLOSE_LIST,
    MOVE_SESSIONS,
    MOVE_GRANTS,
    MOVE_BITS,
    END_TOKEN_SESSIONS,
    END_GRANTS,
    FORGET_CLIENTS_PLACES,
    DROP_CODES,
    DROP_DEVICE_CODES,
    KILL_RESETS,
    DROP_PENDINGS,
    GIVE_UP_MAILS,
    DROP_REFRESH_KEYS,
    JUMP,
];

/// What the restored database holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    lists: Vec<ListId>,
    /// The number that the next key of refresh tokens gets.
    pub next_refresh_key: u32,
    /// The one that holds so far.
    pub epoch: Epoch,
    /// Live sessions of browsers.
    pub cookie_sessions: u64,
    /// Live sessions of tokens.
    pub token_sessions: u64,
}

/// What a restore puts in the place of what it takes away.
#[derive(Clone, Copy)]
pub struct Restore<'a> {
    /// The next key of refresh tokens, sealed for the place of its number.
    pub refresh_key: &'a [u8],
    /// Signs from now on, in the place of all that were there.
    pub key: Option<NewKey<'a>>,
    /// What was issued before it counts no more.
    pub epoch: Option<Epoch>,
}

/// Looks what there is to forget.
pub async fn restore_facts(store: &Store, now: Time) -> Result<Facts> {
    let lists = store.db.scan(LISTS, Vec::new()).await?;
    let lists = lists.iter().map(|row| Ok(ListId::from_bytes(row.array(0)?))).collect::<Result<_>>()?;
    let number = store.db.read(NEXT_NUMBER, &[]).await?;
    let next_refresh_key = number.first().map_or(Ok(1), |row| columns::count(row, 0))?;
    let epoch = revocation::epoch(&store.db).await?;
    let (mut cookie_sessions, mut token_sessions) = (0, 0);
    for row in store.db.scan(LIVE, vec![now.micros().into()]).await? {
        let count = u64::try_from(row.int(1)?).unwrap_or(0);
        if row.text(0)? == "token" { token_sessions = count } else { cookie_sessions = count }
    }
    Ok(Facts { lists, next_refresh_key, epoch, cookie_sessions, token_sessions })
}

/// All of it, in one transaction. `backup` names what the database was made from, for the log. `Lost`: the database is
/// being used.
pub fn restore_batch(
    facts: &Facts,
    restore: &Restore<'_>,
    backup: &str,
    longest_life: Span,
    stamp: &Stamp<'_>,
) -> Batch {
    let event = Event::new(Kind::StoreRestored)
        .detail("backup", backup)
        .detail("epoch_bump", if restore.epoch.is_some() { "yes" } else { "no" });
    forget(Batch::new(stamp, event), (facts, restore), longest_life, stamp)
}

/// The same for a database whose master key is lost: nothing opens of what lies sealed in it.
pub fn begin_anew_batch(
    facts: &Facts,
    restore: &Restore<'_>,
    longest_life: Span,
    stamp: &Stamp<'_>,
) -> Batch {
    let event = Event::new(Kind::StoreResealed).detail("lost", "yes");
    forget(Batch::new(stamp, event), (facts, restore), longest_life, stamp)
}

fn forget(
    batch: Batch,
    (facts, restore): (&Facts, &Restore<'_>),
    longest_life: Span,
    stamp: &Stamp<'_>,
) -> Batch {
    let at = || stamp.at.micros().into();
    let batch = facts.lists.iter().fold(batch, |batch, list| close(batch, *list, stamp));
    let batch = batch
        .any(END_TOKEN_SESSIONS, vec![at()])
        .any(END_GRANTS, vec![at()])
        .any(FORGET_CLIENTS_PLACES, Vec::new())
        .any(DROP_CODES, Vec::new())
        .any(DROP_DEVICE_CODES, Vec::new())
        .any(KILL_RESETS, vec![at()])
        .any(DROP_PENDINGS, Vec::new())
        .any(GIVE_UP_MAILS, vec![at()])
        .any(DROP_REFRESH_KEYS, Vec::new())
        .exactly(1, JUMP, Vec::new());
    let batch = key::insert_refresh_key(batch, facts.next_refresh_key, restore.refresh_key, stamp);
    let batch = restore.key.iter().fold(batch, |batch, key| key::replace_all(batch, key, stamp));
    let Some(epoch) = restore.epoch else { return batch };
    revocation::begin(batch, (facts.epoch, epoch), longest_life, stamp)
}

/// Nothing gets an index of it any more, and nobody finds it by the name that tokens carry.
fn close(batch: Batch, list: ListId, stamp: &Stamp<'_>) -> Batch {
    let new = ListId::new(stamp.random);
    let moved = || vec![new.bytes().into(), list.bytes().into()];
    batch
        .exactly(1, CLOSE_LIST, vec![new.bytes().into(), i64::from(LIST_SIZE).into(), list.bytes().into()])
        .any(MOVE_SESSIONS, moved())
        .any(MOVE_GRANTS, moved())
        .any(MOVE_BITS, moved())
}
