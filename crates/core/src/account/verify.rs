//! Verification: whoever reads the mail of an address proves it, and the account is made.
//!
//! In the browser that registered, the link or the code is enough. Anywhere else the chosen password is asked for too,
//! so that nobody who merely reads the mail blesses a stranger's registration (attack SOC-04), and a link opened in
//! another's session verifies its own registration only (attack REC-16).

use crate::Time;
use crate::revocation::Epoch;
use crate::secret::Hash;

use super::register::Pending;

/// Wrong codes an address, over all its registrations, before only the link works.
pub const CODE_TRIES: u32 = 5;

/// Whether the password that came along is the one that was chosen. The shell asks the hash pool before the rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// No password came along.
    NotGiven,
    /// It is the one.
    Matches,
    /// It is not.
    Differs,
}

/// What the store knows about the link or code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The registration that it names, spent or not.
    pub pending: Option<Pending>,
    /// It was answered already.
    pub spent: bool,
    /// The address got an account in the meantime.
    pub known: bool,
    /// Hash of the login cookie that came with the request.
    pub browser: Option<Hash>,
    /// Whether the password fits.
    pub proof: Proof,
    /// What was mailed before it is dead (attack STO-16).
    pub epoch: Epoch,
}

/// What a verification does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// The account is made.
    Create(Box<Pending>),
    /// Another browser: ask for the password that was chosen.
    AskPassword,
    /// Nothing changes.
    Refuse(Refusal),
}

/// Why a verification is refused. The caller learns one word for all: the link or code does not work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// No registration has this link or code.
    Unknown,
    /// Too late.
    Expired,
    /// Answered already, or the address has an account.
    Spent,
    /// The password is not the one that was chosen.
    WrongPassword,
}

/// Decides a verification.
pub fn decide(facts: &Facts, now: Time) -> Decision {
    let Some(pending) = &facts.pending else { return Decision::Refuse(Refusal::Unknown) };
    if facts.spent || facts.known || facts.epoch.ends(pending.created_at) {
        return Decision::Refuse(Refusal::Spent);
    }
    if now >= pending.expires_at {
        return Decision::Refuse(Refusal::Expired);
    }
    let same_browser = pending.browser.is_some() && pending.browser == facts.browser;
    match facts.proof {
        Proof::Differs => Decision::Refuse(Refusal::WrongPassword),
        Proof::NotGiven if !same_browser => Decision::AskPassword,
        Proof::NotGiven | Proof::Matches => Decision::Create(Box::new(pending.clone())),
    }
}

/// Whether one more code of an address may be compared, by the tries that were used. None: nothing waits for a code of
/// it, so nothing can be guessed, and no try is kept (attack DOS-07).
pub const fn may_try(used: Option<u32>) -> bool {
    matches!(used, Some(used) if used < CODE_TRIES)
}

/// Takes a secret's six digits: a number below one million, zero-padded, without bias worth naming (2^64 mod 10^6).
pub fn six_digits(random: [u8; 8]) -> String {
    format!("{:06}", u64::from_be_bytes(random) % 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::sha256;
    use crate::{Locale, PendingId, Span};

    const NOW: Time = Time::from_micros(1_700_000_000_000_000);

    fn pending() -> Pending {
        Pending {
            id: PendingId::from_bytes([1; 16]),
            slot: 0,
            email: super::super::Email::parse("kim@example.org").unwrap(),
            name: None,
            locale: Locale::Ko,
            password: "$argon2id$…".into(),
            token: sha256(b"token"),
            code: [0; 32],
            browser: Some(sha256(b"browser")),
            created_at: NOW,
            expires_at: NOW + Span::hours(24),
        }
    }

    fn facts() -> Facts {
        Facts {
            pending: Some(pending()),
            spent: false,
            known: false,
            browser: Some(sha256(b"browser")),
            proof: Proof::NotGiven,
            epoch: Epoch::BEGINNING,
        }
    }

    #[test]
    fn a_link_makes_the_account_in_its_browser_and_asks_for_the_password_elsewhere() {
        let create = || Decision::Create(Box::new(pending()));
        let other = Some(sha256(b"other"));
        let table = [
            ("same browser", facts(), create()),
            ("other browser", Facts { browser: other, ..facts() }, Decision::AskPassword),
            ("no cookie", Facts { browser: None, ..facts() }, Decision::AskPassword),
            ("other browser, password", Facts { browser: other, proof: Proof::Matches, ..facts() }, create()),
            (
                "wrong password",
                Facts { proof: Proof::Differs, ..facts() },
                Decision::Refuse(Refusal::WrongPassword),
            ),
            ("unknown", Facts { pending: None, ..facts() }, Decision::Refuse(Refusal::Unknown)),
            ("spent", Facts { spent: true, ..facts() }, Decision::Refuse(Refusal::Spent)),
            (
                "before the epoch",
                Facts { epoch: Epoch::ending(NOW, Span::ZERO), ..facts() },
                Decision::Refuse(Refusal::Spent),
            ),
            ("address taken", Facts { known: true, ..facts() }, Decision::Refuse(Refusal::Spent)),
        ];
        for (name, facts, expected) in table {
            assert_eq!(decide(&facts, NOW), expected, "{name}");
        }
    }

    #[test]
    fn a_registration_without_a_browser_is_never_proved_by_a_request_without_one() {
        let pending = Pending { browser: None, ..pending() };
        let facts = Facts { pending: Some(pending), browser: None, ..facts() };
        assert_eq!(decide(&facts, NOW), Decision::AskPassword);
    }

    #[test]
    fn a_link_ends_at_its_end() {
        let end = pending().expires_at;
        let facts = facts();
        assert!(matches!(decide(&facts, end - Span::from_micros(1)), Decision::Create(_)));
        assert_eq!(decide(&facts, end), Decision::Refuse(Refusal::Expired));
    }

    #[test]
    fn an_address_has_five_tries_and_one_that_waits_for_no_code_has_none() {
        let table = [(None, false), (Some(0), true), (Some(4), true), (Some(5), false), (Some(6), false)];
        for (used, may) in table {
            assert_eq!(may_try(used), may, "{used:?}");
        }
    }

    #[test]
    fn codes_have_six_digits() {
        assert_eq!(six_digits([0; 8]), "000000");
        assert_eq!(six_digits(1_000_042u64.to_be_bytes()), "000042");
    }
}
