//! The one thread that writes. It takes all that waits, runs each batch in a savepoint, commits
//! once (one fsync for all) and only then answers, so that no answer, not even a `Lost`, rests on
//! something that a `kill -9` can undo (I12).

use std::thread;

use countersign_core::Time;
use rusqlite::Connection;
use tokio::sync::oneshot;

use super::super::batch::{Failure, Outcome, Statement, settle};
use super::super::migrate::{self, Migration, Upgrade};
use super::super::{Error, Result};
use super::{Held, closed, connection};

/// The most batches that share a commit.
const GROUP: usize = 512;
/// Batches that may wait; the next one waits outside.
const QUEUE: usize = 1024;

type Reply<T> = oneshot::Sender<Result<T>>;

enum Job {
    Batch(Batch),
    Migrate { migrations: &'static [Migration], upgrade: Upgrade, now: Time, reply: Reply<Vec<&'static str>> },
    Close,
}

struct Batch {
    statements: Vec<Statement>,
    reply: Reply<Outcome>,
}

/// The sending end of the writer thread, which ends with it.
#[derive(Debug)]
pub(super) struct Writer {
    jobs: flume::Sender<Job>,
    ended: flume::Receiver<()>,
}

impl Writer {
    pub(super) fn start(connection: Connection, held: Held) -> Result<Self> {
        let (jobs, queue) = flume::bounded(QUEUE);
        let (end, ended) = flume::bounded(0);
        let thread = thread::Builder::new().name("sqlite-writer".to_owned());
        let run = move || {
            serve(&connection, &queue);
            // In this order: the last connection checkpoints and removes the WAL, then the lock
            // goes, then those who wait in `close` hear of it.
            drop((queue, connection));
            drop(held);
            drop(end);
        };
        thread.spawn(run).map_err(|error| Error::Unavailable(error.to_string()))?;
        Ok(Self { jobs, ended })
    }

    pub(super) async fn apply(&self, statements: Vec<Statement>) -> Result<Outcome> {
        self.ask(|reply| Job::Batch(Batch { statements, reply })).await
    }

    pub(super) async fn migrate(
        &self,
        migrations: &'static [Migration],
        upgrade: Upgrade,
        now: Time,
    ) -> Result<Vec<&'static str>> {
        self.ask(|reply| Job::Migrate { migrations, upgrade, now, reply }).await
    }

    /// Returns when the thread is gone and the file is free.
    pub(super) async fn close(&self) {
        // An error of either means that the thread is gone already.
        let _ = self.jobs.send_async(Job::Close).await;
        let _ = self.ended.recv_async().await;
    }

    async fn ask<T>(&self, job: impl FnOnce(Reply<T>) -> Job) -> Result<T> {
        let (reply, answer) = oneshot::channel();
        self.jobs.send_async(job(reply)).await.map_err(|_| closed())?;
        answer.await.map_err(|_| closed())?
    }
}

fn serve(connection: &Connection, queue: &flume::Receiver<Job>) {
    while let Ok(first) = queue.recv() {
        let mut group = Vec::new();
        let mut next = Some(first);
        while let Some(Job::Batch(batch)) = next {
            group.push(batch);
            next = if group.len() < GROUP { queue.try_recv().ok() } else { None };
        }
        answer(connection, group);
        match next {
            Some(Job::Migrate { migrations, upgrade, now, reply }) => {
                drop(reply.send(migrate::sqlite(connection, migrations, upgrade, now)));
            }
            Some(Job::Close) => return,
            Some(Job::Batch(_)) | None => {}
        }
    }
}

/// Whoever asked may have gone: a batch is applied all the same, and its answer dropped.
fn answer(connection: &Connection, group: Vec<Batch>) {
    if group.is_empty() {
        return;
    }
    match commit(connection, &group) {
        Ok(outcomes) => {
            for (batch, outcome) in group.into_iter().zip(outcomes) {
                drop(batch.reply.send(outcome));
            }
        }
        Err(error) => {
            tracing::error!(%error, batches = group.len(), "group commit failed");
            if !connection.is_autocommit() {
                drop(control(connection, "ROLLBACK"));
            }
            for batch in group {
                drop(batch.reply.send(Err(error.clone())));
            }
        }
    }
}

