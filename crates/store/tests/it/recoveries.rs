//! Mailed resets of passwords.

use countersign_core::account::State;
use countersign_core::account::change::{self, decide};
use countersign_core::recovery::recover::{self, MAILS, WINDOW};
use countersign_core::recovery::reset::{self, Refusal, Reset};
use countersign_core::{AccountId, CredentialId, ResetId, Span, Time};
use countersign_store::credential::{self, password_of};
use countersign_store::recovery::{
    NewPassword, NewReset, recover_facts, reset_batch, reset_facts, send_batch,
};
use countersign_store::{Batch, Store, account, job};

use crate::faces::{faces, log_in};
use crate::people::{
    self, AT_ONCE, LIFE, NEW, OLD, ROUNDS, applied, at_once, email, every_store, lost, mail, stamp,
};
use crate::support::NOW;

fn new_reset(account: AccountId, at: Time) -> NewReset {
    let id = ResetId::new(at, people::random());
    NewReset { id, account, token: people::token(), expires_at: at + Span::minutes(30) }
}

fn send(reset: &NewReset, recent: u32, at: Time) -> Batch {
    send_batch(reset, &mail("reset", "kim@example.org"), recent, &stamp(at))
}

/// A mailed link; caps aside.
async fn mailed(store: &Store, account: AccountId) -> NewReset {
    let reset = new_reset(account, NOW);
    applied(store, send(&reset, u32::MAX, NOW)).await;
    reset
}

fn set(reset: &Reset, at: Time) -> Batch {
    let credential = CredentialId::new(at, people::random());
    let notice = mail("password_changed", "kim@example.org");
    reset_batch(reset, NewPassword { credential, hash: NEW }, Some(&notice), LIFE, &stamp(at))
}

async fn verdict(store: &Store, reset: &NewReset, at: Time) -> reset::Decision {
    reset::decide(reset_facts(store, reset.token).await.unwrap(), at)
}

/// The link does not work, nor would it if it had been looked up before.
async fn is_dead(store: &Store, reset: &NewReset, at: Time) {
    let stale = Reset {
        id: reset.id,
        account: reset.account,
        created_at: at,
        expires_at: reset.expires_at,
        dead: false,
    };
    lost(store, set(&stale, at)).await;
    assert!(matches!(verdict(store, reset, at).await, reset::Decision::Refuse(_)));
}

#[tokio::test]
async fn i1_a_reset_sets_the_password_and_ends_all_that_the_account_had() {
    every_store(async |store| {
        let id = people::account(store, "kim@example.org").await;
        let logins = [log_in(store, id, NOW).await, log_in(store, id, NOW).await];
        let mailed = mailed(store, id).await;
        let reset::Decision::Set(reset) = verdict(store, &mailed, NOW).await else { panic!("refused") };
        assert_eq!((reset.id, reset.account, reset.expires_at), (mailed.id, id, mailed.expires_at));
        applied(store, set(&reset, NOW)).await;
        assert_eq!(password_of(store, id).await.unwrap().as_deref(), Some(NEW));
        for login in &logins {
            assert_eq!(faces(store, login, NOW).await, (false, false));
        }
        let posted = job::all_newest_first(store, 9).await.unwrap();
        let mut kinds: Vec<_> = posted.iter().map(|job| job.kind.as_str()).collect();
        kinds.sort_unstable();
        assert_eq!(kinds, ["password_changed", "reset"]);
        lost(store, set(&reset, NOW)).await;
        log_in(store, id, NOW).await;
    })
    .await;
}

#[tokio::test]
async fn rec_05_a_link_is_dead_after_a_newer_one_its_use_its_time_and_an_unknown_one_never_lived() {
    every_store(async |store| {
        let id = people::account(store, "kim@example.org").await;
        let (older, newer) = (mailed(store, id).await, mailed(store, id).await);
        is_dead(store, &older, NOW).await;
        let just = newer.expires_at - Span::from_micros(1);
        assert!(matches!(verdict(store, &newer, just).await, reset::Decision::Set(_)));
        is_dead(store, &newer, newer.expires_at).await;
        let reset::Decision::Set(reset) = verdict(store, &newer, NOW).await else { panic!("refused") };
        applied(store, set(&reset, NOW)).await;
        is_dead(store, &newer, NOW).await;
        let unknown = verdict(store, &new_reset(id, NOW), NOW).await;
        assert_eq!(unknown, reset::Decision::Refuse(Refusal::Unknown));
    })
    .await;
}

