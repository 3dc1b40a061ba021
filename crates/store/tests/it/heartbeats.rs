//! The proof that a store takes writes fails while it does not, though it can be read, and needs no restart after.

use countersign_core::Span;
use countersign_core::time::trust::Sighting;
use countersign_store::db::{Settings, StoreUrl};
use countersign_store::{Store, audit};
use rusqlite::Connection;

use crate::people::{every_store, stamp};
use crate::support::{NOW, in_a_file, on_postgres, server, where_it_lasts};

async fn open(url: &str) -> Store {
    let url = StoreUrl::parse(url).expect("a good URL");
    Store::open(&url, &Settings::default(), NOW).await.expect("open")
}

#[tokio::test]
async fn a_healthy_store_proves_it_as_often_as_it_is_asked_and_tells_nobody() {
    every_store(async |store| {
        let filter = audit::Filter { limit: 99, ..audit::Filter::default() };
        let before = audit::events(store, &filter).await.unwrap();
        for _ in 0..3 {
            store.prove_write().await.unwrap();
        }
        assert_eq!(audit::events(store, &filter).await.unwrap(), before);
    })
    .await;
}

#[tokio::test]
async fn sto_13_the_next_process_knows_what_the_clock_said_to_the_last_one() {
    where_it_lasts(async |place| {
        let store = open(&place.url).await;
        assert_eq!(store.clock_seen().await.unwrap(), None);
        let clock = Sighting { at: NOW, wary: Span::hours(3) };
        store.see_clock(Sighting { at: NOW + Span::days(9), wary: Span::ZERO }).await.unwrap();
        store.see_clock(clock).await.unwrap();
        store.close(&stamp(NOW)).await.expect("closed");
        let store = open(&place.url).await;
        assert_eq!(store.clock_seen().await.unwrap(), Some(clock));
        store.close(&stamp(NOW)).await.expect("closed");
    })
    .await;
}

#[tokio::test]
async fn sto_05_a_file_that_takes_no_writes_is_noticed_though_it_can_be_read() {
    in_a_file(async |place| {
        let store = open(&place.url).await;
        let path = place.url.strip_prefix("sqlite:").expect("a path");
        let other = Connection::open(path).expect("a connection");
        other.execute_batch("BEGIN IMMEDIATE").expect("the one lock for writers");
        assert!(store.prove_write().await.is_err());
        store.ready().await.expect("it can be read");
        other.execute_batch("ROLLBACK").expect("the lock is free");
        store.prove_write().await.expect("it takes writes again");
        store.close(&stamp(NOW)).await.expect("closed");
    })
    .await;
}

#[tokio::test]
async fn sto_05_a_server_that_takes_no_writes_is_noticed_though_it_can_be_read() {
    on_postgres(async |place| {
        let store = open(&place.url).await;
        let other = server(&place.url).await;
        other.batch_execute("BEGIN; LOCK TABLE heartbeat IN EXCLUSIVE MODE").await.expect("a lock");
        assert!(store.prove_write().await.is_err());
        store.ready().await.expect("it can be read");
        other.batch_execute("ROLLBACK").await.expect("the lock is free");
        store.prove_write().await.expect("it takes writes again");
        store.close(&stamp(NOW)).await.expect("closed");
    })
    .await;
}
