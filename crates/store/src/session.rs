//! Sessions: found for a check, listed, ended with all that hangs from them, given a new secret, and marked as used.

use std::sync::Arc;

use countersign_core::audit::{Event, Kind, Stamp};
use countersign_core::secret::Hash;
use countersign_core::session::end::{End, Scope};
use countersign_core::session::{Acr, Device, EndReason, Face, Limits, Method, Session};
use countersign_core::{AccountId, SessionId, Span, Time};

use crate::account::account_at;
use crate::db::{Error, Result, Row};
use crate::grant::{self, Whose};
use crate::live::{AsOf, Live, LiveSession, Seen};
use crate::store::Outcome;
use crate::{Batch, Store, backchannel, columns, redeem, revocation};

const BY_SECRET: &str = "
SELECT s.id, s.account_id, s.face, s.created_at, s.authenticated_at, s.seen_at, s.idle_ends_at, s.absolute_ends_at,
       s.ended_at, s.end_reason, s.amr, s.acr, s.remember, s.browser, s.system, s.ip, s.list_id, s.list_index,
       s.secret_hash,
       a.id, a.state, a.version, e.display, e.canonical, e.verified_at, a.name, a.locale, a.created_at
  FROM sessions s
  JOIN accounts a ON a.id = s.account_id
  LEFT JOIN identifiers e ON e.account_id = a.id AND e.kind = 'email'
 WHERE s.secret_hash = $1";

const BY_ID: &str = "
SELECT s.id, s.account_id, s.face, s.created_at, s.authenticated_at, s.seen_at, s.idle_ends_at, s.absolute_ends_at,
       s.ended_at, s.end_reason, s.amr, s.acr, s.remember, s.browser, s.system, s.ip, s.list_id, s.list_index,
       s.secret_hash,
       a.id, a.state, a.version, e.display, e.canonical, e.verified_at, a.name, a.locale, a.created_at
  FROM sessions s
  JOIN accounts a ON a.id = s.account_id
  LEFT JOIN identifiers e ON e.account_id = a.id AND e.kind = 'email'
 WHERE s.id = $1";

const OF_ACCOUNT: &str = "
SELECT s.id, s.account_id, s.face, s.created_at, s.authenticated_at, s.seen_at, s.idle_ends_at, s.absolute_ends_at,
       s.ended_at, s.end_reason, s.amr, s.acr, s.remember, s.browser, s.system, s.ip, s.list_id, s.list_index
  FROM sessions s
 WHERE s.account_id = $1
   AND s.ended_at IS NULL
   AND s.absolute_ends_at > $2
 ORDER BY s.created_at, s.id";

const END_ONE: &str = "
UPDATE sessions
   SET ended_at = $1,
       end_reason = $2
 WHERE account_id = $3
   AND id = $4
   AND ended_at IS NULL";

const END_OTHERS: &str = "
UPDATE sessions
   SET ended_at = $1,
       end_reason = $2
 WHERE account_id = $3
   AND id <> $4
   AND ended_at IS NULL";

const END_ALL: &str = "
UPDATE sessions
   SET ended_at = $1,
       end_reason = $2
 WHERE account_id = $3
   AND ended_at IS NULL";

const REVOKE: &str = "
INSERT INTO revocations (seq, kind, list_id, list_index, at, until_at)
SELECT (SELECT seq FROM revocation_seq WHERE id = 1), 'bit', list_id, list_index, ended_at, CAST($1 AS BIGINT)
  FROM sessions
 WHERE account_id = $2
   AND ended_at = $3";

const ROTATE: &str = "
UPDATE sessions
   SET secret_hash = $1
 WHERE id = $2
   AND secret_hash = $3
   AND ended_at IS NULL";

const SEEN: &str = "
UPDATE sessions
   SET seen_at = $1,
       idle_ends_at = $2
 WHERE id = $3
   AND seen_at < $1
   AND ended_at IS NULL";

pub(crate) const STATEMENTS: &[&str] =
    &[BY_SECRET, BY_ID, OF_ACCOUNT, END_ONE, END_OTHERS, END_ALL, REVOKE, ROTATE, SEEN];

/// "Last seen" is written so many sessions at a time.
const SEEN_AT_ONCE: usize = 200;

/// What the database says of when a session was last used is older than the truth by less than this: the time between
/// two flushes, with room to spare.
pub const SEEN_GRAIN: Span = Span::minutes(5);

