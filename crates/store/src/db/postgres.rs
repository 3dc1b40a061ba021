//! The server engine: reads share pipelined connections, each batch has one for its transaction.

mod connect;
mod owner;
mod wire;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use countersign_core::Time;
use deadpool_postgres::{ClientWrapper, Object, Pool};
use futures_util::FutureExt;
use futures_util::future::maybe_done;
use tokio::sync::Mutex;
use tokio::time::timeout;
use tokio_postgres::types::{FromSql, ToSql};

use self::connect::{CONNECT, Connector, Purpose, pool, unavailable};
use self::owner::{Owner, Permit};
use self::wire::Stop;
pub(super) use self::wire::words;
use super::batch::{Failure, Outcome, Statement};
use super::migrate::{self, Migration, Upgrade};
use super::url::PostgresUrl;
use super::{Error, Result, Row, Settings, Value};

/// Connections that the point reads share.
const READERS: usize = 2;
/// Scans at once, a connection each.
const SCANS: usize = 2;
/// Sessions tried before a statement is given up; only dead ones are tried again.
const ATTEMPTS: usize = 3;
/// Longer than the server's own `statement_timeout`: only a server that hangs runs into it.
const ANSWER: Duration = Duration::from_secs(12);

/// An open PostgreSQL database.
pub struct Postgres {
    connector: Connector,
    owner: Owner,
    readers: [Shared; READERS],
    turn: AtomicUsize,
    scans: Pool,
    writers: Pool,
    closed: AtomicBool,
}

impl fmt::Debug for Postgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Postgres").field("owner", &self.owner).finish_non_exhaustive()
    }
}

impl Postgres {
    pub(super) async fn open(url: &PostgresUrl, settings: &Settings) -> Result<Self> {
        let connector = Connector::new(url)?;
        let name = url.to_string();
        Ok(Self {
            owner: Owner::claim(connector.clone(), &name, settings.wait_for_owner).await?,
            readers: Default::default(),
            turn: AtomicUsize::new(0),
            scans: pool(&connector, Purpose::Read, SCANS)?,
            writers: pool(&connector, Purpose::Write, settings.transactions)?,
            closed: AtomicBool::new(false),
            connector,
        })
    }

    pub(super) async fn migrate(
        &self,
        migrations: &'static [Migration],
        upgrade: Upgrade,
        now: Time,
    ) -> Result<Vec<&'static str>> {
        self.owner.permit().wait().await?;
        let mut client = self.connector.session(Purpose::Schema).await?;
        migrate::postgres(&mut client, migrations, upgrade, now).await
    }

    pub(super) async fn read(&self, sql: &'static str, values: &[Value]) -> Result<Vec<Row>> {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let shared = &self.readers[turn % READERS];
        let mut last = closed();
        for _ in 0..ATTEMPTS {
            if self.closed.load(Ordering::Acquire) {
                return Err(closed());
            }
            let session = shared.session(&self.connector).await?;
            match query(&session, sql, values).await {
                Err(Stop::Gone(error)) => last = error,
                answer => return answer.map_err(Stop::into_error),
            }
            shared.discard(&session).await;
        }
        Err(last)
    }

    pub(super) async fn scan(&self, sql: &'static str, values: &[Value]) -> Result<Vec<Row>> {
        let mut last = closed();
        for _ in 0..ATTEMPTS {
            let session = self.scans.get().await.map_err(|error| unavailable(&error))?;
            match query(&session, sql, values).await {
                Err(Stop::Gone(error)) => last = error,
                answer => return answer.map_err(Stop::into_error),
            }
            drop(Object::take(session));
        }
        Err(last)
    }

    /// On a task of its own: a dropped future must not return a connection to the pool with its
    /// transaction open, where the next batch would commit it.
    pub(super) async fn apply(&self, statements: Vec<Statement>) -> Result<Outcome> {
        let batch = apply(self.writers.clone(), self.owner.permit(), statements);
        tokio::spawn(batch).await.map_err(|_| Error::UnknownOutcome)?
    }

    /// Types are part of it: what PostgreSQL infers must be what [`Value`] carries.
    pub(super) async fn check(&self, sql: &'static str) -> Result<()> {
        let session = self.readers[0].session(&self.connector).await?;
        let prepared = session.prepare(sql).await;
        let prepared = prepared.map_err(|error| Stop::new(sql, &error).into_error())?;
        let refused = |what: String| Error::Statement { sql, reason: what };
        for (index, ty) in prepared.params().iter().enumerate() {
            if !<Value as ToSql>::accepts(ty) {
                return Err(refused(format!("${} is inferred as {ty}", index + 1)));
            }
        }
        match prepared.columns().iter().find(|column| !<Value as FromSql<'_>>::accepts(column.type_())) {
            Some(column) => Err(refused(format!("column {} is {}", column.name(), column.type_()))),
            None => Ok(()),
        }
    }

    pub(super) fn owned(&self) -> bool {
        self.owner.holds()
    }

    pub(super) fn claims(&self) -> u64 {
        self.owner.claims()
    }

    pub(super) async fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.writers.close();
        self.scans.close();
        for reader in &self.readers {
            reader.0.lock().await.take();
        }
        self.owner.release();
    }
}

/// A session that many reads use at once, their requests in one pipeline.
#[derive(Default)]
struct Shared(Mutex<Option<Arc<ClientWrapper>>>);

