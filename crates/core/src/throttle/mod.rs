//! Throttling: how often anybody may guess, so that guessing leads nowhere and nobody is kept out by the guesses of
//! others.
//!
//! A *guess* is a request whose answer tells whether a password or code fits. It counts for what it is about (the
//! account, over all its identifiers and paths), for the address prefix that it comes from, and for everything together.
//! It is counted before anything is compared and taken back when it was right (attack LOG-13). A *familiar* caller (a
//! browser that logged in to this account before, a session that changes its own password) is refused for its own guesses
//! alone, so that no stranger's lock keeps an owner out (attacks LOG-15, DOS-11).

pub mod admit;
pub mod known_device;
pub mod prefix;
pub mod window;

pub use known_device::{DeviceId, KnownDevice};
pub use prefix::Prefix;

use crate::account::{Email, Identifier};
use crate::{AccountId, PendingId, SessionId, Span};

/// How much is allowed within [`window`](Self::window).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Wrong guesses at one account, and as many again of each familiar caller.
    pub account: u32,
    /// Wrong guesses from one address prefix.
    pub prefix: u32,
    /// Wrong guesses from anywhere at anything, beyond which strangers get a tenth of [`prefix`](Self::prefix).
    pub global: u32,
    /// Addresses that one address prefix may ask for mails to (attack DOS-08).
    pub mails: u32,
    /// The time that all of them are counted in.
    pub window: Span,
}

impl Default for Limits {
    fn default() -> Self {
        Self { account: 10, prefix: 100, global: 1000, mails: 100, window: Span::minutes(15) }
    }
}

/// What a guess is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// The account that the identifier names, whichever of its identifiers that was (attack LOG-12).
    Account(AccountId),
    /// What was typed names no account. It is counted in the same way, so that nobody learns that (I14).
    Name(String),
    /// The mailed code of an address. Counted apart from its account: asking for a code locks no login.
    Code(String),
    /// The chosen password of a registration whose link somebody holds.
    Pending(PendingId),
}

impl Subject {
    /// What a login is about: the account that was found, else what was typed.
    pub fn of_login(account: Option<AccountId>, identifier: Option<&Identifier>, typed: &str) -> Self {
        match (account, identifier) {
            (Some(account), _) => Self::Account(account),
            (None, Some(identifier)) => Self::Name(identifier.canonical().to_owned()),
            (None, None) => Self::Name(typed.to_owned()),
        }
    }

    /// What the code of an address is about.
    pub fn of_code(email: &Email) -> Self {
        Self::Code(email.canonical().to_owned())
    }

    /// The account, where it is about one.
    pub const fn account(&self) -> Option<AccountId> {
        match self {
            Self::Account(account) => Some(*account),
            Self::Name(_) | Self::Code(_) | Self::Pending(_) => None,
        }
    }

    /// One encoding for each, to be hashed under a key: what was typed is kept nowhere.
    pub fn bytes(&self) -> Vec<u8> {
        let (kind, bytes) = match self {
            Self::Account(id) => (b'a', &id.bytes()[..]),
            Self::Name(name) => (b'n', name.as_bytes()),
            Self::Code(email) => (b'c', email.as_bytes()),
            Self::Pending(id) => (b'p', &id.bytes()[..]),
        };
        [&[kind], bytes].concat()
    }
}

/// Who a caller is known to be before the guess, in the eyes of the account that it is about. Never a proof of anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Familiar {
    /// A browser that logged in to the account before.
    Device(DeviceId),
    /// A session of the account.
    Session(SessionId),
}

impl Familiar {
    /// One encoding for each caller and subject, to be hashed under a key.
    pub fn bytes(&self, subject: &Subject) -> Vec<u8> {
        let (kind, bytes) = match self {
            Self::Device(id) => (b'd', id.bytes()),
            Self::Session(id) => (b's', id.bytes()),
        };
        [&[kind], &bytes[..], &subject.bytes()].concat()
    }
}

/// A guess, before anything is compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guess {
    /// What it is about; nothing where only the address counts.
    pub subject: Option<Subject>,
    /// Where it comes from.
    pub prefix: Prefix,
    /// Whether the subject knows the caller.
    pub familiar: Option<Familiar>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_12_an_account_is_one_subject_whatever_it_was_called() {
        let id = Some(AccountId::from_bytes([1; 16]));
        let of = |account, typed| Subject::of_login(account, Identifier::parse(typed).ok().as_ref(), typed);
        assert_eq!(of(id, "kim"), of(id, "Kim@Example.org"));
        assert_eq!(of(None, "KIM@example.org"), of(None, " kim@EXAMPLE.org"));
        assert_ne!(of(None, "kim@example.org"), of(None, "lee@example.org"));
        // What is no identifier at all is counted too.
        assert_ne!(of(None, "@"), of(None, "@@"));
    }

    #[test]
    fn no_two_subjects_or_callers_have_one_encoding() {
        let bytes = [b'x'; 16];
        let text = || "x".repeat(16);
        let subjects = [
            Subject::Account(AccountId::from_bytes(bytes)),
            Subject::Name(text()),
            Subject::Code(text()),
            Subject::Pending(PendingId::from_bytes(bytes)),
        ];
        let familiar =
            [Familiar::Device(DeviceId::from_bytes(bytes)), Familiar::Session(SessionId::from_bytes(bytes))];
        let mut all: Vec<_> = subjects.iter().map(Subject::bytes).collect();
        all.extend(subjects.iter().flat_map(|subject| familiar.iter().map(|caller| caller.bytes(subject))));
        let count = all.len();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), count);
    }
}
