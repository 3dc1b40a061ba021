//! Logging in: the account that an identifier names, and the session that an accepted login opens.

use countersign_core::account::{Identifier, State, Version};
use countersign_core::audit::{Event, Kind, Stamp};
use countersign_core::grant::Grant;
use countersign_core::login::password::{Candidate, Refusal};
use countersign_core::session::EndReason;
use countersign_core::session::end::{self, Scope};
use countersign_core::session::open::Open;
use countersign_core::session::prove::Prove;
use countersign_core::{AccountId, Span};

use crate::account::kind_of;
use crate::db::Result;
use crate::session::{SEEN_GRAIN, method_words};
use crate::{Batch, Store, columns, grant, recovery, revocation, session};

const CANDIDATE: &str = "
SELECT a.id, a.state, a.version, c.data
  FROM identifiers i
  JOIN accounts a ON a.id = i.account_id
  LEFT JOIN credentials c ON c.account_id = a.id AND c.kind = 'password'
 WHERE i.kind = $1
   AND i.canonical = $2";

const COUNT_SESSION: &str = "
UPDATE accounts
   SET sessions_opened = sessions_opened + 1
 WHERE id = $1
   AND state = 'active'
   AND version = $2";

const HOLD_ACCOUNT: &str = "
UPDATE accounts
   SET sessions_opened = sessions_opened
 WHERE id = $1
   AND state = 'active'
   AND version = $2";

const PROVE: &str = "
UPDATE sessions
   SET secret_hash = $1,
       authenticated_at = $2,
       amr = $3,
       acr = $4
 WHERE id = $5
   AND secret_hash = $6
   AND ended_at IS NULL";

const OPEN: &str = "
INSERT INTO sessions (id, account_id, secret_hash, face, created_at, authenticated_at, seen_at, idle_ends_at,
                      absolute_ends_at, amr, acr, remember, browser, system, ip, list_id, list_index, grants_opened)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)";

// The account's row is locked by now, so no other login of it is halfway. The new session is never the one to go,
// even if its login began before those of the others.
const EVICT: &str = "
UPDATE sessions
   SET ended_at = $1,
       end_reason = 'evicted'
 WHERE ended_at IS NULL
   AND id IN (SELECT id
                FROM sessions
               WHERE account_id = $2
                 AND id <> $3
                 AND ended_at IS NULL
                 AND absolute_ends_at > $1
                 AND idle_ends_at > $4
               ORDER BY created_at DESC, id DESC
               LIMIT 1000000
              OFFSET $5)";

const UPGRADE: &str = "
UPDATE credentials
   SET data = $1
 WHERE account_id = $2
   AND kind = 'password'
   AND data = $3";

// Of many logins that bring a new hash at once, one is kept: only that one is told.
const TELL_UPGRADE: &str = "
INSERT INTO audit (id, at, kind, actor, account_id, session_id, grant_id, client_id, ip, request_id, detail)
SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11
  FROM credentials c
 WHERE c.account_id = $5
   AND c.kind = 'password'
   AND c.data = $12";

/// Told only where there was something to evict.
const TELL_EVICTED: &str = "
INSERT INTO audit (id, at, kind, actor, account_id, session_id, grant_id, client_id, ip, request_id, detail)
SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11
  FROM accounts a
 WHERE a.id = $5
   AND EXISTS (SELECT 1 FROM sessions s WHERE s.account_id = a.id AND s.ended_at = $2 AND s.end_reason = $12)";

pub(crate) const STATEMENTS: &[&str] =
    &[TELL_EVICTED, CANDIDATE, COUNT_SESSION, HOLD_ACCOUNT, PROVE, OPEN, EVICT, UPGRADE, TELL_UPGRADE];

/// A password hashed anew under stronger parameters (attack LOG-31).
#[derive(Clone, Copy)]
pub struct Upgrade<'a> {
    /// Guard: the hash that the password was compared with (PHC string).
    pub old: &'a str,
    /// Its successor (PHC string).
    pub new: &'a str,
}

/// The account that the identifier names, and the hash of its password (PHC string) if it has one.
pub async fn login_facts(
    store: &Store,
    identifier: &Identifier,
) -> Result<Option<(Candidate, Option<String>)>> {
    let key = [kind_of(identifier).into(), identifier.canonical().into()];
    let rows = store.db.read(CANDIDATE, &key).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    let candidate = Candidate {
        id: columns::id(row, 0)?,
        state: columns::word(row, 1, State::parse, "a state of an account")?,
        version: Version(row.int(2)?),
    };
    Ok(Some((candidate, row.opt_text(3)?.map(str::to_owned))))
}

/// A failed login, written down. The reason is for the log alone.
pub fn refuse_batch(account: Option<AccountId>, reason: Refusal, stamp: &Stamp<'_>) -> Batch {
    let event = Event::new(Kind::LoginFailed).detail("reason", reason.as_str());
    Batch::new(stamp, account.into_iter().fold(event, Event::account))
}

