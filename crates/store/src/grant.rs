//! Grants: found for a check or a refresh, their refresh tokens replaced, ended when one came back.

mod end;
pub mod list;

use std::sync::Arc;

use countersign_core::audit::{Event, Kind, Stamp};
use countersign_core::client::{self, ClientId};
use countersign_core::grant::{Generation, Grant, Login, Salt, Scopes};
use countersign_core::replay::Mark;
use countersign_core::revocation::StatusIndex;
use countersign_core::session::{Acr, EndReason};
use countersign_core::token::Confirmation;
use countersign_core::url::ResourceId;
use countersign_core::{GrantId, Span, Time};

use crate::account::account_at;
use crate::db::{Result, Row, Value};
use crate::live::{LiveAccount, LiveGrant, LiveSession, Root};
use crate::session::{ended_at, method_words, methods, session_at};
use crate::{Batch, Store, columns, revocation, spent};

const BY_INDEX: &str = "
SELECT s.id, s.account_id, s.face, s.created_at, s.authenticated_at, s.seen_at, s.idle_ends_at, s.absolute_ends_at,
       s.ended_at, s.end_reason, s.amr, s.acr, s.remember, s.browser, s.system, s.ip, s.list_id, s.list_index,
       a.id, a.state, a.version, e.display, e.canonical, e.verified_at, a.name, a.locale, a.created_at,
       g.id, g.account_id, g.client_id, g.session_id, g.scopes, g.resources, g.generation, g.rotated_at, g.salt,
       g.created_at, g.ended_at, g.end_reason, g.list_id, g.list_index, g.opened_by, g.authenticated_at, g.amr, g.acr,
       g.cnf, g.claims, g.used_at, g.absolute_ends_at, c.kind, c.disabled_at
  FROM grants g
  JOIN clients c ON c.id = g.client_id
  JOIN accounts a ON a.id = g.account_id
  LEFT JOIN sessions s ON s.id = g.session_id
  LEFT JOIN identifiers e ON e.account_id = a.id AND e.kind = 'email'
 WHERE g.list_id = $1
   AND g.list_index = $2";

const BY_ID: &str = "
SELECT s.id, s.account_id, s.face, s.created_at, s.authenticated_at, s.seen_at, s.idle_ends_at, s.absolute_ends_at,
       s.ended_at, s.end_reason, s.amr, s.acr, s.remember, s.browser, s.system, s.ip, s.list_id, s.list_index,
       a.id, a.state, a.version, e.display, e.canonical, e.verified_at, a.name, a.locale, a.created_at,
       g.id, g.account_id, g.client_id, g.session_id, g.scopes, g.resources, g.generation, g.rotated_at, g.salt,
       g.created_at, g.ended_at, g.end_reason, g.list_id, g.list_index, g.opened_by, g.authenticated_at, g.amr, g.acr,
       g.cnf, g.claims, g.used_at, g.absolute_ends_at, c.kind, c.disabled_at
  FROM grants g
  JOIN clients c ON c.id = g.client_id
  JOIN accounts a ON a.id = g.account_id
  LEFT JOIN sessions s ON s.id = g.session_id
  LEFT JOIN identifiers e ON e.account_id = a.id AND e.kind = 'email'
 WHERE g.id = $1";

const INSERT: &str = "
INSERT INTO grants (id, account_id, client_id, session_id, scopes, resources, generation, salt, created_at, used_at,
                    list_id, list_index, opened_by, authenticated_at, amr, acr, cnf, claims, absolute_ends_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)";

const USE_SESSION: &str = "
UPDATE sessions
   SET seen_at = $1,
       idle_ends_at = $2
 WHERE id = $3
   AND ended_at IS NULL";

const ROTATE: &str = "
UPDATE grants
   SET generation = generation + 1,
       rotated_at = $1,
       used_at = $1
 WHERE id = $2
   AND generation = $3
   AND ended_at IS NULL";

const USE: &str = "
UPDATE grants
   SET used_at = $1
 WHERE id = $2
   AND ended_at IS NULL";

pub(crate) const STATEMENTS: &[&str] = &[BY_INDEX, BY_ID, INSERT, USE_SESSION, ROTATE, USE];

pub(crate) use self::end::{STATEMENTS as END_STATEMENTS, Whose, end};

