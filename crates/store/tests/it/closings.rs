//! Accounts that an operator disables, enables or deletes.

use countersign_core::account::change::{Change, decide};
use countersign_core::account::{Identifier, State};
use countersign_core::audit::{Event, Kind, Stamp};
use countersign_core::{AccountId, CredentialId, Locale, ResetId, Span};
use countersign_store::account::change::change_batch;
use countersign_store::account::verify::{NewAccount, create_direct_batch};
use countersign_store::account::{account, account_by_identifier};
use countersign_store::audit::{Filter, Line, events};
use countersign_store::recovery::{NewReset, reset_facts, send_batch};
use countersign_store::{Batch, Store, credential};

use crate::faces::{faces, log_in, open_batch, ready};
use crate::people::{
    self, AT_ONCE, LIFE, NEW, ROUNDS, applied, at_once, email, every_store, lost, mail, stamp,
};
use crate::support::NOW;

fn change(state: State, change: Change, account: AccountId) -> Batch {
    change_batch(&decide(state, change), account, LIFE, &stamp(NOW)).expect("a change")
}

async fn state_of(store: &Store, id: AccountId) -> State {
    account(store, id).await.unwrap().unwrap().state
}

#[tokio::test]
async fn i1_i7_a_disabled_account_has_nothing_alive_and_enabling_revives_nothing() {
    every_store(async |store| {
        let id = people::account(store, "kim@example.org").await;
        let other = people::account(store, "lee@example.org").await;
        let logins = [log_in(store, id, NOW).await, log_in(store, id, NOW).await];
        let bystander = log_in(store, other, NOW).await;
        let halfway = ready(store, id, NOW).await;

        applied(store, change(State::Active, Change::Disable, id)).await;
        for login in &logins {
            assert_eq!(faces(store, login, NOW).await, (false, false));
        }
        assert_eq!(faces(store, &bystander, NOW).await, (true, true));
        lost(store, open_batch(&halfway, None, NOW)).await;
        lost(store, change(State::Active, Change::Disable, id)).await;

        applied(store, change(State::Disabled, Change::Enable, id)).await;
        assert_eq!(state_of(store, id).await, State::Active);
        lost(store, open_batch(&halfway, None, NOW)).await;
        for login in &logins {
            assert_eq!(faces(store, login, NOW).await, (false, false));
        }
        log_in(store, id, NOW).await;
        let told = Filter { account: Some(id), limit: 99, ..Filter::default() };
        let told: Vec<_> = events(store, &told).await.unwrap().into_iter().map(|line| line.kind).collect();
        for kind in ["account.created", "account.disabled", "account.enabled"] {
            assert_eq!(told.iter().filter(|told| *told == kind).count(), 1, "{kind}");
        }
    })
    .await;
}

#[tokio::test]
async fn what_changes_nothing_writes_nothing() {
    let id = AccountId::from_bytes([1; 16]);
    for (state, change) in [(State::Disabled, Change::Disable), (State::Deleted, Change::Enable)] {
        assert!(change_batch(&decide(state, change), id, LIFE, &stamp(NOW)).is_none());
    }
}

#[tokio::test]
async fn ses_12_an_account_made_again_has_nothing_of_the_deleted_one() {
    every_store(async |store| {
        let id = people::account(store, "kim@example.org").await;
        let login = log_in(store, id, NOW).await;
        let reset = NewReset {
            id: ResetId::new(NOW, people::random()),
            account: id,
            token: people::token(),
            expires_at: NOW + Span::minutes(30),
        };
        applied(store, send_batch(&reset, &mail("reset", "kim@example.org"), 0, &stamp(NOW))).await;
        applied(store, change(State::Active, Change::Delete, id)).await;
        lost(store, change(State::Active, Change::Delete, id)).await;

        let deleted = account(store, id).await.unwrap().unwrap();
        assert_eq!((deleted.state, deleted.email, deleted.name), (State::Deleted, None, None));
        assert_eq!(credential::password_of(store, id).await.unwrap(), None);
        assert_eq!(reset_facts(store, reset.token).await.unwrap().reset, None);
        let identifier = Identifier::parse("kim@example.org").unwrap();
        assert_eq!(account_by_identifier(store, &identifier).await.unwrap(), None);

        let again = people::account(store, "kim@example.org").await;
        assert_ne!(again, id);
        assert_eq!(account_by_identifier(store, &identifier).await.unwrap().unwrap().id, again);
        assert_eq!(faces(store, &login, NOW).await, (false, false));
        // Not even with the old id.
        let address = email("old@example.org");
        let same_id = NewAccount {
            id,
            credential: CredentialId::new(NOW, people::random()),
            email: &address,
            name: None,
            locale: Locale::En,
            password: NEW,
        };
        lost(store, create_direct_batch(&same_id, &[], &stamp(NOW))).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fifty_operators_disable_an_account_once() {
    every_store(async |store| {
        for round in 0..ROUNDS {
            let id = people::account(store, &format!("kim{round}@example.org")).await;
            let batches: Vec<_> = (0..AT_ONCE).map(|_| change(State::Active, Change::Disable, id)).collect();
            assert_eq!(at_once(store, batches).await, 1);
            assert_eq!(account(store, id).await.unwrap().unwrap().version.0, 2);
        }
    })
    .await;
}

#[tokio::test]
async fn logg_05_a_deleted_account_leaves_its_lines_in_the_audit_log_and_nothing_that_says_who_it_was() {
    every_store(async |store| {
        let id = people::account(store, "kim@example.org").await;
        let other = people::account(store, "lee@example.org").await;
        let there = Stamp { ip: "203.0.113.7".parse().ok(), ..stamp(NOW) };
        for account in [id, other] {
            applied(store, Batch::new(&there, Event::new(Kind::PasswordChanged).account(account))).await;
        }
        let before = events(store, &Filter { limit: 999, ..Filter::default() }).await.unwrap();
        applied(store, change(State::Active, Change::Delete, id)).await;

        let all = events(store, &Filter { limit: 999, ..Filter::default() }).await.unwrap();
        let (deleted, after): (Vec<_>, Vec<_>) =
            all.into_iter().partition(|line| line.kind == "account.deleted");
        assert!(deleted.len() == 1 && deleted[0].account == Some(id), "{deleted:?}");
        let without = |mut line: Line| {
            line.ip = line.ip.filter(|_| line.account != Some(id));
            line
        };
        assert_eq!(after, before.into_iter().map(without).collect::<Vec<_>>(), "another line changed");
        assert!(after.iter().any(|line| line.account == Some(other) && line.ip.is_some()));
    })
    .await;
}
