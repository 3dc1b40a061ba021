//! Clean-up: bounded, complete, and never of what lives.

use countersign_core::account::State;
use countersign_core::account::change::{Change, decide};
use countersign_core::account::register::Pending;
use countersign_core::audit::Kind;
use countersign_core::session::Limits;
use countersign_core::{AccountId, CredentialId, ResetId, Span, Time};
use countersign_store::account::change::change_batch;
use countersign_store::account::register::pend_batch;
use countersign_store::account::verify::{
    code_try_batch, create_batch, pendings_by_email, verify_facts_by_token,
};
use countersign_store::account::{account, accounts};
use countersign_store::audit::{Filter, events};
use countersign_store::cleanup::{Kept, clean_up};
use countersign_store::recovery::{NewReset, reset_facts, send_batch};
use countersign_store::session::sessions_of;
use countersign_store::{Store, job};

use crate::doors::logout;
use crate::faces::{faces, log_in};
use crate::people::{self, LIFE, applied, email, every_store, lost, mail, pending, stamp};
use crate::support::NOW;

const KEPT: Kept = Kept { audit: Span::days(400), jobs: false };

async fn gone_by(store: &Store, at: Time) -> u64 {
    clean_up(store, &KEPT, &stamp(at)).await.unwrap()
}

/// Tables and rows that the log says were cleaned, in steps of one run and so in no order.
async fn told(store: &Store) -> Vec<(String, u64)> {
    let filter = Filter { kind: Some(Kind::CleanedUp), limit: 99, ..Filter::default() };
    let lines = events(store, &filter).await.unwrap().into_iter();
    let mut steps: Vec<_> =
        lines.map(|line| (line.detail["table"].clone(), line.detail["rows"].parse().unwrap())).collect();
    steps.sort_unstable();
    steps
}

#[tokio::test]
async fn a_session_goes_a_day_after_its_end_and_its_grants_with_it() {
    every_store(async |store| {
        let id = people::account(store, "kim@example.org").await;
        let login = log_in(store, id, NOW).await;
        let idle = login.open.session.idle_ends_at;
        assert_eq!(gone_by(store, idle + Span::days(1) - Span::from_micros(1)).await, 0);
        assert_eq!(faces(store, &login, NOW).await, (true, true));
        assert_eq!(gone_by(store, idle + Span::days(1)).await, 1);
        assert!(store.session_by_id(login.open.session.id).await.unwrap().is_none());
        assert_eq!(told(store).await, [("sessions".to_owned(), 1)]);
        assert_eq!(gone_by(store, idle + Span::days(1)).await, 0);
    })
    .await;
}

#[tokio::test]
async fn a_session_in_use_stays_and_one_that_was_ended_goes() {
    every_store(async |store| {
        let id = people::account(store, "kim@example.org").await;
        let [used, ended] = [log_in(store, id, NOW).await, log_in(store, id, NOW).await];
        let later = NOW + Span::hours(1);
        let session = store.session_by_secret(used.secret, later).await.unwrap().unwrap();
        session.check(store.live(), later).unwrap();
        store.touch(&session, later, &Limits::default());
        store.flush_seen(&stamp(later)).await.unwrap();
        applied(store, logout(ended.open.account, ended.open.session.id, NOW)).await;

        // Ended a day and more ago; the other one goes idle, by its last use, a moment later than this.
        assert_eq!(gone_by(store, NOW + Span::hours(26)).await, 1);
        assert!(store.session_by_id(ended.open.session.id).await.unwrap().is_none());
        assert!(store.session_by_id(used.open.session.id).await.unwrap().is_some());
        assert_eq!(faces(store, &used, later).await, (true, true));
    })
    .await;
}

#[tokio::test]
async fn expired_registrations_resets_and_tried_codes_go_and_live_ones_stay() {
    every_store(async |store| {
        let id = people::account(store, "kim@example.org").await;
        let address = email("lee@example.org");
        let tomorrow = NOW + Span::hours(24);
        let new = pending("lee@example.org", 0);
        applied(store, pend_batch(&new, &mail("verify", "lee@example.org"), &stamp(NOW))).await;
        for _ in 0..5 {
            applied(store, code_try_batch(&address, tomorrow, &stamp(NOW))).await;
        }
        let reset = NewReset {
            id: ResetId::new(NOW, people::random()),
            account: id,
            token: people::token(),
            expires_at: NOW + Span::minutes(30),
        };
        applied(store, send_batch(&reset, &mail("reset", "kim@example.org"), 0, &stamp(NOW))).await;

        assert_eq!(gone_by(store, tomorrow - Span::from_micros(1)).await, 0);
        assert!(verify_facts_by_token(store, new.token).await.unwrap().is_some());
        lost(store, code_try_batch(&address, tomorrow, &stamp(NOW))).await;
        assert_eq!(gone_by(store, tomorrow).await, 2);
        assert_eq!(verify_facts_by_token(store, new.token).await.unwrap(), None);
        applied(store, code_try_batch(&address, tomorrow, &stamp(NOW))).await;
        assert!(reset_facts(store, reset.token).await.unwrap().reset.is_some());
        assert_eq!(gone_by(store, tomorrow + Span::minutes(30)).await, 2);
        assert!(reset_facts(store, reset.token).await.unwrap().reset.is_none());
    })
    .await;
}

