//! What goes in comes out alike on both engines, and what they would treat differently is refused.

use countersign_store::db::{Error, Outcome, Statement, Value};

use crate::support::{INSERT_PARENT, apply, everywhere, in_a_file, names, on_postgres, parent};

const BY_ID: &str = "SELECT name, ended_at, children FROM parents WHERE id = $1";

#[tokio::test]
async fn every_kind_of_value_comes_back_as_it_was() {
    everywhere(async |place| {
        let db = place.store().await;
        let cases = [
            (vec![], Value::Null, Value::Null),
            (vec![0], Value::from(""), Value::Int(i64::MIN)),
            (vec![0, 255, b'\''], Value::from("it's; -- $1 \\ \" 한국어 \u{1F511}"), Value::Int(i64::MAX)),
            (vec![0; 2000], Value::from("12"), Value::Int(0)),
        ];
        for (id, name, at) in cases {
            let values = vec![id.clone().into(), name.clone(), at.clone()];
            let _ = apply(&db, vec![Statement::exactly(1, INSERT_PARENT, values)]).await;
            let rows = db.read(BY_ID, &[id.into()]).await.expect("a read");
            let back = (rows[0].opt_text(0).map(Value::from), rows[0].opt_int(1).map(Value::from));
            assert_eq!(back, (Ok(name), Ok(at)));
            assert_eq!(rows.len(), 1);
        }
        db.close().await;
    })
    .await;
}

#[tokio::test]
async fn flags_and_counts_come_back_as_integers() {
    everywhere(async |place| {
        let db = place.store().await;
        let _ = apply(&db, vec![parent(1, "ann")]).await;
        let rows = db
            .read("SELECT 1, ended_at IS NULL, COUNT(*) FROM parents GROUP BY ended_at", &[])
            .await
            .expect("a read");
        assert_eq!((rows[0].int(0), rows[0].bool(1), rows[0].int(2)), (Ok(1), Ok(true), Ok(1)));
        db.close().await;
    })
    .await;
}

/// STO-01: PostgreSQL cannot store U+0000, so SQLite must not either.
#[tokio::test]
async fn text_with_a_nul_is_refused_before_it_reaches_a_database() {
    everywhere(async |place| {
        let db = place.store().await;
        let refused = Err(Error::Nul { parameter: 2 });
        let values = || vec![[1; 16].into(), "a\0b".into(), Value::Null];
        let batch = vec![parent(2, "ok"), Statement::any(INSERT_PARENT, values())];
        assert_eq!(db.apply(batch).await, refused);
        assert_eq!(db.read(BY_ID, &values()).await.map(drop), refused.clone().map(drop));
        assert_eq!(db.scan(BY_ID, values()).await.map(drop), refused.map(drop));
        assert_eq!(names(&db).await, [""; 0]);
        db.close().await;
    })
    .await;
}

#[tokio::test]
async fn statements_that_do_not_fit_their_place_are_refused() {
    everywhere(async |place| {
        let db = place.store().await;
        let refused = |error: Error| matches!(error, Error::Statement { .. });
        let unknown = "SELECT nothing FROM nowhere";
        assert!(db.check(unknown).await.is_err_and(refused));
        assert!(db.read(unknown, &[]).await.is_err_and(refused));
        assert!(db.read(BY_ID, &[]).await.is_err_and(refused), "a value is missing");
        let select = vec![parent(1, "ann"), Statement::any("SELECT name FROM parents", vec![])];
        assert!(db.apply(select).await.is_err_and(refused), "a batch reads nothing");
        let returning = "DELETE FROM parents RETURNING id";
        assert!(db.apply(vec![Statement::any(returning, vec![])]).await.is_err_and(refused));
        let delete = "DELETE FROM parents";
        assert!(db.read(delete, &[]).await.is_err(), "a read writes nothing");
        assert!(db.scan(delete, vec![]).await.is_err(), "a scan writes nothing");
        assert_eq!(apply(&db, vec![parent(1, "ann")]).await, Outcome::Applied(vec![1]));
        db.close().await;
    })
    .await;
}

/// `$2` before `$1`: SQLite would bind them the other way round.
#[tokio::test]
async fn parameters_out_of_order_are_refused_on_sqlite() {
    in_a_file(async |place| {
        let db = place.store().await;
        let swapped = "SELECT id FROM parents WHERE name = $2 AND ended_at = $1";
        let error = db.check(swapped).await.expect_err("refused");
        assert!(error.to_string().contains("expected $1"), "{error}");
        assert!(db.read(swapped, &[1.into(), "ann".into()]).await.is_err());
        let again = "SELECT id FROM parents WHERE ended_at = $1 AND children = $1 AND name = $2";
        assert_eq!(db.check(again).await, Ok(()));
        db.close().await;
    })
    .await;
}

#[tokio::test]
async fn parameters_and_columns_of_foreign_types_are_refused_on_postgresql() {
    on_postgres(async |place| {
        let db = place.store().await;
        for (sql, words) in [
            ("UPDATE parents SET ended_at = 1 + $1", "$1 is inferred as int4"),
            ("SELECT SUM(children) FROM parents", "column sum is numeric"),
        ] {
            let error = db.check(sql).await.expect_err("refused");
            assert!(error.to_string().contains(words), "{error}");
        }
        let cast = "UPDATE parents SET ended_at = 1 + CAST($1 AS BIGINT)";
        assert_eq!(db.check(cast).await, Ok(()));
        db.close().await;
    })
    .await;
}
