//! Devices that ask to be let in: written when they ask, answered once, redeemed once.

use countersign_core::Span;
use countersign_core::audit::{Event, Kind, Stamp};
use countersign_core::client::{Client, ClientId};
use countersign_core::consent::Consent;
use countersign_core::device::{Allowed, DeviceCode, Pace, State, poll};
use countersign_core::grant::{Grant, Login, Scopes};
use countersign_core::replay::Mark;
use countersign_core::secret::Hash;
use countersign_core::session::{Acr, EndReason};
use countersign_core::token::Confirmation;
use countersign_core::{AccountId, GrantId};

use crate::db::{Error, Result, Row};
use crate::grant::{Whose, end, insert_row, opened, resource_words, resources};
use crate::live::{Live, LiveSession};
use crate::redeem::COUNT_GRANT;
use crate::session::{method_words, methods, opt_ip, opt_live_session};
use crate::{Batch, Store, columns, consent, spent};

const INSERT: &str = "
INSERT INTO device_codes (hash, user_code, client_id, scopes, resources, cnf, ip, state, poll_interval, next_poll_at,
                          created_at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, 'pending', $8, $9, $10, $11)";

const BY_USER_CODE: &str = "
SELECT hash, client_id, scopes, resources, cnf, ip, state, account_id, session_id, authenticated_at, amr, acr, grant_id,
       poll_interval, next_poll_at, created_at, expires_at
  FROM device_codes
 WHERE user_code = $1";

const BY_HASH: &str = "
SELECT s.id, s.account_id, s.face, s.created_at, s.authenticated_at, s.seen_at, s.idle_ends_at, s.absolute_ends_at,
       s.ended_at, s.end_reason, s.amr, s.acr, s.remember, s.browser, s.system, s.ip, s.list_id, s.list_index,
       a.id, a.state, a.version, e.display, e.canonical, e.verified_at, a.name, a.locale, a.created_at,
       d.hash, d.client_id, d.scopes, d.resources, d.cnf, d.ip, d.state, d.account_id, d.session_id,
       d.authenticated_at, d.amr, d.acr, d.grant_id, d.poll_interval, d.next_poll_at, d.created_at, d.expires_at
  FROM device_codes d
  LEFT JOIN accounts a ON a.id = d.account_id
  LEFT JOIN sessions s ON s.id = d.session_id
  LEFT JOIN identifiers e ON e.account_id = a.id AND e.kind = 'email'
 WHERE d.hash = $1";

const ALLOW: &str = "
UPDATE device_codes
   SET state = 'allowed',
       account_id = $1,
       session_id = $2,
       authenticated_at = $3,
       amr = $4,
       acr = $5
 WHERE hash = $6
   AND state = 'pending'";

const DENY: &str = "
UPDATE device_codes
   SET state = 'denied'
 WHERE hash = $1
   AND state = 'pending'";

const POLL: &str = "
UPDATE device_codes
   SET poll_interval = $1,
       next_poll_at = $2
 WHERE hash = $3
   AND next_poll_at = $4
   AND state = 'pending'";

const SPEND: &str = "
UPDATE device_codes
   SET state = 'redeemed',
       grant_id = $1
 WHERE hash = $2
   AND state = 'allowed'";

pub(crate) const STATEMENTS: &[&str] = &[INSERT, BY_USER_CODE, BY_HASH, ALLOW, DENY, POLL, SPEND];

/// A device's request and the session that allowed it, if one did and is still there.
#[derive(Debug)]
pub struct LiveDeviceCode {
    /// As it was read.
    pub code: DeviceCode,
    session: Option<LiveSession>,
}

impl LiveDeviceCode {
    /// What the rule wants to know. `resource_known`: the resource that was asked for is one of ours.
    pub fn facts<'a>(&'a self, live: &Live, client: &'a Client, resource_known: bool) -> poll::Facts<'a> {
        poll::Facts {
            code: Some(&self.code),
            session: self.session.as_ref().map(|session| session.facts(live)),
            client,
            resource_known,
            epoch: live.epoch(),
        }
    }

    /// The session that allowed it.
    pub const fn session(&self) -> Option<&LiveSession> {
        self.session.as_ref()
    }
}

/// The request that a person has the code of.
pub async fn by_user_code(store: &Store, user_code: Hash) -> Result<Option<DeviceCode>> {
    store.caught_up().await?;
    let rows = store.db.read(BY_USER_CODE, &[user_code.as_bytes().into()]).await?;
    rows.first().map(|row| code_at(row, 0)).transpose()
}

/// What a device that asks has to know, by one query.
pub async fn poll_facts(store: &Store, hash: Hash) -> Result<Option<LiveDeviceCode>> {
    store.caught_up().await?;
    let as_of = store.live.as_of();
    let rows = store.db.read(BY_HASH, &[hash.as_bytes().into()]).await?;
    let load = |row: &Row| {
        Ok(LiveDeviceCode { code: code_at(row, 27)?, session: opt_live_session(&store.live, as_of, row)? })
    };
    rows.first().map(load).transpose()
}

/// A device asks. `Lost`: another one has that code for its person.
pub fn ask_batch(code: &DeviceCode, user_code: Hash, stamp: &Stamp<'_>) -> Batch {
    let event = Event::new(Kind::DeviceAsked).client(code.client.clone());
    let values = vec![
        code.hash.as_bytes().into(),
        user_code.as_bytes().into(),
        code.client.as_str().into(),
        code.scopes.to_string().into(),
        resource_words(&code.resources).into(),
        code.confirmation.map(|key| key.to_string()).into(),
        code.ip.map(|ip| ip.to_string()).into(),
        code.pace.interval.micros().into(),
        code.pace.next_at.micros().into(),
        code.created_at.micros().into(),
        code.expires_at.micros().into(),
    ];
    Batch::new(stamp, event).exactly(1, INSERT, values)
}

