//! Ending sessions: one, all others, or all, with their grants (I1).

use crate::{AccountId, SessionId};

use super::EndReason;

/// Which sessions end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// This one.
    One(SessionId),
    /// All of the account but this one.
    Others(SessionId),
    /// All of the account.
    All,
}

/// Sessions to be ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct End {
    /// Only ever the sessions of this account: an id of another's session ends nothing.
    pub account: AccountId,
    /// Which of them.
    pub scope: Scope,
    /// Why.
    pub reason: EndReason,
    /// Grants that outlive a logout end too: a changed password, a closed account, "end everything".
    pub offline: bool,
}

/// Lays out the end of sessions: a logout leaves offline grants alone, everything stronger does not (I1).
pub const fn decide(account: AccountId, scope: Scope, reason: EndReason) -> End {
    let offline = match reason {
        EndReason::PasswordChanged | EndReason::PasswordReset | EndReason::AccountClosed => true,
        EndReason::Revoked => matches!(scope, Scope::All),
        EndReason::Logout
        | EndReason::Replaced
        | EndReason::Evicted
        | EndReason::RefreshReuse
        | EndReason::ConsentWithdrawn
        | EndReason::CodeReuse
        | EndReason::ClientClosed => false,
    };
    End { account, scope, reason, offline }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn i1_only_what_is_stronger_than_a_logout_ends_offline_grants() {
        let account = AccountId::from_bytes([1; 16]);
        let session = SessionId::from_bytes([2; 16]);
        let table = [
            (Scope::One(session), EndReason::Logout, false),
            (Scope::One(session), EndReason::Revoked, false),
            (Scope::Others(session), EndReason::Revoked, false),
            (Scope::All, EndReason::Revoked, true),
            (Scope::Others(session), EndReason::PasswordChanged, true),
            (Scope::All, EndReason::PasswordReset, true),
            (Scope::All, EndReason::AccountClosed, true),
        ];
        for (scope, reason, offline) in table {
            assert_eq!(decide(account, scope, reason).offline, offline, "{scope:?} {reason:?}");
        }
    }
}
