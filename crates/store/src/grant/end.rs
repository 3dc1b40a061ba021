//! Grants ended, each with its bit in a status list: whose they are differs, what happens to them does not.

use countersign_core::audit::Stamp;
use countersign_core::client::ClientId;
use countersign_core::session::EndReason;
use countersign_core::{AccountId, GrantId, Span};

use crate::Batch;
use crate::db::Value;

const END_ONE: &str = "
UPDATE grants
   SET ended_at = $1,
       end_reason = $2
 WHERE account_id = $3
   AND id = $4
   AND ended_at IS NULL";

const END_OF_SESSIONS: &str = "
UPDATE grants
   SET ended_at = $1,
       end_reason = $2
 WHERE ended_at IS NULL
   AND session_id IN (SELECT id FROM sessions WHERE account_id = $3 AND ended_at = $1)";

const END_OFFLINE: &str = "
UPDATE grants
   SET ended_at = $1,
       end_reason = $2
 WHERE account_id = $3
   AND session_id IS NULL
   AND ended_at IS NULL";

const END_OF_CONSENT: &str = "
UPDATE grants
   SET ended_at = $1,
       end_reason = $2
 WHERE account_id = $3
   AND client_id = $4
   AND ended_at IS NULL";

const END_OF_CLIENT: &str = "
UPDATE grants
   SET ended_at = $1,
       end_reason = $2
 WHERE client_id = $3
   AND ended_at IS NULL";

const REVOKE_OF_ACCOUNT: &str = "
INSERT INTO revocations (seq, kind, list_id, list_index, at, until_at)
SELECT (SELECT seq FROM revocation_seq WHERE id = 1), 'bit', list_id, list_index, ended_at, CAST($1 AS BIGINT)
  FROM grants
 WHERE ended_at = $2
   AND account_id = $3";

const REVOKE_OF_CLIENT: &str = "
INSERT INTO revocations (seq, kind, list_id, list_index, at, until_at)
SELECT (SELECT seq FROM revocation_seq WHERE id = 1), 'bit', list_id, list_index, ended_at, CAST($1 AS BIGINT)
  FROM grants
 WHERE ended_at = $2
   AND client_id = $3";

pub(crate) const STATEMENTS: &[&str] = &[
    END_ONE,
    END_OF_SESSIONS,
    END_OFFLINE,
    END_OF_CONSENT,
    END_OF_CLIENT,
    REVOKE_OF_ACCOUNT,
    REVOKE_OF_CLIENT,
];

/// Which grants end.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Whose<'a> {
    /// This one of the account.
    One(AccountId, GrantId),
    /// Those that hang from the sessions of the account that this batch ended.
    Sessions(AccountId),
    /// Likewise, and those of the account that outlive their session.
    SessionsAndOffline(AccountId),
    /// What the account let the client do.
    Consent(AccountId, &'a ClientId),
    /// All that the client was let do.
    Client(&'a ClientId),
}

impl Whose<'_> {
    /// What ends them, what sets the bits of those that this ended, and whose they are: the latter by the first alone.
    fn statements(self) -> (&'static [&'static str], &'static str, Vec<Value>) {
        match self {
            Self::One(account, grant) => {
                (&[END_ONE], REVOKE_OF_ACCOUNT, vec![account.bytes().into(), grant.bytes().into()])
            }
            Self::Sessions(account) => (&[END_OF_SESSIONS], REVOKE_OF_ACCOUNT, vec![account.bytes().into()]),
            Self::SessionsAndOffline(account) => {
                (&[END_OF_SESSIONS, END_OFFLINE], REVOKE_OF_ACCOUNT, vec![account.bytes().into()])
            }
            Self::Consent(account, client) => {
                (&[END_OF_CONSENT], REVOKE_OF_ACCOUNT, vec![account.bytes().into(), client.as_str().into()])
            }
            Self::Client(client) => (&[END_OF_CLIENT], REVOKE_OF_CLIENT, vec![client.as_str().into()]),
        }
    }
}

/// Ends grants, and with them all that they minted, as part of something that has an event of its own. Applies again and
/// again.
pub(crate) fn end(
    batch: Batch,
    whose: Whose<'_>,
    reason: EndReason,
    longest_life: Span,
    stamp: &Stamp<'_>,
) -> Batch {
    let (ends, revoke, owner) = whose.statements();
    let (at, until) = (stamp.at.micros(), (stamp.at + longest_life).micros());
    let ended = || [vec![at.into(), reason.as_str().into()], owner.clone()].concat();
    let batch = ends.iter().fold(batch, |batch, end| batch.any(end, ended()));
    batch.revoke(revoke, [vec![until.into(), at.into()], owner[..1].to_vec()].concat())
}
