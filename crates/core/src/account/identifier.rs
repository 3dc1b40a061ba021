//! What people type to say who they are: an email address or a username, and the name they are shown by.
//!
//! Each identifier has one *canonical form*, made once, here, before any lookup, limit or uniqueness check: twins that
//! differ in case, compatibility forms, `İ`/`ı`, `ß` or a trailing dot map to one form or are refused (LOG-11). An
//! address always holds an `@` and a username never does, so neither can stand for the other (LOG-05).

mod display_name;
mod email;
mod text;
mod username;

use unicode_normalization::UnicodeNormalization as _;

pub use display_name::{DisplayName, DisplayNameError};
pub use email::{Email, EmailError};
pub(crate) use text::fold;
pub use username::{Username, UsernameError};

/// How an account is named at login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identifier {
    /// An email address.
    Email(Email),
    /// A username.
    Username(Username),
}

impl Identifier {
    /// Reads what was typed into the one field of a login form: with an `@`, or a character that NFKC makes one, it
    /// is an address, else a username.
    pub fn parse(text: &str) -> Result<Self, IdentifierError> {
        // The length comes first: normalising 10 KB of garbage is work that nobody asked for.
        if text.len() <= text::MAX_TYPED_BYTES && text.nfkc().any(|c| c == '@') {
            return Ok(Self::Email(Email::parse(text)?));
        }
        Ok(Self::Username(Username::parse(text)?))
    }

    /// The form that is looked up, limited and unique.
    pub fn canonical(&self) -> &str {
        match self {
            Self::Email(email) => email.canonical(),
            Self::Username(username) => username.canonical(),
        }
    }
}

/// The text is neither an email address nor a username. The client is to blame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IdentifierError {
    /// It has an `@` and is no address.
    #[error(transparent)]
    Email(#[from] EmailError),
    /// It has none and is no username.
    #[error(transparent)]
    Username(#[from] UsernameError),
}

impl IdentifierError {
    /// The stable code for the wire, such as `email_invalid`.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Email(error) => error.code(),
            Self::Username(error) => error.code(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn log_05_and_log_11_an_at_sign_and_its_twins_make_an_address() {
        for typed in ["bob@example.com", "bob＠example.com", "BOB﹫EXAMPLE.COM", " bob@example.com "] {
            let Ok(Identifier::Email(email)) = Identifier::parse(typed) else { panic!("{typed}") };
            assert_eq!(email.canonical(), "bob@example.com", "{typed}");
        }
        assert!(
            matches!(Identifier::parse("Bob"), Ok(Identifier::Username(name)) if name.canonical() == "bob")
        );
        assert_eq!(Identifier::parse("bob＠"), Err(IdentifierError::Email(EmailError::Invalid)));
    }

    #[test]
    fn overlong_texts_are_refused_unread() {
        for typed in ["a".repeat(10_240), format!("{}@example.com", "a".repeat(10_240))] {
            assert_eq!(Identifier::parse(&typed).map_err(IdentifierError::code), Err("username_too_long"));
        }
    }

    proptest! {
        #[test]
        fn log_05_the_two_namespaces_never_collide(typed in "[a-z@＠﹫._é-]{1,20}|\\PC{1,20}") {
            if let Ok(identifier) = Identifier::parse(&typed) {
                let is_email = matches!(identifier, Identifier::Email(_));
                prop_assert_eq!(identifier.canonical().contains('@'), is_email);
            }
        }

        #[test]
        fn log_11_canonicalising_twice_changes_nothing(typed in "[a-zA-ZßẞİıſﬁÅ\u{212b}éσςＡ１@._\u{307}\u{301}-]{3,12}(@[a-zA-Zßé。．.]{1,9})?") {
            if let Ok(identifier) = Identifier::parse(&typed) {
                let again = Identifier::parse(identifier.canonical());
                prop_assert_eq!(again.as_ref().map(Identifier::canonical), Ok(identifier.canonical()));
            }
        }
    }
}
