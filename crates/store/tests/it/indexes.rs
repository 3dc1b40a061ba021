//! Indexes of status lists: each is handed out once.

use std::collections::HashSet;
use std::sync::Arc;

use countersign_core::revocation::{BLOCK_SIZE, LIST_SIZE, StatusIndex};
use countersign_core::{Span, Time};
use countersign_store::db::{Settings, StoreUrl};
use countersign_store::{Store, revocation};

use crate::doors::{results, start};
use crate::people::{LIFE, every_store, stamp};
use crate::support::{NOW, Place, where_it_lasts};

const LEASES: usize = 1000;

async fn lease(store: Arc<Store>, at: Time) -> StatusIndex {
    store.lease_index(LIFE, &stamp(at)).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_index_is_handed_out_twice_not_even_after_a_restart() {
    where_it_lasts(async |place| {
        let mut seen = HashSet::new();
        for _ in 0..2 {
            let store = open(place).await;
            for index in results(start((0..LEASES).map(|_| lease(Arc::clone(&store), NOW)))).await {
                assert!(index.index < LIST_SIZE);
                assert!(seen.insert(index), "{index:?}");
            }
            store.close(&stamp(NOW)).await.unwrap();
        }
        let lists: HashSet<_> = seen.iter().map(|index| index.list).collect();
        assert_eq!((seen.len(), lists.len()), (2 * LEASES, 1), "one list, all its blocks full");
    })
    .await;
}

async fn open(place: &Place) -> Arc<Store> {
    let url = StoreUrl::parse(&place.url).unwrap();
    Arc::new(Store::open(&url, &Settings::default(), NOW).await.unwrap())
}

#[tokio::test]
async fn a_full_list_is_followed_by_a_new_one_and_each_stands_until_its_end() {
    every_store(async |store| {
        // A block is not used for two days, so every lease here takes a new one.
        let blocks = i64::from(LIST_SIZE / BLOCK_SIZE);
        let at = |block| NOW + Span::days(2 * block);
        let mut lists = Vec::new();
        for block in 0..=blocks {
            let list = lease(Arc::clone(store), at(block)).await.list;
            if lists.last() != Some(&list) {
                lists.push(list);
            }
        }
        assert_eq!(lists.len(), 2);
        assert_eq!(revocation::lists(store).await.unwrap().len(), 2);
        // The first list stands for as long as whatever got its last index may live, and a day.
        let last = at(blocks - 1) + LIFE;
        store.prune(last);
        assert_eq!(revocation::lists(store).await.unwrap().len(), 2);
        store.prune(last + Span::days(1));
        assert_eq!(revocation::lists(store).await.unwrap(), [lists[1]]);
        assert_eq!(revocation::snapshot(store, lists[0]).await.unwrap(), None);
    })
    .await;
}
