//! Mails as data: what is to be told to whom. The words are of the pages crate; the outbox keeps them sealed.

use crate::Locale;

/// What a mail is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// Prove this address: a link and a code.
    Verify {
        /// Opens the page with the button.
        link: String,
        /// Six digits.
        code: String,
    },
    /// Somebody wanted to register with an address that has an account.
    KnownAddress,
    /// Set a new password: a link.
    Reset {
        /// Opens the page with the form.
        link: String,
    },
    /// The password was changed or reset.
    PasswordChanged,
}

impl Message {
    /// The word in the outbox, the audit log and the caps.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Verify { .. } => "verify",
            Self::KnownAddress => "known_address",
            Self::Reset { .. } => "reset",
            Self::PasswordChanged => "password_changed",
        }
    }
}

/// A mail to one address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// The one recipient: an address as its owner wrote it.
    pub to: String,
    /// What its owner wants to be called.
    pub name: Option<String>,
    /// The language.
    pub locale: Locale,
    /// What it says.
    pub message: Message,
}