/// Somebody says yes, and what was allowed is remembered in place of what was before. `Lost`: somebody answered before, or
/// what was remembered is something else by now.
pub fn allow_batch(
    code: &DeviceCode,
    allowed: &Allowed,
    (before, consent): (Option<&Consent>, &Consent),
    stamp: &Stamp<'_>,
) -> Batch {
    let batch = Batch::new(stamp, answered(code, allowed.account, "allow").session(allowed.session));
    // First: whoever withdraws it waits for this batch, and then finds the code.
    let batch = consent::give(batch.event(stamp, consent::given(consent)), before, consent);
    let values = vec![
        allowed.account.bytes().into(),
        allowed.session.bytes().into(),
        allowed.login.at.micros().into(),
        method_words(&allowed.login.amr).into(),
        allowed.login.acr.as_str().into(),
        code.hash.as_bytes().into(),
    ];
    batch.exactly(1, ALLOW, values)
}

/// Somebody says no. `Lost`: somebody answered before.
pub fn deny_batch(code: &DeviceCode, account: AccountId, stamp: &Stamp<'_>) -> Batch {
    let event = answered(code, account, "deny");
    Batch::new(stamp, event).exactly(1, DENY, vec![code.hash.as_bytes().into()])
}

fn answered(code: &DeviceCode, account: AccountId, answer: &'static str) -> Event {
    Event::new(Kind::DeviceAnswered).account(account).client(code.client.clone()).detail("answer", answer)
}

/// The device asked whether somebody answered. `Lost`: it asked twice at once, or somebody just did.
pub fn poll_batch(code: &DeviceCode, pace: Pace, stamp: &Stamp<'_>) -> Batch {
    let event = Event::new(Kind::DevicePolled).client(code.client.clone());
    let event = event.detail("interval", pace.interval.as_seconds().to_string());
    let values = vec![
        pace.interval.micros().into(),
        pace.next_at.micros().into(),
        code.hash.as_bytes().into(),
        code.pace.next_at.micros().into(),
    ];
    Batch::new(stamp, event).exactly(1, POLL, values)
}

/// The yes is spent and its grant begins (I9). `Lost`: it was spent or taken back, its session ended, or the proof was used.
pub fn redeem_batch(
    (code, allowed): (&DeviceCode, &Allowed),
    grant: &Grant,
    proof: Option<&Mark>,
    stamp: &Stamp<'_>,
) -> Batch {
    let event = opened(grant).session(allowed.session);
    let batch = Batch::new(stamp, event)
        .exactly(1, COUNT_GRANT, vec![allowed.session.bytes().into()])
        .exactly(1, SPEND, vec![grant.id.bytes().into(), code.hash.as_bytes().into()]);
    proof.into_iter().fold(insert_row(batch, grant), spent::spend)
}

/// The code came a second time: the grant of the first use ends (attack OAU-57). Applies again and again.
pub fn reuse_batch(
    (code, allowed): (&DeviceCode, &Allowed),
    grant: GrantId,
    longest_life: Span,
    stamp: &Stamp<'_>,
) -> Batch {
    let event = Event::new(Kind::CodeReused).account(allowed.account).session(allowed.session);
    let batch = Batch::new(stamp, event.client(code.client.clone()).grant(grant));
    end(batch, Whose::One(allowed.account, grant), EndReason::CodeReuse, longest_life, stamp)
}

/// The request in seventeen columns from `first` on.
fn code_at(row: &Row, first: usize) -> Result<DeviceCode> {
    Ok(DeviceCode {
        hash: Hash::from_bytes(row.array(first)?),
        client: columns::word(row, first + 1, ClientId::parse, "a client")?,
        scopes: columns::word(row, first + 2, Scopes::parse, "scopes")?,
        resources: columns::word(row, first + 3, resources, "resources")?,
        confirmation: columns::opt_word(row, first + 4, Confirmation::parse, "a key")?,
        ip: opt_ip(row, first + 5)?,
        state: state_at(row, first + 6)?,
        pace: Pace {
            interval: Span::from_micros(row.int(first + 13)?),
            next_at: columns::time(row, first + 14)?,
        },
        created_at: columns::time(row, first + 15)?,
        expires_at: columns::time(row, first + 16)?,
    })
}

/// What became of it, in seven columns from `first` on.
fn state_at(row: &Row, first: usize) -> Result<State> {
    match row.text(first)? {
        "pending" => Ok(State::Pending),
        "denied" => Ok(State::Denied),
        "allowed" => Ok(State::Allowed(allowed_at(row, first + 1)?)),
        "redeemed" => Ok(State::Redeemed(allowed_at(row, first + 1)?, columns::id(row, first + 6)?)),
        _ => Err(Error::Corrupt { column: first, expected: "a state of a device's request" }),
    }
}

fn allowed_at(row: &Row, first: usize) -> Result<Allowed> {
    Ok(Allowed {
        account: columns::id(row, first)?,
        session: columns::id(row, first + 1)?,
        login: Login {
            at: columns::time(row, first + 2)?,
            amr: columns::word(row, first + 3, methods, "methods of a login")?,
            acr: columns::word(row, first + 4, Acr::parse, "a class of login")?,
        },
    })
}
