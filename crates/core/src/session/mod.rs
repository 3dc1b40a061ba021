//! Sessions: one login on one device, the root of everything that login may do.
//!
//! A session has two faces (design: one login, two proofs): the browser's cookie and the tokens of its grants. Both
//! carry the limits of this one record (invariant I1).

pub mod backchannel;
pub mod check;
pub mod device;
pub mod end;
pub mod logout;
pub mod open;
pub mod prove;

use std::net::IpAddr;

use crate::revocation::StatusIndex;
use crate::{AccountId, SessionId, Span, Time};

pub use device::Device;

/// How a session's bearer first proved itself: which of the two faces the login asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Face {
    /// A browser holds the session's secret in a cookie.
    Cookie,
    /// Something else holds tokens of a grant.
    Token,
}

impl Face {
    /// The word in the store and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cookie => "cookie",
            Self::Token => "token",
        }
    }

    /// Reads [`as_str`](Self::as_str).
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Cookie, Self::Token].into_iter().find(|face| face.as_str() == word)
    }
}

/// An authentication method reference (RFC 8176).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Method {
    /// A password.
    Password,
}

impl Method {
    /// The registered value, such as `pwd`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Password => "pwd",
        }
    }

    /// Reads [`as_str`](Self::as_str).
    pub fn parse(word: &str) -> Option<Self> {
        (word == Self::Password.as_str()).then_some(Self::Password)
    }
}

/// How sure the login was: the authentication context class (NIST SP 800-63B levels).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Acr {
    /// One factor.
    Aal1,
}

impl Acr {
    /// The value in tokens and the API, such as `aal1`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Aal1 => "aal1",
        }
    }

    /// Reads [`as_str`](Self::as_str).
    pub fn parse(word: &str) -> Option<Self> {
        (word == Self::Aal1.as_str()).then_some(Self::Aal1)
    }
}

/// Why a session or grant ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EndReason {
    /// Its own logout.
    Logout,
    /// Ended from the list of sessions, or by an operator.
    Revoked,
    /// Another login took its place in the same browser.
    Replaced,
    /// The account had too many sessions and this was the oldest.
    Evicted,
    /// The password was changed.
    PasswordChanged,
    /// The password was reset.
    PasswordReset,
    /// The account was disabled or deleted.
    AccountClosed,
    /// A refresh token was used that had been replaced (attack OAU-42).
    RefreshReuse,
    /// The account took back what it had let the client do.
    ConsentWithdrawn,
    /// A code was used a second time (attack OAU-18).
    CodeReuse,
    /// Its client was closed or deleted.
    ClientClosed,
}

impl EndReason {
    const ALL: [Self; 11] = [
        Self::Logout,
        Self::Revoked,
        Self::Replaced,
        Self::Evicted,
        Self::PasswordChanged,
        Self::PasswordReset,
        Self::AccountClosed,
        Self::RefreshReuse,
        Self::ConsentWithdrawn,
        Self::CodeReuse,
        Self::ClientClosed,
    ];

    /// The word in the store and the audit log.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Logout => "logout",
            Self::Revoked => "revoked",
            Self::Replaced => "replaced",
            Self::Evicted => "evicted",
            Self::PasswordChanged => "password_changed",
            Self::PasswordReset => "password_reset",
            Self::AccountClosed => "account_closed",
            Self::ClientClosed => "client_closed",
            Self::RefreshReuse => "refresh_reuse",
            Self::ConsentWithdrawn => "consent_withdrawn",
            Self::CodeReuse => "code_reuse",
        }
    }

    /// Reads [`as_str`](Self::as_str).
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == word)
    }
}

/// A session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// `ses_…`; public.
    pub id: SessionId,
    /// Who logged in.
    pub account: AccountId,
    /// The face that the login asked for.
    pub face: Face,
    /// When it began.
    pub created_at: Time,
    /// When its bearer last proved itself: `auth_time`.
    pub authenticated_at: Time,
    /// When it was last used.
    pub seen_at: Time,
    /// When it ends unless used.
    pub idle_ends_at: Time,
    /// When it ends whatever happens.
    pub absolute_ends_at: Time,
    /// When and why it was ended before that.
    pub ended: Option<(Time, EndReason)>,
    /// The proofs of the login.
    pub amr: Vec<Method>,
    /// What they amount to.
    pub acr: Acr,
    /// "Keep me signed in".
    pub remember: bool,
    /// Browser and system, as far as they tell.
    pub device: Device,
    /// Where the login came from.
    pub ip: Option<IpAddr>,
    /// Its bit in a status list.
    pub index: StatusIndex,
}

/// How long sessions live. Defaults: design section 7.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Unused for so long, a session ends.
    pub idle: Span,
    /// However used, it ends after so long.
    pub absolute: Span,
    /// The same with "keep me signed in".
    pub remembered_idle: Span,
    /// The same with "keep me signed in".
    pub remembered_absolute: Span,
    /// Live sessions an account; one more ends the oldest. None: no limit.
    pub concurrent: Option<u32>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            idle: Span::hours(2),
            absolute: Span::hours(24),
            remembered_idle: Span::days(14),
            remembered_absolute: Span::days(60),
            concurrent: None,
        }
    }
}

impl Limits {
    /// When a session last used at `seen_at` goes idle.
    pub fn idle_end(&self, seen_at: Time, remember: bool) -> Time {
        seen_at + if remember { self.remembered_idle } else { self.idle }
    }

    /// When a session begun at `created_at` ends at the latest.
    pub fn absolute_end(&self, created_at: Time, remember: bool) -> Time {
        created_at + if remember { self.remembered_absolute } else { self.absolute }
    }
}
