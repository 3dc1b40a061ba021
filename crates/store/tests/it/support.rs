//! Where a test runs: each store in turn, each test in a database (or a schema) of its own.

use std::io::Write as _;
use std::sync::Arc;
use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use countersign_core::Time;
use countersign_store::db::{Db, Error, Migration, Outcome, Settings, Statement, StoreUrl, Value};
use tempfile::TempDir;

pub(crate) const NOW: Time = Time::from_micros(1_700_000_000_000_000);

pub(crate) const SCHEMA: &[Migration] = &[Migration {
    version: 1,
    name: "0001_test",
    sql: "CREATE TABLE parents (
              id BLOB NOT NULL PRIMARY KEY,
              name TEXT,
              ended_at BIGINT,
              children BIGINT NOT NULL
          );
          CREATE UNIQUE INDEX parents_name ON parents (name);
          CREATE TABLE children (
              id BLOB NOT NULL PRIMARY KEY,
              parent_id BLOB NOT NULL REFERENCES parents (id)
          );",
}];

pub(crate) const INSERT_PARENT: &str =
    "INSERT INTO parents (id, name, ended_at, children) VALUES ($1, $2, $3, 0)";
pub(crate) const INSERT_CHILD: &str = "INSERT INTO children (id, parent_id) VALUES ($1, $2)";
pub(crate) const COUNT_CHILD: &str =
    "UPDATE parents SET children = children + 1 WHERE id = $1 AND ended_at IS NULL";
pub(crate) const END_PARENT: &str = "UPDATE parents SET ended_at = $1 WHERE id = $2 AND ended_at IS NULL";
pub(crate) const NAMES: &str = "SELECT name FROM parents ORDER BY name";
pub(crate) const CHILDREN: &str = "SELECT children FROM parents WHERE id = $1";

/// One place where a store can be.
pub(crate) struct Place {
    pub(crate) url: String,
    _folder: Option<TempDir>,
}

/// Runs `case` at all places.
pub(crate) async fn everywhere(case: impl AsyncFn(&Place)) {
    case(&Place { url: "memory:".to_owned(), _folder: None }).await;
    where_it_lasts(case).await;
}

/// Runs `case` where a closed store can be opened again.
pub(crate) async fn where_it_lasts(case: impl AsyncFn(&Place)) {
    in_a_file(&case).await;
    on_postgres(&case).await;
}

/// Runs `case` on a SQLite file.
pub(crate) async fn in_a_file(case: impl AsyncFn(&Place)) {
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("sqlite:{}", folder.path().join("store.db").display());
    case(&Place { url, _folder: Some(folder) }).await;
}

/// Runs `case` in a schema of its own, or says that it did not.
pub(crate) async fn on_postgres(case: impl AsyncFn(&Place)) {
    static SAID: Once = Once::new();
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let Ok(base) = std::env::var("TEST_POSTGRES_URL") else {
        assert!(std::env::var_os("TEST_REQUIRE_ALL").is_none(), "TEST_POSTGRES_URL is not set");
        SAID.call_once(|| {
            let line = b"postgres not run: TEST_POSTGRES_URL is not set\n";
            std::io::stderr().write_all(line).expect("stderr");
        });
        return;
    };
    let schema = format!("t{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let server = server(&base).await;
    let create = format!("DROP SCHEMA IF EXISTS {schema} CASCADE; CREATE SCHEMA {schema}");
    server.batch_execute(&create).await.expect("a schema of its own");
    let separator = if base.contains('?') { '&' } else { '?' };
    let url = format!("{base}{separator}options=-c%20search_path%3D{schema}&application_name={schema}");
    case(&Place { url, _folder: None }).await;
    let remove = format!("DROP SCHEMA {schema} CASCADE");
    server.batch_execute(&remove).await.expect("removed");
}

/// A connection beside the store's.
pub(crate) async fn server(url: &str) -> tokio_postgres::Client {
    let connected = tokio_postgres::connect(url, tokio_postgres::NoTls).await;
    let (client, connection) = connected.expect("the server of TEST_POSTGRES_URL");
    tokio::spawn(connection);
    client
}

impl Place {
    pub(crate) async fn open(&self) -> Result<Db, Error> {
        let url = StoreUrl::parse(&self.url).expect("a good URL");
        let settings = Settings { wait_for_owner: Duration::ZERO, ..Settings::default() };
        Db::open(&url, &settings).await
    }

    /// An open store with the tables of [`SCHEMA`].
    pub(crate) async fn store(&self) -> Arc<Db> {
        let db = self.open().await.expect("open");
        db.migrate(SCHEMA, NOW).await.expect("migrate");
        Arc::new(db)
    }

    /// Opens again what was closed; the server may take a moment to see that the lock is free.
    pub(crate) async fn open_again(&self) -> Db {
        let url = StoreUrl::parse(&self.url).expect("a good URL");
        Db::open(&url, &Settings::default()).await.expect("open again")
    }
}

pub(crate) fn parent(id: u8, name: &str) -> Statement {
    Statement::exactly(1, INSERT_PARENT, vec![[id; 16].into(), name.into(), Value::Null])
}

pub(crate) async fn apply(db: &Db, statements: Vec<Statement>) -> Outcome {
    served(|| db.apply(statements.clone())).await
}

/// What a call comes to. On a slow machine many at once wait longer for a session of the pool than one waits there: nothing
/// was written then, and it is asked again, for a minute. Nobody asks again after an unknown outcome.
pub(crate) async fn served<T, F>(call: impl Fn() -> F) -> T
where
    F: Future<Output = Result<T, Error>>,
{
    let answered = async {
        loop {
            match call().await {
                Err(Error::Unavailable(_)) => tokio::time::sleep(Duration::from_millis(20)).await,
                answered => return answered.expect("an outcome"),
            }
        }
    };
    tokio::time::timeout(Duration::from_mins(1), answered).await.expect("available within a minute")
}

pub(crate) async fn names(db: &Db) -> Vec<String> {
    let rows = db.scan(NAMES, vec![]).await.expect("names");
    rows.iter().map(|row| row.text(0).expect("a name").to_owned()).collect()
}

pub(crate) async fn children(db: &Db, id: u8) -> i64 {
    let rows = db.read(CHILDREN, &[[id; 16].into()]).await.expect("a count");
    rows[0].int(0).expect("an integer")
}