#[tokio::test]
async fn rec_05_a_link_is_dead_after_a_login_a_change_of_password_and_a_closed_account() {
    every_store(async |store| {
        let id = people::account(store, "kim@example.org").await;
        let reset = mailed(store, id).await;
        let own = log_in(store, id, NOW).await;
        is_dead(store, &reset, NOW).await;

        let reset = mailed(store, id).await;
        let change = credential::Change {
            account: id,
            old: OLD,
            new: NEW,
            session: own.open.session.id,
            grant: None,
            secret: None,
        };
        applied(store, credential::change_batch(&change, None, LIFE, &stamp(NOW))).await;
        is_dead(store, &reset, NOW).await;

        let reset = mailed(store, id).await;
        for (state, what) in
            [(State::Active, change::Change::Disable), (State::Disabled, change::Change::Enable)]
        {
            let batch = account::change::change_batch(&decide(state, what), id, LIFE, &stamp(NOW));
            applied(store, batch.unwrap()).await;
            is_dead(store, &reset, NOW).await;
        }
    })
    .await;
}

#[tokio::test]
async fn only_an_account_that_may_log_in_gets_a_link() {
    every_store(async |store| {
        let id = people::account(store, "kim@example.org").await;
        let known = recover_facts(store, &email("KIM@example.org"), NOW).await.unwrap();
        assert_eq!(known, recover::Facts { account: Some((id, State::Active)), recent_mails: 0 });
        let unknown = recover_facts(store, &email("kim@example.net"), NOW).await.unwrap();
        assert_eq!(unknown, recover::Facts { account: None, recent_mails: 0 });
        let disable = decide(State::Active, change::Change::Disable);
        let disable = account::change::change_batch(&disable, id, LIFE, &stamp(NOW)).unwrap();
        applied(store, disable).await;
        let closed = recover_facts(store, &email("kim@example.org"), NOW).await.unwrap();
        assert_eq!(recover::decide(closed, true), recover::Decision::Silent);
        lost(store, send(&new_reset(id, NOW), MAILS, NOW)).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn dos_08_fifty_requests_at_once_mail_one_link_and_an_hour_sees_five() {
    every_store(async |store| {
        let id = people::account(store, "kim@example.org").await;
        let address = email("kim@example.org");
        for sent in 0..MAILS {
            let facts = recover_facts(store, &address, NOW).await.unwrap();
            assert_eq!(facts.recent_mails, sent);
            assert_eq!(recover::decide(facts, true), recover::Decision::Send(id));
            let batches: Vec<_> =
                (0..AT_ONCE).map(|_| send(&new_reset(id, NOW), facts.recent_mails, NOW)).collect();
            assert_eq!(at_once(store, batches).await, 1);
        }
        let facts = recover_facts(store, &address, NOW).await.unwrap();
        assert_eq!(recover::decide(facts, true), recover::Decision::Silent);
        assert_eq!(recover_facts(store, &address, NOW + WINDOW).await.unwrap().recent_mails, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn i9_race_03_fifty_uses_of_one_link_set_one_password() {
    every_store(async |store| {
        let id = people::account(store, "kim@example.org").await;
        for _ in 0..ROUNDS {
            let mailed = mailed(store, id).await;
            let reset::Decision::Set(reset) = verdict(store, &mailed, NOW).await else { panic!("refused") };
            let batches: Vec<_> = (0..AT_ONCE).map(|_| set(&reset, NOW)).collect();
            assert_eq!(at_once(store, batches).await, 1);
        }
    })
    .await;
}
