//! One process a database, until several are supported: an advisory lock on a connection of its
//! own. When that connection dies, writes wait until the lock is ours again.

use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};
use tokio_postgres::Client;

use super::super::{Error, Result};
use super::closed;
use super::connect::{Connector, Purpose};
use super::wire::words;

/// The upper half says whose lock it is ("COUN"), the lower which schema: two installations may
/// share a database.
const LOCK: &str = "SELECT pg_try_advisory_lock(
    (x'434f554e00000000')::BIGINT + oid::BIGINT)
    FROM pg_namespace WHERE nspname = current_schema()";
const ASK_AGAIN: Duration = Duration::from_millis(250);
/// A lock that is lost without a word is noticed within a second (I7).
const PING: Duration = Duration::from_millis(400);
const PONG: Duration = Duration::from_millis(600);
/// How long taking the lock may take.
const TAKE: Duration = Duration::from_secs(5);
/// How long a batch waits for a lost lock to come back.
const PATIENCE: Duration = Duration::from_secs(2);

/// Whether this process is the owner now, and how often it became that.
#[derive(Clone, Copy, Debug)]
struct Ownership {
    held: bool,
    claims: u64,
}

/// The lock, and the task that watches over it.
#[derive(Debug)]
pub(super) struct Owner {
    state: watch::Receiver<Ownership>,
    task: JoinHandle<()>,
}

/// The right to write, for as long as the owner holds it.
#[derive(Clone, Debug)]
pub(super) struct Permit(watch::Receiver<Ownership>);

impl Owner {
    /// Waits up to `wait` for the process before this one to let go.
    pub(super) async fn claim(connector: Connector, name: &str, wait: Duration) -> Result<Self> {
        let mut lock = Lock::connect(&connector).await?;
        let deadline = Instant::now() + wait;
        while !lock.take().await? {
            if Instant::now() >= deadline {
                return Err(Error::InUse(name.to_owned()));
            }
            sleep(ASK_AGAIN).await;
        }
        let (sender, state) = watch::channel(Ownership { held: true, claims: 1 });
        Ok(Self { state, task: tokio::spawn(keep(connector, lock, sender)) })
    }

    pub(super) fn permit(&self) -> Permit {
        Permit(self.state.clone())
    }

    pub(super) fn holds(&self) -> bool {
        self.state.borrow().held && self.state.has_changed().is_ok()
    }

    pub(super) fn claims(&self) -> u64 {
        self.state.borrow().claims
    }

    pub(super) fn release(&self) {
        self.task.abort();
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.release();
    }
}

impl Permit {
    pub(super) async fn wait(&mut self) -> Result<()> {
        match timeout(PATIENCE, self.0.wait_for(|state| state.held)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(_)) => Err(closed()),
            Err(_) => Err(Error::Unavailable("another process may own the database".to_owned())),
        }
    }
}

async fn keep(connector: Connector, mut lock: Lock, state: watch::Sender<Ownership>) {
    loop {
        while lock.lives().await {}
        state.send_modify(|state| state.held = false);
        tracing::warn!("lost the lock on the database; no writes until it is taken again");
        lock = retake(&connector).await;
        state.send_modify(|state| {
            state.held = true;
            state.claims += 1;
        });
        tracing::info!("took the lock on the database again");
    }
}

async fn retake(connector: &Connector) -> Lock {
    loop {
        if let Ok(mut lock) = Lock::connect(connector).await {
            while let Ok(taken) = lock.take().await {
                if taken {
                    return lock;
                }
                sleep(ASK_AGAIN).await;
            }
        }
        sleep(ASK_AGAIN).await;
    }
}

/// The connection whose session holds the lock, or asks for it.
struct Lock {
    client: Client,
    connection: JoinHandle<()>,
}

impl Lock {
    async fn connect(connector: &Connector) -> Result<Self> {
        let (client, connection) = connector.watched(Purpose::Write).await?;
        Ok(Self { client, connection })
    }

    async fn take(&mut self) -> Result<bool> {
        let answer = timeout(TAKE, self.client.query_opt(LOCK, &[])).await;
        match answer {
            Ok(Ok(Some(row))) => Ok(row.get(0)),
            Ok(Ok(None)) => Err(Error::Schema("search_path names no schema".to_owned())),
            Ok(Err(error)) => Err(Error::Unavailable(words(&error))),
            Err(_) => Err(Error::Unavailable("the server does not answer".to_owned())),
        }
    }

    /// Returns `true` after a while, or `false` as soon as the connection is known to be dead.
    async fn lives(&mut self) -> bool {
        tokio::select! {
            _ = &mut self.connection => false,
            () = sleep(PING) => {
                matches!(timeout(PONG, self.client.simple_query("SELECT 1")).await, Ok(Ok(_)))
            }
        }
    }
}