impl Store {
    /// The grant whose tokens carry this index, with its session: from memory, else by one query. Whether it counts is
    /// asked of [`LiveGrant::check`].
    pub async fn session_by_index(&self, index: StatusIndex, now: Time) -> Result<Option<Arc<LiveGrant>>> {
        self.caught_up().await?;
        if let Some(grant) = self.live.grant(index) {
            return Ok(Some(grant));
        }
        let key = [index.list.bytes().into(), i64::from(index.index).into()];
        let grant = load(self, BY_INDEX, &key).await?.map(Arc::new);
        if let Some(grant) = &grant {
            self.live.keep_grant(grant, now);
        }
        Ok(grant)
    }

    /// The grant with this index if it lies in memory and memory lacks nothing: no query, nothing to wait for.
    pub fn grant_at_hand(&self, index: StatusIndex) -> Option<Arc<LiveGrant>> {
        if self.is_caught_up() { self.live.grant(index) } else { None }
    }
}

/// What a refresh has to know of the grant: its row as it is now, and its session with what memory knows better.
///
/// A repeated refresh writes nothing, so nothing guards it: after signing, before the bytes leave, it asks
/// [`LiveGrant::check`] of this very value once more (I1).
pub async fn refresh_facts(store: &Store, grant: GrantId) -> Result<Option<LiveGrant>> {
    store.caught_up().await?;
    load(store, BY_ID, &[grant.bytes().into()]).await
}

/// A grant whose session is gone is none.
async fn load(store: &Store, sql: &'static str, key: &[Value]) -> Result<Option<LiveGrant>> {
    let as_of = store.live.as_of();
    let rows = store.db.read(sql, key).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    let (grant, account) = (grant_at(row, 27)?, account_at(row, 18)?);
    let root = match (grant.session, row.opt_bytes(0)?) {
        (None, _) => Root::Account(LiveAccount::new(as_of, account)),
        (Some(_), None) => return Ok(None),
        (Some(_), Some(_)) => {
            Root::Session(Arc::new(LiveSession::new(&store.live, as_of, session_at(row, 0)?, None, account)))
        }
    };
    let kind = columns::word(row, 49, client::Kind::parse, "a kind of client")?;
    let client = columns::opt_time(row, 50)?.is_none().then_some(kind);
    Ok(Some(LiveGrant::new(&store.live, grant, client, root)))
}

/// Says that a grant began.
pub(crate) fn opened(grant: &Grant) -> Event {
    Event::new(Kind::GrantOpened).account(grant.account).grant(grant.id).client(grant.client.clone())
}

/// Writes a new grant and says so. Whoever calls has written to its session in the same batch.
pub(crate) fn insert(batch: Batch, grant: &Grant, stamp: &Stamp<'_>) -> Batch {
    let event = grant.session.into_iter().fold(opened(grant), Event::session);
    insert_row(batch.event(stamp, event), grant)
}

/// Writes a new grant as part of something that says so.
pub(crate) fn insert_row(batch: Batch, grant: &Grant) -> Batch {
    let login = grant.login.as_ref();
    let values = vec![
        grant.id.bytes().into(),
        grant.account.bytes().into(),
        grant.client.as_str().into(),
        grant.session.map(|session| *session.bytes()).into(),
        grant.scopes.to_string().into(),
        resource_words(&grant.resources).into(),
        grant.generation.0.into(),
        grant.salt.0.into(),
        grant.created_at.micros().into(),
        grant.index.list.bytes().into(),
        i64::from(grant.index.index).into(),
        grant.opened_by.map(|session| *session.bytes()).into(),
        login.map(|login| login.at.micros()).into(),
        login.map(|login| method_words(&login.amr)).into(),
        login.map(|login| login.acr.as_str()).into(),
        grant.confirmation.map(|key| key.to_string()).into(),
        grant.claims.as_deref().into(),
        grant.absolute_ends_at.map(Time::micros).into(),
    ];
    batch.exactly(1, INSERT, values)
}

/// A refresh that is written down.
#[derive(Debug, Clone, Copy)]
pub struct Refresh<'a> {
    /// The grant.
    pub grant: &'a LiveGrant,
    /// When its session goes idle from now on, if it hangs from one.
    pub idle_ends_at: Time,
    /// The proof that came along, which counts once.
    pub proof: Option<&'a Mark>,
}

