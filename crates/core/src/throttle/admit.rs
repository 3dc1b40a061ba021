//! Whether a guess may be made.
//!
//! A familiar caller is held to its own guesses; one that has used them up is a stranger like any other, until they are
//! forgotten. Strangers are held to the account's and their address prefix's. While more wrong guesses than usual come in
//! over everything, strangers get a tenth of the prefix's limit: an attack from many addresses gets little from each,
//! and whoever has logged in before notices nothing. A guess that would be too many only if all those under way are wrong
//! waits for them: fifty right logins at once are all let in, and fifty wrong ones never make more than the limit.

use super::Limits;

/// What was counted within the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Count {
    /// Wrong ones.
    pub wrong: u32,
    /// Those of which it is not known yet.
    pub under_way: u32,
}

/// What is known before a guess.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    /// Guesses of this familiar caller at this account.
    pub familiar: Option<Count>,
    /// Guesses at what it is about.
    pub subject: Option<Count>,
    /// Guesses from the prefix.
    pub prefix: Count,
    /// Wrong guesses, or those under way, from anywhere at anything.
    pub everything: u32,
}

/// What becomes of a guess.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// It counts from now on, and may be compared.
    Admit,
    /// Ask again when one that is under way has come to its end.
    Wait,
    /// Nothing is compared, and nothing counted.
    Refuse(Limit),
}

/// What was used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// The guesses at one account.
    Account,
    /// The guesses from one prefix.
    Prefix,
    /// The mails that one prefix may ask for.
    Mails,
    /// The clients that one prefix may register.
    Registrations,
    /// The guesses at everything.
    Global,
}

impl Limit {
    /// The word in the audit log.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Prefix => "prefix",
            Self::Mails => "mails",
            Self::Registrations => "registrations",
            Self::Global => "global",
        }
    }
}

impl Limits {
    /// What holds for a prefix while so much comes in over everything.
    pub fn of_prefix(&self, everything: u32) -> u32 {
        if self.is_unusual(everything) { (self.prefix / 10).max(1) } else { self.prefix }
    }

    /// Whether more comes in over everything than usual.
    pub const fn is_unusual(&self, everything: u32) -> bool {
        everything >= self.global
    }
}

/// Decides whether a guess may be made.
pub fn decide(facts: &Facts, limits: &Limits) -> Decision {
    match facts.familiar.map(|count| room(count, limits.account)) {
        Some(Room::Free) => return Decision::Admit,
        Some(Room::Maybe) => return Decision::Wait,
        Some(Room::Full) | None => {}
    }
    let subject = facts.subject.map_or(Room::Free, |count| room(count, limits.account));
    let prefix = room(facts.prefix, limits.of_prefix(facts.everything));
    match (subject, prefix) {
        (Room::Full, _) => Decision::Refuse(Limit::Account),
        (_, Room::Full) => Decision::Refuse(Limit::Prefix),
        (Room::Free, Room::Free) => Decision::Admit,
        (Room::Maybe, _) | (_, Room::Maybe) => Decision::Wait,
    }
}

/// What one prefix asked for within the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    /// It asked for a mail to this address already. How many an address gets is another rule's.
    pub before: bool,
    /// Different addresses that it asked for mails to.
    pub addresses: u32,
    /// All that it asked for. Each costs a line of the audit log, whatever is sent (attack DOS-07).
    pub requests: u32,
}

/// Decides whether one more mail may be asked for. Whether any is sent is nothing that it may depend on (I14).
pub const fn decide_mail(asked: Asked, limits: &Limits) -> Decision {
    let often = asked.requests >= limits.mails.saturating_mul(10);
    if often || (!asked.before && asked.addresses >= limits.mails) {
        Decision::Refuse(Limit::Mails)
    } else {
        Decision::Admit
    }
}

enum Room {
    Free,
    /// If enough of those under way are right.
    Maybe,
    Full,
}

const fn room(count: Count, limit: u32) -> Room {
    if count.wrong >= limit {
        Room::Full
    } else if count.wrong.saturating_add(count.under_way) >= limit {
        Room::Maybe
    } else {
        Room::Free
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits =
        Limits { account: 10, prefix: 100, global: 1000, mails: 20, window: crate::Span::minutes(15) };

    fn count(wrong: u32, under_way: u32) -> Count {
        Count { wrong, under_way }
    }

    #[test]
    fn log_13_log_15_strangers_are_held_to_account_and_prefix_and_familiar_callers_to_themselves() {
        let (none, few) = (count(0, 0), count(9, 0));
        let refuse = Decision::Refuse;
        let table = [
            ("nothing yet", None, none, none, 0, Decision::Admit),
            ("the last one", None, few, count(99, 0), 999, Decision::Admit),
            ("account used up", None, count(10, 0), none, 0, refuse(Limit::Account)),
            ("prefix used up", None, none, count(100, 0), 0, refuse(Limit::Prefix)),
            ("all under way", None, count(0, 10), none, 0, Decision::Wait),
            ("some wrong, the rest under way", None, count(4, 6), none, 0, Decision::Wait),
            ("prefix under way", None, none, count(50, 50), 0, Decision::Wait),
            ("account used up and more under way", None, count(10, 3), none, 0, refuse(Limit::Account)),
            (
                "account may be free, prefix is not",
                None,
                count(4, 6),
                count(100, 0),
                0,
                refuse(Limit::Prefix),
            ),
            ("familiar, all else used up", Some(few), count(99, 0), count(999, 0), 9999, Decision::Admit),
            (
                "familiar, and used up itself",
                Some(count(10, 0)),
                count(10, 0),
                none,
                0,
                refuse(Limit::Account),
            ),
            ("familiar and used up, account free", Some(count(10, 0)), few, none, 0, Decision::Admit),
            ("familiar, under way", Some(count(0, 10)), none, none, 0, Decision::Wait),
            ("unusual times", None, none, few, 1000, Decision::Admit),
            ("unusual times, a tenth of the prefix", None, none, count(10, 0), 1000, refuse(Limit::Prefix)),
        ];
        for (name, familiar, subject, prefix, everything, expected) in table {
            let facts = Facts { familiar, subject: Some(subject), prefix, everything };
            assert_eq!(decide(&facts, &LIMITS), expected, "{name}");
        }
        let facts = Facts { familiar: None, subject: None, prefix: count(99, 0), everything: 0 };
        assert_eq!(decide(&facts, &LIMITS), Decision::Admit);
    }

    #[test]
    fn a_tenth_is_at_least_one() {
        assert_eq!(Limits { prefix: 5, ..LIMITS }.of_prefix(1000), 1);
        assert_eq!(LIMITS.of_prefix(999), 100);
    }

    #[test]
    fn dos_07_dos_08_a_prefix_asks_for_mails_to_so_many_addresses_and_not_for_ever() {
        let refuse = Decision::Refuse(Limit::Mails);
        let table = [
            ((false, 19, 19), Decision::Admit),
            ((false, 20, 20), refuse),
            ((true, 20, 20), Decision::Admit),
            ((true, 20, 199), Decision::Admit),
            ((true, 1, 200), refuse),
        ];
        for ((before, addresses, requests), expected) in table {
            let asked = Asked { before, addresses, requests };
            assert_eq!(decide_mail(asked, &LIMITS), expected, "{asked:?}");
        }
    }
}