fn commit(connection: &Connection, group: &[Batch]) -> Result<Vec<Result<Outcome>>> {
    // A disk that took no commit may not have taken the rollback either: it is tried until it does, else nothing could
    // ever begin again (attack STO-05).
    if !connection.is_autocommit() {
        control(connection, "ROLLBACK")?;
    }
    control(connection, "BEGIN IMMEDIATE")?;
    let mut outcomes = Vec::with_capacity(group.len());
    for batch in group {
        control(connection, "SAVEPOINT batch")?;
        let outcome = settle(run(connection, &batch.statements));
        if !matches!(outcome, Ok(Outcome::Applied(_))) {
            // A full disk can end the whole transaction: then this fails, and all with it.
            control(connection, "ROLLBACK TO batch")?;
        }
        control(connection, "RELEASE batch")?;
        outcomes.push(outcome);
    }
    control(connection, "COMMIT")?;
    Ok(outcomes)
}

fn run(connection: &Connection, statements: &[Statement]) -> std::result::Result<Vec<u64>, Failure> {
    statements.iter().map(|statement| connection::execute(connection, statement)).collect()
}

fn control(connection: &Connection, sql: &'static str) -> Result<()> {
    connection
        .prepare_cached(sql)
        .and_then(|mut statement| statement.raw_execute())
        .map(drop)
        .map_err(|error| Error::Unavailable(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::super::connection::{Durability, query};
    use super::*;

    const INSERT: &str = "INSERT INTO t (id) VALUES ($1)";

    fn batch(bytes: usize) -> (Batch, oneshot::Receiver<Result<Outcome>>) {
        let (reply, answer) = oneshot::channel();
        let statements = vec![Statement::exactly(1, INSERT, vec![vec![7; bytes].into()])];
        (Batch { statements, reply }, answer)
    }

    fn place() -> (tempfile::TempDir, Connection) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("store.db");
        std::fs::write(&path, "").expect("a file");
        let connection = super::super::connection::writer(&path, Durability::Full).expect("open");
        connection.execute_batch("CREATE TABLE t (id BLOB NOT NULL PRIMARY KEY)").expect("a table");
        (folder, connection)
    }

    fn told(connection: &Connection, sizes: &[usize]) -> Vec<Result<Outcome>> {
        let (group, answers): (Vec<_>, Vec<_>) = sizes.iter().map(|size| batch(*size)).unzip();
        answer(connection, group);
        answers.into_iter().map(|answer| answer.blocking_recv().expect("an answer")).collect()
    }

    fn kept(connection: &Connection) -> usize {
        query(connection, "SELECT id FROM t", &[]).expect("a read").len()
    }

    #[test]
    fn sto_05_a_commit_that_fails_is_an_error_to_each_of_its_batches_and_the_next_one_works() {
        let (_folder, mut connection) = place();
        connection.commit_hook(Some(|| true)).expect("a hook that refuses every commit");
        let answers = told(&connection, &[1, 2, 3]);
        assert!(answers.iter().all(|answer| matches!(answer, Err(Error::Unavailable(_)))), "{answers:?}");
        assert_eq!(kept(&connection), 0);
        connection.commit_hook(None::<fn() -> bool>).expect("the disk is back");
        assert!(told(&connection, &[1, 2]).iter().all(Result::is_ok));
        assert_eq!(kept(&connection), 2);
    }

    #[test]
    fn sto_05_a_transaction_that_could_not_be_rolled_back_does_not_stop_the_next_one() {
        let (_folder, connection) = place();
        connection.execute_batch("BEGIN; INSERT INTO t (id) VALUES (x'aa')").expect("it hangs on");
        assert!(told(&connection, &[1]).iter().all(Result::is_ok));
        assert_eq!(kept(&connection), 1, "what hung on is gone");
    }

    /// `max_page_count` plays the full disk.
    #[test]
    fn sto_05_a_full_disk_is_unavailable_tells_no_lie_and_does_not_stop_the_thread() {
        let (_folder, connection) = place();
        connection.execute_batch("PRAGMA max_page_count = 20").expect("a small disk");
        let (small, big, other) = (batch(1), batch(1_000_000), batch(2));
        answer(&connection, vec![small.0, big.0, other.0]);
        let applied = |answer: &Result<Outcome>| matches!(answer, Ok(Outcome::Applied(_)));
        let told = [small.1, big.1, other.1].map(|answer| answer.blocking_recv().expect("an answer"));
        assert!(matches!(told[1], Err(Error::Unavailable(_))), "{told:?}");
        let kept = query(&connection, "SELECT id FROM t", &[]).expect("a read").len();
        assert_eq!(told.iter().filter(|answer| applied(answer)).count(), kept);
        let later = batch(3);
        answer(&connection, vec![later.0]);
        assert!(applied(&later.1.blocking_recv().expect("an answer")));
    }
}
