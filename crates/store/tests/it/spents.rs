//! Marks of what counts once.

use countersign_core::Span;
use countersign_core::audit::{Event, Kind as Told};
use countersign_core::client::ClientId;
use countersign_core::replay::{Kind, Mark};
use countersign_core::revocation::Jti;
use countersign_store::Store;
use countersign_store::cleanup::{Kept, clean_up};
use countersign_store::db::{Settings, StoreUrl};
use countersign_store::revocation::token_batch;
use countersign_store::spent::{is_spent, spend_batch};

use crate::people::{AT_ONCE, ROUNDS, applied, at_once, every_store, lost, random, stamp};
use crate::support::{NOW, where_it_lasts};

fn mark(kind: Kind, name: &str) -> Mark {
    Mark::new(kind, b"notes", name.as_bytes(), NOW + Span::minutes(5))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i9_race_05_fifty_uses_of_one_assertion_or_proof_are_one() {
    every_store(async |store| {
        let client = ClientId::built_in();
        for round in 0..ROUNDS {
            for kind in [Kind::Assertion, Kind::Proof] {
                let mark = mark(kind, &round.to_string());
                assert!(!is_spent(store, &mark).await.unwrap());
                let spend = |_| spend_batch(&mark, &client, &stamp(NOW));
                assert_eq!(at_once(store, (0..AT_ONCE).map(spend)).await, 1);
                assert!(is_spent(store, &mark).await.unwrap());
            }
        }
    })
    .await;
}

#[tokio::test]
async fn dpo_10_a_mark_stays_until_its_time_is_over_and_goes_then() {
    every_store(async |store| {
        let (client, mark) = (ClientId::built_in(), mark(Kind::Proof, "once"));
        let kept = Kept { audit: Span::days(400), jobs: false };
        applied(store, spend_batch(&mark, &client, &stamp(NOW))).await;
        clean_up(store, &kept, &stamp(mark.until - Span::from_micros(1))).await.unwrap();
        lost(store, spend_batch(&mark, &client, &stamp(NOW))).await;
        clean_up(store, &kept, &stamp(mark.until)).await.unwrap();
        assert!(!is_spent(store, &mark).await.unwrap());
    })
    .await;
}

#[tokio::test]
async fn i12_oau_67_a_token_that_was_revoked_is_revoked_after_a_restart_until_it_would_have_ended() {
    where_it_lasts(async |place| {
        let open = async || {
            let url = StoreUrl::parse(&place.url).unwrap();
            Store::open(&url, &Settings::default(), NOW).await.unwrap()
        };
        let (one, other) = (Jti::new(random()), Jti::new(random()));
        let end = NOW + Span::minutes(5);
        let store = open().await;
        applied(&store, token_batch(one, end, Event::new(Told::TokenRevoked), &stamp(NOW))).await;
        let revoked = |store: &Store| [one, other].map(|jti| store.live().is_token_revoked(&jti));
        assert_eq!(revoked(&store), [true, false]);
        store.close(&stamp(NOW)).await.unwrap();
        let store = open().await;
        assert_eq!(revoked(&store), [true, false]);
        store.prune(end - Span::from_micros(1));
        assert_eq!(revoked(&store), [true, false]);
        store.prune(end);
        assert_eq!(revoked(&store), [false, false]);
        store.close(&stamp(NOW)).await.unwrap();
    })
    .await;
}
