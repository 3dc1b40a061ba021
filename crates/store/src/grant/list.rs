//! Grants as an operator looks at them, and ends them one by one.

use countersign_core::audit::{Event, Kind, Stamp};
use countersign_core::client::ClientId;
use countersign_core::grant::Scopes;
use countersign_core::session::EndReason;
use countersign_core::{AccountId, GrantId, SessionId, Span, Time};

use super::{Whose, end};
use crate::db::{Result, Row};
use crate::{Batch, Store, columns};

const OF_ALL: &str = "
SELECT id, account_id, client_id, session_id, scopes, created_at, used_at
  FROM grants
 WHERE ended_at IS NULL
   AND id > $1
 ORDER BY id
 LIMIT $2";

const OF_ACCOUNT: &str = "
SELECT id, account_id, client_id, session_id, scopes, created_at, used_at
  FROM grants
 WHERE account_id = $1
   AND ended_at IS NULL
   AND id > $2
 ORDER BY id
 LIMIT $3";

const OF_CLIENT: &str = "
SELECT id, account_id, client_id, session_id, scopes, created_at, used_at
  FROM grants
 WHERE client_id = $1
   AND ended_at IS NULL
   AND id > $2
 ORDER BY id
 LIMIT $3";

const BY_ID: &str = "
SELECT id, account_id, client_id, session_id, scopes, created_at, used_at
  FROM grants
 WHERE id = $1
   AND ended_at IS NULL";

const HOLD: &str = "
UPDATE grants
   SET used_at = used_at
 WHERE id = $1
   AND ended_at IS NULL";

pub(crate) const STATEMENTS: &[&str] = &[OF_ALL, OF_ACCOUNT, OF_CLIENT, BY_ID, HOLD];

/// A grant that has not been ended, in a few words. Its session may be over all the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// `grt_…`
    pub id: GrantId,
    /// Whose.
    pub account: AccountId,
    /// For which client.
    pub client: ClientId,
    /// The session it hangs from; none for one that outlives its login.
    pub session: Option<SessionId>,
    /// What it allows.
    pub scopes: Scopes,
    /// When it began.
    pub created_at: Time,
    /// When it was used last, as far as that is written down.
    pub used_at: Time,
}

/// Which grants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of<'a> {
    /// Everybody's.
    All,
    /// An account's.
    Account(AccountId),
    /// A client's.
    Client(&'a ClientId),
}

/// A page of grants that have not been ended, in the order they were made, after `after`.
pub async fn grants(store: &Store, of: Of<'_>, after: Option<GrantId>, limit: u32) -> Result<Vec<Listed>> {
    let page = [after.map_or([0; 16], |after| *after.bytes()).into(), i64::from(limit).into()];
    let (sql, values) = match of {
        Of::All => (OF_ALL, page.to_vec()),
        Of::Account(account) => (OF_ACCOUNT, [vec![account.bytes().into()], page.to_vec()].concat()),
        Of::Client(client) => (OF_CLIENT, [vec![client.as_str().into()], page.to_vec()].concat()),
    };
    store.db.scan(sql, values).await?.iter().map(listed_at).collect()
}

/// The grant with this id, if it has not been ended.
pub async fn grant(store: &Store, id: GrantId) -> Result<Option<Listed>> {
    store.db.read(BY_ID, &[id.bytes().into()]).await?.first().map(listed_at).transpose()
}

/// Ends one grant with its bit. `Lost`: it has ended.
pub fn end_batch(grant: &Listed, longest_life: Span, stamp: &Stamp<'_>) -> Batch {
    let reason = EndReason::Revoked;
    let event = Event::new(Kind::GrantEnded).account(grant.account).grant(grant.id);
    let event = event.client(grant.client.clone()).detail("reason", reason.as_str());
    let batch = Batch::new(stamp, event).exactly(1, HOLD, vec![grant.id.bytes().into()]);
    end(batch, Whose::One(grant.account, grant.id), reason, longest_life, stamp)
}

fn listed_at(row: &Row) -> Result<Listed> {
    Ok(Listed {
        id: columns::id(row, 0)?,
        account: columns::id(row, 1)?,
        client: columns::word(row, 2, ClientId::parse, "a client")?,
        session: columns::opt_id(row, 3)?,
        scopes: columns::word(row, 4, Scopes::parse, "scopes")?,
        created_at: columns::time(row, 5)?,
        used_at: columns::time(row, 6)?,
    })
}
