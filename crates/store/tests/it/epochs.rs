//! STO-16: one row ends everything that was issued before it, on every store, after a restart too.

use std::sync::Arc;

use countersign_core::account::register::Pending;
use countersign_core::client::ClientId;
use countersign_core::grant::refresh::{self, Decision, Refusal, Request};
use countersign_core::grant::refresh_token::RefreshToken;
use countersign_core::recovery::reset;
use countersign_core::revocation::Epoch;
use countersign_core::{AccountId, CredentialId, ResetId, Span, Time};
use countersign_store::account::register::pend_batch;
use countersign_store::account::verify::{create_batch, verify_facts_by_token};
use countersign_store::db::{Settings, StoreUrl};
use countersign_store::grant::refresh_facts;
use countersign_store::recovery::{NewPassword, NewReset, reset_batch, reset_facts, send_batch};
use countersign_store::restore::{Restore, restore_batch, restore_facts};
use countersign_store::revocation::end_everything_batch;
use countersign_store::session::sessions_of;
use countersign_store::{Batch, Store};

use crate::doors::built_in;
use crate::faces::{Login, faces, log_in};
use crate::people::{self, LIFE, applied, every_store, lost, mail, pending, stamp};
use crate::support::{NOW, where_it_lasts};

const KIM: &str = "kim@example.org";
/// Where the epoch of these tests begins.
const NEW_ERA: Time = Time::from_micros(NOW.micros() + 2_000_000);

fn end_everything() -> Batch {
    end_everything_batch(Epoch::BEGINNING, Epoch::ending(NOW, Span::ZERO), LIFE, &stamp(NOW))
}

/// What a refresh token of the login hears.
async fn refresh(store: &Store, login: &Login, at: Time) -> Decision {
    let grant = &login.grant;
    let facts = refresh_facts(store, grant.id).await.unwrap().unwrap();
    let token = RefreshToken { key: 1, grant: grant.id, generation: grant.generation, salt: grant.salt };
    let request = Request { token, client: ClientId::built_in(), scopes: None, target: None, key: None };
    let limits = refresh::Limits { grace: Span::seconds(30), offline_idle: Span::days(30) };
    let client = built_in(store).await;
    refresh::decide(&facts.refresh_facts(store.live(), &client.client, true), &request, limits, at)
}

/// A link that was mailed at `at`.
async fn mailed(store: &Store, account: AccountId, at: Time) -> NewReset {
    let id = ResetId::new(at, people::random());
    let reset = NewReset { id, account, token: people::token(), expires_at: at + Span::minutes(30) };
    applied(store, send_batch(&reset, &mail("reset", KIM), u32::MAX, &stamp(at))).await;
    reset
}

async fn link_works(store: &Store, reset: &NewReset, at: Time) -> bool {
    matches!(reset::decide(reset_facts(store, reset.token).await.unwrap(), at), reset::Decision::Set(_))
}

#[tokio::test]
async fn sto_16_an_epoch_ends_sessions_tokens_and_refreshes_of_before_and_nothing_of_after() {
    every_store(async |store| {
        let id = people::account(store, KIM).await;
        let before = log_in(store, id, NOW).await;
        assert!(matches!(refresh(store, &before, NOW).await, Decision::Rotate { .. }));
        applied(store, end_everything()).await;
        assert_eq!(faces(store, &before, NOW).await, (false, false));
        assert_eq!(refresh(store, &before, NOW).await, Decision::Refuse(Refusal::Ended));
        assert_eq!(sessions_of(store, id, NOW).await.unwrap(), []);

        let after = log_in(store, id, NEW_ERA).await;
        assert!(matches!(refresh(store, &after, NEW_ERA).await, Decision::Rotate { .. }));
        assert_eq!(sessions_of(store, id, NEW_ERA).await.unwrap().len(), 1);
        assert_eq!(faces(store, &before, NEW_ERA).await, (false, false));
        // An epoch that was set meanwhile is not written over.
        lost(store, end_everything()).await;
    })
    .await;
}

