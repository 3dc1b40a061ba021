//! Logging in with a password.
//!
//! "No such account", "wrong password" and "may not log in" are one answer in the same time (I14; attacks LOG-01,
//! LOG-03): the shell hashes against a dummy where there is nothing to compare with, and the refusal's reason goes to
//! the audit log alone.

use crate::AccountId;
use crate::account::{State, Version};

/// What came of comparing the password. The shell asks the hash pool before the rule, once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof {
    /// It fits; `upgrade` is a new hash where the old one had weaker parameters (attack LOG-31).
    Matches {
        /// PHC string under today's parameters.
        upgrade: Option<String>,
    },
    /// It does not, or there was nothing to compare with.
    Differs,
}

/// The account that the identifier names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate {
    /// Who.
    pub id: AccountId,
    /// Whether it may log in.
    pub state: State,
    /// Guarded when the session opens: a password changed in between loses the login.
    pub version: Version,
}

/// What the store and the hash pool found out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The account, if there is one.
    pub account: Option<Candidate>,
    /// Whether the password fits its own.
    pub proof: Proof,
}

/// What a login attempt does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// A session may open.
    Accept {
        /// For whom.
        account: Candidate,
        /// A better hash to store along the way.
        upgrade: Option<String>,
    },
    /// No session; the failure is written down.
    Refuse {
        /// Whose failure it is, for the audit log.
        account: Option<AccountId>,
        /// For the audit log alone.
        reason: Refusal,
    },
}

/// Why a login is refused: told to the audit log, never to the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Nobody has this identifier.
    UnknownAccount,
    /// The password differs.
    WrongPassword,
    /// The account is disabled or deleted.
    Account,
}

impl Refusal {
    /// The word in the audit log.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UnknownAccount => "unknown_account",
            Self::WrongPassword => "wrong_password",
            Self::Account => "account_closed",
        }
    }
}

/// Decides a login attempt.
pub fn decide(facts: Facts) -> Decision {
    let refuse = |account, reason| Decision::Refuse { account, reason };
    let Some(account) = facts.account else { return refuse(None, Refusal::UnknownAccount) };
    match facts.proof {
        Proof::Differs => refuse(Some(account.id), Refusal::WrongPassword),
        Proof::Matches { .. } if account.state != State::Active => refuse(Some(account.id), Refusal::Account),
        Proof::Matches { upgrade } => Decision::Accept { account, upgrade },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_active_account_with_its_own_password_gets_in() {
        let account = |state| Candidate { id: AccountId::from_bytes([1; 16]), state, version: Version(3) };
        let id = Some(AccountId::from_bytes([1; 16]));
        let matches = || Proof::Matches { upgrade: None };
        let refuse = |account, reason| Decision::Refuse { account, reason };
        let accepted = Decision::Accept { account: account(State::Active), upgrade: None };
        let table = [
            ("fits", Some(account(State::Active)), matches(), accepted),
            ("differs", Some(account(State::Active)), Proof::Differs, refuse(id, Refusal::WrongPassword)),
            ("disabled", Some(account(State::Disabled)), matches(), refuse(id, Refusal::Account)),
            ("deleted", Some(account(State::Deleted)), matches(), refuse(id, Refusal::Account)),
            (
                "disabled, wrong",
                Some(account(State::Disabled)),
                Proof::Differs,
                refuse(id, Refusal::WrongPassword),
            ),
            ("unknown", None, Proof::Differs, refuse(None, Refusal::UnknownAccount)),
            ("unknown, and a proof that cannot be", None, matches(), refuse(None, Refusal::UnknownAccount)),
        ];
        for (name, account, proof, expected) in table {
            assert_eq!(decide(Facts { account, proof }), expected, "{name}");
        }
    }
}
