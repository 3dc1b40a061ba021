//! A session, or a grant with its session, as the check finds it: the record as it was read, and beside it what this
//! process knows better.

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use bytes::Bytes;
use countersign_core::account::Account;
use countersign_core::client;
use countersign_core::client::Client;
use countersign_core::grant::{self, Grant, Login, refresh};
use countersign_core::secret::Hash;
use countersign_core::session::Session;
use countersign_core::session::check::{self, Refusal};
use countersign_core::{Time, revocation::StatusIndex};

use super::Live;
use super::list::List;
use super::marks::AsOf;
use super::seen::Seen;

/// A session and its account.
#[derive(Debug)]
pub struct LiveSession {
    /// As it was read. When it was last used and goes idle is told by [`seen_at`](Self::seen_at) and
    /// [`idle_ends_at`](Self::idle_ends_at), which know better.
    pub session: Session,
    /// As it was read; when the log names the account, the session is read anew.
    pub account: Account,
    /// The last answer that the server made of it.
    pub answer: ArcSwapOption<Answer>,
    secret: Option<Hash>,
    list: Option<Arc<List>>,
    as_of: AsOf,
    pub(super) seen: Arc<Seen>,
}

/// An answer made of a session, good for as long as the session's data and the second are the same.
#[derive(Debug)]
pub struct Answer {
    /// The second since 1970 that it was made in.
    pub second: i64,
    /// The answer's body.
    pub bytes: Bytes,
}

impl LiveSession {
    /// `as_of` is the time of the marks before the row was read.
    pub(crate) fn new(
        live: &Live,
        as_of: AsOf,
        session: Session,
        secret: Option<Hash>,
        account: Account,
    ) -> Self {
        Self {
            list: live.list(session.index.list),
            seen: live.pulses.of(&session),
            session,
            account,
            answer: ArcSwapOption::empty(),
            secret,
            as_of,
        }
    }

    /// Whether the session counts at `now`: asked at every request. `Live` is that of the store it came from.
    pub fn check(&self, live: &Live, now: Time) -> Result<(), Refusal> {
        check::decide(self.facts(live), now)
    }

    /// Hash of its cookie's secret; none for a session of tokens, and none where a token led to it.
    pub const fn secret(&self) -> Option<Hash> {
        self.secret
    }

    /// When it was last used, as far as this process knows.
    pub fn seen_at(&self) -> Time {
        self.seen.at()
    }

    /// When it ends unless used.
    pub fn idle_ends_at(&self) -> Time {
        self.seen.idle_ends_at()
    }

    /// Whether the account changed after this was read.
    pub(super) fn is_stale(&self, live: &Live) -> bool {
        live.marks.has_changed(self.account.id, self.as_of)
    }

    /// Whether its cookie's secret is one that was replaced.
    pub(super) fn is_replaced(&self, live: &Live) -> bool {
        self.secret.is_some_and(|secret| live.marks.is_replaced(&secret))
    }

    pub(crate) fn facts(&self, live: &Live) -> check::Facts<'_> {
        check::Facts {
            session: &self.session,
            idle_ends_at: self.idle_ends_at(),
            account: self.account.state,
            revoked: is_set(self.list.as_deref(), self.session.index) || self.is_replaced(live),
            epoch: live.epoch(),
        }
    }
}

/// A grant and what it hangs from.
#[derive(Debug)]
pub struct LiveGrant {
    /// As it was read.
    pub grant: Grant,
    /// Its client's kind; none where the client is disabled.
    pub client: Option<client::Kind>,
    /// What it hangs from.
    pub root: Root,
    list: Option<Arc<List>>,
}

/// What a grant hangs from.
#[derive(Debug)]
pub enum Root {
    /// Its session. This is the token face's own copy: an [`Answer`] kept in it is never given to a cookie.
    Session(Arc<LiveSession>),
    /// The account alone: it outlives its login (`offline_access`).
    Account(LiveAccount),
}

/// An account as it was read.
#[derive(Debug)]
pub struct LiveAccount {
    /// When the log names it, it is read anew.
    pub account: Account,
    as_of: AsOf,
}

impl LiveAccount {
    /// `as_of` is the time of the marks before the row was read.
    pub(crate) const fn new(as_of: AsOf, account: Account) -> Self {
        Self { account, as_of }
    }
}

impl LiveGrant {
    pub(crate) fn new(live: &Live, grant: Grant, client: Option<client::Kind>, root: Root) -> Self {
        Self { list: live.list(grant.index.list), grant, client, root }
    }

    /// The session that it hangs from; none where it outlives its login.
    pub const fn session(&self) -> Option<&Arc<LiveSession>> {
        match &self.root {
            Root::Session(session) => Some(session),
            Root::Account(_) => None,
        }
    }

    /// Whose it is.
    pub fn account(&self) -> &Account {
        match &self.root {
            Root::Session(session) => &session.account,
            Root::Account(account) => &account.account,
        }
    }

    /// What the login behind it proved: that of the authorization, so that it stays what it was, else the session's.
    pub fn login(&self) -> Option<Login> {
        let session = || {
            let session = &self.session()?.session;
            Some(Login { at: session.authenticated_at, amr: session.amr.clone(), acr: session.acr })
        };
        self.grant.login.clone().or_else(session)
    }

    /// When what it hangs from ends, unless it is used again.
    pub fn ends_at(&self) -> Time {
        match &self.root {
            Root::Session(live) => live.session.absolute_ends_at.min(live.idle_ends_at()),
            Root::Account(_) => self.grant.absolute_ends_at.unwrap_or(self.grant.created_at),
        }
    }

    /// Whether tokens of the grant count at `now`: its own bit, its client, and what it hangs from (I1).
    pub fn check(&self, live: &Live, now: Time) -> Result<(), Refusal> {
        grant::check::decide(&self.facts(live), now)
    }

    /// What the refresh rule wants to know. `resource_known`: the resource that was asked for is one of ours.
    pub fn refresh_facts(&self, live: &Live, client: &Client, resource_known: bool) -> refresh::Facts<'_> {
        refresh::Facts {
            grant: Some(self.facts(live)),
            client: self.client,
            scopes: client.narrow(&self.grant.scopes),
            first_party: client.first_party,
            demands_key: client.demands_bound_tokens(),
            resource_known,
        }
    }

    /// Whether the account changed after this was read.
    pub(super) fn is_stale(&self, live: &Live) -> bool {
        match &self.root {
            Root::Session(session) => session.is_stale(live),
            Root::Account(account) => live.marks.has_changed(account.account.id, account.as_of),
        }
    }

    fn facts(&self, live: &Live) -> grant::check::Facts<'_> {
        grant::check::Facts {
            grant: &self.grant,
            root: match &self.root {
                Root::Session(session) => grant::check::Root::Session(session.facts(live)),
                Root::Account(account) => grant::check::Root::Account(account.account.state),
            },
            client_open: self.client.is_some(),
            revoked: is_set(self.list.as_deref(), self.grant.index),
            epoch: live.epoch(),
        }
    }
}

/// A list that is not known here was dropped after its end, and so is all that had an index in it.
fn is_set(list: Option<&List>, index: StatusIndex) -> bool {
    list.is_none_or(|list| list.is_set(index.index))
}
