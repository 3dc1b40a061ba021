//! Sessions: what ended is refused at once, whatever was cached; when they were last used outlives what it should.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use countersign_core::account::change::{self, Change};
use countersign_core::account::{Email, State};
use countersign_core::audit::{Event, Kind};
use countersign_core::secret::Hash;
use countersign_core::session::check::Refusal;
use countersign_core::session::end::Scope;
use countersign_core::session::{EndReason, Limits};
use countersign_core::{Span, Time};
use countersign_store::account::change::change_batch;
use countersign_store::db::{Settings, StoreUrl};
use countersign_store::session::sessions_of;
use countersign_store::{Batch, Error, Store, credential, revocation};

use crate::doors::{
    by_cookie, by_token, candidate, cookie, ends, enter, enter_by_token, knock, knock_by_token, logout,
    opens, results, start,
};
use crate::people::{self, AT_ONCE, LIFE, NEW, OLD, ROUNDS, account, applied, every_store, stamp};
use crate::support::{NOW, Place, where_it_lasts};

const KIM: &str = "kim@example.org";
const LIMITS: fn() -> Limits = Limits::default;

fn later(minutes: i64) -> Time {
    NOW + Span::minutes(minutes)
}

#[tokio::test]
async fn every_statement_is_understood_by_the_engine() {
    every_store(async |store| {
        store.prove_statements().await.unwrap();
        store.ready().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_session_is_read_as_it_was_opened() {
    every_store(async |store| {
        account(store, KIM).await;
        let kim = candidate(store, KIM).await;
        let open = cookie(store, kim, NOW).await;
        applied(store, opens(&open, NOW)).await;
        let found = by_cookie(store, open.secret.unwrap(), NOW).await.unwrap();
        assert_eq!(found.session, open.session);
        assert_eq!(found.account.email.as_ref().map(Email::canonical), Some(KIM));
        assert_eq!((found.seen_at(), found.idle_ends_at()), (NOW, open.session.idle_ends_at));
        assert_eq!(store.session_by_id(open.session.id).await.unwrap().unwrap().session, open.session);
        assert_eq!(sessions_of(store, kim.id, NOW).await.unwrap(), [open.session]);
        assert!(by_cookie(store, people::token(), NOW).await.is_none());
    })
    .await;
}

#[tokio::test]
async fn i7_what_ended_is_refused_at_once_by_both_faces_though_it_is_cached() {
    every_store(async |store| {
        account(store, KIM).await;
        let kim = candidate(store, KIM).await;
        let (session, secret) = enter(store, kim, NOW).await;
        let grant = enter_by_token(store, kim, NOW).await;
        let (held, held_grant) =
            (by_cookie(store, secret, NOW).await.unwrap(), by_token(store, &grant, NOW).await.unwrap());
        assert_eq!(knock(store, secret, NOW).await, Ok(()));
        assert_eq!(knock_by_token(store, &grant, NOW).await, Ok(()));
        // Read before the end, as a slow fill of the cache would.
        let stale = store.session_by_id(session).await.unwrap().unwrap();

        applied(store, logout(kim, session, later(1))).await;
        assert_eq!(held.check(store.live(), later(1)), Err(Refusal::Ended));
        assert_eq!(stale.check(store.live(), later(1)), Err(Refusal::Ended));
        assert_eq!(knock(store, secret, later(1)).await, Err(Refusal::Ended));
        assert_eq!(knock_by_token(store, &grant, later(1)).await, Ok(()), "another session's");

        applied(store, logout(kim, grant.session.unwrap(), later(2))).await;
        assert_eq!(held_grant.check(store.live(), later(2)), Err(Refusal::Ended));
        assert_eq!(knock_by_token(store, &grant, later(2)).await, Err(Refusal::Ended));
        assert_eq!(sessions_of(store, kim.id, later(2)).await.unwrap(), []);
        // Once more: nothing is left to end, and that is no error.
        applied(store, logout(kim, session, later(3))).await;
    })
    .await;
}

#[tokio::test]
async fn i7_bits_are_published_and_known_again_after_a_restart() {
    where_it_lasts(async |place| {
        let store = open(place).await;
        account(&store, KIM).await;
        let kim = candidate(&store, KIM).await;
        let grant = enter_by_token(&store, kim, NOW).await;
        let (_, before) = revocation::snapshot(&store, grant.index.list).await.unwrap().unwrap();
        assert!(before.iter().all(|byte| *byte == 0));
        applied(&store, logout(kim, grant.session.unwrap(), NOW)).await;
        let after = revocation::snapshot(&store, grant.index.list).await.unwrap().unwrap();
        // The session's bit and the grant's.
        assert_eq!(after.1.iter().map(|byte| byte.count_ones()).sum::<u32>(), 2);
        assert_eq!(after.1[grant.index.index as usize / 8] >> (grant.index.index % 8) & 1, 1);
        store.close(&stamp(NOW)).await.unwrap();

        let store = open(place).await;
        assert_eq!(revocation::lists(&store).await.unwrap(), [grant.index.list]);
        assert_eq!(revocation::snapshot(&store, grant.index.list).await.unwrap(), Some(after));
        assert_eq!(knock_by_token(&store, &grant, NOW).await, Err(Refusal::Ended));
        store.close(&stamp(NOW)).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn ending_others_ends_all_but_one_and_never_a_strangers() {
    every_store(async |store| {
        account(store, KIM).await;
        account(store, "lee@example.org").await;
        let (kim, lee) = (candidate(store, KIM).await, candidate(store, "lee@example.org").await);
        let (mine, secret) = enter(store, kim, NOW).await;
        let (other, other_secret) = enter(store, kim, NOW).await;
        let grant = enter_by_token(store, kim, NOW).await;
        let (_, strangers) = enter(store, lee, NOW).await;

        applied(store, logout(lee, other, NOW)).await;
        assert_eq!(knock(store, other_secret, NOW).await, Ok(()), "the id of another's session ends nothing");
        applied(store, ends(kim, Scope::Others(mine), EndReason::Revoked, NOW)).await;
        assert_eq!(knock(store, secret, NOW).await, Ok(()));
        assert_eq!(knock(store, other_secret, NOW).await, Err(Refusal::Ended));
        assert_eq!(knock_by_token(store, &grant, NOW).await, Err(Refusal::Ended));
        applied(store, ends(kim, Scope::All, EndReason::Revoked, NOW)).await;
        assert_eq!(knock(store, secret, NOW).await, Err(Refusal::Ended));
        assert_eq!(knock(store, strangers, NOW).await, Ok(()));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ses_09_none_of_50_requests_succeeds_after_the_2xx_of_logout() {
    every_store(async |store| {
        account(store, KIM).await;
        let kim = candidate(store, KIM).await;
        for _ in 0..ROUNDS {
            let (session, secret) = enter(store, kim, NOW).await;
            let out = Arc::new(AtomicBool::new(false));
            let request = |_| knock_until(Arc::clone(&out), Arc::clone(store), secret);
            let requests = start((0..AT_ONCE).map(request));
            applied(store, logout(kim, session, NOW)).await;
            out.store(true, Ordering::SeqCst);
            assert_eq!(results(requests).await, [Err(Refusal::Ended); AT_ONCE]);
        }
    })
    .await;
}

/// Asks again and again; the answer to the first request that began after `out`.
async fn knock_until(out: Arc<AtomicBool>, store: Arc<Store>, secret: Hash) -> Result<(), Refusal> {
    loop {
        let was_out = out.load(Ordering::SeqCst);
        let heard = knock(&store, secret, NOW).await;
        if was_out {
            return heard;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_changed_account_is_read_anew_and_a_replaced_secret_opens_nothing() {
    every_store(async |store| {
        account(store, KIM).await;
        let kim = candidate(store, KIM).await;
        let (session, old) = enter(store, kim, NOW).await;
        let (_, other) = enter(store, kim, NOW).await;
        let held = by_cookie(store, old, NOW).await.unwrap();
        assert_eq!(held.account.version.0, 1);

        let new = people::token();
        let change = credential::Change {
            account: kim.id,
            old: OLD,
            new: NEW,
            session,
            grant: None,
            secret: Some((old, new)),
        };
        applied(store, credential::change_batch(&change, None, LIFE, &stamp(NOW))).await;
        assert_eq!(held.check(store.live(), NOW), Err(Refusal::Ended));
        assert_eq!(knock(store, old, NOW).await, Err(Refusal::Ended));
        assert_eq!(knock(store, other, NOW).await, Err(Refusal::Ended));
        let found = by_cookie(store, new, NOW).await.unwrap();
        assert_eq!((found.session.id, found.account.version.0), (session, 2));
        assert_eq!(found.check(store.live(), NOW), Ok(()));
    })
    .await;
}

#[tokio::test]
async fn a_closed_account_has_no_session_and_opening_it_again_revives_none() {
    every_store(async |store| {
        account(store, KIM).await;
        let kim = candidate(store, KIM).await;
        let (_, secret) = enter(store, kim, NOW).await;
        assert_eq!(knock(store, secret, NOW).await, Ok(()));
        for (state, change) in [(State::Active, Change::Disable), (State::Disabled, Change::Enable)] {
            let decision = change::decide(state, change);
            applied(store, change_batch(&decision, kim.id, LIFE, &stamp(NOW)).unwrap()).await;
            assert_eq!(knock(store, secret, NOW).await, Err(Refusal::Ended));
        }
    })
    .await;
}

const NONSENSE: &str = "
INSERT INTO revocations (seq, kind, at, until_at)
VALUES ((SELECT seq FROM revocation_seq WHERE id = 1), 'nonsense', $1, $2)";

const NO_NONSENSE: &str = "DELETE FROM revocations WHERE kind = 'nonsense'";

#[tokio::test]
async fn i13_nobody_is_let_in_while_the_log_cannot_be_read() {
    every_store(async |store| {
        account(store, KIM).await;
        let kim = candidate(store, KIM).await;
        let (session, secret) = enter(store, kim, NOW).await;
        let (_, other) = enter(store, kim, NOW).await;
        assert_eq!(knock(store, secret, NOW).await, Ok(()));

        let unreadable = logout(kim, session, NOW).revoke(NONSENSE, vec![0.into(), 0.into()]);
        let corrupt = |error| matches!(error, Error::Corrupt { .. });
        assert!(store.apply(unreadable).await.is_err_and(corrupt), "the logout is not acknowledged");
        for cookie in [secret, other] {
            assert!(store.session_by_secret(cookie, NOW).await.is_err_and(corrupt));
        }
        assert!(store.ready().await.is_err_and(corrupt));
        assert!(revocation::lists(store).await.is_err_and(corrupt));

        let mend = Batch::new(&stamp(NOW), Event::new(Kind::CleanedUp)).any(NO_NONSENSE, vec![]);
        applied(store, mend).await;
        assert_eq!(knock(store, secret, NOW).await, Err(Refusal::Ended));
        assert_eq!(knock(store, other, NOW).await, Ok(()));
        store.ready().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn i1_the_last_use_counts_for_every_face_and_the_list_before_it_is_written() {
    every_store(async |store| {
        account(store, KIM).await;
        let kim = candidate(store, KIM).await;
        let (session, secret) = enter(store, kim, NOW).await;
        let read_before = store.session_by_id(session).await.unwrap().unwrap();
        let used = by_cookie(store, secret, later(100)).await.unwrap();
        store.touch(&used, later(100), &LIMITS());
        let idle_end = later(100) + LIMITS().idle;
        assert_eq!((read_before.seen_at(), read_before.idle_ends_at()), (later(100), idle_end));
        let read_after = store.session_by_id(session).await.unwrap().unwrap();
        assert_eq!(read_after.idle_ends_at(), idle_end);
        let listed = sessions_of(store, kim.id, later(150)).await.unwrap();
        assert_eq!((listed[0].seen_at, listed[0].idle_ends_at), (later(100), idle_end));

        let tick = Span::from_micros(1);
        assert_eq!(knock(store, secret, idle_end - tick).await, Ok(()));
        assert_eq!(knock(store, secret, idle_end).await, Err(Refusal::Idle));
        assert_eq!(sessions_of(store, kim.id, idle_end).await.unwrap(), []);
    })
    .await;
}

#[tokio::test]
async fn the_last_use_is_written_behind_and_survives_a_restart() {
    where_it_lasts(async |place| {
        let store = open(place).await;
        account(&store, KIM).await;
        let kim = candidate(&store, KIM).await;
        let (_, written) = enter(&store, kim, NOW).await;
        let (_, ended) = enter(&store, kim, NOW).await;
        for (secret, at) in [(written, later(50)), (written, later(100)), (ended, later(100))] {
            let session = by_cookie(&store, secret, at).await.unwrap();
            store.touch(&session, at, &LIMITS());
        }
        let session = by_cookie(&store, ended, later(100)).await.unwrap().session.id;
        applied(&store, logout(kim, session, later(100))).await;
        store.close(&stamp(later(100))).await.unwrap();

        let store = open(place).await;
        let idle_end = later(100) + LIMITS().idle;
        let found = by_cookie(&store, written, later(150)).await.unwrap();
        assert_eq!((found.session.seen_at, found.session.idle_ends_at), (later(100), idle_end));
        let found = by_cookie(&store, ended, later(150)).await.unwrap();
        assert_eq!(found.session.seen_at, NOW, "what has ended is not written to");
        store.close(&stamp(later(100))).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_crash_before_the_flush_only_makes_the_idle_end_come_sooner() {
    where_it_lasts(async |place| {
        let store = open(place).await;
        account(&store, KIM).await;
        let kim = candidate(&store, KIM).await;
        let (_, secret) = enter(&store, kim, NOW).await;
        let session = by_cookie(&store, secret, later(50)).await.unwrap();
        store.touch(&session, later(50), &LIMITS());
        store.flush_seen(&stamp(later(50))).await.unwrap();
        store.touch(&session, later(100), &LIMITS());
        drop((session, store));

        let store = open(place).await;
        let idle_end = later(50) + LIMITS().idle;
        assert_eq!(knock(&store, secret, idle_end - Span::from_micros(1)).await, Ok(()));
        assert_eq!(knock(&store, secret, idle_end).await, Err(Refusal::Idle));
        store.close(&stamp(later(100))).await.unwrap();
    })
    .await;
}

/// Opens the store as soon as the process before it has let go.
async fn open(place: &Place) -> Store {
    let url = StoreUrl::parse(&place.url).unwrap();
    loop {
        match Store::open(&url, &Settings::default(), NOW).await {
            Err(Error::InUse(_)) => tokio::task::yield_now().await,
            opened => return opened.unwrap(),
        }
    }
}
