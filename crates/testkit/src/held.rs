//! A database that takes no writes for a while, as with a full disk, and can be read all the same. On PostgreSQL, where
//! another client can do that to a server.

use anyhow::Context;
use tokio_postgres::{Client, NoTls};

use crate::server::TestServer;

/// A lock on what the server writes. [`release`](Self::release) it.
pub struct HeldWrites(Client);

impl TestServer {
    /// Lets nobody write to a table.
    ///
    /// # Errors
    /// The server's store is no PostgreSQL, or has no such table.
    pub async fn hold_writes(&self, table: &str) -> anyhow::Result<HeldWrites> {
        let url = self.store_url();
        let (client, connection) = tokio_postgres::connect(url, NoTls).await.context("no PostgreSQL")?;
        tokio::spawn(connection);
        client.batch_execute(&format!("BEGIN; LOCK TABLE {table} IN EXCLUSIVE MODE")).await?;
        Ok(HeldWrites(client))
    }
}

impl HeldWrites {
    /// As if nothing had been.
    ///
    /// # Errors
    /// The database is gone.
    pub async fn release(self) -> anyhow::Result<()> {
        Ok(self.0.batch_execute("ROLLBACK").await?)
    }
}
