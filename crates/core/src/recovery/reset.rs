//! Setting a new password by a mailed link.
//!
//! The subject comes from the link alone (attack REC-06). A link dies with its use, its age, a newer link, a login, a
//! changed password or address, a disabled account (attack REC-05), the end of everything (attack STO-16). A reset ends every session and grant, and opens
//! none: the new password has to be used once (and a second factor is never skipped, attack REC-07).

use crate::account::State;
use crate::revocation::Epoch;
use crate::{AccountId, ResetId, Time};

/// A reset that was mailed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reset {
    /// `rst_…`
    pub id: ResetId,
    /// Whose password it sets.
    pub account: AccountId,
    /// When it was mailed.
    pub created_at: Time,
    /// When it stops working.
    pub expires_at: Time,
    /// Used, or overtaken by something that kills it.
    pub dead: bool,
}

/// What the store knows about the link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    /// The reset it names and the state of its account.
    pub reset: Option<(Reset, State)>,
    /// What was mailed before it is dead.
    pub epoch: Epoch,
}

/// What using the link does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// The new password counts; everything else of the account ends.
    Set(Reset),
    /// The link does not work, and why; the caller learns only that.
    Refuse(Refusal),
}

/// Why a link does not work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// No reset has it.
    Unknown,
    /// Too late.
    Expired,
    /// Used or overtaken.
    Dead,
    /// The account may not log in.
    Account,
}

/// Decides the use of a link.
pub fn decide(facts: Facts, now: Time) -> Decision {
    let Some((reset, state)) = facts.reset else { return Decision::Refuse(Refusal::Unknown) };
    if reset.dead || facts.epoch.ends(reset.created_at) {
        Decision::Refuse(Refusal::Dead)
    } else if now >= reset.expires_at {
        Decision::Refuse(Refusal::Expired)
    } else if state != State::Active {
        Decision::Refuse(Refusal::Account)
    } else {
        Decision::Set(reset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Span;

    #[test]
    fn rec_05_a_link_works_once_in_time_for_an_active_account() {
        let now = Time::from_micros(1_700_000_000_000_000);
        let reset = |dead, left| Reset {
            id: ResetId::from_bytes([1; 16]),
            account: AccountId::from_bytes([2; 16]),
            created_at: now - Span::minutes(30),
            expires_at: now + Span::from_micros(left),
            dead,
        };
        let table = [
            (Some((reset(false, 1), State::Active)), Decision::Set(reset(false, 1))),
            (Some((reset(false, 0), State::Active)), Decision::Refuse(Refusal::Expired)),
            (Some((reset(true, 1), State::Active)), Decision::Refuse(Refusal::Dead)),
            (Some((reset(false, 1), State::Disabled)), Decision::Refuse(Refusal::Account)),
            (Some((reset(false, 1), State::Deleted)), Decision::Refuse(Refusal::Account)),
            (None, Decision::Refuse(Refusal::Unknown)),
        ];
        for (reset, expected) in table {
            assert_eq!(decide(Facts { reset, epoch: Epoch::BEGINNING }, now), expected);
        }
        for (not_before, expected) in [
            (reset(false, 1).created_at, Decision::Set(reset(false, 1))),
            (now, Decision::Refuse(Refusal::Dead)),
        ] {
            let facts =
                Facts { reset: Some((reset(false, 1), State::Active)), epoch: Epoch::from_time(not_before) };
            assert_eq!(decide(facts, now), expected, "sto_16: the epoch {not_before}");
        }
    }
}
