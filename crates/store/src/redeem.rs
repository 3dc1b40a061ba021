//! Codes redeemed: found with the session that gave them, spent once, burned, and what they minted ended.

use countersign_core::Span;
use countersign_core::audit::{Event, Kind, Stamp};
use countersign_core::client::{Client, ClientId};
use countersign_core::grant::redeem::{self, Code, Refusal};
use countersign_core::grant::{Grant, Login, Scopes};
use countersign_core::replay::Mark;
use countersign_core::secret::Hash;
use countersign_core::session::{Acr, EndReason};
use countersign_core::token::Confirmation;

use crate::db::{Result, Row};
use crate::grant::{Whose, end, insert_row, opened, resources};
use crate::live::{Live, LiveSession};
use crate::session::{methods, opt_live_session};
use crate::{Batch, Store, columns, spent};

const BY_HASH: &str = "
SELECT s.id, s.account_id, s.face, s.created_at, s.authenticated_at, s.seen_at, s.idle_ends_at, s.absolute_ends_at,
       s.ended_at, s.end_reason, s.amr, s.acr, s.remember, s.browser, s.system, s.ip, s.list_id, s.list_index,
       a.id, a.state, a.version, e.display, e.canonical, e.verified_at, a.name, a.locale, a.created_at,
       c.hash, c.client_id, c.account_id, c.session_id, c.redirect_uri, c.scopes, c.resources, c.challenge, c.nonce,
       c.cnf, c.claims, c.authenticated_at, c.amr, c.acr, c.created_at, c.expires_at, c.used_at, c.grant_id
  FROM codes c
  JOIN accounts a ON a.id = c.account_id
  LEFT JOIN sessions s ON s.id = c.session_id
  LEFT JOIN identifiers e ON e.account_id = a.id AND e.kind = 'email'
 WHERE c.hash = $1";

pub(crate) const COUNT_GRANT: &str = "
UPDATE sessions
   SET grants_opened = grants_opened + 1
 WHERE id = $1
   AND ended_at IS NULL";

const SPEND: &str = "
UPDATE codes
   SET used_at = $1,
       grant_id = $2
 WHERE hash = $3
   AND used_at IS NULL";

const BURN: &str = "
UPDATE codes
   SET used_at = $1
 WHERE hash = $2
   AND used_at IS NULL";

const DENY_ALL_DEVICES: &str = "
UPDATE device_codes
   SET state = 'denied'
 WHERE account_id = $1
   AND state = 'allowed'";

const BURN_ALL: &str = "
UPDATE codes
   SET used_at = $1
 WHERE account_id = $2
   AND used_at IS NULL";

pub(crate) const STATEMENTS: &[&str] = &[BY_HASH, COUNT_GRANT, SPEND, BURN, BURN_ALL, DENY_ALL_DEVICES];

/// A code and the session that gave it, which may be gone.
#[derive(Debug)]
pub struct LiveCode {
    /// As it was read.
    pub code: Code,
    session: Option<LiveSession>,
}

impl LiveCode {
    /// What the rule wants to know. `resource_known`: the resource that was asked for is one of ours.
    pub fn facts<'a>(&'a self, live: &Live, client: &'a Client, resource_known: bool) -> redeem::Facts<'a> {
        redeem::Facts {
            code: Some(&self.code),
            session: self.session.as_ref().map(|session| session.facts(live)),
            client,
            resource_known,
            epoch: live.epoch(),
        }
    }

    /// The session that gave it, if it is still there: when it ends, so does what the code mints.
    pub const fn session(&self) -> Option<&LiveSession> {
        self.session.as_ref()
    }
}

/// What a redemption has to know, by one query.
pub async fn redeem_facts(store: &Store, hash: Hash) -> Result<Option<LiveCode>> {
    store.caught_up().await?;
    let as_of = store.live.as_of();
    let rows = store.db.read(BY_HASH, &[hash.as_bytes().into()]).await?;
    let load = |row: &Row| {
        Ok(LiveCode { code: code_at(row, 27)?, session: opt_live_session(&store.live, as_of, row)? })
    };
    rows.first().map(load).transpose()
}

/// The code is spent and its grant begins (I9). `Lost`: it was used, its session ended, or the proof was.
pub fn redeem_batch(code: &Code, grant: &Grant, proof: Option<&Mark>, stamp: &Stamp<'_>) -> Batch {
    let at = stamp.at.micros();
    let event = opened(grant).session(code.session);
    let batch = Batch::new(stamp, event).exactly(1, COUNT_GRANT, vec![code.session.bytes().into()]).exactly(
        1,
        SPEND,
        vec![at.into(), grant.id.bytes().into(), code.hash.as_bytes().into()],
    );
    proof.into_iter().fold(insert_row(batch, grant), spent::spend)
}

/// The code counts no more. Applies again and again.
pub fn burn_batch(code: &Code, refusal: Refusal, stamp: &Stamp<'_>) -> Batch {
    let event = about(Kind::CodeRefused, code).detail("reason", refusal.as_str());
    Batch::new(stamp, event).any(BURN, vec![stamp.at.micros().into(), code.hash.as_bytes().into()])
}

/// The code came a second time: the grant of the first use ends (attack OAU-18). Applies again and again.
pub fn reuse_batch(code: &Code, longest_life: Span, stamp: &Stamp<'_>) -> Batch {
    let event = about(Kind::CodeReused, code);
    let event = code.grant.into_iter().fold(event, Event::grant);
    let batch = Batch::new(stamp, event);
    match code.grant {
        Some(grant) => end(batch, Whose::One(code.account, grant), EndReason::CodeReuse, longest_life, stamp),
        None => batch,
    }
}

/// No code of the account counts any more, its own or a device's: what ends its offline grants comes before what they would be made of.
pub(crate) fn burn_all(batch: Batch, account: countersign_core::AccountId, stamp: &Stamp<'_>) -> Batch {
    batch
        .any(BURN_ALL, vec![stamp.at.micros().into(), account.bytes().into()])
        .any(DENY_ALL_DEVICES, vec![account.bytes().into()])
}

fn about(kind: Kind, code: &Code) -> Event {
    Event::new(kind).account(code.account).session(code.session).client(code.client.clone())
}

/// The code in eighteen columns from `first` on.
fn code_at(row: &Row, first: usize) -> Result<Code> {
    Ok(Code {
        hash: Hash::from_bytes(row.array(first)?),
        client: columns::word(row, first + 1, ClientId::parse, "a client")?,
        account: columns::id(row, first + 2)?,
        session: columns::id(row, first + 3)?,
        redirect_uri: row.opt_text(first + 4)?.map(str::to_owned),
        scopes: columns::word(row, first + 5, Scopes::parse, "scopes")?,
        resources: columns::word(row, first + 6, resources, "resources")?,
        challenge: row.opt_text(first + 7)?.map(str::to_owned),
        nonce: row.opt_text(first + 8)?.map(str::to_owned),
        confirmation: columns::opt_word(row, first + 9, Confirmation::parse, "a key")?,
        claims: row.opt_text(first + 10)?.map(str::to_owned),
        login: Login {
            at: columns::time(row, first + 11)?,
            amr: columns::word(row, first + 12, methods, "methods of a login")?,
            acr: columns::word(row, first + 13, Acr::parse, "a class of login")?,
        },
        created_at: columns::time(row, first + 14)?,
        expires_at: columns::time(row, first + 15)?,
        used_at: columns::opt_time(row, first + 16)?,
        grant: columns::opt_id(row, first + 17)?,
    })
}