impl Store {
    /// The session with this secret: from memory, else by one query. Whether it counts is asked of
    /// [`LiveSession::check`]; ended and expired ones are found too, as long as their rows are there.
    pub async fn session_by_secret(&self, secret: Hash, now: Time) -> Result<Option<Arc<LiveSession>>> {
        self.caught_up().await?;
        if let Some(session) = self.live.session(&secret) {
            return Ok(Some(session));
        }
        let session = self.load_session(BY_SECRET, secret.as_bytes()).await?.map(Arc::new);
        if let Some(session) = &session {
            self.live.keep_session(secret, session, now);
        }
        Ok(session)
    }

    /// The session with this secret if it lies in memory and memory lacks nothing: no query, nothing to wait for.
    pub fn session_at_hand(&self, secret: Hash) -> Option<Arc<LiveSession>> {
        if self.is_caught_up() { self.live.session(&secret) } else { None }
    }

    /// The session with this id, always by a query.
    pub async fn session_by_id(&self, id: SessionId) -> Result<Option<LiveSession>> {
        self.caught_up().await?;
        self.load_session(BY_ID, id.bytes()).await
    }

    /// Whatever changes after this has read the row is in memory by the time of the check: bits and marks are kept
    /// longer than a read can take, so that a stale read is harmless.
    async fn load_session(&self, sql: &'static str, key: &[u8]) -> Result<Option<LiveSession>> {
        let as_of = self.live.as_of();
        let rows = self.db.read(sql, &[key.into()]).await?;
        let load = |row: &Row| {
            let secret = columns::opt_hash(row, 18)?;
            Ok(LiveSession::new(&self.live, as_of, session_at(row, 0)?, secret, account_at(row, 19)?))
        };
        rows.first().map(load).transpose()
    }

    /// The session was used at `now`: it goes idle later. Only ever after its check passed, else what is over would
    /// come back to life.
    pub fn touch(&self, session: &LiveSession, now: Time, limits: &Limits) {
        self.live.touch(session, now, limits.idle_end(now, session.session.remember));
    }

    /// Writes down when sessions were last used. A job for every half minute; what a crash loses only makes idle ends
    /// come sooner.
    pub async fn flush_seen(&self, stamp: &Stamp<'_>) -> Result<()> {
        let pulses = self.live.pulses();
        pulses.forget_settled();
        for some in pulses.waiting().chunks(SEEN_AT_ONCE) {
            let values: Vec<_> = some.iter().map(|seen| (seen.at(), seen.idle_ends_at())).collect();
            // Lost to something that locked the rows the other way round: they wait for the next flush.
            if self.apply(seen_batch(some, &values, stamp)).await? == Outcome::Applied {
                some.iter().zip(values).for_each(|(seen, (at, _))| pulses.written(seen, at));
            }
        }
        Ok(())
    }
}

fn seen_batch(some: &[Arc<Seen>], values: &[(Time, Time)], stamp: &Stamp<'_>) -> Batch {
    let event = Event::new(Kind::SessionSeen).detail("sessions", some.len().to_string());
    some.iter().zip(values).fold(Batch::new(stamp, event), |batch, (seen, (at, idle_ends_at))| {
        let values = vec![at.micros().into(), idle_ends_at.micros().into(), seen.session().bytes().into()];
        batch.any(SEEN, values)
    })
}

/// The account's sessions that live at `now`, the oldest first, with their last use as this process knows it.
pub async fn sessions_of(store: &Store, account: AccountId, now: Time) -> Result<Vec<Session>> {
    store.caught_up().await?;
    let rows = store.db.read(OF_ACCOUNT, &[account.bytes().into(), now.micros().into()]).await?;
    let mut sessions = Vec::with_capacity(rows.len());
    for row in &rows {
        let mut session = session_at(row, 0)?;
        if let Some(seen) = store.live.seen(session.id) {
            session.seen_at = session.seen_at.max(seen.at());
            session.idle_ends_at = session.idle_ends_at.max(seen.idle_ends_at());
        }
        let over = store.live.has_ended(session.index) || store.live.epoch().ends(session.created_at);
        if now < session.idle_ends_at && !over {
            sessions.push(session);
        }
    }
    Ok(sessions)
}

/// What the end of sessions writes. One that ends nothing, because it is all over already, applies too.
pub fn end_batch(end: &End, longest_life: Span, stamp: &Stamp<'_>) -> Batch {
    self::end(Batch::new(stamp, ended(end)), end, longest_life, stamp)
}

/// Says that sessions ended.
pub(crate) fn ended(end: &End) -> Event {
    let event = Event::new(Kind::SessionEnded).account(end.account).detail("reason", end.reason.as_str());
    match end.scope {
        Scope::One(session) => event.session(session),
        Scope::Others(session) => event.session(session).detail("scope", "others"),
        Scope::All => event.detail("scope", "all"),
    }
}