/// What an accepted login writes. `Lost`: the account changed since its password was compared.
///
/// The session that this browser had ends, whoever's it was, as do the oldest ones over the limit; mailed resets die
/// (attack REC-05).
pub fn open_batch(
    open: &Open,
    grant: Option<&Grant>,
    upgrade: Option<Upgrade<'_>>,
    longest_life: Span,
    stamp: &Stamp<'_>,
) -> Batch {
    let account = open.account.id;
    let mut batch = Batch::new(stamp, opened(open)).exactly(
        1,
        COUNT_SESSION,
        vec![account.bytes().into(), open.account.version.0.into()],
    );
    if let Some(replaced) = &open.replaces {
        batch = session::end(batch.event(stamp, session::ended(replaced)), replaced, longest_life, stamp);
    }
    batch = insert(batch, open, grant.is_some());
    if let Some(keep) = open.keep {
        batch = evict(batch, open, keep, longest_life, stamp);
    }
    if let Some(grant) = grant {
        batch = grant::insert(batch, grant, stamp);
    }
    recovery::kill(self::upgrade(batch, account, upgrade, stamp), account, stamp)
}

/// What a login writes that proves a session anew. `Lost`: the account changed since its password was compared, or the
/// session ended or has another secret by now.
pub fn prove_batch(
    prove: &Prove,
    upgrade: Option<Upgrade<'_>>,
    longest_life: Span,
    stamp: &Stamp<'_>,
) -> Batch {
    let (session, (old, new)) = (&prove.session, prove.secret);
    let account = session.account;
    let amr = method_words(&session.amr);
    let event = Event::new(Kind::SessionProved).account(account).session(session.id);
    let values = vec![
        new.as_bytes().into(),
        session.authenticated_at.micros().into(),
        amr.as_str().into(),
        session.acr.as_str().into(),
        session.id.bytes().into(),
        old.as_bytes().into(),
    ];
    let batch = Batch::new(stamp, event.detail("amr", amr))
        .exactly(1, HOLD_ACCOUNT, vec![account.bytes().into(), prove.account.version.0.into()])
        .exactly(1, PROVE, values);
    let batch = recovery::kill(self::upgrade(batch, account, upgrade, stamp), account, stamp);
    // Tokens tell when the login was: what is remembered of this account's grants is read anew.
    let batch = revocation::secret(batch, &old, longest_life, stamp);
    revocation::account(batch, account, longest_life, stamp)
}

fn upgrade(batch: Batch, account: AccountId, upgrade: Option<Upgrade<'_>>, stamp: &Stamp<'_>) -> Batch {
    let Some(upgrade) = upgrade else { return batch };
    let values = vec![upgrade.new.into(), account.bytes().into(), upgrade.old.into()];
    let event = Event::new(Kind::PasswordUpgraded).account(account);
    batch.any(UPGRADE, values).event_if(stamp, event, (TELL_UPGRADE, upgrade.new.into()))
}

fn opened(open: &Open) -> Event {
    let event = Event::new(Kind::SessionOpened).account(open.account.id).session(open.session.id);
    // With which factors: ASVS 16.3.1.
    let amr = method_words(&open.session.amr);
    event.detail("face", open.session.face.as_str()).detail("amr", amr)
}

fn insert(batch: Batch, open: &Open, has_grant: bool) -> Batch {
    let session = &open.session;
    let values = vec![
        session.id.bytes().into(),
        session.account.bytes().into(),
        open.secret.map(|secret| *secret.as_bytes()).into(),
        session.face.as_str().into(),
        session.created_at.micros().into(),
        session.authenticated_at.micros().into(),
        session.seen_at.micros().into(),
        session.idle_ends_at.micros().into(),
        session.absolute_ends_at.micros().into(),
        method_words(&session.amr).into(),
        session.acr.as_str().into(),
        session.remember.into(),
        session.device.browser.into(),
        session.device.system.into(),
        session.ip.map(|ip| ip.to_string()).into(),
        session.index.list.bytes().into(),
        i64::from(session.index.index).into(),
        has_grant.into(),
    ];
    batch.exactly(1, OPEN, values)
}

/// Sessions that went idle by the database's coarse knowledge count for a while longer: rather one too few is let in
/// for a moment than one too many (attack SES-24).
fn evict(batch: Batch, open: &Open, keep: u32, longest_life: Span, stamp: &Stamp<'_>) -> Batch {
    let account = open.account.id;
    let values = vec![
        stamp.at.micros().into(),
        account.bytes().into(),
        open.session.id.bytes().into(),
        (stamp.at - SEEN_GRAIN).micros().into(),
        i64::from(keep.saturating_sub(1)).into(),
    ];
    let reason = EndReason::Evicted.as_str();
    let event = Event::new(Kind::SessionEnded).account(account).detail("reason", reason);
    let batch = batch.any(EVICT, values).event_if(stamp, event, (TELL_EVICTED, reason.into()));
    let end = end::decide(account, Scope::Others(open.session.id), EndReason::Evicted);
    session::end_with(batch, &end, longest_life, stamp)
}
