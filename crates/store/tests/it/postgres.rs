//! What only a server can do: go away, deadlock, hold a row.

use std::time::Duration;

use countersign_store::db::{Error, Outcome, Statement};

use crate::support::{COUNT_CHILD, apply, names, on_postgres, parent, server};

#[tokio::test]
async fn killed_connections_are_made_anew_and_the_lock_is_taken_again() {
    on_postgres(async |place| {
        let db = place.store().await;
        assert_eq!(apply(&db, vec![parent(1, "ann")]).await, Outcome::Applied(vec![1]));
        assert_eq!(names(&db).await, ["ann"]);
        let killer = server(&place.url).await;
        let kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE application_name = current_setting('application_name') AND pid <> pg_backend_pid()";
        // A starved server may have lost us before.
        let claims = db.claims();
        let gone = killer.query(kill, &[]).await.expect("killed");
        assert!(gone.len() >= 3, "a writer, a reader, the lock");
        let by_name = "SELECT id FROM parents WHERE name = $1";
        for _ in 0..4 {
            assert_eq!(db.read(by_name, &["ann".into()]).await.map(|rows| rows.len()), Ok(1));
        }
        assert_eq!(names(&db).await, ["ann"]);
        assert_eq!(apply(&db, vec![parent(2, "bob")]).await, Outcome::Applied(vec![1]));
        let taken_again = async {
            while db.claims() == claims || !db.is_owner() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_mins(1), taken_again).await.expect("the lock is ours");
        let second = place.open().await.expect_err("kept out");
        assert!(matches!(&second, Error::InUse(_)), "{second}");
        assert_eq!(names(&db).await, ["ann", "bob"]);
        db.close().await;
    })
    .await;
}

#[tokio::test]
async fn writes_are_refused_while_another_process_has_the_lock() {
    on_postgres(async |place| {
        let db = place.store().await;
        let thief = server(&place.url).await;
        let steal = "SELECT pg_terminate_backend(pid), pg_advisory_lock(
                (CAST(classid AS BIGINT) << 32) + CAST(objid AS BIGINT))
            FROM pg_locks JOIN pg_stat_activity USING (pid)
            WHERE locktype = 'advisory' AND application_name = current_setting('application_name')";
        let claims = db.claims();
        thief.query_one(steal, &[]).await.expect("stolen");
        let refused = async {
            while db.is_owner() {
                tokio::task::yield_now().await;
            }
            db.apply(vec![parent(1, "ann")]).await
        };
        let refused = tokio::time::timeout(Duration::from_mins(1), refused).await;
        assert!(matches!(refused, Ok(Err(Error::Unavailable(_)))), "{refused:?}");
        thief.batch_execute("SELECT pg_advisory_unlock_all()").await.expect("given back");
        assert_eq!(apply(&db, vec![parent(1, "ann")]).await, Outcome::Applied(vec![1]));
        assert!(db.claims() > claims);
        db.close().await;
    })
    .await;
}

/// 40P01: whoever the server picks has lost, and wrote nothing.
#[tokio::test]
async fn the_victim_of_a_deadlock_has_lost() {
    on_postgres(async |place| {
        let db = place.store().await;
        let _ = apply(&db, vec![parent(1, "ann"), parent(2, "bob")]).await;
        let other = server(&place.url).await;
        let touch = |id: u8| {
            format!("UPDATE parents SET children = 7 WHERE id = '\\x{}'", format!("{id:02x}").repeat(16))
        };
        other.batch_execute(&format!("BEGIN; {}", touch(2))).await.expect("holds bob");
        let both = vec![
            Statement::exactly(1, COUNT_CHILD, vec![[1; 16].into()]),
            Statement::exactly(1, COUNT_CHILD, vec![[2; 16].into()]),
        ];
        let batch = tokio::spawn({
            let db = db.clone();
            async move { db.apply(both).await }
        });
        waits_for_a_lock(&place.url).await;
        other.batch_execute(&touch(1)).await.expect("the batch gave way");
        assert_eq!(batch.await.expect("no panic"), Ok(Outcome::Lost));
        other.batch_execute("ROLLBACK").await.expect("gives bob back");
        assert_eq!(crate::support::children(&db, 1).await, 0);
        db.close().await;
    })
    .await;
}

/// `lock_timeout`: a transaction that somebody else keeps open costs a 503, not a stuck request.
#[tokio::test]
async fn a_row_that_stays_locked_is_unavailable_and_nothing_is_written() {
    on_postgres(async |place| {
        let db = place.store().await;
        let _ = apply(&db, vec![parent(1, "ann")]).await;
        let other = server(&place.url).await;
        other.batch_execute("BEGIN; UPDATE parents SET children = 7").await.expect("holds ann");
        let count = vec![parent(2, "bob"), Statement::exactly(1, COUNT_CHILD, vec![[1; 16].into()])];
        let refused = db.apply(count).await;
        assert!(
            matches!(&refused, Err(Error::Unavailable(reason)) if reason.starts_with("55P03")),
            "{refused:?}"
        );
        other.batch_execute("ROLLBACK").await.expect("gives ann back");
        assert_eq!(names(&db).await, ["ann"]);
        db.close().await;
    })
    .await;
}

/// A deferred trigger runs within COMMIT: it lets a test act while one is on its way.
const DEFERRED: &str = "
    CREATE FUNCTION at_commit() RETURNS TRIGGER LANGUAGE plpgsql AS $$ BEGIN
        IF NEW.name = 'victim' THEN RAISE EXCEPTION USING ERRCODE = '40001'; END IF;
        PERFORM pg_sleep(30);
        RETURN NULL;
    END $$;
    CREATE CONSTRAINT TRIGGER at_commit AFTER INSERT ON parents
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION at_commit();";

/// Lost where the server says so; unknown, and never decided again, where it says nothing.
#[tokio::test]
async fn a_commit_that_breaks_is_lost_or_unknown() {
    on_postgres(async |place| {
        let db = place.store().await;
        let other = server(&place.url).await;
        other.batch_execute(DEFERRED).await.expect("a trigger");
        assert_eq!(apply(&db, vec![parent(1, "victim")]).await, Outcome::Lost);
        let batch = tokio::spawn({
            let db = db.clone();
            async move { db.apply(vec![parent(2, "bob")]).await }
        });
        let kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE application_name = current_setting('application_name') AND query = 'COMMIT' AND wait_event = 'PgSleep'";
        let killed = async { while other.query(kill, &[]).await.expect("a look").is_empty() {} };
        tokio::time::timeout(Duration::from_mins(1), killed).await.expect("a commit on its way");
        assert_eq!(batch.await.expect("no panic"), Err(Error::UnknownOutcome));
        assert_eq!(names(&db).await, [""; 0]);
        db.close().await;
    })
    .await;
}

async fn waits_for_a_lock(url: &str) {
    let watcher = server(url).await;
    let waiting = "SELECT 1 FROM pg_stat_activity
        WHERE application_name = current_setting('application_name') AND wait_event_type = 'Lock'";
    let seen = async { while watcher.query(waiting, &[]).await.expect("a look").is_empty() {} };
    tokio::time::timeout(Duration::from_mins(1), seen).await.expect("the batch waits");
}
