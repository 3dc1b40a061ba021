//! The store: a database, and what this process knows of it.

use std::sync::Arc;
use std::time::Duration;

use countersign_core::audit::{Event, Kind, Stamp};
use countersign_core::revocation::Epoch;
use countersign_core::{RequestId, Time};
use tokio::sync::Notify;
use tracing::Instrument as _;

use crate::batch::Parts;
use crate::client::Clients;
use crate::db::{self, Db, Error, MIGRATIONS, Result, Settings, StoreUrl};
use crate::indexes::Indexes;
use crate::live::Live;
use crate::meter::Meter;
use crate::tell::tell;
use crate::{Batch, revocation};

/// Readings of the log after a commit before its caller hears that something is wrong.
const READINGS: u32 = 3;
const BETWEEN_READINGS: Duration = Duration::from_millis(50);

/// An open store. Shared by all tasks of the process.
#[derive(Debug)]
pub struct Store {
    pub(crate) db: Arc<Db>,
    pub(crate) live: Arc<Live>,
    pub(crate) indexes: Indexes,
    pub(crate) clients: Clients,
    /// Rung when something was left for clients to hear.
    pub(crate) logouts: Arc<Notify>,
    migrated: Vec<&'static str>,
}

/// What became of a batch that the database has answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "a lost batch wrote nothing: load the facts again and decide again"]
pub enum Outcome {
    /// All of it is committed and durable, and what it ended is known here.
    Applied,
    /// Nothing was written: something that the decision used has changed.
    Lost,
}

impl Store {
    /// Opens the database, brings its schema up to date and reads what the revocation log says.
    pub async fn open(url: &StoreUrl, settings: &Settings, now: Time) -> Result<Self> {
        let db = Db::open(url, settings).await?;
        let migrated = db.migrate(MIGRATIONS, now).await?;
        let live = revocation::load(&db, now).await?;
        Ok(Self {
            db: Arc::new(db),
            live: Arc::new(live),
            indexes: Indexes::default(),
            clients: Clients::default(),
            logouts: Arc::default(),
            migrated,
        })
    }

    /// The migrations that ran when this store was opened, in their order.
    pub fn migrated(&self) -> &[&'static str] {
        &self.migrated
    }

    /// Writes the migrations that ran into the audit log, if any did.
    pub async fn tell_migrated(&self, stamp: &Stamp<'_>) -> Result<()> {
        if self.migrated.is_empty() {
            return Ok(());
        }
        let event = Event::new(Kind::StorePrepared).detail("migrations", self.migrated.join(" "));
        // A batch without a guard has nothing to lose.
        self.apply(Batch::new(stamp, event)).await.map(drop)
    }

    /// What the store measures of itself.
    pub fn meter(&self) -> &Meter {
        self.db.meter()
    }

    /// What the session check reads.
    pub fn live(&self) -> &Live {
        &self.live
    }

    /// Applies a batch: all of it in one transaction, or nothing.
    ///
    /// What it revoked is known to every check of this process before this returns (I7). Where that cannot be made
    /// sure, the answer is an error and no session is accepted until it can. Once polled, all of this runs to its end
    /// even if the future is dropped: a client that hangs up must not leave a session alive that the database ended, nor
    /// keep an event out of the log (attack LOGG-03).
    pub async fn apply(&self, batch: Batch) -> Result<Outcome> {
        let parts = batch.into_parts();
        let revokes = parts.revocations.is_some();
        let (db, live, bell) = (Arc::clone(&self.db), Arc::clone(&self.live), Arc::clone(&self.logouts));
        let applied = tokio::spawn(async move { write(&db, &live, &bell, parts).await });
        let span = tracing::info_span!(target: "otel", "store.apply");
        applied.instrument(span).await.unwrap_or_else(|_| {
            if revokes {
                self.live.owe();
            }
            Err(Error::UnknownOutcome)
        })
    }

    /// Reads the revocation log on from where this process is. After each batch of our own that happens by itself; a
    /// job may ask at any time, and must where other nodes write, or where a commit's outcome was unknown.
    pub async fn catch_up(&self) -> Result<()> {
        revocation::catch_up(&self.db, &self.live).await
    }

    /// Makes sure that memory lacks nothing: nobody is let in before. While another process may be writing, that takes
    /// a reading at each check.
    pub(crate) async fn caught_up(&self) -> Result<()> {
        if self.is_caught_up() { Ok(()) } else { self.catch_up().await }
    }

    /// Whether memory lacks nothing.
    pub(crate) fn is_caught_up(&self) -> bool {
        let alone = self.db.is_owner() && self.live.claims() == self.db.claims();
        alone && !self.live.is_behind()
    }

    /// What was issued before it is over.
    pub async fn epoch(&self) -> Result<Epoch> {
        self.caught_up().await?;
        Ok(self.live.epoch())
    }

    /// Proves by a read that the store can serve, and that nothing of the revocation log is owed: with
    /// [`prove_write`](Self::prove_write), `/readyz`.
    pub async fn ready(&self) -> Result<()> {
        revocation::seq(&self.db).await?;
        self.caught_up().await
    }

    /// Gives back memory that nothing needs any more. A job for every minute or so.
    pub fn prune(&self, now: Time) {
        self.live.prune(now);
    }

    /// Writes what is written behind and ends all use of the database, even if the writing failed.
    pub async fn close(&self, stamp: &Stamp<'_>) -> Result<()> {
        let flushed = self.flush_seen(stamp).await;
        self.db.close().await;
        flushed
    }

    /// What the engine finds wrong with the database's file; none where there is no file of ours.
    pub async fn faults(&self) -> Result<Option<Vec<String>>> {
        self.db.faults().await
    }

    /// Prepares every statement of the store: the database has all its tables and columns.
    pub async fn prove_statements(&self) -> Result<()> {
        for sql in crate::statements() {
            self.db.check(sql).await?;
        }
        Ok(())
    }
}

async fn write(db: &Db, live: &Live, bell: &Notify, parts: Parts) -> Result<Outcome> {
    let Parts { statements, telling, events, revocations } = parts;
    let rows = match db.apply(statements).await {
        Ok(db::Outcome::Applied(rows)) => rows,
        Ok(db::Outcome::Lost) => return Ok(Outcome::Lost),
        Err(error) => {
            if error == Error::UnknownOutcome && revocations.is_some() {
                live.owe();
            }
            return Err(error);
        }
    };
    for (place, entry) in &events {
        if rows.get(*place).is_some_and(|rows| *rows > 0) {
            tell(entry, db.meter());
        }
    }
    if telling.iter().any(|place| rows.get(*place).is_some_and(|rows| *rows > 0)) {
        bell.notify_one();
    }
    if let Some(first) = revocations {
        db.meter().revocations.inc_by(rows.iter().skip(first).sum());
        let request = events.first().and_then(|(_, entry)| entry.request);
        read_on(db, live, request).await?;
    }
    Ok(Outcome::Applied)
}

async fn read_on(db: &Db, live: &Live, request: Option<RequestId>) -> Result<()> {
    let request_id = request.map(tracing::field::display);
    for _ in 1..READINGS {
        match revocation::catch_up(db, live).await {
            Ok(()) => return Ok(()),
            Err(error) => tracing::warn!(request_id, %error, "the revocation log could not be read"),
        }
        tokio::time::sleep(BETWEEN_READINGS).await;
    }
    revocation::catch_up(db, live).await.inspect_err(|error| {
        tracing::error!(request_id, %error, "no session is accepted until the revocation log can be read");
        live.owe();
    })
}
