//! The revocation log and the status lists made of it (design section 5).
//!
//! Its entries are inserted by the batches of what they tell of, last of all, with a number whose order is the order
//! of commits. What it says is set in memory before anyone hears of the commit (I7).

use countersign_core::audit::{Event, Kind, Stamp};
use countersign_core::revocation::{Entry, Epoch, Jti, ListId, Seq, StatusIndex};
use countersign_core::secret::Hash;
use countersign_core::{AccountId, Span, Time};

use crate::db::{Db, Error, Result, Row};
use crate::live::Live;
use crate::{Batch, Store, backchannel, columns};

const SEQ: &str = "SELECT seq FROM revocation_seq WHERE id = 1";

const EPOCH: &str = "SELECT not_before FROM epoch WHERE id = 1";

const BEGIN_EPOCH: &str = "
UPDATE epoch
   SET not_before = $1,
       set_at = $2
 WHERE id = 1
   AND not_before = $3";

// Their clock was ahead: no epoch reaches them.
const END_SESSIONS_OF_TOMORROW: &str = "
UPDATE sessions
   SET ended_at = $1,
       end_reason = 'revoked'
 WHERE created_at >= $2
   AND ended_at IS NULL";

const END_GRANTS_OF_TOMORROW: &str = "
UPDATE grants
   SET ended_at = $1,
       end_reason = 'revoked'
 WHERE created_at >= $2
   AND ended_at IS NULL";

const KILL_RESETS_OF_TOMORROW: &str = "
UPDATE resets
   SET dead_at = $1
 WHERE created_at >= $2
   AND dead_at IS NULL";

const DROP_PENDINGS_OF_TOMORROW: &str = "
DELETE FROM pending_accounts
 WHERE created_at >= $1";

const DROP_CODES: &str = "DELETE FROM codes";

const DROP_DEVICE_CODES: &str = "DELETE FROM device_codes";

const REVOKE_SESSIONS_OF_TOMORROW: &str = "
INSERT INTO revocations (seq, kind, list_id, list_index, at, until_at)
SELECT (SELECT seq FROM revocation_seq WHERE id = 1), 'bit', list_id, list_index, ended_at, CAST($1 AS BIGINT)
  FROM sessions
 WHERE created_at >= $2
   AND ended_at = $3";

const REVOKE_GRANTS_OF_TOMORROW: &str = "
INSERT INTO revocations (seq, kind, list_id, list_index, at, until_at)
SELECT (SELECT seq FROM revocation_seq WHERE id = 1), 'bit', list_id, list_index, ended_at, CAST($1 AS BIGINT)
  FROM grants
 WHERE created_at >= $2
   AND ended_at = $3";

const TELL_EPOCH: &str = "
INSERT INTO revocations (seq, kind, not_before, at, until_at)
VALUES ((SELECT seq FROM revocation_seq WHERE id = 1), 'epoch', $1, $2, $3)";

const LISTS: &str = "
SELECT id, ends_at
  FROM status_lists";

const BITS: &str = "
SELECT seq, kind, list_id, list_index, subject, not_before, until_at
  FROM revocations
 WHERE kind IN ('bit', 'token')";

const AFTER: &str = "
SELECT seq, kind, list_id, list_index, subject, not_before, until_at
  FROM revocations
 WHERE seq > $1
 ORDER BY seq";

const SECRET: &str = "
INSERT INTO revocations (seq, kind, subject, at, until_at)
VALUES ((SELECT seq FROM revocation_seq WHERE id = 1), 'secret', $1, $2, $3)";

const ACCOUNT: &str = "
INSERT INTO revocations (seq, kind, subject, at, until_at)
VALUES ((SELECT seq FROM revocation_seq WHERE id = 1), 'account', $1, $2, $3)";

const TOKEN: &str = "
INSERT INTO revocations (seq, kind, subject, at, until_at)
VALUES ((SELECT seq FROM revocation_seq WHERE id = 1), 'token', $1, $2, $3)";

