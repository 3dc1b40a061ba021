//! Clients: applications that tokens are made for.

pub mod authenticate;
pub mod document;
pub mod invitation;
pub mod lint;
mod members;
pub mod metadata;
pub mod profile;
pub mod redirect_uri;
pub mod register;
pub mod sector;

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::grant::Scopes;
use crate::grant::scope::ADMIN;
use crate::revocation::StatusIndex;
use crate::{Random, Time, random};

pub use metadata::{ApplicationType, AuthMethod, GrantType, Metadata, ResponseType, SubjectType};
pub use profile::Profile;

/// A client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// Its name on the wire.
    pub id: ClientId,
    /// How it came to be known.
    pub origin: Origin,
    /// How strict we are with it.
    pub profile: Profile,
    /// Ours: it may have scopes of ours, and nobody is asked for consent.
    pub first_party: bool,
    /// An operator closed it.
    pub disabled: bool,
    /// When it was made.
    pub created_at: Time,
    /// When it ends unless it is used, if it registered itself.
    pub expires_at: Option<Time>,
    /// The bit of its own tokens (`client_credentials`).
    pub index: Option<StatusIndex>,
    /// What it says of itself.
    pub metadata: Metadata,
}

impl Client {
    /// Whether it can keep a secret.
    pub const fn kind(&self) -> Kind {
        match self.metadata.token_endpoint_auth_method {
            AuthMethod::None => Kind::Public,
            _ => Kind::Confidential,
        }
    }

    /// Whether it may do anything at `now`: not closed, not run out.
    pub fn is_open(&self, now: Time) -> bool {
        !self.disabled && self.expires_at.is_none_or(|end| now < end)
    }

    /// Of what it was granted, what it may have today: a scope that was taken from its list counts no more (attack OAU-40).
    #[must_use]
    pub fn narrow(&self, granted: &Scopes) -> Scopes {
        match self.metadata.scope.as_deref().and_then(Scopes::parse) {
            Some(own) => granted.retain(|word| own.contains(word)),
            None => granted.clone(),
        }
    }

    /// Whether its tokens must be bound to a key: its profile says so, or it does (RFC 9449 section 5.2).
    pub const fn demands_bound_tokens(&self) -> bool {
        self.profile.demands_bound_tokens() || self.metadata.dpop_bound_access_tokens
    }

    /// Whether it may ask for the scope `admin`: an operator made it and wrote the scope down. What registered itself never may,
    /// whoever changed it since (attack OAU-58).
    pub fn may_administer(&self) -> bool {
        self.origin == Origin::Operator && self.scope().is_some_and(|listed| listed.contains(ADMIN))
    }

    /// The scopes that it registered: it may ask for no others. None: it said nothing of them.
    pub fn scope(&self) -> Option<Scopes> {
        self.metadata.scope.as_deref().and_then(Scopes::parse)
    }

    /// What people are shown: its name, else its id.
    pub fn shown_name(&self) -> &str {
        self.metadata.client_name.as_deref().unwrap_or(self.id.as_str())
    }
}

/// How a client came to be known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Origin {
    /// It is part of this server.
    BuiltIn,
    /// An operator made it.
    Operator,
    /// It registered itself (RFC 7591).
    Registered,
    /// It is described by a document of its own (client ID metadata document).
    Document,
}

impl Origin {
    const ALL: [Self; 4] = [Self::BuiltIn, Self::Operator, Self::Registered, Self::Document];

    /// The word in the store and at the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BuiltIn => "built_in",
            Self::Operator => "operator",
            Self::Registered => "registered",
            Self::Document => "document",
        }
    }

    /// Reads [`as_str`](Self::as_str).
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|origin| origin.as_str() == word)
    }
}

/// The name of a client (RFC 6749 section 2.2): up to 255 visible ASCII characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientId(String);

impl ClientId {
    /// The built-in first-party client: public, and the only one that a password login can use.
    pub fn built_in() -> Self {
        Self("countersign".to_owned())
    }

    /// Reads a `client_id`: 1 to 255 characters of VSCHAR (RFC 6749 appendix A.1) but for spaces.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = (1..=255).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
        fits.then(|| Self(text.to_owned()))
    }

    /// A name that nobody else has: `cl_` and 128 random bits.
    pub fn new(random: &dyn Random) -> Self {
        Self(format!("cl_{}", URL_SAFE_NO_PAD.encode(random::bytes::<16>(random))))
    }

    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether a client can keep a secret (RFC 6749 section 2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It cannot: its refresh tokens rotate.
    Public,
    /// It authenticates: its refresh tokens stay.
    Confidential,
}

impl Kind {
    /// The word in the store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Confidential => "confidential",
        }
    }

    /// Reads [`as_str`](Self::as_str).
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Public, Self::Confidential].into_iter().find(|kind| kind.as_str() == word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_id_is_visible_ascii() {
        assert_eq!(ClientId::parse("countersign"), Some(ClientId::built_in()));
        for bad in ["", "a b", "a\n", "é", &"a".repeat(256)] {
            assert_eq!(ClientId::parse(bad), None, "{bad}");
        }
    }
}
