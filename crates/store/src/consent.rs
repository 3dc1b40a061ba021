//! What accounts let clients do: found, widened, withdrawn with all that came of it.

use countersign_core::audit::{Event, Kind, Stamp};
use countersign_core::client::ClientId;
use countersign_core::consent::Consent;
use countersign_core::grant::Scopes;
use countersign_core::session::EndReason;
use countersign_core::{AccountId, Span, Time};

use crate::db::{Result, Row};
use crate::grant::{self, Whose, resource_words, resources};
use crate::{Batch, Store, backchannel, columns};

const OF_CLIENT: &str = "
SELECT account_id, client_id, scopes, resources, created_at, changed_at
  FROM consents
 WHERE account_id = $1
   AND client_id = $2";

const OF_ACCOUNT: &str = "
SELECT account_id, client_id, scopes, resources, created_at, changed_at
  FROM consents
 WHERE account_id = $1
 ORDER BY created_at, client_id";

const OFFLINE_CLIENTS: &str = "
SELECT client_id, scopes, created_at
  FROM grants
 WHERE account_id = $1
   AND session_id IS NULL
   AND ended_at IS NULL
 ORDER BY created_at, client_id";

const GIVE: &str = "
INSERT INTO consents (account_id, client_id, scopes, resources, created_at, changed_at)
VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (account_id, client_id) DO NOTHING";

const WIDEN: &str = "
UPDATE consents
   SET scopes = $1,
       resources = $2,
       changed_at = $3
 WHERE account_id = $4
   AND client_id = $5
   AND scopes = $6
   AND resources = $7";

const WITHDRAW: &str = "
DELETE FROM consents
 WHERE account_id = $1
   AND client_id = $2";

const BURN_CODES: &str = "
UPDATE codes
   SET used_at = $1
 WHERE account_id = $2
   AND client_id = $3
   AND used_at IS NULL";

const DENY_DEVICES: &str = "
UPDATE device_codes
   SET state = 'denied'
 WHERE account_id = $1
   AND client_id = $2
   AND state = 'allowed'";

pub(crate) const STATEMENTS: &[&str] =
    &[OF_CLIENT, OF_ACCOUNT, OFFLINE_CLIENTS, GIVE, WIDEN, WITHDRAW, BURN_CODES, DENY_DEVICES];

/// What the account let this client do.
pub async fn consent_of(store: &Store, account: AccountId, client: &ClientId) -> Result<Option<Consent>> {
    let rows = store.db.read(OF_CLIENT, &[account.bytes().into(), client.as_str().into()]).await?;
    rows.first().map(consent_at).transpose()
}

/// What the account let clients do, the oldest first.
pub async fn consents_of(store: &Store, account: AccountId) -> Result<Vec<Consent>> {
    store.db.read(OF_ACCOUNT, &[account.bytes().into()]).await?.iter().map(consent_at).collect()
}

/// The clients with grants of the account that outlive their login, what they may do and since when; perhaps more than once.
pub async fn offline_clients_of(store: &Store, account: AccountId) -> Result<Vec<(ClientId, Scopes, Time)>> {
    let rows = store.db.read(OFFLINE_CLIENTS, &[account.bytes().into()]).await?;
    let read = |row: &Row| {
        let client = columns::word(row, 0, ClientId::parse, "a client")?;
        Ok((client, columns::word(row, 1, Scopes::parse, "scopes")?, columns::time(row, 2)?))
    };
    rows.iter().map(read).collect()
}

/// Remembers a consent, in place of the narrower one. `Lost`: what was there before is something else by now, or nothing.
pub fn give_batch(before: Option<&Consent>, consent: &Consent, stamp: &Stamp<'_>) -> Batch {
    give(Batch::new(stamp, given(consent)), before, consent)
}

/// Says that a consent was given.
pub(crate) fn given(consent: &Consent) -> Event {
    let event = Event::new(Kind::ConsentGiven).account(consent.account).client(consent.client.clone());
    event.detail("scopes", consent.scopes.to_string())
}

/// Remembers a consent as part of something that says so.
pub(crate) fn give(batch: Batch, before: Option<&Consent>, consent: &Consent) -> Batch {
    let what = |it: &Consent| vec![it.scopes.to_string().into(), resource_words(&it.resources).into()];
    let whose = vec![consent.account.bytes().into(), consent.client.as_str().into()];
    let at = vec![consent.changed_at.micros().into()];
    if let Some(before) = before {
        return batch.exactly(1, WIDEN, [what(consent), at, whose, what(before)].concat());
    }
    let since = vec![consent.created_at.micros().into()];
    batch.exactly(1, GIVE, [whose, what(consent), since, at].concat())
}

/// Takes a consent back: codes under way are burned, devices that were let in are so no more, and every grant of this client
/// ends with its bit, whether it hangs from a session or not. One that was never given is withdrawn too.
pub fn withdraw_batch(account: AccountId, client: &ClientId, longest_life: Span, stamp: &Stamp<'_>) -> Batch {
    let event = Event::new(Kind::ConsentWithdrawn).account(account).client(client.clone());
    let whose = || vec![account.bytes().into(), client.as_str().into()];
    // In this order: a code that is being issued holds the consent, and one that is being redeemed its own row, so each
    // statement finds what those before it waited for.
    let batch = Batch::new(stamp, event)
        .any(WITHDRAW, whose())
        .any(BURN_CODES, [vec![stamp.at.micros().into()], whose()].concat())
        .any(DENY_DEVICES, whose());
    let of = Whose::Consent(account, client);
    let batch = grant::end(batch, of, EndReason::ConsentWithdrawn, longest_life, stamp);
    // Whoever takes an application's rights away wants to be signed out of it too.
    backchannel::tell_withdrawn(batch, account, client, stamp)
}

fn consent_at(row: &Row) -> Result<Consent> {
    Ok(Consent {
        account: columns::id(row, 0)?,
        client: columns::word(row, 1, ClientId::parse, "a client")?,
        scopes: columns::word(row, 2, Scopes::read, "scopes")?,
        resources: columns::word(row, 3, resources, "resources")?,
        created_at: columns::time(row, 4)?,
        changed_at: columns::time(row, 5)?,
    })
}
