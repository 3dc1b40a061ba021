//! Logins with a cookie and a grant at once, so that one session can be asked by both of its faces.

use countersign_core::grant::Grant;
use countersign_core::login::password::Candidate;
use countersign_core::secret::Hash;
use countersign_core::session::open::Open;
use countersign_core::{AccountId, Time};
use countersign_store::login::Upgrade;
use countersign_store::{Batch, Store, account, login};

use crate::doors::{self, knock, knock_by_token};
use crate::people::{self, LIFE, applied, stamp};

/// A session and both ways to it.
#[derive(Debug, Clone)]
pub(crate) struct Login {
    pub(crate) open: Open,
    pub(crate) secret: Hash,
    pub(crate) grant: Grant,
}

/// A login at `at`, ready to be written: what the server makes once the password fits.
pub(crate) async fn ready(store: &Store, id: AccountId, at: Time) -> Login {
    let account = account::account(store, id).await.expect("a read").expect("an account");
    let candidate = Candidate { id, state: account.state, version: account.version };
    let (open, grant) = doors::token(store, candidate, at).await;
    let secret = people::token();
    Login { open: Open { secret: Some(secret), ..open }, secret, grant }
}

/// What a login writes.
pub(crate) fn open_batch(login: &Login, upgrade: Option<Upgrade<'_>>, at: Time) -> Batch {
    login::open_batch(&login.open, Some(&login.grant), upgrade, LIFE, &stamp(at))
}

/// A login that happened at `at`, and is in memory.
pub(crate) async fn log_in(store: &Store, id: AccountId, at: Time) -> Login {
    let login = ready(store, id, at).await;
    applied(store, open_batch(&login, None, at)).await;
    assert_eq!(faces(store, &login, at).await, (true, true));
    login
}

/// Whether the cookie and the tokens of a login are accepted at `at`.
pub(crate) async fn faces(store: &Store, login: &Login, at: Time) -> (bool, bool) {
    let cookie = knock(store, login.secret, at).await.is_ok();
    (cookie, knock_by_token(store, &login.grant, at).await.is_ok())
}
