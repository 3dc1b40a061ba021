//! Registrations and verifications: one account an address, three registrations, five codes.

use std::sync::Arc;

use countersign_core::account::register::{self, Decision, NOTICE_WINDOW, Pending, SLOTS};
use countersign_core::account::verify::CODE_TRIES;
use countersign_core::account::{Identifier, Role, State};
use countersign_core::audit::Kind;
use countersign_core::{AccountId, CredentialId, Locale, Span, Time};
use countersign_store::account::register::{notice_batch, pend_batch, register_facts, wait};
use countersign_store::account::verify::{
    NewAccount, code_tries, code_try_batch, create_batch, create_direct_batch, pendings_by_email,
    verify_facts_by_token,
};
use countersign_store::account::{account, account_by_identifier, accounts, roles};
use countersign_store::audit::{Filter, events};
use countersign_store::{Batch, Outcome, Store, credential, job};

use crate::people::{
    self, AT_ONCE, OLD, ROUNDS, applied, at_once, email, every_store, lost, mail, pending, stamp,
};
use crate::support::{NOW, served};

fn verify(pending: &Pending, at: Time) -> Batch {
    let id = AccountId::new(at, people::random());
    create_batch(pending, id, CredentialId::new(at, people::random()), &stamp(at))
}

fn pend(pending: &Pending, at: Time) -> Batch {
    pend_batch(pending, &mail("verify", pending.email.display()), &stamp(at))
}

#[tokio::test]
async fn a_registration_is_found_again_and_makes_its_account_once() {
    every_store(async |store| {
        let pending = pending("Kim@Example.org", 0);
        applied(store, pend(&pending, NOW)).await;
        let found = verify_facts_by_token(store, pending.token).await.unwrap().unwrap();
        assert_eq!((&found.pending, found.spent, found.known), (&pending, false, false));
        assert_eq!(pendings_by_email(store, &email("kim@example.org"), NOW).await.unwrap(), [found]);
        assert_eq!(job::due(store, NOW, 9).await.unwrap().len(), 1);

        applied(store, verify(&pending, NOW)).await;
        lost(store, verify(&pending, NOW)).await;
        let found = verify_facts_by_token(store, pending.token).await.unwrap().unwrap();
        assert!(found.spent && found.known);
        assert_eq!(pendings_by_email(store, &pending.email, NOW).await.unwrap(), []);
        let identifier = Identifier::parse("KIM@example.org").unwrap();
        let made = account_by_identifier(store, &identifier).await.unwrap().unwrap();
        assert_eq!((made.state, made.version.0, made.locale), (State::Active, 1, Locale::Ko));
        assert_eq!((made.email.as_ref(), made.email_verified_at), (Some(&pending.email), Some(NOW)));
        assert_eq!(made.name, pending.name);
        assert_eq!(credential::password_of(store, made.id).await.unwrap().as_deref(), Some(OLD));
        assert_eq!(account(store, made.id).await.unwrap(), Some(made));
    })
    .await;
}