#[tokio::test]
async fn a_thousand_rows_go_in_bounded_steps_that_tell() {
    every_store(async |store| {
        for n in 0..450 {
            let address = format!("kim{n}@example.org");
            let batch = pend_batch(&pending(&address, 0), &mail("verify", &address), &stamp(NOW));
            applied(store, batch).await;
        }
        let live = pending("lee@example.org", 0);
        let live = Pending { expires_at: NOW + Span::hours(25), ..live };
        applied(store, pend_batch(&live, &mail("verify", "lee@example.org"), &stamp(NOW))).await;
        assert_eq!(gone_by(store, NOW + Span::hours(24)).await, 450);
        let steps = [50, 200, 200].map(|rows| ("pending_accounts".to_owned(), rows));
        assert_eq!(told(store).await, steps);
        assert!(verify_facts_by_token(store, live.token).await.unwrap().is_some());
    })
    .await;
}

#[tokio::test]
async fn sent_and_failed_mail_goes_after_a_day_unless_the_dev_inbox_shows_it() {
    every_store(async |store| {
        for name in ["sent", "failed", "waiting"] {
            let address = format!("{name}@example.org");
            let pending = Pending { expires_at: NOW + Span::days(90), ..pending(&address, 0) };
            applied(store, pend_batch(&pending, &mail("verify", &address), &stamp(NOW))).await;
        }
        let due = job::due(store, NOW, 9).await.unwrap();
        applied(store, job::done_batch(&due[0], &stamp(NOW))).await;
        applied(store, job::failed_batch(&due[1], &stamp(NOW))).await;
        let at = NOW + Span::days(1);
        let kept = Kept { jobs: true, ..KEPT };
        assert_eq!(clean_up(store, &kept, &stamp(at)).await.unwrap(), 0);
        assert_eq!(gone_by(store, at - Span::from_micros(1)).await, 0);
        assert_eq!(gone_by(store, at).await, 2);
        let left = job::all_newest_first(store, 9).await.unwrap();
        assert_eq!(left.iter().map(|job| job.id).collect::<Vec<_>>(), [due[2].id]);
    })
    .await;
}

#[tokio::test]
async fn the_audit_log_is_kept_for_its_time_and_deleted_accounts_for_good() {
    every_store(async |store| {
        let id = people::account(store, "kim@example.org").await;
        let delete = decide(State::Active, Change::Delete);
        applied(store, change_batch(&delete, id, LIFE, &stamp(NOW)).unwrap()).await;
        let end = NOW + KEPT.audit;
        gone_by(store, end - Span::from_micros(1)).await;
        let of_account = Filter { account: Some(id), limit: 9, ..Filter::default() };
        assert_eq!(events(store, &of_account).await.unwrap().len(), 2);
        gone_by(store, end).await;
        assert_eq!(events(store, &of_account).await.unwrap(), []);
        assert_eq!(account(store, id).await.unwrap().unwrap().state, State::Deleted);
        assert_eq!(accounts(store, None, 9).await.unwrap().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn entries_of_the_revocation_log_go_after_their_time_but_for_the_newest() {
    every_store(async |store| {
        let mut ids = Vec::new();
        for n in 0..3 {
            ids.push(people::account(store, &format!("kim{n}@example.org")).await);
        }
        for id in ids {
            let disable = decide(State::Active, Change::Disable);
            applied(store, change_batch(&disable, id, LIFE, &stamp(NOW)).unwrap()).await;
        }
        assert_eq!(gone_by(store, NOW + LIFE - Span::from_micros(1)).await, 0);
        assert_eq!(gone_by(store, NOW + LIFE).await, 2);
        assert_eq!(told(store).await, [("revocations".to_owned(), 2)]);
    })
    .await;
}

#[tokio::test]
async fn sto_21_what_expired_is_refused_though_nobody_cleaned_it_up() {
    every_store(async |store| {
        let id = people::account(store, "kim@example.org").await;
        let login = log_in(store, id, NOW).await;
        let new = pending("lee@example.org", 0);
        applied(store, pend_batch(&new, &mail("verify", "lee@example.org"), &stamp(NOW))).await;
        let end = login.open.session.idle_ends_at;
        assert_eq!(faces(store, &login, end).await, (false, false));
        assert_eq!(sessions_of(store, id, end).await.unwrap(), []);
        let late = new.expires_at;
        assert_eq!(pendings_by_email(store, &new.email, late).await.unwrap(), []);
        let account = AccountId::new(late, people::random());
        let credential = CredentialId::new(late, people::random());
        lost(store, create_batch(&new, account, credential, &stamp(late))).await;
        assert!(store.session_by_id(login.open.session.id).await.unwrap().is_some(), "its row lies there");
    })
    .await;
}
