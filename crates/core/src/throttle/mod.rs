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
    /// Wrong guesses from one address prefix. The wider networks around it get a few times as many.
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
    /// The code of a device, tried by an account. Counted apart from its password: nobody is kept from logging in by it.
    UserCode(AccountId),
    /// The chosen password of a registration whose link somebody holds.
    Pending(PendingId),
}

impl Subject {
    /// What was typed in a login, whether it names an account or not.
    pub fn of_typed(identifier: Option<&Identifier>, typed: &str) -> Self {
        Self::Name(identifier.map_or(typed, Identifier::canonical).to_owned())
    }

    /// What the code of an address is about.
    pub fn of_code(email: &Email) -> Self {
        Self::Code(email.canonical().to_owned())
    }

    /// The account, where it is about one.
    pub const fn account(&self) -> Option<AccountId> {
        match self {
            Self::Account(account) => Some(*account),
            Self::Name(_) | Self::Code(_) | Self::UserCode(_) | Self::Pending(_) => None,
        }
    }

    /// One encoding for each, to be hashed under a key: what was typed is kept nowhere.
    pub fn bytes(&self) -> Vec<u8> {
        let (kind, bytes) = match self {
            Self::Account(id) => (b'a', &id.bytes()[..]),
            Self::Name(name) => (b'n', name.as_bytes()),
            Self::Code(email) => (b'c', email.as_bytes()),
            Self::UserCode(id) => (b'u', &id.bytes()[..]),
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

    /// The same for all that a subject knows, together.
    pub fn all_bytes(subject: &Subject) -> Vec<u8> {
        [b"f", &subject.bytes()[..]].concat()
    }
}

/// What a guess costs us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// Something is compared.
    Compared,
    /// Nothing: it names what nobody could guess. Whoever sends many of them is told so, and nobody else notices: they do
    /// not count among all guesses.
    Nothing,
}

/// A guess, before anything is compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guess {
    /// What it is about; nothing where only the address counts.
    pub subject: Option<Subject>,
    /// What was typed, where that is another subject: it counts as well, so that the count of a name goes on when an
    /// account gets it, and nobody learns that one did (I14).
    pub typed: Option<Subject>,
    /// Where it comes from.
    pub prefix: Prefix,
    /// Whether the subject knows the caller.
    pub familiar: Option<Familiar>,
    /// What it costs.
    pub weight: Weight,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_12_a_name_is_one_subject_however_it_was_spelled() {
        let of = |typed| Subject::of_typed(Identifier::parse(typed).ok().as_ref(), typed);
        assert_eq!(of("KIM@example.org"), of(" kim@EXAMPLE.org"));
        assert_ne!(of("kim@example.org"), of("lee@example.org"));
        // What is no identifier at all is counted too.
        assert_ne!(of("@"), of("@@"));
    }

    #[test]
    fn no_two_subjects_or_callers_have_one_encoding() {
        let bytes = [b'x'; 16];
        let text = || "x".repeat(16);
        let subjects = [
            Subject::Account(AccountId::from_bytes(bytes)),
            Subject::Name(text()),
            Subject::Code(text()),
            Subject::UserCode(AccountId::from_bytes(bytes)),
            Subject::Pending(PendingId::from_bytes(bytes)),
        ];
        let familiar =
            [Familiar::Device(DeviceId::from_bytes(bytes)), Familiar::Session(SessionId::from_bytes(bytes))];
        let mut all: Vec<_> = subjects.iter().map(Subject::bytes).collect();
        all.extend(subjects.iter().flat_map(|subject| familiar.iter().map(|caller| caller.bytes(subject))));
        all.extend(subjects.iter().map(Familiar::all_bytes));
        let count = all.len();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), count);
    }
}
