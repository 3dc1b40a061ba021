//! What clients asked and were answered about one account, and whether one account could have answered so.

mod check;
mod model;
#[cfg(test)]
mod tests;

use std::time::Duration;

pub(crate) use self::check::{MOST, check};

/// One request, from before its first byte left until its last byte came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Event {
    /// When it began, since the recording began.
    pub(crate) start: Duration,
    /// When it was answered; of one whose answer never came, when the server was back: by then it had worked or never will.
    pub(crate) end: Duration,
    /// What was asked.
    pub(crate) call: Call,
    /// What was answered.
    pub(crate) answer: Answer,
}

/// A password of the account, by number.
pub(crate) type Password = u32;
/// A session, by the order in which its login was answered.
pub(crate) type Session = u32;
/// A cookie's secret or a refresh token, by the order in which it was first seen.
pub(crate) type Proof = u32;

/// What can be asked about an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Call {
    /// Register its address, with this password.
    Register(Password),
    /// Look for the mail with the link.
    Mail,
    /// Spend the link of the mail.
    Verify,
    /// Log in for a cookie.
    LogIn(Password),
    /// Log in for tokens.
    LogInForTokens(Password),
    /// Who am I? By cookie, or by an access token of the session.
    Check(Session, Option<Proof>),
    /// Refresh with this token.
    Refresh(Session, Proof),
    /// Log out, by cookie or by an access token.
    LogOut(Session, Option<Proof>),
    /// Change the password, by cookie or by an access token.
    Change {
        /// Whose session asks.
        session: Session,
        /// By this cookie, or by an access token.
        cookie: Option<Proof>,
        /// The password that counts, they say.
        current: Password,
        /// The password that shall count.
        new: Password,
    },
}

/// What was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Yes.
    Done,
    /// A session with this cookie or refresh token; of a change, the cookie's new secret; of a refresh, the successor.
    Got(Session, Proof),
    /// No: nothing is there, it does not count, or not any more.
    Refused,
    /// The session counts and the current password is another one.
    WrongPassword,
    /// None, or one that does not say whether it worked.
    Unknown,
}
