//! Batches: what a decision writes, with the audit event that says so (I17).

use countersign_core::audit::{Actor, Entry, Event, Stamp};
use countersign_core::client::ClientId;

use crate::db::{Statement, Value};

/// Guarded statements, at least one audit event, and what the revocation log has to say: one transaction.
///
/// A batch cannot be made without its event, so a silent change cannot be expressed.
#[derive(Debug)]
#[must_use = "a batch changes nothing until it is applied"]
pub struct Batch {
    guarded: Vec<Statement>,
    events: Vec<Statement>,
    revocations: Vec<Statement>,
}

const INSERT_EVENT: &str = "
INSERT INTO audit (id, at, kind, actor, account_id, session_id, grant_id, client_id, ip, request_id, detail)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";

const NEXT_SEQ: &str = "UPDATE revocation_seq SET seq = seq + 1 WHERE id = 1";

pub(crate) const STATEMENTS: &[&str] = &[INSERT_EVENT, NEXT_SEQ];

impl Batch {
    /// A batch that so far only tells what happens.
    pub fn new(stamp: &Stamp<'_>, event: Event) -> Self {
        Self { guarded: Vec::new(), events: vec![insert_event(stamp.entry(event))], revocations: Vec::new() }
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
        let mut values = event_values(stamp.entry(event));
        values.push(found_by);
        self.events.push(Statement::any(sql, values));
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

    /// Entries of the revocation log: an `INSERT INTO revocations` that takes its `seq` from `revocation_seq`.
    pub fn revoke(mut self, sql: &'static str, values: Vec<Value>) -> Self {
        self.revocations.push(Statement::any(sql, values));
        self
    }

    /// Whether the revocation log has to be read after it.
    pub(crate) fn revokes(&self) -> bool {
        !self.revocations.is_empty()
    }

    /// The statements in their order. The log's counter comes after everything else: its row lock makes the order of
    /// `seq` the order of commits, and is held the shortest time.
    pub(crate) fn into_statements(self) -> Vec<Statement> {
        let mut statements = self.guarded;
        statements.extend(self.events);
        if !self.revocations.is_empty() {
            statements.push(Statement::exactly(1, NEXT_SEQ, Vec::new()));
            statements.extend(self.revocations);
        }
        statements
    }
}

fn insert_event(entry: Entry) -> Statement {
    Statement::exactly(1, INSERT_EVENT, event_values(entry))
}

fn event_values(entry: Entry) -> Vec<Value> {
    let Entry { id, at, actor, ip, request, event } = entry;
    let detail = serde_json::Value::Object(
        event.detail.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect(),
    );
    vec![
        Value::from(&id.bytes()[..]),
        Value::from(at.micros()),
        Value::from(event.kind.as_str()),
        Value::from(actor_text(actor).as_str()),
        Value::from(event.account.as_ref().map(|id| &id.bytes()[..])),
        Value::from(event.session.as_ref().map(|id| &id.bytes()[..])),
        Value::from(event.grant.as_ref().map(|id| &id.bytes()[..])),
        Value::from(event.client.as_ref().map(ClientId::as_str)),
        Value::from(ip.map(|ip| ip.to_string()).as_deref()),
        Value::from(request.as_ref().map(|id| &id.bytes()[..])),
        Value::from(detail.to_string().as_str()),
    ]
}

fn actor_text(actor: Actor) -> String {
    match actor {
        Actor::Anonymous => "anonymous".to_owned(),
        Actor::Account(id) => id.to_string(),
        Actor::Operator => "operator".to_owned(),
        Actor::System => "system".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_core::Time;
    use countersign_core::audit::Kind;
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
        assert!(!silent.revokes());
        assert_eq!(silent.into_statements().iter().map(|s| s.sql).collect::<Vec<_>>(), [INSERT_EVENT]);
        let batch = Batch::new(&stamp, Event::new(Kind::SessionEnded)).revoke("R", vec![]).any("A", vec![]);
        let order: Vec<_> = batch.into_statements().iter().map(|s| s.sql).collect();
        assert_eq!(order, ["A", INSERT_EVENT, NEXT_SEQ, "R"]);
    }
}
