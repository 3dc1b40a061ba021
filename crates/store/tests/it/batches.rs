//! Guarded batches: all or nothing, one winner, no answer before its commit.

use std::sync::Arc;
use std::time::Duration;

use countersign_store::db::{Db, Error, Expect, Outcome, Statement, Value};
use futures_util::FutureExt as _;

use crate::support::{
    COUNT_CHILD, END_PARENT, INSERT_CHILD, INSERT_PARENT, apply, children, everywhere, names, parent,
};

#[tokio::test]
async fn a_batch_tells_how_many_rows_each_statement_touched() {
    everywhere(async |place| {
        let db = place.store().await;
        let outcome = apply(&db, vec![parent(1, "ann"), parent(2, "bob")]).await;
        assert_eq!(outcome, Outcome::Applied(vec![1, 1]));
        let end_all = "UPDATE parents SET ended_at = $1 WHERE ended_at IS NULL";
        let outcome = apply(
            &db,
            vec![
                Statement::any(end_all, vec![7.into()]),
                Statement::any(end_all, vec![8.into()]),
                Statement::exactly(0, COUNT_CHILD, vec![[1; 16].into()]),
            ],
        )
        .await;
        assert_eq!(outcome, Outcome::Applied(vec![2, 0, 0]));
        assert_eq!(apply(&db, vec![]).await, Outcome::Applied(vec![]));
        db.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_guard_that_does_not_hold_loses_the_batch_and_nothing_of_it_stays() {
    everywhere(async |place| {
        let db = place.store().await;
        let nobody = Statement::exactly(1, COUNT_CHILD, vec![[9; 16].into()]);
        for batch in [
            vec![parent(1, "ann"), nobody.clone()],
            vec![nobody.clone(), parent(1, "ann")],
            vec![Statement { expect: Expect::Exactly(2), ..parent(1, "ann") }],
        ] {
            assert_eq!(apply(&db, batch).await, Outcome::Lost);
        }
        assert_eq!(names(&db).await, [""; 0]);
        db.close().await;
    })
    .await;
}

#[tokio::test]
async fn unique_and_foreign_key_violations_lose_and_other_defects_are_errors() {
    everywhere(async |place| {
        let db = place.store().await;
        assert_eq!(apply(&db, vec![parent(1, "ann")]).await, Outcome::Applied(vec![1]));
        let orphan = Statement::exactly(1, INSERT_CHILD, vec![[1; 16].into(), [9; 16].into()]);
        for violation in [parent(1, "new"), parent(2, "ann"), orphan] {
            let batch = vec![parent(3, "eve"), violation];
            assert_eq!(apply(&db, batch).await, Outcome::Lost);
        }
        let values = vec![Value::Null, "nil".into(), Value::Null];
        let nameless = vec![parent(3, "eve"), Statement::any(INSERT_PARENT, values)];
        assert!(matches!(db.apply(nameless).await, Err(Error::Statement { .. })));
        assert_eq!(names(&db).await, ["ann"]);
        db.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fifty_parallel_spends_of_one_row_give_exactly_one() {
    everywhere(async |place| {
        let db = place.store().await;
        for round in 0..5 {
            let name = format!("round {round}");
            assert_eq!(apply(&db, vec![parent(round, &name)]).await, Outcome::Applied(vec![1]));
            let spend = |at: u8| {
                let values = vec![i64::from(at).into(), [round; 16].into()];
                let child = vec![[round, at].into(), [round; 16].into()];
                vec![Statement::exactly(1, END_PARENT, values), Statement::any(INSERT_CHILD, child)]
            };
            let outcomes = at_once(&db, (0..50).map(spend)).await;
            assert_eq!(won(&outcomes), 1);
            assert_eq!(outcomes.len(), 50);
        }
        let rows = db.scan("SELECT id FROM children", vec![]).await.expect("children");
        assert_eq!(rows.len(), 5);
        db.close().await;
    })
    .await;
}

/// STO-09: each of the writers is answered with success, and none undoes another.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sto_09_two_hundred_writers_of_one_row_lose_no_update() {
    everywhere(async |place| {
        let db = place.store().await;
        assert_eq!(apply(&db, vec![parent(1, "ann")]).await, Outcome::Applied(vec![1]));
        let count = |_| vec![Statement::exactly(1, COUNT_CHILD, vec![[1; 16].into()])];
        let outcomes = at_once(&db, (0..200).map(count)).await;
        assert_eq!(won(&outcomes), 200);
        assert_eq!(children(&db, 1).await, 200);
        db.close().await;
    })
    .await;
}

/// A birth writes its parent, so that none lands after the end was acknowledged.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_child_is_born_once_the_end_of_its_parent_is_acknowledged() {
    everywhere(async |place| {
        let db = place.store().await;
        for round in 0..10 {
            let name = format!("round {round}");
            assert_eq!(apply(&db, vec![parent(round, &name)]).await, Outcome::Applied(vec![1]));
            let birth = |n: u8| {
                let child = vec![[round, n].into(), [round; 16].into()];
                vec![
                    Statement::exactly(1, COUNT_CHILD, vec![[round; 16].into()]),
                    Statement::exactly(1, INSERT_CHILD, child),
                ]
            };
            let births = start(&db, (0..20).map(birth));
            let end = Statement::exactly(1, END_PARENT, vec![1.into(), [round; 16].into()]);
            assert_eq!(apply(&db, vec![end]).await, Outcome::Applied(vec![1]));
            let at_the_end = children(&db, round).await;
            let born = won(&finish(births).await);
            assert_eq!(i64::try_from(born), Ok(at_the_end));
            assert_eq!(children(&db, round).await, at_the_end);
        }
        db.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whoever_is_answered_reads_what_was_written_whatever_shares_the_commit() {
    everywhere(async |place| {
        let db = place.store().await;
        assert_eq!(apply(&db, vec![parent(0, "0")]).await, Outcome::Applied(vec![1]));
        // Every other batch runs into the first name.
        let name = |id: u8| if id.is_multiple_of(2) { "0".to_owned() } else { id.to_string() };
        let write = |id| tokio::spawn(write_then_read(Arc::clone(&db), id, name(id)));
        let writers: Vec<_> = (1..=64).map(write).collect();
        for (index, writer) in writers.into_iter().enumerate() {
            let expected = if index % 2 == 1 { (Outcome::Lost, 0) } else { (Outcome::Applied(vec![1]), 1) };
            assert_eq!(writer.await.expect("no panic"), expected);
        }
        db.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_batch_whose_caller_is_gone_is_applied_whole_and_harms_no_other() {
    everywhere(async |place| {
        let db = place.store().await;
        // Polled once, then dropped, as when a client hangs up.
        drop(db.apply(vec![parent(1, "ann"), parent(2, "bob")]).now_or_never());
        let nobody = Statement::exactly(1, COUNT_CHILD, vec![[9; 16].into()]);
        for _ in 0..10 {
            assert_eq!(apply(&db, vec![nobody.clone()]).await, Outcome::Lost);
        }
        let both_there = async {
            while names(&db).await != ["ann", "bob"] {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_mins(1), both_there).await.expect("applied whole");
        db.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_batch_may_be_big() {
    everywhere(async |place| {
        let db = place.store().await;
        let id = |n: u32| n.to_be_bytes();
        let mut batch = vec![parent(1, "ann")];
        batch.extend(
            (0..3000).map(|n| Statement::exactly(1, INSERT_CHILD, vec![id(n).into(), [1; 16].into()])),
        );
        let name = "x".repeat(2_000_000);
        let rename = "UPDATE parents SET name = NULL, ended_at = LENGTH($1)";
        batch.push(Statement::exactly(1, rename, vec![name.into()]));
        assert!(matches!(apply(&db, batch).await, Outcome::Applied(rows) if rows.len() == 3002));
        let ended = db.read("SELECT ended_at FROM parents", &[]).await.expect("a read");
        assert_eq!(ended[0].int(0), Ok(2_000_000));
        let rows = db.scan("SELECT id FROM children ORDER BY id", vec![]).await.expect("a scan");
        assert_eq!(rows.len(), 3000);
        assert_eq!(rows[2999].array(0), Ok(id(2999)));
        db.close().await;
    })
    .await;
}

async fn write_then_read(db: Arc<Db>, id: u8, name: String) -> (Outcome, usize) {
    let outcome = apply(&db, vec![parent(id, &name)]).await;
    let by_id = "SELECT name FROM parents WHERE id = $1";
    let seen = db.read(by_id, &[[id; 16].into()]).await.expect("a read");
    (outcome, seen.len())
}

type Started = Vec<tokio::task::JoinHandle<Outcome>>;

fn start(db: &Arc<Db>, batches: impl Iterator<Item = Vec<Statement>>) -> Started {
    let start = |batch| {
        let db = Arc::clone(db);
        tokio::spawn(async move { apply(&db, batch).await })
    };
    batches.map(start).collect()
}

async fn finish(started: Started) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    for task in started {
        outcomes.push(task.await.expect("no panic"));
    }
    outcomes
}

async fn at_once(db: &Arc<Db>, batches: impl Iterator<Item = Vec<Statement>>) -> Vec<Outcome> {
    finish(start(db, batches)).await
}

fn won(outcomes: &[Outcome]) -> usize {
    outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Applied(_))).count()
}
