//! The audit log, read: for `countersign audit`, and for an account that looks at what happened to it.

use std::collections::BTreeMap;

use countersign_core::audit::Kind;
use countersign_core::{AccountId, AuditId, GrantId, RequestId, SessionId, Time};

use crate::db::{Error, Result, Row, Value};
use crate::{Store, columns};

// Ids sort by the time they were made, so the log is read by its key alone.
const ALL: &str = "
SELECT id, at, kind, actor, account_id, session_id, grant_id, client_id, ip, request_id, detail
  FROM audit
 WHERE id < $1
   AND id >= $2
   AND (kind = $3 OR $3 IS NULL)
 ORDER BY id DESC
 LIMIT $4";

const OF_ACCOUNT: &str = "
SELECT id, at, kind, actor, account_id, session_id, grant_id, client_id, ip, request_id, detail
  FROM audit
 WHERE id < $1
   AND id >= $2
   AND (kind = $3 OR $3 IS NULL)
   AND account_id = $4
 ORDER BY id DESC
 LIMIT $5";

pub(crate) const STATEMENTS: &[&str] = &[ALL, OF_ACCOUNT];

/// Which lines are wanted; the newest come first.
#[derive(Debug, Clone, Copy, Default)]
pub struct Filter {
    /// Only what this account is the subject of.
    pub account: Option<AccountId>,
    /// Only what happened so.
    pub kind: Option<Kind>,
    /// Nothing older, to the millisecond.
    pub since: Option<Time>,
    /// Only what comes after this line in the list: the last one of the page before.
    pub before: Option<AuditId>,
    /// At most so many.
    pub limit: u32,
}

/// A line of the log, as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// `evt_…`
    pub id: AuditId,
    /// When.
    pub at: Time,
    /// What: the word of a `Kind`, perhaps one of an earlier release.
    pub kind: String,
    /// Who: `anonymous`, `operator`, `system`, `acc_…` or `client:…`.
    pub actor: String,
    /// Whose account.
    pub account: Option<AccountId>,
    /// Which session.
    pub session: Option<SessionId>,
    /// Which grant.
    pub grant: Option<GrantId>,
    /// Which client.
    pub client: Option<String>,
    /// From where.
    pub ip: Option<String>,
    /// In which request.
    pub request: Option<RequestId>,
    /// Words for the reader.
    pub detail: BTreeMap<String, String>,
}

/// The lines that the filter lets through, the newest first.
pub async fn events(store: &Store, filter: &Filter) -> Result<Vec<Line>> {
    let before = filter.before.map_or([0xff; 16], |id| *id.bytes());
    let mut values: Vec<Value> =
        vec![before.into(), since(filter.since).into(), filter.kind.map(Kind::as_str).into()];
    let sql = match filter.account {
        Some(account) => {
            values.push(account.bytes().into());
            OF_ACCOUNT
        }
        None => ALL,
    };
    values.push(i64::from(filter.limit).into());
    store.db.scan(sql, values).await?.iter().map(line).collect()
}

/// The lowest id that can be made at `since`: an id begins with 48 bits of milliseconds (RFC 9562 section 5.7).
fn since(since: Option<Time>) -> [u8; 16] {
    let millis = since.map_or(0, |since| u64::try_from(since.micros() / 1000).unwrap_or(0));
    let mut id = [0; 16];
    id[..6].copy_from_slice(&millis.to_be_bytes()[2..]);
    id
}

fn line(row: &Row) -> Result<Line> {
    let corrupt = |_| Error::Corrupt { column: 10, expected: "an object of texts" };
    Ok(Line {
        id: columns::id(row, 0)?,
        at: columns::time(row, 1)?,
        kind: row.text(2)?.to_owned(),
        actor: row.text(3)?.to_owned(),
        account: columns::opt_id(row, 4)?,
        session: columns::opt_id(row, 5)?,
        grant: columns::opt_id(row, 6)?,
        client: row.opt_text(7)?.map(str::to_owned),
        ip: row.opt_text(8)?.map(str::to_owned),
        request: columns::opt_id(row, 9)?,
        detail: serde_json::from_str(row.text(10)?).map_err(corrupt)?,
    })
}