/// The next generation begins (I10), and the session was used. `Lost`: another refresh was first, it is over, or the proof
/// was used before.
///
/// After it, the session is also [touched](Store::touch), so that memory knows as much as the database.
pub fn rotate_batch(refresh: &Refresh<'_>, from: Generation, stamp: &Stamp<'_>) -> Batch {
    let Refresh { grant, idle_ends_at, proof } = *refresh;
    let at = stamp.at.micros();
    let mut batch = Batch::new(stamp, about(Kind::GrantRefreshed, &grant.grant));
    if let Some(session) = grant.grant.session {
        let values = vec![at.into(), idle_ends_at.micros().into(), session.bytes().into()];
        batch = batch.exactly(1, USE_SESSION, values);
    }
    batch = batch.exactly(1, ROTATE, vec![at.into(), grant.grant.id.bytes().into(), from.0.into()]);
    proof.into_iter().fold(batch, spent::spend)
}

/// The grant was used, the generation stays. `Lost`: it is over, or the proof was used before.
pub fn use_batch(refresh: &Refresh<'_>, stamp: &Stamp<'_>) -> Batch {
    let grant = &refresh.grant.grant;
    let batch = Batch::new(stamp, about(Kind::GrantRefreshed, grant)).exactly(
        1,
        USE,
        vec![stamp.at.micros().into(), grant.id.bytes().into()],
    );
    refresh.proof.into_iter().fold(batch, spent::spend)
}

/// A refresh token came back that had been replaced: its grant ends (attack OAU-42). Applies again and again.
pub fn reuse_batch(grant: &Grant, longest_life: Span, stamp: &Stamp<'_>) -> Batch {
    let batch = Batch::new(stamp, about(Kind::GrantReused, grant));
    end(batch, Whose::One(grant.account, grant.id), EndReason::RefreshReuse, longest_life, stamp)
}

/// The grant ends with all that it minted. Applies again and again.
pub fn end_batch(grant: &Grant, reason: EndReason, longest_life: Span, stamp: &Stamp<'_>) -> Batch {
    let event = about(Kind::GrantEnded, grant).detail("reason", reason.as_str());
    end(Batch::new(stamp, event), Whose::One(grant.account, grant.id), reason, longest_life, stamp)
}

fn about(kind: Kind, grant: &Grant) -> Event {
    let event = Event::new(kind).account(grant.account).grant(grant.id).client(grant.client.clone());
    grant.session.into_iter().fold(event, Event::session)
}

/// The grant in twenty-two columns from `first` on.
fn grant_at(row: &Row, first: usize) -> Result<Grant> {
    Ok(Grant {
        id: columns::id(row, first)?,
        account: columns::id(row, first + 1)?,
        client: columns::word(row, first + 2, ClientId::parse, "a client")?,
        session: columns::opt_id(row, first + 3)?,
        scopes: columns::word(row, first + 4, Scopes::parse, "scopes")?,
        resources: columns::word(row, first + 5, resources, "resources")?,
        generation: Generation(row.int(first + 6)?),
        rotated_at: columns::opt_time(row, first + 7)?,
        salt: Salt(row.array(first + 8)?),
        created_at: columns::time(row, first + 9)?,
        ended: ended_at(row, first + 10)?,
        index: revocation::status_index(row, first + 12)?,
        opened_by: columns::opt_id(row, first + 14)?,
        login: login_at(row, first + 15)?,
        confirmation: columns::opt_word(row, first + 18, Confirmation::parse, "a key")?,
        claims: row.opt_text(first + 19)?.map(str::to_owned),
        used_at: columns::time(row, first + 20)?,
        absolute_ends_at: columns::opt_time(row, first + 21)?,
    })
}

/// What a login proved, in three columns from `first` on; none where the session is asked.
fn login_at(row: &Row, first: usize) -> Result<Option<Login>> {
    let Some(at) = columns::opt_time(row, first)? else { return Ok(None) };
    Ok(Some(Login {
        at,
        amr: columns::word(row, first + 1, methods, "methods of a login")?,
        acr: columns::word(row, first + 2, Acr::parse, "a class of login")?,
    }))
}

/// Resources are absolute URIs, which hold no space.
pub(crate) fn resources(words: &str) -> Option<Vec<ResourceId>> {
    let words = words.split(' ').filter(|word| !word.is_empty());
    words.map(|word| ResourceId::parse(word).ok()).collect()
}

/// What [`resources`] reads.
pub(crate) fn resource_words(resources: &[ResourceId]) -> String {
    resources.iter().map(ResourceId::as_str).collect::<Vec<_>>().join(" ")
}