#[tokio::test]
async fn sto_16_rec_05_an_epoch_kills_every_link_that_was_mailed_before_it() {
    every_store(async |store| {
        let id = people::account(store, KIM).await;
        let (before, waiting) = (mailed(store, id, NOW).await, pending("lee@example.org", 0));
        applied(store, pend_batch(&waiting, &mail("verify", "lee@example.org"), &stamp(NOW))).await;
        assert!(link_works(store, &before, NOW).await);
        let stale = reset_facts(store, before.token).await.unwrap();
        applied(store, end_everything()).await;

        assert!(!link_works(store, &before, NEW_ERA).await);
        // Nor does one that was looked up before.
        let reset::Decision::Set(reset) = reset::decide(stale, NOW) else { panic!("refused") };
        let credential = CredentialId::new(NOW, people::random());
        let new = NewPassword { credential, hash: people::NEW };
        lost(store, reset_batch(&reset, new, None, LIFE, &stamp(NEW_ERA))).await;
        let account = AccountId::new(NOW, people::random());
        lost(store, create_batch(&waiting, account, credential, &stamp(NEW_ERA))).await;

        let after = mailed(store, id, NEW_ERA).await;
        assert!(link_works(store, &after, NEW_ERA).await);
    })
    .await;
}

#[tokio::test]
async fn sto_16_sto_13_what_a_clock_that_was_ahead_issued_ends_with_everything_else() {
    every_store(async |store| {
        let id = people::account(store, KIM).await;
        let tomorrow = NOW + Span::days(3652);
        let (login, link) = (log_in(store, id, tomorrow).await, mailed(store, id, tomorrow).await);
        let expires_at = tomorrow + Span::days(1);
        let waiting = Pending { created_at: tomorrow, expires_at, ..pending("lee@example.org", 0) };
        applied(store, pend_batch(&waiting, &mail("verify", "lee@example.org"), &stamp(tomorrow))).await;
        applied(store, end_everything()).await;
        assert_eq!(faces(store, &login, NEW_ERA).await, (false, false));
        assert_eq!(refresh(store, &login, NEW_ERA).await, Decision::Refuse(Refusal::Ended));
        assert!(!link_works(store, &link, NEW_ERA).await);
        assert_eq!(verify_facts_by_token(store, waiting.token).await.unwrap(), None);
        log_in(store, id, NEW_ERA).await;
    })
    .await;
}

#[tokio::test]
async fn sto_16_sto_13_an_epoch_of_a_clock_that_was_ahead_gives_way_to_a_restore_that_ends_all_it_ended() {
    where_it_lasts(async |place| {
        let open = async || {
            let url = StoreUrl::parse(&place.url).unwrap();
            Store::open(&url, &Settings::default(), NOW).await.unwrap()
        };
        let store = open().await;
        let id = people::account(&store, KIM).await;
        let before = log_in(&store, id, NOW).await;
        let tomorrow = NOW + Span::days(3652);
        let ahead = Epoch::ending(tomorrow, Span::ZERO);
        applied(&store, end_everything_batch(Epoch::BEGINNING, ahead, LIFE, &stamp(tomorrow))).await;
        store.close(&stamp(NOW)).await.unwrap();
        let store = open().await;
        let facts = restore_facts(&store, NOW).await.unwrap();
        assert_eq!(facts.epoch, ahead);
        let epoch = Some(facts.epoch.replaced(NOW, Span::ZERO));
        let restore = Restore { refresh_key: b"another", key: None, epoch };
        applied(&store, restore_batch(&facts, &restore, "in place", LIFE, &stamp(NOW))).await;
        store.close(&stamp(NOW)).await.unwrap();
        let store = open().await;
        assert_eq!(faces(&store, &before, NEW_ERA).await, (false, false));
        log_in(&store, id, NEW_ERA).await;
        store.close(&stamp(NEW_ERA)).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn sto_16_a_process_that_starts_later_knows_the_epoch() {
    where_it_lasts(async |place| {
        let open = async || {
            let url = StoreUrl::parse(&place.url).unwrap();
            Arc::new(Store::open(&url, &Settings::default(), NOW).await.unwrap())
        };
        let store = open().await;
        let id = people::account(&store, KIM).await;
        let before = log_in(&store, id, NOW).await;
        applied(&store, end_everything()).await;
        store.close(&stamp(NOW)).await.unwrap();
        let store = open().await;
        assert_eq!(store.epoch().await.unwrap().not_before(), NEW_ERA);
        assert_eq!(faces(&store, &before, NOW).await, (false, false));
        log_in(&store, id, NEW_ERA).await;
        store.close(&stamp(NEW_ERA)).await.unwrap();
    })
    .await;
}