/// Ends sessions, their grants, and offline grants if so decided, as part of something that has an event of its own.
/// Whoever calls writes to the account before, if at all.
pub(crate) fn end(batch: Batch, end: &End, longest_life: Span, stamp: &Stamp<'_>) -> Batch {
    let ended = || vec![stamp.at.micros().into(), end.reason.as_str().into(), end.account.bytes().into()];
    let but = |session: SessionId| [ended(), vec![session.bytes().into()]].concat();
    let batch = match end.scope {
        Scope::One(session) => batch.any(END_ONE, but(session)),
        Scope::Others(session) => batch.any(END_OTHERS, but(session)),
        Scope::All => batch.any(END_ALL, ended()),
    };
    end_with(batch, end, longest_life, stamp)
}

/// What the end of sessions brings about, once the batch has ended them: the end of what hangs from them, bits in status
/// lists, and clients that hear of it.
pub(crate) fn end_with(batch: Batch, end: &End, longest_life: Span, stamp: &Stamp<'_>) -> Batch {
    let (batch, whose) = if end.offline {
        (redeem::burn_all(batch, end.account, stamp), Whose::SessionsAndOffline(end.account))
    } else {
        (batch, Whose::Sessions(end.account))
    };
    let batch = grant::end(batch, whose, end.reason, longest_life, stamp);
    let batch = backchannel::tell_ended(batch, end.account, stamp);
    let until = (stamp.at + longest_life).micros();
    batch.revoke(REVOKE, vec![until.into(), end.account.bytes().into(), stamp.at.micros().into()])
}

/// Gives a session a new secret for its old one (I5). `Lost`: it ended, or has another one by now.
pub(crate) fn rotate(
    batch: Batch,
    session: SessionId,
    (old, new): (Hash, Hash),
    longest_life: Span,
    stamp: &Stamp<'_>,
) -> Batch {
    let values = vec![new.as_bytes().into(), session.bytes().into(), old.as_bytes().into()];
    revocation::secret(batch.exactly(1, ROTATE, values), &old, longest_life, stamp)
}

/// The session and its account in the first 27 columns, where the code in those behind them has one that is still there.
pub(crate) fn opt_live_session(live: &Live, as_of: AsOf, row: &Row) -> Result<Option<LiveSession>> {
    if row.opt_bytes(0)?.is_none() || row.opt_bytes(18)?.is_none() {
        return Ok(None);
    }
    Ok(Some(LiveSession::new(live, as_of, session_at(row, 0)?, None, account_at(row, 18)?)))
}

/// The session in eighteen columns from `first` on, as every query here begins.
pub(crate) fn session_at(row: &Row, first: usize) -> Result<Session> {
    Ok(Session {
        id: columns::id(row, first)?,
        account: columns::id(row, first + 1)?,
        face: columns::word(row, first + 2, Face::parse, "a face")?,
        created_at: columns::time(row, first + 3)?,
        authenticated_at: columns::time(row, first + 4)?,
        seen_at: columns::time(row, first + 5)?,
        idle_ends_at: columns::time(row, first + 6)?,
        absolute_ends_at: columns::time(row, first + 7)?,
        ended: ended_at(row, first + 8)?,
        amr: columns::word(row, first + 10, methods, "methods of a login")?,
        acr: columns::word(row, first + 11, Acr::parse, "a class of a login")?,
        remember: row.bool(first + 12)?,
        device: Device::stored(row.opt_text(first + 13)?, row.opt_text(first + 14)?),
        ip: opt_ip(row, first + 15)?,
        index: revocation::status_index(row, first + 16)?,
    })
}

/// When and why something ended, in two columns from `first` on.
pub(crate) fn ended_at(row: &Row, first: usize) -> Result<Option<(Time, EndReason)>> {
    let Some(at) = columns::opt_time(row, first)? else { return Ok(None) };
    Ok(Some((at, columns::word(row, first + 1, EndReason::parse, "a reason of an end")?)))
}

pub(crate) fn methods(words: &str) -> Option<Vec<Method>> {
    words.split(' ').map(Method::parse).collect()
}

/// What [`methods`] reads.
pub(crate) fn method_words(amr: &[Method]) -> String {
    amr.iter().copied().map(Method::as_str).collect::<Vec<_>>().join(" ")
}

pub(crate) fn opt_ip(row: &Row, column: usize) -> Result<Option<std::net::IpAddr>> {
    let parse = |text: &str| text.parse().map_err(|_| Error::Corrupt { column, expected: "an address" });
    row.opt_text(column)?.map(parse).transpose()
}
