//! People for the tests: stores that hold the real schema, accounts, registrations, mails.

use std::sync::Arc;

use countersign_core::account::register::Pending;
use countersign_core::account::{DisplayName, Email};
use countersign_core::audit::{Actor, Stamp};
use countersign_core::random::Counter;
use countersign_core::secret::{Hash, Secret};
use countersign_core::{AccountId, CredentialId, JobId, Locale, PendingId, Random, Span, Time};
use countersign_store::account::verify::NewAccount;
use countersign_store::db::{Settings, StoreUrl};
use countersign_store::job::{self, Job};
use countersign_store::{Batch, Outcome, Store, account};

use crate::support::{NOW, Place, everywhere, served};

/// As many at once in a race.
pub(crate) const AT_ONCE: usize = 50;
/// Rounds of a race.
pub(crate) const ROUNDS: usize = 20;
/// Longer than anything lives.
pub(crate) const LIFE: Span = Span::days(90);
pub(crate) const OLD: &str = "$argon2id$old";
pub(crate) const NEW: &str = "$argon2id$new";

static RANDOM: Counter = Counter::new(0);

/// Bytes that no other test gets.
pub(crate) fn random() -> &'static dyn Random {
    &RANDOM
}

/// By the system, at `at`.
pub(crate) fn stamp(at: Time) -> Stamp<'static> {
    Stamp { at, random: random(), actor: Actor::System, ip: None, request: None }
}

pub(crate) fn email(text: &str) -> Email {
    Email::parse(text).expect("an address")
}

/// Runs `case` with a fresh store of every kind.
pub(crate) async fn every_store(case: impl AsyncFn(&Arc<Store>)) {
    everywhere(async |place| {
        let store = open(place).await;
        case(&store).await;
        store.close(&stamp(NOW)).await.expect("closed");
    })
    .await;
}

async fn open(place: &Place) -> Arc<Store> {
    let url = StoreUrl::parse(&place.url).expect("a good URL");
    Arc::new(Store::open(&url, &Settings::default(), NOW).await.expect("open"))
}

pub(crate) async fn applied(store: &Store, batch: Batch) {
    assert_eq!(served(|| store.apply(batch.clone())).await, Outcome::Applied);
}

pub(crate) async fn lost(store: &Store, batch: Batch) {
    assert_eq!(served(|| store.apply(batch.clone())).await, Outcome::Lost);
}

/// Applies all batches at the same time and says how many were applied.
pub(crate) async fn at_once(store: &Arc<Store>, batches: impl IntoIterator<Item = Batch>) -> usize {
    let start = |batch: Batch| {
        let store = Arc::clone(store);
        tokio::spawn(async move { served(|| store.apply(batch.clone())).await })
    };
    let tasks: Vec<_> = batches.into_iter().map(start).collect();
    let mut applied = 0;
    for task in tasks {
        applied += usize::from(task.await.expect("no panic") == Outcome::Applied);
    }
    applied
}

/// An active account with the password [`OLD`].
pub(crate) async fn account(store: &Store, address: &str) -> AccountId {
    let id = AccountId::new(NOW, random());
    let email = email(address);
    let new = NewAccount {
        id,
        credential: CredentialId::new(NOW, random()),
        email: &email,
        name: None,
        locale: Locale::En,
        password: OLD,
    };
    applied(store, account::verify::create_direct_batch(&new, &[], &stamp(NOW))).await;
    id
}

/// A registration in slot `slot` that is good for a day.
pub(crate) fn pending(address: &str, slot: u8) -> Pending {
    Pending {
        id: PendingId::new(NOW, random()),
        slot,
        email: email(address),
        name: DisplayName::parse("Kim").ok(),
        locale: Locale::Ko,
        password: OLD.to_owned(),
        token: token(),
        code: [7; 32],
        browser: Some(token()),
        created_at: NOW,
        expires_at: NOW + Span::hours(24),
    }
}

/// The hash of a secret that nobody else has.
pub(crate) fn token() -> Hash {
    Secret::new(random()).hash()
}

/// A mail about `kind`.
pub(crate) fn mail(kind: &'static str, address: &str) -> Job {
    let recipient = job::recipient(&email(address));
    Job { id: JobId::new(NOW, random()), kind, recipient, sealed: b"sealed".to_vec(), run_at: NOW }
}