impl Shared {
    async fn session(&self, connector: &Connector) -> Result<Arc<ClientWrapper>> {
        // The bound is on the wait for other callers' attempts as well.
        let session = timeout(CONNECT, async {
            let mut current = self.0.lock().await;
            if let Some(session) = current.as_ref().filter(|session| !session.is_closed()) {
                return Ok(Arc::clone(session));
            }
            let fresh = Arc::new(connector.session(Purpose::Read).await?);
            *current = Some(Arc::clone(&fresh));
            Ok(fresh)
        });
        session.await.unwrap_or_else(|_| Err(hangs()))
    }

    async fn discard(&self, dead: &Arc<ClientWrapper>) {
        let mut current = self.0.lock().await;
        if current.as_ref().is_some_and(|session| Arc::ptr_eq(session, dead)) {
            *current = None;
        }
    }
}

async fn query(
    session: &ClientWrapper,
    sql: &'static str,
    values: &[Value],
) -> std::result::Result<Vec<Row>, Stop> {
    let answer = timeout(ANSWER, async {
        let prepared = session.prepare_cached(sql).await?;
        let values: Vec<_> = values.iter().map(|value| value as &(dyn ToSql + Sync)).collect();
        session.query(&prepared, &values).await
    });
    match answer.await {
        Ok(Ok(rows)) => wire::rows(&rows).map_err(Stop::Error),
        Ok(Err(error)) => Err(Stop::new(sql, &error)),
        Err(_) => Err(Stop::Error(hangs())),
    }
}

async fn apply(pool: Pool, mut permit: Permit, statements: Vec<Statement>) -> Result<Outcome> {
    permit.wait().await?;
    let mut last = closed();
    for _ in 0..ATTEMPTS {
        let session = pool.get().await.map_err(|error| unavailable(&error))?;
        let stop = match transact(&session, &statements).await {
            Ok(outcome) => return Ok(outcome),
            Err(stop) => stop,
        };
        // Closing a connection rolls back whatever is open on it.
        drop(Object::take(session));
        match stop {
            Stop::Gone(error) => last = error,
            stop => return Err(stop.into_error()),
        }
    }
    Err(last)
}

/// BEGIN and the statements go out in one flight. COMMIT waits for the counts: pipelined behind
/// them it would land before anyone saw a zero.
async fn transact(session: &ClientWrapper, statements: &[Statement]) -> std::result::Result<Outcome, Stop> {
    let flight = timeout(ANSWER, fly(session, statements)).await;
    match flight.unwrap_or_else(|_| Err(Stop::Error(hangs()))) {
        Ok(rows) => commit(session).await.map(|lost| lost.unwrap_or(Outcome::Applied(rows))),
        Err(Stop::Lost) => match timeout(ANSWER, session.batch_execute("ROLLBACK")).await {
            Ok(Ok(())) => Ok(Outcome::Lost),
            _ => Err(Stop::Gone(hangs())),
        },
        Err(stop) => Err(stop),
    }
}

async fn fly(session: &ClientWrapper, statements: &[Statement]) -> std::result::Result<Vec<u64>, Stop> {
    let texts = std::iter::once("BEGIN").chain(statements.iter().map(|statement| statement.sql));
    let values = std::iter::once(&[][..]).chain(statements.iter().map(|statement| &statement.values[..]));
    let mut flight = Vec::with_capacity(statements.len() + 1);
    for (sql, values) in texts.zip(values) {
        let prepared = session.prepare_cached(sql).await.map_err(|error| Stop::new(sql, &error))?;
        if !prepared.columns().is_empty() {
            let reason = "a batch reads nothing".to_owned();
            return Err(Stop::Error(Error::Statement { sql, reason }));
        }
        let request = async move { session.execute_raw(&prepared, values).await };
        flight.push((sql, Box::pin(maybe_done(request))));
    }
    // A request leaves at its future's first poll: this is what puts them on the wire in order.
    for (_, request) in &mut flight {
        let _ = request.as_mut().now_or_never();
    }
    let mut counts = Vec::with_capacity(flight.len());
    for (sql, mut request) in flight {
        request.as_mut().await;
        match request.as_mut().take_output() {
            Some(Ok(count)) => counts.push(count),
            Some(Err(error)) => return Err(Stop::new(sql, &error)),
            None => return Err(Stop::Error(hangs())),
        }
    }
    let counts = statements.iter().zip(counts.into_iter().skip(1));
    counts.map(|(statement, count)| Ok(statement.judge(count)?)).collect()
}

/// `Some(Lost)` where the server says that it rolled back; when it says nothing, nobody knows.
async fn commit(session: &ClientWrapper) -> std::result::Result<Option<Outcome>, Stop> {
    match timeout(ANSWER, session.batch_execute("COMMIT")).await {
        Ok(Ok(())) => Ok(None),
        Ok(Err(error)) if error.code().is_some_and(wire::is_lost) => Ok(Some(Outcome::Lost)),
        Ok(Err(_)) | Err(_) => Err(Stop::Error(Error::UnknownOutcome)),
    }
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Lost => Self::Lost,
            Failure::Error(error) => Self::Error(error),
        }
    }
}

fn closed() -> Error {
    Error::Unavailable("it is closed".to_owned())
}

fn hangs() -> Error {
    Error::Unavailable("the server does not answer".to_owned())
}
