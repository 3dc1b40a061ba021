//! Whatever a text says, it is data (STO-01), and one value in two places is two things (STO-12).

use countersign_core::account::register::{self, Pending};
use countersign_core::account::{DisplayName, Email, Identifier};
use countersign_core::audit::{Event, Kind};
use countersign_core::client::ClientId;
use countersign_core::recovery::reset;
use countersign_core::url::ResourceId;
use countersign_core::{AccountId, CredentialId, ResetId, Span};
use countersign_store::account::register::{pend_batch, register_facts};
use countersign_store::account::verify::{create_batch, verify_facts_by_token};
use countersign_store::account::{account_by_identifier, accounts};
use countersign_store::audit::{Filter, events};
use countersign_store::credential::password_of;
use countersign_store::recovery::{
    NewPassword, NewReset, recover_facts, reset_batch, reset_facts, send_batch,
};
use countersign_store::resource::{add_resource_batch, resource_known, resources};
use countersign_store::{Batch, Error, job};

use crate::faces::{faces, open_batch, ready};
use crate::people::{self, LIFE, applied, email, every_store, lost, mail, pending, stamp, token};
use crate::support::NOW;

const NASTY: &[&str] = &[
    "'",
    "\"",
    "\\",
    "';--",
    "'; DROP TABLE accounts; --",
    "' OR '1'='1",
    "%",
    "_%",
    "$1",
    "{\"$gt\": \"\"}",
    "a\u{1}b\r\n\t",
    "가나다 \u{202e} \u{1f600}",
];

/// An address that no parser would let through.
fn raw(text: &str) -> Email {
    Email::stored(text.to_owned(), text.to_owned())
}

#[tokio::test]
async fn sto_01_metacharacters_in_every_text_come_back_as_data() {
    every_store(async |store| {
        for (n, nasty) in NASTY.iter().enumerate() {
            let waiting = Pending {
                email: raw(nasty),
                name: DisplayName::parse(nasty).ok(),
                password: (*nasty).to_owned(),
                ..pending("kim@example.org", 0)
            };
            applied(store, pend_batch(&waiting, &mail("verify", "kim@example.org"), &stamp(NOW))).await;
            let found = verify_facts_by_token(store, waiting.token).await.unwrap().unwrap();
            assert_eq!(found.pending, waiting);
            let id = AccountId::new(NOW, people::random());
            let credential = CredentialId::new(NOW, people::random());
            applied(store, create_batch(&waiting, id, credential, &stamp(NOW))).await;
            let found = account_by_identifier(store, &Identifier::Email(raw(nasty))).await.unwrap().unwrap();
            assert_eq!((found.id, &found.email, &found.name), (id, &Some(raw(nasty)), &waiting.name));
            assert_eq!(password_of(store, id).await.unwrap().as_deref(), Some(*nasty));
            assert_eq!(accounts(store, None, 99).await.unwrap().len(), n + 1);

            let event = Event::new(Kind::ResourceAdded).account(id).detail("text", *nasty);
            applied(store, Batch::new(&stamp(NOW), event)).await;
            let filter =
                Filter { account: Some(id), kind: Some(Kind::ResourceAdded), limit: 9, ..Filter::default() };
            let lines = events(store, &filter).await.unwrap();
            assert_eq!(lines[0].detail["text"], *nasty);
        }
        // None of them was a pattern that fits the others.
        let facts = register_facts(store, &raw("%@%"), NOW).await.unwrap();
        assert_eq!((facts.known, facts.taken_slots.len()), (None, 0));
    })
    .await;
}

#[tokio::test]
async fn sto_01_names_of_clients_and_resources_are_compared_and_not_run() {
    every_store(async |store| {
        for name in ["'", "';DROP/**/TABLE/**/clients;--", "%", "countersign'--"] {
            assert_eq!(store.client(&ClientId::parse(name).unwrap()).await.unwrap(), None);
        }
        let texts = ["https://api.example.org/';DROP%20TABLE%20resources;--", "https://api.example.org/%25"];
        let added = texts.map(|text| ResourceId::parse(text).unwrap());
        for resource in &added {
            applied(store, add_resource_batch(resource, &stamp(NOW))).await;
            assert!(resource_known(store, resource).await.unwrap());
        }
        let mut listed = resources(store).await.unwrap();
        listed.sort_by(|one, other| other.as_str().cmp(one.as_str()));
        assert_eq!(listed.len(), 2);
        assert!(added.iter().all(|resource| listed.contains(resource)));
        assert!(store.client(&ClientId::built_in()).await.unwrap().is_some());
    })
    .await;
}

#[tokio::test]
async fn sto_01_a_nul_is_refused_on_every_store_and_nothing_is_written() {
    every_store(async |store| {
        let waiting = Pending { email: raw("a\0b"), ..pending("kim@example.org", 0) };
        let batch = pend_batch(&waiting, &mail("verify", "kim@example.org"), &stamp(NOW));
        assert!(matches!(store.apply(batch).await, Err(Error::Nul { .. })));
        assert!(matches!(register_facts(store, &raw("a\0b"), NOW).await, Err(Error::Nul { .. })));
        assert_eq!(verify_facts_by_token(store, waiting.token).await.unwrap(), None);
        assert!(job::due(store, NOW, 9).await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn sto_12_one_random_value_as_link_reset_and_cookie_is_three_things() {
    every_store(async |store| {
        let id = people::account(store, "kim@example.org").await;
        let shared = token();
        let mut login = ready(store, id, NOW).await;
        (login.open.secret, login.secret) = (Some(shared), shared);
        applied(store, open_batch(&login, None, NOW)).await;
        let waiting = Pending { token: shared, browser: Some(shared), ..pending("lee@example.org", 0) };
        applied(store, pend_batch(&waiting, &mail("verify", "lee@example.org"), &stamp(NOW))).await;
        assert!(reset_facts(store, shared).await.unwrap().reset.is_none());
        let reset = NewReset {
            id: ResetId::new(NOW, people::random()),
            account: id,
            token: shared,
            expires_at: NOW + Span::minutes(30),
        };
        applied(store, send_batch(&reset, &mail("reset", "kim@example.org"), 0, &stamp(NOW))).await;

        // The verification spends the link alone.
        let other = AccountId::new(NOW, people::random());
        let credential = CredentialId::new(NOW, people::random());
        applied(store, create_batch(&waiting, other, credential, &stamp(NOW))).await;
        assert_eq!(faces(store, &login, NOW).await, (true, true));
        let facts = reset_facts(store, shared).await.unwrap();
        let reset::Decision::Set(found) = reset::decide(facts, NOW) else { panic!("spent") };
        assert_eq!(found.account, id);
        // The reset spends itself, and what it spends is of its own account.
        let new = NewPassword { credential: CredentialId::new(NOW, people::random()), hash: people::NEW };
        applied(store, reset_batch(&found, new, None, LIFE, &stamp(NOW))).await;
        lost(store, reset_batch(&found, new, None, LIFE, &stamp(NOW))).await;
        assert_eq!(password_of(store, other).await.unwrap().as_deref(), Some(people::OLD));
        assert_eq!(
            recover_facts(store, &email("lee@example.org"), NOW).await.unwrap().account.unwrap().0,
            other
        );
        let facts = register_facts(store, &email("lee@example.org"), NOW).await.unwrap();
        assert!(
            matches!(register::decide(&facts, true), register::Decision::Notice(known) if known == other)
        );
    })
    .await;
}
