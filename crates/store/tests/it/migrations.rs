//! STO-15: forward only, each file whole or not at all, and no work on a schema that is not ours.

use countersign_store::db::{Db, Error, MIGRATIONS, Migration, Outcome};

use crate::support::{NOW, Place, SCHEMA, apply, names, parent, where_it_lasts};

const SECOND: Migration = Migration {
    version: 2,
    name: "0002_more",
    sql: "ALTER TABLE parents ADD COLUMN extra BLOB; CREATE TABLE more (id BIGINT NOT NULL);",
};
const BOTH: &[Migration] = &[SCHEMA[0], SECOND];
const EDITED: &[Migration] = &[Migration { sql: "CREATE TABLE parents (id BIGINT)", ..SCHEMA[0] }];
const BROKEN: &[Migration] = &[
    SCHEMA[0],
    Migration { sql: "CREATE TABLE more (id BIGINT NOT NULL); CREATE TABLE parents (id BIGINT);", ..SECOND },
];

#[tokio::test]
async fn each_file_runs_once_and_data_stays() {
    where_it_lasts(async |place| {
        let db = place.open().await.expect("open");
        assert_eq!(db.migrate(SCHEMA, NOW).await, Ok(vec!["0001_test"]));
        assert_eq!(db.migrate(SCHEMA, NOW).await, Ok(vec![]));
        assert_eq!(apply(&db, vec![parent(1, "ann")]).await, Outcome::Applied(vec![1]));
        assert_eq!(names(&db).await, ["ann"]);
        db.close().await;
        let db = place.open_again().await;
        assert_eq!(db.migrate(BOTH, NOW).await, Ok(vec!["0002_more"]));
        assert_eq!(db.migrate(BOTH, NOW).await, Ok(vec![]));
        assert_eq!(names(&db).await, ["ann"]);
        let log = "SELECT version, name, applied_at FROM schema_migrations ORDER BY version";
        let log = db.scan(log, vec![]).await.expect("the log");
        assert_eq!((log[1].int(0), log[1].text(1)), (Ok(2), Ok("0002_more")));
        assert_eq!(log[1].int(2), Ok(NOW.micros()));
        db.close().await;
    })
    .await;
}

#[tokio::test]
async fn an_edited_file_and_a_newer_schema_are_refused() {
    where_it_lasts(async |place| {
        let db = place.open().await.expect("open");
        assert!(db.migrate(BOTH, NOW).await.is_ok());
        for (known, words) in
            [(EDITED, "0001_test is not the file that was applied"), (SCHEMA, "made by a newer Countersign")]
        {
            let error = db.migrate(known, NOW).await.expect_err("refused");
            assert!(matches!(&error, Error::Schema(reason) if reason.contains(words)), "{error}");
        }
        db.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_file_that_fails_midway_leaves_nothing_and_can_be_run_again() {
    where_it_lasts(async |place| {
        let db = place.open().await.expect("open");
        let error = db.migrate(BROKEN, NOW).await.expect_err("the second file fails");
        assert!(error.to_string().contains("0002_more failed and left nothing"), "{error}");
        assert_eq!(apply(&db, vec![parent(1, "ann")]).await, Outcome::Applied(vec![1]));
        assert_eq!(db.migrate(BOTH, NOW).await, Ok(vec!["0002_more"]));
        db.close().await;
    })
    .await;
}

const TABLES: &str = "SELECT name FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' ORDER BY name";
const POSTGRES_TABLES: &str = "SELECT CAST(relname AS TEXT) FROM pg_class WHERE relnamespace = CAST(current_schema() AS REGNAMESPACE) ORDER BY 1";

async fn things(place: &Place, db: &Db) -> Vec<String> {
    let question = if place.url.starts_with("sqlite:") { TABLES } else { POSTGRES_TABLES };
    let rows = db.scan(question, vec![]).await.expect("the catalogue");
    rows.iter().map(|row| row.text(0).expect("a name").to_owned()).collect()
}

/// The files of the release up to the one at `index`, and of that one only the first statements before it breaks.
fn broken_after(index: usize, statements: usize) -> &'static [Migration] {
    let whole = MIGRATIONS[index].sql;
    let ends = whole.match_indices(';').map(|(at, _)| at + 1);
    let end = std::iter::once(0).chain(ends).nth(statements).expect("so many statements");
    let sql = format!("{}\nSELECT no_such_function();", &whole[..end]).leak();
    let mut files = MIGRATIONS[..index].to_vec();
    files.push(Migration { sql, ..MIGRATIONS[index] });
    files.leak()
}

#[tokio::test]
async fn sto_15_a_release_s_file_that_ends_after_any_of_its_statements_leaves_nothing_and_runs_again() {
    where_it_lasts(async |place| {
        let db = place.open().await.expect("open");
        assert_eq!(db.migrate(&[], NOW).await, Ok(vec![]));
        for (index, migration) in MIGRATIONS.iter().enumerate() {
            let before = things(place, &db).await;
            for statements in 0..=migration.sql.matches(';').count() {
                let error = db.migrate(broken_after(index, statements), NOW).await.expect_err("it breaks");
                assert!(error.to_string().contains("failed and left nothing"), "{error}");
                assert_eq!(things(place, &db).await, before, "{} after {statements}", migration.name);
            }
            let files = MIGRATIONS[..=index].to_vec().leak();
            assert_eq!(db.migrate(files, NOW).await, Ok(vec![migration.name]));
        }
        assert_eq!(db.migrate(MIGRATIONS, NOW).await, Ok(vec![]), "twice is once");
        db.close().await;
    })
    .await;
}

#[tokio::test]
async fn sto_15_an_older_binary_works_on_a_newer_schema_that_says_so_and_changes_nothing() {
    const KIND: &[Migration] = &[
        SCHEMA[0],
        Migration { sql: "-- Runs with: 1\nALTER TABLE parents ADD COLUMN extra BLOB;", ..SECOND },
    ];
    where_it_lasts(async |place| {
        let db = place.open().await.expect("open");
        assert!(db.migrate(KIND, NOW).await.is_ok());
        db.close().await;
        let db = place.open_again().await;
        assert_eq!(db.migrate(SCHEMA, NOW).await, Ok(vec![]));
        assert_eq!(apply(&db, vec![parent(1, "ann")]).await, Outcome::Applied(vec![1]));
        assert_eq!(db.migrate(KIND, NOW).await, Ok(vec![]));
        db.close().await;
    })
    .await;
}
