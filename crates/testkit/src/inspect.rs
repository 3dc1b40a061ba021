//! What a test sees of a server's inside, and what it does there in place of an operator.

use std::path::Path;

use anyhow::{Context, ensure};
use countersign_core::account::change::{Change, decide};
use countersign_core::account::{Account, Identifier};
use countersign_core::audit::{Actor, Stamp};
use countersign_core::client::{Client, ClientId, Origin, Profile};
use countersign_core::random;
use countersign_core::secret::sha256;
use countersign_server::random::SystemRandom;
use countersign_store::Outcome;
use countersign_store::account::account_by_identifier;
use countersign_store::account::change::change_batch;
use countersign_store::audit::{Filter, Line, events};
use countersign_store::client::{NewClient, create_batch};
use countersign_store::db::{self, Db, Settings, Statement, StoreUrl};
use rusqlite::{Connection, OpenFlags};

use crate::server::TestServer;

/// Edits a SQLite database that no server has open, with the store's own engine.
///
/// # Errors
/// A statement is refused, or touches nothing.
pub async fn edit(database: &std::path::Path, statements: &[&'static str]) -> anyhow::Result<()> {
    let db = Db::open(&StoreUrl::Sqlite(database.to_owned()), &Settings::default()).await?;
    for sql in statements {
        let outcome = db.apply(vec![Statement::any(sql, Vec::new())]).await?;
        let touched = matches!(&outcome, db::Outcome::Applied(rows) if rows[0] > 0);
        ensure!(touched, "{sql}: {outcome:?}");
    }
    db.close().await;
    Ok(())
}

/// Fails unless a SQLite database is whole: every page, index and foreign key. A server may be using it.
///
/// # Errors
/// It is damaged, or cannot be read.
pub fn integrity(database: &Path) -> anyhow::Result<()> {
    let connection = Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let told: String = connection.pragma_query_value(None, "integrity_check", |row| row.get(0))?;
    ensure!(told == "ok", "integrity_check: {told}");
    let broken = connection.prepare("PRAGMA foreign_key_check")?.exists([])?;
    ensure!(!broken, "a foreign key leads nowhere");
    Ok(())
}

impl TestServer {
    /// The audit log, the oldest line first.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn audit(&self) -> anyhow::Result<Vec<Line>> {
        let mut lines = events(&self.app.store, &Filter { limit: 100_000, ..Filter::default() }).await?;
        lines.reverse();
        Ok(lines)
    }

    /// How often something is in the audit log, such as `session.opened`.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn audited(&self, kind: &str) -> anyhow::Result<usize> {
        Ok(self.audit().await?.iter().filter(|line| line.kind == kind).count())
    }

    /// The account with this identifier.
    ///
    /// # Errors
    /// There is none.
    pub async fn account(&self, identifier: &str) -> anyhow::Result<Account> {
        let identifier = Identifier::parse(identifier)?;
        account_by_identifier(&self.app.store, &identifier).await?.context("no such account")
    }

    /// Disables, enables or deletes an account, as an operator would.
    ///
    /// # Errors
    /// There is none, or it is so already.
    pub async fn change_account(&self, identifier: &str, change: Change) -> anyhow::Result<()> {
        let account = self.account(identifier).await?;
        let at = self.app.clock.now();
        let stamp = Stamp { at, random: &SystemRandom, actor: Actor::Operator, ip: None, request: None };
        let decision = decide(account.state, change);
        let batch = change_batch(&decision, account.id, self.app.policy.longest_life(), &stamp);
        let outcome = self.app.store.apply(batch.context("it is so already")?).await?;
        ensure!(outcome == Outcome::Applied, "another change was first");
        Ok(())
    }

    /// The bytes of every file in the test's folder that is no key: of SQLite the database and its log.
    ///
    /// # Errors
    /// A file cannot be read.
    pub fn files(&self) -> anyhow::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        for entry in std::fs::read_dir(self.folder())? {
            let path = entry?.path();
            if path.is_file() && path.extension().is_none_or(|extension| extension != "key") {
                bytes.extend(std::fs::read(path)?);
            }
        }
        Ok(bytes)
    }
}

impl TestServer {
    /// Makes a client as an operator would. The secret, if it has one, counts as it is given; `profile` says how strict
    /// the server is with it.
    ///
    /// # Errors
    /// The id is taken, or the metadata is none.
    pub async fn add_client(
        &self,
        id: &str,
        profile: Profile,
        metadata: &serde_json::Value,
        secret: Option<&str>,
    ) -> anyhow::Result<()> {
        let (now, random) = (self.app.clock.now(), SystemRandom);
        let stamp = Stamp { at: now, random: &random, actor: Actor::Operator, ip: None, request: None };
        let id = ClientId::parse(id).context("no id of a client")?;
        let client = Client {
            id: id.clone(),
            origin: Origin::Operator,
            profile,
            first_party: false,
            disabled: false,
            created_at: now,
            expires_at: None,
            index: None,
            metadata: serde_json::from_value(metadata.clone())?,
        };
        let secret = secret.map(|secret| {
            let sealed = self.app.client_secrets.seal(secret.as_bytes(), id.as_str().as_bytes(), &random);
            (random::bytes(&random), sha256(secret.as_bytes()), Some(sealed))
        });
        let new = NewClient { client: &client, secret, registration: None };
        let made = self.app.store.apply_to_client(create_batch(&new, &stamp)).await?;
        ensure!(made == Outcome::Applied, "the client was not made");
        Ok(())
    }
}