#[tokio::test]
async fn an_expired_or_spent_registration_holds_no_slot_and_makes_no_account() {
    every_store(async |store| {
        let first = pending("kim@example.org", 0);
        applied(store, pend(&first, NOW)).await;
        applied(store, pend(&pending("kim@example.org", 2), NOW)).await;
        let facts = register_facts(store, &first.email, NOW).await.unwrap();
        assert_eq!(facts.known, None);
        assert_eq!(register::decide(&facts, true), Decision::Pend { slot: 1 });
        lost(store, pend(&pending("KIM@example.org", 0), first.expires_at - Span::from_micros(1))).await;

        let late = first.expires_at;
        assert_eq!(register_facts(store, &first.email, late).await.unwrap().taken_slots, [0; 0]);
        assert_eq!(pendings_by_email(store, &first.email, late).await.unwrap(), []);
        lost(store, verify(&first, late)).await;
        applied(store, pend(&pending("kim@example.org", 0), late)).await;
        assert_eq!(verify_facts_by_token(store, first.token).await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn an_operator_makes_an_account_with_roles() {
    every_store(async |store| {
        let id = AccountId::new(NOW, people::random());
        let address = email("root@example.org");
        let new = NewAccount {
            id,
            credential: CredentialId::new(NOW, people::random()),
            email: &address,
            name: None,
            locale: Locale::En,
            password: OLD,
        };
        applied(store, create_direct_batch(&new, &[Role::Admin], &stamp(NOW))).await;
        assert_eq!(roles(store, id).await.unwrap(), [Role::Admin]);
        let again = NewAccount {
            id: AccountId::new(NOW, people::random()),
            credential: CredentialId::new(NOW, people::random()),
            ..new
        };
        lost(store, create_direct_batch(&again, &[], &stamp(NOW))).await;
        people::account(store, "kim@example.org").await;
        let all = accounts(store, None, 9).await.unwrap();
        assert_eq!(all.len(), 2);
        assert_eq!(accounts(store, None, 1).await.unwrap(), all[..1]);
        assert_eq!(accounts(store, Some(all[0].id), 9).await.unwrap(), all[1..]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fifty_registrations_of_an_address_take_three_slots() {
    every_store(async |store| {
        for round in 0..ROUNDS {
            let address = format!("kim{round}@example.org");
            let batches: Vec<_> = (0..AT_ONCE)
                .map(|n| pend(&pending(&address, u8::try_from(n).unwrap() % SLOTS), NOW))
                .collect();
            assert_eq!(at_once(store, batches).await, usize::from(SLOTS));
            let facts = register_facts(store, &email(&address), NOW).await.unwrap();
            assert_eq!(facts.taken_slots.len(), usize::from(SLOTS));
            assert_eq!(register::decide(&facts, true), Decision::Silent);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn i9_race_03_fifty_verifications_of_one_link_make_one_account() {
    every_store(async |store| {
        for round in 0..ROUNDS {
            let pending = pending(&format!("kim{round}@example.org"), 0);
            applied(store, pend(&pending, NOW)).await;
            let batches: Vec<_> = (0..AT_ONCE).map(|_| verify(&pending, NOW)).collect();
            assert_eq!(at_once(store, batches).await, 1);
        }
        assert_eq!(accounts(store, None, 1000).await.unwrap().len(), ROUNDS);
    })
    .await;
}

/// One signup as the server makes it: facts, decision, batch, and again where it was lost.
async fn sign_up(store: Arc<Store>, address: String) -> Option<Pending> {
    loop {
        let facts = register_facts(&store, &email(&address), NOW).await.unwrap();
        let Decision::Pend { slot } = register::decide(&facts, true) else { return None };
        let pending = pending(&address, slot);
        if served(|| store.apply(pend(&pending, NOW))).await == Outcome::Applied {
            return Some(pending);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn race_06_fifty_signups_of_one_address_in_all_spellings_make_one_account() {
    every_store(async |store| {
        for round in 0..ROUNDS {
            let spellings = [format!("kim{round}@example.org"), format!("KIM{round}@Example.ORG")];
            let tasks: Vec<_> = (0..AT_ONCE)
                .map(|n| tokio::spawn(sign_up(Arc::clone(store), spellings[n % 2].clone())))
                .collect();
            let mut pendings = Vec::new();
            for task in tasks {
                pendings.extend(task.await.unwrap());
            }
            assert_eq!(pendings.len(), usize::from(SLOTS));
            let batches: Vec<_> =
                pendings.iter().cycle().take(AT_ONCE).map(|pending| verify(pending, NOW)).collect();
            assert_eq!(at_once(store, batches).await, 1);
            let facts = register_facts(store, &email(&spellings[0]), NOW).await.unwrap();
            assert!(matches!(register::decide(&facts, true), Decision::Notice(_)));
        }
        assert_eq!(accounts(store, None, 1000).await.unwrap().len(), ROUNDS);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fifty_parallel_codes_get_exactly_five_tries_until_they_expire() {
    every_store(async |store| {
        for round in 0..ROUNDS {
            let address = email(&format!("kim{round}@example.org"));
            let until = NOW + Span::hours(24);
            let tries = |at| (0..AT_ONCE).map(move |_| at);
            let batch = |at| code_try_batch(&address, at + Span::hours(24), &stamp(at));
            let five = usize::try_from(CODE_TRIES).unwrap();
            assert_eq!(at_once(store, tries(NOW).map(batch).collect::<Vec<_>>()).await, five);
            lost(store, batch(until - Span::from_micros(1))).await;
            assert_eq!(at_once(store, tries(until).map(batch).collect::<Vec<_>>()).await, five);
        }
    })
    .await;
}

#[tokio::test]
async fn a_new_account_begins_without_tried_codes() {
    every_store(async |store| {
        let pending = pending("kim@example.org", 0);
        applied(store, pend(&pending, NOW)).await;
        let batch = || code_try_batch(&pending.email, pending.expires_at, &stamp(NOW));
        for _ in 0..CODE_TRIES {
            applied(store, batch()).await;
        }
        lost(store, batch()).await;
        applied(store, verify(&pending, NOW)).await;
        applied(store, batch()).await;
        let tried = Filter { kind: Some(Kind::VerificationTried), limit: 99, ..Filter::default() };
        assert_eq!(events(store, &tried).await.unwrap().len(), 6);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn dos_08_fifty_registrations_of_a_known_address_send_three_notices_a_day() {
    every_store(async |store| {
        let id = people::account(store, "kim@example.org").await;
        let address = email("Kim@example.org");
        for told in 0..SLOTS {
            let facts = register_facts(store, &address, NOW).await.unwrap();
            assert_eq!(facts.recent_notices, u32::from(told));
            assert_eq!(register::decide(&facts, true), Decision::Notice(id));
            let notice = |_| {
                let mail = mail("known_address", "kim@example.org");
                notice_batch(id, &mail, facts.recent_notices, &stamp(NOW))
            };
            assert_eq!(at_once(store, (0..AT_ONCE).map(notice).collect::<Vec<_>>()).await, 1);
        }
        let facts = register_facts(store, &address, NOW).await.unwrap();
        assert_eq!(register::decide(&facts, true), Decision::Silent);
        let tomorrow = register_facts(store, &address, NOW + NOTICE_WINDOW).await.unwrap();
        assert_eq!(tomorrow.recent_notices, 0);
    })
    .await;
}

#[tokio::test]
async fn dos_07_it_is_known_when_too_many_registrations_wait() {
    every_store(async |store| {
        for number in 0..3_u8 {
            assert!(!wait(store, 3).await.unwrap(), "{number}");
            applied(store, pend(&pending(&format!("person{number}@example.org"), 0), NOW)).await;
        }
        assert!(wait(store, 3).await.unwrap());
        assert!(!wait(store, 4).await.unwrap());
        assert!(!register_facts(store, &email("lee@example.org"), NOW).await.unwrap().crowded);
        let found = pendings_by_email(store, &email("person0@example.org"), NOW).await.unwrap();
        applied(store, verify(&found[0].pending, NOW)).await;
        assert!(!wait(store, 3).await.unwrap(), "one that was answered still waits");
    })
    .await;
}

#[tokio::test]
async fn dos_07_only_an_address_that_waits_for_a_code_has_tries() {
    every_store(async |store| {
        let pending = pending("kim@example.org", 0);
        let used = async |at| code_tries(store, &pending.email, at).await.unwrap();
        assert_eq!(used(NOW).await, None);
        applied(store, pend(&pending, NOW)).await;
        assert_eq!(used(NOW).await, Some(0));
        for tries in 1..=CODE_TRIES {
            applied(store, code_try_batch(&pending.email, pending.expires_at, &stamp(NOW))).await;
            assert_eq!(used(NOW).await, Some(tries));
        }
        lost(store, code_try_batch(&pending.email, pending.expires_at, &stamp(NOW))).await;
        assert_eq!(used(pending.expires_at).await, None);
        applied(store, verify(&pending, NOW)).await;
        assert_eq!(used(NOW).await, None);
    })
    .await;
}
