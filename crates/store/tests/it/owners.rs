//! What another process wrote while this one had lost its hold on the database.

use std::time::Duration;

use countersign_core::revocation::ListId;
use countersign_core::session::check::Refusal;
use countersign_store::db::{Settings, StoreUrl};
use countersign_store::{Store, revocation};

use crate::doors::{by_cookie, candidate, enter, knock};
use crate::people::{account, stamp};
use crate::support::{NOW, on_postgres, server};

const KIM: &str = "kim@example.org";

/// The other process kills the connection that holds the lock, and takes it.
const STEAL: &str = "
SELECT pg_terminate_backend(pid), pg_advisory_lock((CAST(classid AS BIGINT) << 32) + CAST(objid AS BIGINT))
  FROM pg_locks
  JOIN pg_stat_activity USING (pid)
 WHERE locktype = 'advisory'
   AND application_name = current_setting('application_name')";

#[tokio::test]
async fn i7_what_another_process_ended_meanwhile_is_refused() {
    on_postgres(async |place| {
        let url = StoreUrl::parse(&place.url).unwrap();
        let store = Store::open(&url, &Settings::default(), NOW).await.unwrap();
        account(&store, KIM).await;
        let kim = candidate(&store, KIM).await;
        let (_, ended) = enter(&store, kim, NOW).await;
        let (_, other) = enter(&store, kim, NOW).await;
        let index = by_cookie(&store, ended, NOW).await.unwrap().session.index;
        assert_eq!(knock(&store, other, NOW).await, Ok(()));

        let process = server(&place.url).await;
        process.query_one(STEAL, &[]).await.unwrap();
        let born = ListId::from_bytes([9; 16]);
        let writes = format!(
            "INSERT INTO status_lists (id, next_index, created_at, ends_at) VALUES ('\\x{born}', 256, 0, {end});
             UPDATE revocation_seq SET seq = seq + 1;
             INSERT INTO revocations (seq, kind, list_id, list_index, at, until_at)
             SELECT seq, 'bit', '\\x{list}', {index}, 0, {end} FROM revocation_seq",
            end = i64::MAX,
            list = index.list,
            index = index.index,
        );
        process.batch_execute(&writes).await.unwrap();
        soon(async || knock(&store, ended, NOW).await == Err(Refusal::Ended)).await;
        assert_eq!(knock(&store, other, NOW).await, Ok(()));

        process.batch_execute("SELECT pg_advisory_unlock_all()").await.unwrap();
        soon(async || revocation::lists(&store).await.unwrap().contains(&born)).await;
        assert_eq!(knock(&store, other, NOW).await, Ok(()));
        store.close(&stamp(NOW)).await.unwrap();
    })
    .await;
}

async fn soon(holds: impl AsyncFn() -> bool) {
    let wait = async {
        while !holds().await {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), wait).await.expect("soon");
}
