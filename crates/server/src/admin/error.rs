//! Why a command did nothing, in words for the operator.

use countersign_core::account::identifier::{DisplayNameError, EmailError};
use countersign_core::credential::policy::Rejection;
use countersign_store::db;
use serde::{Deserialize, Serialize};

use crate::keyring::KeyringError;
use crate::respond::problem::{Kind, Problem};

/// A command was refused or failed; nothing changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum AdminError {
    /// Nobody has that id, address or username.
    #[error("there is no account {0}: `countersign account list` shows all")]
    NoAccount(String),
    /// No session has that id.
    #[error("there is no session {0}: `countersign account show ACCOUNT` lists those of an account")]
    NoSession(String),
    /// The address belongs to an account.
    #[error("{0} has an account already: `countersign account show {0}`")]
    AddressTaken(String),
    /// A deleted account stays deleted.
    #[error("{0} was deleted, which is for good: make a new account")]
    Deleted(String),
    /// The policy refuses the password.
    #[error("the password is not accepted: {0}")]
    PasswordRejected(String),
    /// Nobody can stay logged in, and no later epoch can be set.
    #[error(
        "nothing ended: a clock that was ahead ended everything before {0}, which is still to come. Set the clock right, stop the \
         server, run `countersign restore --in-place --epoch-bump`, and start it"
    )]
    EpochAhead(String),
    /// No client has that id.
    #[error("there is no client {0}: `countersign client list` shows all")]
    NoClient(String),
    /// Another client has that id.
    #[error("there is a client {0} already: `countersign client show {0}`")]
    ClientTaken(String),
    /// The client cannot be changed.
    #[error("{0} is part of this server: it is not changed")]
    BuiltIn(String),
    /// No grant has that id, or it has ended.
    #[error("there is no grant {0}: `countersign grant list` shows all")]
    NoGrant(String),
    /// The resource was added before.
    #[error("{0} is there already")]
    KnownResource(String),
    /// Something in the command is malformed.
    #[error("{what} {problem}")]
    Invalid {
        /// Such as `--email`.
        what: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The line is no command of this release.
    #[error(
        "the server does not know this command: is it another version? Stop it, or use the program that it was started with"
    )]
    Unknown,
    /// The server or its database cannot do it now.
    #[error("{0}; try again in a moment")]
    Unavailable(String),
    /// A fault of ours or of the database.
    #[error("{0}")]
    Failed(String),
}

impl AdminError {
    pub(super) fn invalid(what: &str, problem: &impl ToString) -> Self {
        Self::Invalid { what: what.to_owned(), problem: problem.to_string() }
    }
}

impl From<db::Error> for AdminError {
    fn from(error: db::Error) -> Self {
        Problem::from(error).into()
    }
}

impl From<Problem> for AdminError {
    /// The operator may know the cause, which a caller from outside is never told.
    fn from(problem: Problem) -> Self {
        let (_, _, title) = problem.kind.wire();
        let cause = problem.cause.unwrap_or_else(|| title.to_owned());
        if problem.kind == Kind::Overloaded { Self::Unavailable(cause) } else { Self::Failed(cause) }
    }
}

impl From<KeyringError> for AdminError {
    fn from(error: KeyringError) -> Self {
        match error {
            KeyringError::Store(error) => error.into(),
            error => Self::Failed(error.to_string()),
        }
    }
}

impl From<EmailError> for AdminError {
    fn from(error: EmailError) -> Self {
        Self::invalid("--email:", &error)
    }
}

impl From<DisplayNameError> for AdminError {
    fn from(error: DisplayNameError) -> Self {
        Self::invalid("--name:", &error)
    }
}

impl From<Rejection> for AdminError {
    fn from(rejection: Rejection) -> Self {
        Self::PasswordRejected(rejection.to_string())
    }
}
