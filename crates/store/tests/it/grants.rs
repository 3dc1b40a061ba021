//! Grants: one successor for a refresh token, whatever comes at once, and nothing minted from what is over.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use countersign_core::audit::Kind;
use countersign_core::client::ClientId;
use countersign_core::grant::refresh::{self, Decision, Refusal, Request};
use countersign_core::grant::refresh_token::RefreshToken;
use countersign_core::grant::{Generation, Grant};
use countersign_core::session::{Limits, check};
use countersign_core::url::ResourceId;
use countersign_core::{Span, Time};
use countersign_store::audit::{Filter, events};
use countersign_store::grant::{Refresh, refresh_facts, reuse_batch, rotate_batch};
use countersign_store::live::LiveGrant;
use countersign_store::login::open_batch;
use countersign_store::{Outcome, Store};

use crate::doors::{
    built_in, by_token, candidate, enter_by_token, knock_by_token, logout, results, start, token,
};
use crate::people::{AT_ONCE, LIFE, ROUNDS, account, applied, at_once, every_store, stamp};
use crate::support::{NOW, served};

const KIM: &str = "kim@example.org";
const LIMITS: refresh::Limits = refresh::Limits { grace: Span::seconds(30), offline_idle: Span::days(30) };

fn request(grant: &Grant, generation: Generation) -> Request {
    let token = RefreshToken { key: 1, grant: grant.id, generation, salt: grant.salt };
    Request { token, client: ClientId::built_in(), scopes: None, target: None, key: None }
}

/// A refresh at `at`, with nothing to prove.
fn used(grant: &LiveGrant, at: Time) -> Refresh<'_> {
    Refresh { grant, idle_ends_at: Limits::default().idle_end(at, false), proof: None }
}

async fn decide(store: &Store, grant: &Grant, generation: Generation, now: Time) -> Decision {
    let facts = refresh_facts(store, grant.id).await.unwrap().unwrap();
    let client = built_in(store).await;
    let facts = facts.refresh_facts(store.live(), &client.client, false);
    refresh::decide(&facts, &request(grant, generation), LIMITS, now)
}

/// A refresh as the server does it; the generation that it hands out. None: it is taken for a thief.
async fn refresh(
    store: Arc<Store>,
    grant: Grant,
    generation: Generation,
) -> Option<Result<Generation, Refusal>> {
    loop {
        let facts = refresh_facts(&store, grant.id).await.unwrap().unwrap();
        let request = request(&grant, generation);
        let client = built_in(&store).await;
        let known = facts.refresh_facts(store.live(), &client.client, false);
        match refresh::decide(&known, &request, LIMITS, NOW) {
            Decision::Rotate { from, .. } => {
                let batch = rotate_batch(&used(&facts, NOW), from, &stamp(NOW));
                if served(|| store.apply(batch.clone())).await == Outcome::Applied {
                    return Some(Ok(from.next()));
                }
            }
            Decision::Repeat { present, .. } => {
                return Some(facts.check(store.live(), NOW).map(|()| present).map_err(|_| Refusal::Ended));
            }
            Decision::Reuse => return None,
            Decision::Refuse(refusal) => return Some(Err(refusal)),
        }
    }
}

