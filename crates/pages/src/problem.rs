//! What can be wrong with what people type, one text each.

use countersign_core::credential::policy::Rejection;

use crate::frame::Frame;
use crate::text::Texts;

/// The server cannot take the form now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Busy {
    /// Too many tries.
    Throttled {
        /// To wait so long.
        minutes: u32,
    },
    /// Too many people at once: wait some seconds.
    Overloaded,
}

impl Busy {
    /// What to do about it, for templates.
    pub(crate) fn advice(self, frame: &Frame<'_>) -> String {
        let texts = Texts::of(frame.locale);
        match self {
            Self::Throttled { minutes } => texts.with("busy-throttled-wait", "minutes", minutes.to_string()),
            Self::Overloaded => texts.detail(self.key()).into_owned(),
        }
    }

    pub(crate) fn is_throttled(self) -> bool {
        matches!(self, Self::Throttled { .. })
    }

    pub(crate) fn key(self) -> &'static str {
        match self {
            Self::Throttled { .. } => "busy-throttled",
            Self::Overloaded => "busy-overloaded",
        }
    }
}

/// What is wrong with an email address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EmailProblem {
    /// It is not an address that mail can be sent to.
    Invalid,
}

impl EmailProblem {
    pub(crate) fn key(self) -> &'static str {
        match self {
            Self::Invalid => "email-invalid",
        }
    }
}

/// What is wrong with a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameProblem {
    /// It is too long or has characters that do not print.
    Invalid,
}

impl NameProblem {
    pub(crate) fn key(self) -> &'static str {
        match self {
            Self::Invalid => "name-invalid",
        }
    }
}

/// Why a new password was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasswordProblem {
    /// Fewer than 8 characters.
    TooShort,
    /// More than 1,024 bytes.
    TooLong,
    /// On the list of common passwords.
    Common,
    /// Guessable in few tries.
    Guessable,
    /// Little more than the person's address or name, or the name of the service.
    Context,
    /// The one that it should replace.
    SameAsOld,
}

impl From<Rejection> for PasswordProblem {
    fn from(rejection: Rejection) -> Self {
        match rejection {
            Rejection::TooShort => Self::TooShort,
            Rejection::TooLong => Self::TooLong,
            Rejection::Common => Self::Common,
            Rejection::Context => Self::Context,
            Rejection::Guessable => Self::Guessable,
        }
    }
}

impl PasswordProblem {
    pub(crate) fn key(self) -> &'static str {
        match self {
            Self::TooShort => "password-too-short",
            Self::TooLong => "password-too-long",
            Self::Common => "password-common",
            Self::Guessable => "password-guessable",
            Self::Context => "password-context",
            Self::SameAsOld => "password-same-as-old",
        }
    }
}