pub(crate) const STATEMENTS: &[&str] = &[
    SEQ,
    EPOCH,
    BEGIN_EPOCH,
    END_SESSIONS_OF_TOMORROW,
    END_GRANTS_OF_TOMORROW,
    KILL_RESETS_OF_TOMORROW,
    DROP_PENDINGS_OF_TOMORROW,
    DROP_CODES,
    DROP_DEVICE_CODES,
    REVOKE_SESSIONS_OF_TOMORROW,
    REVOKE_GRANTS_OF_TOMORROW,
    TELL_EPOCH,
    LISTS,
    BITS,
    AFTER,
    SECRET,
    ACCOUNT,
    TOKEN,
];

/// The status lists that stand.
pub async fn lists(store: &Store) -> Result<Vec<ListId>> {
    store.caught_up().await?;
    Ok(store.live.list_ids())
}

/// A status list as it is published: its bits, least significant first, and the number of the last entry of the log
/// that they are sure to tell of.
pub async fn snapshot(store: &Store, list: ListId) -> Result<Option<(Seq, Vec<u8>)>> {
    store.caught_up().await?;
    Ok(store.live.snapshot(list))
}

/// The last number of the log. A read of one row: what `/readyz` asks.
pub(crate) async fn seq(db: &Db) -> Result<Seq> {
    let rows = db.read(SEQ, &[]).await?;
    let row = rows.first().ok_or_else(|| Error::Schema("revocation_seq has no row".to_owned()))?;
    Ok(Seq(row.int(0)?))
}

/// All that the log says of lists that stand: what a process begins with. Sessions are read after it, so it needs to
/// know of no replaced secret and no changed account.
pub(crate) async fn load(db: &Db, now: Time) -> Result<Live> {
    let claims = db.claims();
    // The number first: what is committed after it is read again, and setting a bit twice is setting it.
    let live = Live::new(seq(db).await?, now);
    load_lists(db, &live).await?;
    live.claimed(claims);
    Ok(live)
}

/// The epoch as the database has it.
pub(crate) async fn epoch(db: &Db) -> Result<Epoch> {
    let rows = db.read(EPOCH, &[]).await?;
    let row = rows.first().ok_or_else(|| Error::Schema("epoch has no row".to_owned()))?;
    Ok(Epoch::from_time(columns::time(row, 0)?))
}

/// What the log need not tell any more: the epoch, the lists that stand and their bits.
async fn load_lists(db: &Db, live: &Live) -> Result<()> {
    live.begin(epoch(db).await?);
    for row in db.scan(LISTS, Vec::new()).await? {
        live.open_list(ListId::from_bytes(row.array(0)?), columns::time(&row, 1)?);
    }
    for row in db.scan(BITS, Vec::new()).await? {
        match entry(&row)?.1 {
            Entry::Bit(index) => live.end(index),
            Entry::Token(jti, until) => live.revoke_token(jti, until),
            Entry::Secret(_) | Entry::Account(_) | Entry::Epoch(_) => {}
        }
    }
    Ok(())
}

/// Reads the log on from where memory is, and takes note of it. Where another process may have been at work, it may
/// have opened lists too.
pub(crate) async fn catch_up(db: &Db, live: &Live) -> Result<()> {
    let (debt, claims) = (live.debt(), db.claims());
    if live.claims() != claims {
        load_lists(db, live).await?;
    }
    let rows = db.read(AFTER, &[live.seq().0.into()]).await?;
    live.learn(&rows.iter().map(entry).collect::<Result<Vec<_>>>()?);
    live.pay(debt);
    live.claimed(claims);
    Ok(())
}

/// The log says that a cookie's secret was replaced.
pub(crate) fn secret(batch: Batch, old: &Hash, longest_life: Span, stamp: &Stamp<'_>) -> Batch {
    let until = stamp.at + longest_life;
    batch.revoke(SECRET, vec![old.as_bytes().into(), stamp.at.micros().into(), until.micros().into()])
}

