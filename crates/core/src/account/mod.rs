//! Accounts: who can log in, and by which names.

pub mod administer;
pub mod change;
pub mod identifier;
pub mod profile;
pub mod register;
pub mod verify;

use crate::{AccountId, Locale, Time};

pub use identifier::{DisplayName, Email, Identifier, Username};

/// Whether an account may log in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It may.
    Active,
    /// An operator closed it; everything it had has ended.
    Disabled,
    /// Gone: only the id remains, so that no new account ever gets it (attack SES-12).
    Deleted,
}

impl State {
    /// The word in the store and on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Disabled => "disabled",
            Self::Deleted => "deleted",
        }
    }

    /// Reads [`as_str`](Self::as_str).
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Active, Self::Disabled, Self::Deleted].into_iter().find(|state| state.as_str() == word)
    }
}

/// Counts the changes of an account. A decision that used the account's data is guarded by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(pub i64);

impl Version {
    /// The one after a change.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// What an account may do beyond its own affairs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Runs this server.
    Admin,
}

impl Role {
    /// The word in the store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
        }
    }

    /// Reads [`as_str`](Self::as_str).
    pub fn parse(word: &str) -> Option<Self> {
        (word == Self::Admin.as_str()).then_some(Self::Admin)
    }
}

/// An account as everyone but the login rule sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// `acc_…`
    pub id: AccountId,
    /// Whether it may log in.
    pub state: State,
    /// Counts its changes.
    pub version: Version,
    /// The address that it proved; none once it is deleted.
    pub email: Option<Email>,
    /// When the address was proved.
    pub email_verified_at: Option<Time>,
    /// What it wants to be called.
    pub name: Option<DisplayName>,
    /// The language of its mails.
    pub locale: Locale,
    /// When it was made.
    pub created_at: Time,
}
