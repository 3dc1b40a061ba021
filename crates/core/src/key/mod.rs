//! Signing keys: published before use, kept as long as anything they signed may live (invariant I11).

pub mod rotate;

use crate::Time;

pub use countersign_jose::Alg;

/// Where a signing key is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// Published, not yet used.
    Next,
    /// Signs.
    Active,
    /// Published, signs no more.
    Retiring,
    /// No longer published. The public part stays for `id_token_hint`; the private part is gone.
    Retired,
    /// It was stolen, or may have been: nothing that it signed counts, not even as a hint.
    Revoked,
}

impl State {
    /// The word in the store and on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Next => "next",
            Self::Active => "active",
            Self::Retiring => "retiring",
            Self::Retired => "retired",
            Self::Revoked => "revoked",
        }
    }

    /// Reads [`as_str`](Self::as_str).
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Next, Self::Active, Self::Retiring, Self::Retired, Self::Revoked]
            .into_iter()
            .find(|state| state.as_str() == word)
    }

    /// Whether `jwks.json` holds it.
    pub const fn published(self) -> bool {
        !matches!(self, Self::Retired | Self::Revoked)
    }
}

/// What the rules know of a signing key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Its RFC 7638 thumbprint.
    pub kid: String,
    /// The one algorithm it signs with.
    pub alg: Alg,
    /// Where it is in its life.
    pub state: State,
    /// When it was made and so published.
    pub created_at: Time,
    /// When it entered its present state.
    pub since: Time,
}
