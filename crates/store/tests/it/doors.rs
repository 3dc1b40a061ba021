//! Logins for the tests: sessions with a cookie, sessions with a grant, and whether they still open a door.

use std::sync::Arc;

use countersign_core::account::Identifier;
use countersign_core::client::ClientId;
use countersign_core::grant::{self, Grant, Salt};
use countersign_core::login::password::Candidate;
use countersign_core::secret::Hash;
use countersign_core::session::check::Refusal;
use countersign_core::session::end::{self, Scope};
use countersign_core::session::open::{self, Open};
use countersign_core::session::{Device, EndReason, Face, Limits};
use countersign_core::{GrantId, SessionId, Time, random};
use countersign_store::client::Stored;
use countersign_store::live::{LiveGrant, LiveSession};
use countersign_store::login::{login_facts, open_batch};
use countersign_store::session::end_batch;
use countersign_store::{Batch, Store};

use tokio::task::JoinHandle;

use crate::people::{self, LIFE, applied, stamp};

/// The client of every grant here.
pub(crate) async fn built_in(store: &Store) -> Arc<Stored> {
    store.client(&ClientId::built_in()).await.expect("an answer").expect("a client")
}

/// What the store knows of the account at login.
pub(crate) async fn candidate(store: &Store, address: &str) -> Candidate {
    let identifier = Identifier::parse(address).expect("an identifier");
    login_facts(store, &identifier).await.expect("facts").expect("an account").0
}

/// A session to be opened at `at`, with a cookie.
pub(crate) async fn cookie(store: &Store, account: Candidate, at: Time) -> Open {
    opening(store, account, Face::Cookie, at).await
}

/// A session to be opened at `at`, with a grant.
pub(crate) async fn token(store: &Store, account: Candidate, at: Time) -> (Open, Grant) {
    let open = opening(store, account, Face::Token, at).await;
    let birth = grant::open::Birth {
        id: GrantId::new(at, people::random()),
        index: store.lease_index(LIFE, &stamp(at)).await.expect("an index"),
        salt: Salt(random::bytes(people::random())),
        resource: None,
    };
    let grant = grant::open::decide(&open.session, birth, at);
    (open, grant)
}

async fn opening(store: &Store, account: Candidate, face: Face, at: Time) -> Open {
    let birth = open::Birth {
        id: SessionId::new(at, people::random()),
        index: store.lease_index(LIFE, &stamp(at)).await.expect("an index"),
        face,
        remember: false,
        device: Device { browser: Some("Firefox"), system: Some("Linux") },
        ip: Some([192, 0, 2, 7].into()),
        replaces: None,
    };
    let secret = (face == Face::Cookie).then(people::token);
    open::decide(account, birth, secret, &Limits::default(), at)
}

/// Opens a session with a cookie at `at`; its hash.
pub(crate) async fn enter(store: &Store, account: Candidate, at: Time) -> (SessionId, Hash) {
    let open = cookie(store, account, at).await;
    applied(store, opens(&open, at)).await;
    (open.session.id, open.secret.expect("a secret"))
}

/// Opens a session with a grant at `at`.
pub(crate) async fn enter_by_token(store: &Store, account: Candidate, at: Time) -> Grant {
    let (open, grant) = token(store, account, at).await;
    applied(store, open_batch(&open, Some(&grant), None, LIFE, &stamp(at))).await;
    grant
}

/// What opening a session with a cookie writes.
pub(crate) fn opens(open: &Open, at: Time) -> Batch {
    open_batch(open, None, None, LIFE, &stamp(at))
}

/// What a logout writes.
pub(crate) fn logout(account: Candidate, session: SessionId, at: Time) -> Batch {
    ends(account, Scope::One(session), EndReason::Logout, at)
}

/// What an end of sessions writes.
pub(crate) fn ends(account: Candidate, scope: Scope, reason: EndReason, at: Time) -> Batch {
    end_batch(&end::decide(account.id, scope, reason), LIFE, &stamp(at))
}

/// The session that a cookie opens.
pub(crate) async fn by_cookie(store: &Store, secret: Hash, now: Time) -> Option<Arc<LiveSession>> {
    store.session_by_secret(secret, now).await.expect("an answer")
}

/// The grant that a token of it names.
pub(crate) async fn by_token(store: &Store, grant: &Grant, now: Time) -> Option<Arc<LiveGrant>> {
    store.session_by_index(grant.index, now).await.expect("an answer")
}

/// What a request with the cookie hears.
pub(crate) async fn knock(store: &Store, secret: Hash, now: Time) -> Result<(), Refusal> {
    by_cookie(store, secret, now)
        .await
        .map_or(Err(Refusal::Ended), |session| session.check(store.live(), now))
}

/// What a request with a token of the grant hears.
pub(crate) async fn knock_by_token(store: &Store, grant: &Grant, now: Time) -> Result<(), Refusal> {
    by_token(store, grant, now).await.map_or(Err(Refusal::Ended), |grant| grant.check(store.live(), now))
}

/// Lets all of them run at the same time.
pub(crate) fn start<T: Send + 'static>(
    tasks: impl IntoIterator<Item = impl Future<Output = T> + Send + 'static>,
) -> Vec<JoinHandle<T>> {
    tasks.into_iter().map(tokio::spawn).collect()
}

/// What became of them.
pub(crate) async fn results<T>(tasks: Vec<JoinHandle<T>>) -> Vec<T> {
    let mut results = Vec::new();
    for task in tasks {
        results.push(task.await.expect("no panic"));
    }
    results
}
