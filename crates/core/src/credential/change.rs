//! Changing the password while logged in: the current one must be proved, whatever the session (attack LOG-30).
//!
//! A change ends the account's other sessions and its offline grants, and gives this session a new secret (I1, I5).

/// Whether the current password that came along fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Current {
    /// It is the one.
    Matches,
    /// It is not, or the account has none.
    Differs,
}

/// What the shell found out before the rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    /// The current password.
    pub current: Current,
    /// The new password is the current one.
    pub same: bool,
}

/// What a change does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// The new password counts from now on.
    Change,
    /// Nothing changes.
    Refuse(Refusal),
}

/// Why a change is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The current password does not fit.
    WrongCurrent,
    /// The new password is the current one.
    Same,
}

/// Decides a change of password. What the policy says of the new one was asked before.
pub const fn decide(facts: Facts) -> Decision {
    match facts {
        Facts { current: Current::Differs, .. } => Decision::Refuse(Refusal::WrongCurrent),
        Facts { same: true, .. } => Decision::Refuse(Refusal::Same),
        Facts { .. } => Decision::Change,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_30_a_change_needs_the_current_password_and_another_new_one() {
        let table = [
            (Current::Matches, false, Decision::Change),
            (Current::Matches, true, Decision::Refuse(Refusal::Same)),
            (Current::Differs, false, Decision::Refuse(Refusal::WrongCurrent)),
            (Current::Differs, true, Decision::Refuse(Refusal::WrongCurrent)),
        ];
        for (current, same, expected) in table {
            assert_eq!(decide(Facts { current, same }), expected);
        }
    }
}
