//! The sections `registration` and `outbound`: clients of others, and what is asked of them.

use std::path::PathBuf;

use countersign_core::Span;
use countersign_core::client::Profile;
use countersign_core::outbound::Exception;

use super::findings::Findings;
use super::{Mode, raw};

/// Clients that register themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    /// Who may.
    pub policy: RegistrationPolicy,
    /// How strict the server is with them.
    pub profile: Profile,
    /// Where initial access tokens stand.
    pub token_file: Option<PathBuf>,
    /// Registrations of one address within the window of throttling.
    pub per_address: u32,
    /// Clients at once that nobody vouched for.
    pub limit: u32,
    /// One of them ends after so long if it is not used.
    pub unused: Span,
}

/// Who may register clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RegistrationPolicy {
    /// Everybody.
    Open,
    /// Whoever has an initial access token.
    Token,
    /// Nobody.
    Closed,
}

impl RegistrationPolicy {
    /// The word in the configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Token => "token",
            Self::Closed => "closed",
        }
    }
}

/// Whom we may ask for keys and documents, beyond what is public.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outbound {
    /// Hosts that may be internal.
    pub allow: Vec<Exception>,
    /// More authorities.
    pub ca_file: Option<PathBuf>,
}

pub(super) fn check(mode: Mode, raw: raw::Registration, found: &mut Findings) -> Registration {
    let preset = if mode.is_dev() { RegistrationPolicy::Open } else { RegistrationPolicy::Closed };
    found.demand(
        &["registration.per_address"],
        (1..=10_000).contains(&raw.per_address),
        "must be from 1 to 10000",
    );
    found.demand(&["registration.limit"], (1..=1_000_000).contains(&raw.limit), "must be from 1 to 1000000");
    found.demand(
        &["registration.unused"],
        raw.unused >= Span::hours(1),
        "must be at least 1h: a client is registered before anybody can use it",
    );
    Registration {
        policy: raw.policy.unwrap_or(preset),
        profile: raw.profile,
        token_file: raw.token_file,
        per_address: raw.per_address,
        limit: raw.limit,
        unused: raw.unused,
    }
}