#[tokio::test]
async fn a_grant_is_read_as_it_was_opened() {
    every_store(async |store| {
        account(store, KIM).await;
        let (open, grant) = token(store, candidate(store, KIM).await, NOW).await;
        let resources =
            ["https://api.example", "urn:example:api"].map(|text| ResourceId::parse(text).unwrap());
        let grant = Grant { resources: resources.into(), ..grant };
        applied(store, open_batch(&open, Some(&grant), None, LIFE, &stamp(NOW))).await;
        let found = by_token(store, &grant, NOW).await.unwrap();
        assert_eq!((&found.grant, &found.session().unwrap().session), (&grant, &open.session));
        assert_eq!(found.check(store.live(), NOW), Ok(()));
        assert_eq!(refresh_facts(store, grant.id).await.unwrap().unwrap().grant, grant);
        assert!(
            store.session_by_index(open.session.index, NOW).await.unwrap().is_none(),
            "not a grant's index"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i10_fifty_rotations_of_one_generation_give_exactly_one_successor() {
    every_store(async |store| {
        account(store, KIM).await;
        let grant = enter_by_token(store, candidate(store, KIM).await, NOW).await;
        for round in 1..=ROUNDS {
            let from = Generation(i64::try_from(round).unwrap());
            let facts = refresh_facts(store, grant.id).await.unwrap().unwrap();
            let rotate = |_| rotate_batch(&used(&facts, NOW), from, &stamp(NOW));
            assert_eq!(at_once(store, (0..AT_ONCE).map(rotate)).await, 1);
            let after = refresh_facts(store, grant.id).await.unwrap().unwrap().grant;
            assert_eq!((after.generation, after.rotated_at), (from.next(), Some(NOW)));
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i10_fifty_refreshes_of_one_token_all_name_the_same_successor() {
    every_store(async |store| {
        account(store, KIM).await;
        let grant = enter_by_token(store, candidate(store, KIM).await, NOW).await;
        for round in 1..=ROUNDS {
            let present = Generation(i64::try_from(round).unwrap());
            let refreshes = start((0..AT_ONCE).map(|_| refresh(Arc::clone(store), grant.clone(), present)));
            assert_eq!(results(refreshes).await, [Some(Ok(present.next())); AT_ONCE]);
        }
    })
    .await;
}

#[tokio::test]
async fn oau_42_a_token_that_comes_back_ends_its_grant_at_once_and_alone() {
    every_store(async |store| {
        account(store, KIM).await;
        let kim = candidate(store, KIM).await;
        let (grant, other) = (enter_by_token(store, kim, NOW).await, enter_by_token(store, kim, NOW).await);
        for generation in 1..=2 {
            refresh(Arc::clone(store), grant.clone(), Generation(generation)).await.unwrap().unwrap();
        }
        let held = by_token(store, &grant, NOW).await.unwrap();
        assert_eq!(held.check(store.live(), NOW), Ok(()));
        assert_eq!(decide(store, &grant, Generation(1), NOW).await, Decision::Reuse);
        let again = refresh_facts(store, grant.id).await.unwrap().unwrap();
        applied(store, reuse_batch(&grant, LIFE, &stamp(NOW))).await;
        assert_eq!(held.check(store.live(), NOW), Err(check::Refusal::Ended));
        assert_eq!(knock_by_token(store, &grant, NOW).await, Err(check::Refusal::Ended));
        assert_eq!(decide(store, &grant, Generation(3), NOW).await, Decision::Refuse(Refusal::Ended));
        // Facts that were read before the end see the bit all the same.
        let stale = refresh::decide(
            &again.refresh_facts(store.live(), &built_in(store).await.client, false),
            &request(&grant, Generation(3)),
            LIMITS,
            NOW,
        );
        assert_eq!(stale, Decision::Refuse(Refusal::Ended));
        applied(store, reuse_batch(&grant, LIFE, &stamp(NOW))).await;
        assert_eq!(knock_by_token(store, &other, NOW).await, Ok(()));
        let filter = Filter { kind: Some(Kind::GrantReused), limit: 9, ..Filter::default() };
        assert_eq!(events(store, &filter).await.unwrap().len(), 2);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn race_07_nothing_is_minted_after_the_2xx_of_logout() {
    every_store(async |store| {
        account(store, KIM).await;
        let kim = candidate(store, KIM).await;
        for _ in 0..ROUNDS {
            let grant = enter_by_token(store, kim, NOW).await;
            let out = Arc::new(AtomicBool::new(false));
            // Two that follow the newest token.
            let request = |_| refresh_until(Arc::clone(&out), Arc::clone(store), grant.clone());
            let refreshes = start((0..2).map(request));
            tokio::task::yield_now().await;
            applied(store, logout(kim, grant.session.unwrap(), NOW)).await;
            out.store(true, Ordering::SeqCst);
            assert_eq!(results(refreshes).await, [Err(Refusal::Ended); 2]);
        }
    })
    .await;
}

/// Refreshes again and again; the answer to the first request that began after `out`.
async fn refresh_until(out: Arc<AtomicBool>, store: Arc<Store>, grant: Grant) -> Result<Generation, Refusal> {
    loop {
        let present = refresh_facts(&store, grant.id).await.unwrap().unwrap().grant.generation;
        let was_out = out.load(Ordering::SeqCst);
        let heard = refresh(Arc::clone(&store), grant.clone(), present).await;
        if was_out {
            return heard.expect("what is over is no thief's any more");
        }
        // While it lives, the other one may have been faster twice since this one looked: then it looks again.
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn i1_a_repeated_refresh_looks_once_more_before_it_leaves() {
    every_store(async |store| {
        account(store, KIM).await;
        let kim = candidate(store, KIM).await;
        let grant = enter_by_token(store, kim, NOW).await;
        refresh(Arc::clone(store), grant.clone(), Generation(1)).await.unwrap().unwrap();
        let facts = refresh_facts(store, grant.id).await.unwrap().unwrap();
        let decision = decide(store, &grant, Generation(1), NOW).await;
        assert_eq!(decision, Decision::Repeat { present: Generation(2), key: None, used: false });
        assert_eq!(facts.check(store.live(), NOW), Ok(()));
        applied(store, logout(kim, grant.session.unwrap(), NOW)).await;
        assert_eq!(facts.check(store.live(), NOW), Err(check::Refusal::Ended));
    })
    .await;
}

#[tokio::test]
async fn i1_a_refresh_counts_as_use_of_the_session() {
    every_store(async |store| {
        account(store, KIM).await;
        let grant = enter_by_token(store, candidate(store, KIM).await, NOW).await;
        let used = NOW + Span::minutes(100);
        let limits = Limits::default();
        let facts = refresh_facts(store, grant.id).await.unwrap().unwrap();
        applied(store, rotate_batch(&self::used(&facts, used), Generation(1), &stamp(used))).await;
        store.touch(facts.session().unwrap(), used, &limits);
        let end = used + limits.idle;
        assert_eq!(knock_by_token(store, &grant, end - Span::from_micros(1)).await, Ok(()));
        assert_eq!(knock_by_token(store, &grant, end).await, Err(check::Refusal::Idle));
        assert_eq!(decide(store, &grant, Generation(2), end).await, Decision::Refuse(Refusal::Ended));
    })
    .await;
}
