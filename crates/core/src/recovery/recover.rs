//! Asking for a reset. The answer is the same for every address (I14; attack REC-01).

use crate::account::State;
use crate::{AccountId, Span};

/// Reset mails to one account within [`WINDOW`]; more are answered alike and not sent (attack DOS-08).
pub const MAILS: u32 = 5;

/// The window of [`MAILS`].
pub const WINDOW: Span = Span::hours(1);

/// What the store knows of the address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    /// The account that proved it, and its state.
    pub account: Option<(AccountId, State)>,
    /// Reset mails sent within [`WINDOW`].
    pub recent_mails: u32,
}

/// What asking does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Mail a link; older links die (attack REC-05).
    Send(AccountId),
    /// The same answer, nothing sent.
    Silent,
}

/// Decides a request for a reset. `capped` is false only where an operator lifted all caps for a load test.
pub const fn decide(facts: Facts, capped: bool) -> Decision {
    match facts.account {
        Some((account, State::Active)) if !capped || facts.recent_mails < MAILS => Decision::Send(account),
        _ => Decision::Silent,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_active_account_gets_a_link() {
        let id = AccountId::from_bytes([1; 16]);
        let table = [
            (Some((id, State::Active)), 0, true, Decision::Send(id)),
            (Some((id, State::Active)), MAILS, true, Decision::Silent),
            (Some((id, State::Active)), MAILS, false, Decision::Send(id)),
            (Some((id, State::Disabled)), 0, true, Decision::Silent),
            (Some((id, State::Deleted)), 0, true, Decision::Silent),
            (None, 0, true, Decision::Silent),
        ];
        for (account, recent_mails, capped, expected) in table {
            assert_eq!(decide(Facts { account, recent_mails }, capped), expected, "{account:?}");
        }
    }
}