/// A single token counts no more (RFC 7009 section 2.1); `event` says whose it was. `until`: past its end.
pub fn token_batch(jti: Jti, until: Time, event: Event, stamp: &Stamp<'_>) -> Batch {
    let values = vec![jti.bytes().into(), stamp.at.micros().into(), until.micros().into()];
    Batch::new(stamp, event).revoke(TOKEN, values)
}

/// The log says that an account changed: whatever was read of it before is stale.
pub(crate) fn account(batch: Batch, account: AccountId, longest_life: Span, stamp: &Stamp<'_>) -> Batch {
    let until = stamp.at + longest_life;
    batch.revoke(ACCOUNT, vec![account.bytes().into(), stamp.at.micros().into(), until.micros().into()])
}

/// Everything ends, as part of something that has an event of its own: what was issued before the epoch by the epoch, and
/// what says that it was issued later, by a clock that was ahead, one by one. `Lost`: `present` is not the epoch any more.
pub(crate) fn begin(
    batch: Batch,
    (present, epoch): (Epoch, Epoch),
    longest_life: Span,
    stamp: &Stamp<'_>,
) -> Batch {
    let (not_before, at) = (epoch.not_before().micros(), stamp.at.micros());
    let until = (epoch.not_before() + longest_life).micros();
    let tomorrow = || vec![at.into(), not_before.into()];
    let revoked = || vec![until.into(), not_before.into(), at.into()];
    let batch = batch.any(END_SESSIONS_OF_TOMORROW, tomorrow()).any(END_GRANTS_OF_TOMORROW, tomorrow());
    backchannel::tell_everything(batch, present.not_before(), stamp)
        .any(KILL_RESETS_OF_TOMORROW, tomorrow())
        .any(DROP_PENDINGS_OF_TOMORROW, vec![not_before.into()])
        .any(DROP_CODES, Vec::new())
        .any(DROP_DEVICE_CODES, Vec::new())
        .exactly(1, BEGIN_EPOCH, vec![not_before.into(), at.into(), present.not_before().micros().into()])
        .revoke(REVOKE_SESSIONS_OF_TOMORROW, revoked())
        .revoke(REVOKE_GRANTS_OF_TOMORROW, revoked())
        .revoke(TELL_EPOCH, vec![not_before.into(), at.into(), until.into()])
}

/// Ends everything: every session, grant, token, code and mailed link. `Lost`: `present` is not the epoch any more.
pub fn end_everything_batch(present: Epoch, epoch: Epoch, longest_life: Span, stamp: &Stamp<'_>) -> Batch {
    let event = Event::new(Kind::EverythingEnded).detail("not_before", epoch.not_before().rfc3339());
    begin(Batch::new(stamp, event), (present, epoch), longest_life, stamp)
}

/// A word that this release does not know is corrupt: to pass over it would be to let in what it ends (I13).
fn entry(row: &Row) -> Result<(Seq, Entry)> {
    let entry = match row.text(1)? {
        "bit" => Entry::Bit(status_index(row, 2)?),
        "secret" => Entry::Secret(Hash::from_bytes(row.array(4)?)),
        "token" => Entry::Token(Jti::from_bytes(row.array(4)?), columns::time(row, 6)?),
        "account" => Entry::Account(columns::id(row, 4)?),
        "epoch" => Entry::Epoch(Epoch::from_time(columns::time(row, 5)?)),
        _ => return Err(Error::Corrupt { column: 1, expected: "a kind of revocation" }),
    };
    Ok((Seq(row.int(0)?), entry))
}

/// The place in a status list in two columns from `first` on: list and index.
pub(crate) fn status_index(row: &Row, first: usize) -> Result<StatusIndex> {
    Ok(StatusIndex { list: ListId::from_bytes(row.array(first)?), index: columns::count(row, first + 1)? })
}
