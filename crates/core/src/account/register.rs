//! Registration: an address is claimed, nothing is opened yet.
//!
//! The answer never tells whether the address is known (I14; attack REC-01): a stranger's address gets a link and a
//! code, a known one a notice. Each registration stands alone, so whoever claims an address first cannot choose the
//! password of whoever proves it (attack SOC-04).

use crate::secret::Hash;
use crate::{AccountId, Locale, PendingId, Span, Time};

use super::{DisplayName, Email};

/// Live registrations of one address at most; one more is answered alike and dropped.
pub const SLOTS: u8 = 3;

/// Registrations that wait at once, over all addresses: more are answered alike and dropped, until some were answered or
/// are over (attack DOS-07).
pub const MOST: u32 = 100_000;

/// A registration that waits for its mail to be answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    /// `pen_…`
    pub id: PendingId,
    /// Which of the [`SLOTS`] of its address it holds.
    pub slot: u8,
    /// The address to prove.
    pub email: Email,
    /// What the account will be called.
    pub name: Option<DisplayName>,
    /// The language of its mails.
    pub locale: Locale,
    /// The chosen password, hashed (PHC string).
    pub password: String,
    /// Hash of the secret in the link.
    pub token: Hash,
    /// Code of the six digits under the deployment's key: a plain hash of six digits would be no secret.
    pub code: [u8; 32],
    /// Hash of the login cookie of the browser that registered.
    pub browser: Option<Hash>,
    /// When it was made.
    pub created_at: Time,
    /// When its link and code stop working.
    pub expires_at: Time,
}

/// What the store knows of the address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The account that has it.
    pub known: Option<AccountId>,
    /// The slots that live registrations of it hold.
    pub taken_slots: Vec<u8>,
    /// Notices sent to it within the last [`NOTICE_WINDOW`].
    pub recent_notices: u32,
    /// [`MOST`] registrations wait already.
    pub crowded: bool,
}

/// The window in which a known address gets at most [`SLOTS`] notices.
pub const NOTICE_WINDOW: Span = Span::hours(24);

/// What a registration does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Keep it in this slot and mail link and code.
    Pend {
        /// The free slot.
        slot: u8,
    },
    /// The address has an account: tell its owner.
    Notice(AccountId),
    /// Too many already: the same answer, nothing done (attack DOS-08).
    Silent,
}

/// Decides a registration. `capped` is false only where an operator lifted all caps for a load test.
pub fn decide(facts: &Facts, capped: bool) -> Decision {
    if let Some(account) = facts.known {
        return if capped && facts.recent_notices >= u32::from(SLOTS) {
            Decision::Silent
        } else {
            Decision::Notice(account)
        };
    }
    if capped && facts.crowded {
        return Decision::Silent;
    }
    match (0..SLOTS).find(|slot| !facts.taken_slots.contains(slot)) {
        Some(slot) => Decision::Pend { slot },
        None => Decision::Silent,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dos_07_three_registrations_an_address_stand_alone_and_one_too_many_is_silent() {
        let account = AccountId::from_bytes([1; 16]);
        let table = [
            ("first", None, vec![], 0, true, Decision::Pend { slot: 0 }),
            ("a freed slot is used again", None, vec![0, 2], 0, true, Decision::Pend { slot: 1 }),
            ("fourth", None, vec![0, 1, 2], 0, true, Decision::Silent),
            ("known", Some(account), vec![], 2, true, Decision::Notice(account)),
            ("known, told often enough", Some(account), vec![], 3, true, Decision::Silent),
            ("known, caps lifted", Some(account), vec![], 99, false, Decision::Notice(account)),
        ];
        for (name, known, taken_slots, recent_notices, capped, expected) in table {
            let facts = Facts { known, taken_slots, recent_notices, crowded: false };
            assert_eq!(decide(&facts, capped), expected, "{name}");
        }
        let crowded = |known| Facts { known, taken_slots: vec![], recent_notices: 0, crowded: true };
        assert_eq!(decide(&crowded(None), true), Decision::Silent);
        assert_eq!(decide(&crowded(None), false), Decision::Pend { slot: 0 });
        assert_eq!(decide(&crowded(Some(account)), true), Decision::Notice(account));
    }
}
