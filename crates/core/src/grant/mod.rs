//! Grants: what an account let a client do. A grant hangs from a session and ends with it.

pub mod binding;
pub mod check;
pub mod client_credentials;
pub mod open;
pub mod redeem;
pub mod refresh;
pub mod refresh_token;
pub mod scope;
pub mod target;

use crate::client::ClientId;
use crate::revocation::StatusIndex;
use crate::session::{Acr, EndReason, Method};
use crate::token::Confirmation;
use crate::url::ResourceId;
use crate::{AccountId, GrantId, SessionId, Span, Time};

pub use scope::Scopes;

/// Counts the refresh tokens of a grant: only the present one counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Generation(pub i64);

impl Generation {
    /// The one that comes after.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// Random bytes in the grant's row and in its refresh tokens: a token of a row that is gone fits no new one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Salt(pub [u8; 16]);

/// A grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// `grt_…`
    pub id: GrantId,
    /// Whose.
    pub account: AccountId,
    /// For which client.
    pub client: ClientId,
    /// The session it hangs from; none for one that outlives its login (`offline_access`).
    pub session: Option<SessionId>,
    /// What it allows.
    pub scopes: Scopes,
    /// Where it counts besides the issuer itself; the first one is the default audience.
    pub resources: Vec<ResourceId>,
    /// The refresh token that counts.
    pub generation: Generation,
    /// When the one before was replaced.
    pub rotated_at: Option<Time>,
    /// In its refresh tokens.
    pub salt: Salt,
    /// When it began.
    pub created_at: Time,
    /// When and why it was ended.
    pub ended: Option<(Time, EndReason)>,
    /// Its bit in a status list.
    pub index: StatusIndex,
    /// The session whose login opened it, whether it is still there or not.
    pub opened_by: Option<SessionId>,
    /// What that login proved, where the grant outlives it; else the session is asked.
    pub login: Option<Login>,
    /// The key that its tokens are bound to.
    pub confirmation: Option<Confirmation>,
    /// Claims that were asked for one by one: the `claims` parameter, as it was checked (`OpenID` Connect Core section 5.5).
    pub claims: Option<String>,
    /// When one that outlives its login was used last, and when it ends in any case.
    pub used_at: Time,
    /// See [`used_at`](Self::used_at).
    pub absolute_ends_at: Option<Time>,
}

/// How long grants live that outlive their login. Defaults: design section 7.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Unused for so long, it is over.
    pub offline_idle: Span,
    /// It is over in any case.
    pub offline_absolute: Span,
}

impl Default for Limits {
    fn default() -> Self {
        Self { offline_idle: Span::days(30), offline_absolute: Span::days(90) }
    }
}

/// What a login proved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// `auth_time`.
    pub at: Time,
    /// How.
    pub amr: Vec<Method>,
    /// How surely.
    pub acr: Acr,
}
