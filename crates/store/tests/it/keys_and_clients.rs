//! Signing keys, refresh keys, clients and resources.

use countersign_core::client::{self, ClientId};
use countersign_core::key::{Alg, State};
use countersign_core::url::ResourceId;
use countersign_core::{Span, Time};
use countersign_store::Store;
use countersign_store::key::{
    NewKey, create_batch, insert_refresh_key_batch, keys, redate_batch, refresh_keys, replace_batch,
    retire_batch,
};
use countersign_store::resource::{add_resource_batch, resource_known, resources};

use crate::people::{AT_ONCE, applied, at_once, every_store, lost, stamp};
use crate::support::NOW;

fn key(kid: &str) -> NewKey<'_> {
    NewKey { kid, alg: Alg::Es256, public: "{}", sealed: b"sealed" }
}

async fn states(store: &Store) -> Vec<(String, State, Time)> {
    let keys = keys(store).await.unwrap().into_iter();
    keys.map(|stored| (stored.key.kid, stored.key.state, stored.key.since)).collect()
}

#[tokio::test]
async fn i11_a_key_moves_from_next_to_retired_each_step_guarded() {
    every_store(async |store| {
        applied(store, create_batch(&key("a"), State::Active, &stamp(NOW))).await;
        lost(store, create_batch(&key("b"), State::Active, &stamp(NOW))).await;
        let later = NOW + Span::days(1);
        applied(store, create_batch(&key("b"), State::Next, &stamp(later))).await;
        lost(store, create_batch(&key("c"), State::Next, &stamp(later))).await;
        lost(store, replace_batch("b", "a", &stamp(later))).await;
        applied(store, replace_batch("a", "b", &stamp(later))).await;
        lost(store, replace_batch("a", "b", &stamp(later))).await;
        let moved = [("a".to_owned(), State::Retiring, later), ("b".to_owned(), State::Active, later)];
        assert_eq!(states(store).await, moved);

        lost(store, retire_batch("b", &stamp(later))).await;
        applied(store, retire_batch("a", &stamp(later))).await;
        lost(store, retire_batch("a", &stamp(later))).await;
        let stored = keys(store).await.unwrap();
        let sealed: Vec<_> = stored.iter().map(|stored| stored.sealed.as_deref()).collect();
        assert_eq!(sealed, [None, Some(&b"sealed"[..])]);
        assert_eq!((stored[1].key.alg, stored[1].public.as_str()), (Alg::Es256, "{}"));
        assert_eq!((stored[1].key.state, stored[1].key.created_at), (State::Active, later));
    })
    .await;
}

#[tokio::test]
async fn sto_13_a_key_of_tomorrow_is_dated_anew_and_one_of_yesterday_is_not() {
    every_store(async |store| {
        let tomorrow = NOW + Span::days(1);
        applied(store, create_batch(&key("a"), State::Next, &stamp(tomorrow))).await;
        applied(store, redate_batch("a", &stamp(NOW))).await;
        let stored = keys(store).await.unwrap();
        let dated = |at| (State::Next, at, at);
        assert_eq!((stored[0].key.state, stored[0].key.created_at, stored[0].key.since), dated(NOW));
        lost(store, redate_batch("a", &stamp(tomorrow))).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_starts_at_once_make_one_key_of_each_kind() {
    every_store(async |store| {
        let kids: Vec<_> = (0..AT_ONCE).map(|n| n.to_string()).collect();
        let active = kids.iter().map(|kid| create_batch(&key(kid), State::Active, &stamp(NOW)));
        assert_eq!(at_once(store, active.collect::<Vec<_>>()).await, 1);
        let refresh = kids.iter().map(|kid| insert_refresh_key_batch(1, kid.as_bytes(), &stamp(NOW)));
        assert_eq!(at_once(store, refresh.collect::<Vec<_>>()).await, 1);
        applied(store, insert_refresh_key_batch(2, b"second", &stamp(NOW))).await;
        let stored = refresh_keys(store).await.unwrap();
        assert_eq!(stored.iter().map(|key| key.number).collect::<Vec<_>>(), [1, 2]);
        assert_eq!((stored[1].sealed.as_slice(), stored[1].created_at), (&b"second"[..], NOW));
    })
    .await;
}

#[tokio::test]
async fn the_built_in_client_is_there_and_no_other() {
    every_store(async |store| {
        let ours = store.client(&ClientId::built_in()).await.unwrap().unwrap();
        assert_eq!((ours.client.kind(), ours.client.origin), (client::Kind::Public, client::Origin::BuiltIn));
        assert!(ours.client.first_party && ours.client.is_open(NOW) && ours.secrets.is_empty());
        let other = ClientId::parse("Countersign").unwrap();
        assert_eq!(store.client(&other).await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn a_resource_is_known_exactly_as_it_was_added() {
    every_store(async |store| {
        let [one, other] = ["https://api.example.org/v1", "https://api.example.org/v1/"]
            .map(|text| ResourceId::parse(text).unwrap());
        applied(store, add_resource_batch(&one, &stamp(NOW))).await;
        lost(store, add_resource_batch(&one, &stamp(NOW))).await;
        assert!(resource_known(store, &one).await.unwrap());
        assert!(!resource_known(store, &other).await.unwrap());
        assert_eq!(resources(store).await.unwrap(), [one]);
    })
    .await;
}
