//! Batches: what a decision writes, with the audit event that says so (I17).

use countersign_core::audit::{Entry, Event, Stamp};
use countersign_core::client::ClientId;

use crate::db::{Statement, Value};

/// Guarded statements, at least one audit event, and what the revocation log has to say: one transaction.
///
/// A batch cannot be made without its event, so a silent change cannot be expressed.
#[derive(Debug, Clone)]
#[must_use = "a batch changes nothing until it is applied"]
pub struct Batch {
    guarded: Vec<Statement>,
    telling: Vec<usize>,
    events: Vec<(Entry, Statement)>,
    revocations: Vec<Statement>,
}

/// A batch on its way to the database.
pub(crate) struct Parts {
    pub(crate) statements: Vec<Statement>,
    /// The places of those that leave something for clients to hear, if they touch a row.
    pub(crate) telling: Vec<usize>,
    /// Events, each with the place of its statement: it happened if that touches a row.
    pub(crate) events: Vec<(usize, Entry)>,
    /// From this statement on, entries of the revocation log; none where nothing is revoked.
    pub(crate) revocations: Option<usize>,
}

const INSERT_EVENT: &str = "
INSERT INTO audit (id, at, kind, actor, account_id, session_id, grant_id, client_id, ip, request_id, detail)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";

const NEXT_SEQ: &str = "UPDATE revocation_seq SET seq = seq + 1 WHERE id = 1";

pub(crate) const STATEMENTS: &[&str] = &[INSERT_EVENT, NEXT_SEQ];

impl Batch {
    /// A batch that so far only tells what happens.
    pub fn new(stamp: &Stamp<'_>, event: Event) -> Self {
        Self {
            guarded: Vec::new(),
            telling: Vec::new(),
            events: vec![insert_event(stamp.entry(event))],
            revocations: Vec::new(),
        }
    }

    /// Something else that happens in the same breath.
    pub fn event(mut self, stamp: &Stamp<'_>, event: Event) -> Self {
        self.events.push(insert_event(stamp.entry(event)));
        self
    }

    /// Something that may happen in the same breath: `sql` inserts the event (its values are `$1` to `$11`) only where
    /// it finds by `$12` that it did.
    pub fn event_if(
        mut self,
        stamp: &Stamp<'_>,
        event: Event,
        (sql, found_by): (&'static str, Value),
    ) -> Self {
        let entry = stamp.entry(event);
        let mut values = event_values(&entry);
        values.push(found_by);
        self.events.push((entry, Statement::any(sql, values)));
        self
    }

    /// A statement that must touch exactly `rows` rows, else the whole batch is lost.
    pub fn exactly(mut self, rows: u64, sql: &'static str, values: Vec<Value>) -> Self {
        self.guarded.push(Statement::exactly(rows, sql, values));
        self
    }

    /// A statement that may touch any number of rows.
    pub fn any(mut self, sql: &'static str, values: Vec<Value>) -> Self {
        self.guarded.push(Statement::any(sql, values));
        self
    }

    /// A statement that leaves something for clients to hear: whoever tells them is woken up if it touches a row.
    pub fn tells(mut self, sql: &'static str, values: Vec<Value>) -> Self {
        self.telling.push(self.guarded.len());
        self.any(sql, values)
    }

    /// Entries of the revocation log: an `INSERT INTO revocations` that takes its `seq` from `revocation_seq`.
    pub fn revoke(mut self, sql: &'static str, values: Vec<Value>) -> Self {
        self.revocations.push(Statement::any(sql, values));
        self
    }

    /// The statements in their order. The log's counter comes after everything else: its row lock makes the order of
    /// `seq` the order of commits, and is held the shortest time.
    pub(crate) fn into_parts(self) -> Parts {
        let mut statements = self.guarded;
        let mut events = Vec::with_capacity(self.events.len());
        for (entry, statement) in self.events {
            events.push((statements.len(), entry));
            statements.push(statement);
        }
        let revokes = !self.revocations.is_empty();
        if revokes {
            statements.push(Statement::exactly(1, NEXT_SEQ, Vec::new()));
        }
        let revocations = revokes.then_some(statements.len());
        statements.extend(self.revocations);
        Parts { statements, telling: self.telling, events, revocations }
    }
}

fn insert_event(entry: Entry) -> (Entry, Statement) {
    let values = event_values(&entry);
    (entry, Statement::exactly(1, INSERT_EVENT, values))
}

fn event_values(entry: &Entry) -> Vec<Value> {
    let Entry { id, at, actor, ip, request, event } = entry;
    vec![
        Value::from(&id.bytes()[..]),
        Value::from(at.micros()),
        Value::from(event.kind.as_str()),
        Value::from(actor.as_str()),
        Value::from(event.account.as_ref().map(|id| &id.bytes()[..])),
        Value::from(event.session.as_ref().map(|id| &id.bytes()[..])),
        Value::from(event.grant.as_ref().map(|id| &id.bytes()[..])),
        Value::from(event.client.as_ref().map(ClientId::as_str)),
        Value::from(ip.map(|ip| ip.to_string()).as_deref()),
        Value::from(request.as_ref().map(|id| &id.bytes()[..])),
        Value::from(detail(event).as_str()),
    ]
}

/// The words for the reader, as JSON.
pub(crate) fn detail(event: &Event) -> String {
    let words = event.detail.iter().map(|(name, value)| ((*name).to_owned(), value.as_str().into()));
    serde_json::Value::Object(words.collect()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_core::Time;
    use countersign_core::audit::{Actor, Kind};
    use countersign_core::random::Counter;

    #[test]
    fn i17_a_batch_always_tells_and_the_log_comes_last() {
        let random = Counter::new(1);
        let stamp = Stamp {
            at: Time::from_micros(1),
            random: &random,
            actor: Actor::System,
            ip: None,
            request: None,
        };
        let silent = Batch::new(&stamp, Event::new(Kind::CleanedUp));
        let order = |parts: &Parts| parts.statements.iter().map(|s| s.sql).collect::<Vec<_>>();
        let silent = silent.into_parts();
        assert_eq!((order(&silent), silent.revocations), (vec![INSERT_EVENT], None));
        let batch = Batch::new(&stamp, Event::new(Kind::SessionEnded)).revoke("R", vec![]).any("A", vec![]);
        let parts = batch.into_parts();
        assert_eq!(order(&parts), ["A", INSERT_EVENT, NEXT_SEQ, "R"]);
        assert_eq!((parts.events[0].0, parts.revocations), (1, Some(3)));
    }
}
