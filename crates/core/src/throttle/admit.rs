//! Whether a guess may be made.
//!
//! A familiar caller is held to its own guesses, and all that an account knows together to a few times as many; one that
//! has used them up is a stranger like any other, until they are forgotten. Strangers are held to the account's, the typed
//! name's and those of each network around their address (attack HTTP-11). While more wrong guesses than usual come in
//! over everything, strangers get a tenth of the prefix's limit: an attack from many addresses gets little from each,
//! and whoever has logged in before notices nothing. A guess that would be too many only if all those under way are wrong
//! waits for them: fifty right logins at once are all let in, and fifty wrong ones never make more than the limit.

use super::Limits;
use super::prefix::{SHARES, WIDTHS};

/// How many times the guesses of one familiar caller all of an account have together: whoever logged in a thousand times
/// has a thousand devices.
const FAMILIAR: u32 = 5;

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
    /// Guesses of this familiar caller at this account, and of all that are familiar to it.
    pub familiar: Option<[Count; 2]>,
    /// Guesses at what it is about, and at what was typed.
    pub subjects: [Option<Count>; 2],
    /// Guesses from each of the networks around the address, the narrowest first.
    pub networks: [Option<Count>; WIDTHS],
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
    /// The devices that one prefix may ask for.
    Devices,
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
            Self::Devices => "devices",
            Self::Global => "global",
        }
    }
}

impl Limits {
    /// What holds for each of the networks around an address while so much comes in over everything.
    pub fn of_networks(&self, everything: u32) -> [u32; WIDTHS] {
        let prefix = if self.is_unusual(everything) { (self.prefix / 10).max(1) } else { self.prefix };
        SHARES.map(|share| prefix.saturating_mul(share))
    }

    /// What holds for a familiar caller, and for all that an account knows together.
    pub const fn of_familiar(&self) -> [u32; 2] {
        [self.account, self.account.saturating_mul(FAMILIAR)]
    }

    /// Whether more comes in over everything than usual.
    pub const fn is_unusual(&self, everything: u32) -> bool {
        everything >= self.global
    }
}

/// Decides whether a guess may be made.
pub fn decide(facts: &Facts, limits: &Limits) -> Decision {
    match facts.familiar.map(|counts| least(counts.map(Some), limits.of_familiar())) {
        Some(Room::Free) => return Decision::Admit,
        Some(Room::Maybe) => return Decision::Wait,
        Some(Room::Full) | None => {}
    }
    let subject = least(facts.subjects, [limits.account; 2]);
    let network = least(facts.networks, limits.of_networks(facts.everything));
    match (subject, network) {
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

/// Which network asked for too much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooMany {
    /// Which of the networks around the address.
    pub network: usize,
    /// Of what.
    pub of: Of,
    /// What was allowed.
    pub limit: u32,
}

/// What is counted of those who ask for mails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of {
    /// The addresses that are asked for.
    Addresses,
    /// The requests.
    Requests,
}

/// Decides whether one more mail may be asked for, by what each of the networks around the address asked for already.
/// Whether any is sent is nothing that it may depend on (I14).
pub fn decide_mail(networks: &[Asked], limits: &Limits) -> Result<(), TooMany> {
    for (network, (asked, share)) in networks.iter().zip(SHARES).enumerate().rev() {
        let addresses = limits.mails.saturating_mul(share);
        let requests = addresses.saturating_mul(10);
        if asked.requests >= requests {
            return Err(TooMany { network, of: Of::Requests, limit: requests });
        }
        if !asked.before && asked.addresses >= addresses {
            return Err(TooMany { network, of: Of::Addresses, limit: addresses });
        }
    }
    Ok(())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Room {
    Free,
    /// If enough of those under way are right.
    Maybe,
    Full,
}

/// The least room that any of them leaves.
fn least<const N: usize>(counts: [Option<Count>; N], limits: [u32; N]) -> Room {
    let rooms = counts.into_iter().zip(limits).filter_map(|(count, limit)| Some(room(count?, limit)));
    rooms.max().unwrap_or(Room::Free)
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

    fn facts(subject: Option<Count>, prefix: Count, everything: u32) -> Facts {
        let networks = [Some(prefix), None, None];
        Facts { familiar: None, subjects: [subject, None], networks, everything }
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
            let familiar = familiar.map(|own| [own, own]);
            let facts = Facts { familiar, ..facts(Some(subject), prefix, everything) };
            assert_eq!(decide(&facts, &LIMITS), expected, "{name}");
        }
        assert_eq!(decide(&facts(None, count(99, 0), 0), &LIMITS), Decision::Admit);
    }

    #[test]
    fn log_15_all_that_an_account_knows_have_five_times_the_guesses_of_one() {
        let (none, locked) = (count(0, 0), facts(Some(count(10, 0)), count(0, 0), 0));
        let table = [
            (none, count(49, 0), Decision::Admit),
            (none, count(40, 10), Decision::Wait),
            (none, count(50, 0), Decision::Refuse(Limit::Account)),
            (count(9, 1), none, Decision::Wait),
        ];
        for (own, all, expected) in table {
            let facts = Facts { familiar: Some([own, all]), ..locked };
            assert_eq!(decide(&facts, &LIMITS), expected, "{own:?} {all:?}");
        }
    }

    #[test]
    fn i14_what_was_typed_counts_like_the_account_that_it_names() {
        let (few, many) = (Some(count(9, 0)), Some(count(10, 0)));
        let table = [
            ([few, few], Decision::Admit),
            ([few, many], Decision::Refuse(Limit::Account)),
            ([many, few], Decision::Refuse(Limit::Account)),
            ([None, many], Decision::Refuse(Limit::Account)),
            ([few, Some(count(5, 5))], Decision::Wait),
        ];
        for (subjects, expected) in table {
            let facts = Facts { subjects, ..facts(None, count(0, 0), 0) };
            assert_eq!(decide(&facts, &LIMITS), expected, "{subjects:?}");
        }
    }

    #[test]
    fn http_11_a_wide_network_has_a_few_times_the_guesses_of_a_narrow_one() {
        let refuse = Decision::Refuse(Limit::Prefix);
        let table = [
            ([99, 199, 399], 0, Decision::Admit),
            ([100, 100, 100], 0, refuse),
            ([0, 200, 200], 0, refuse),
            ([0, 0, 400], 0, refuse),
            ([9, 19, 39], 1000, Decision::Admit),
            ([0, 20, 20], 1000, refuse),
            ([0, 0, 40], 1000, refuse),
        ];
        for (wrong, everything, expected) in table {
            let networks = wrong.map(|wrong| Some(count(wrong, 0)));
            let facts = Facts { networks, ..facts(None, count(0, 0), everything) };
            assert_eq!(decide(&facts, &LIMITS), expected, "{wrong:?}");
        }
        // What all guesses of one network come to is far from unusual.
        assert!(!Limits::default().is_unusual(Limits::default().of_networks(0)[WIDTHS - 1]));
    }

    #[test]
    fn a_tenth_is_at_least_one() {
        assert_eq!(Limits { prefix: 5, ..LIMITS }.of_networks(1000), [1, 2, 4]);
        assert_eq!(LIMITS.of_networks(999), [100, 200, 400]);
    }

    #[test]
    fn dos_07_dos_08_a_prefix_asks_for_mails_to_so_many_addresses_and_not_for_ever() {
        let refuse = |network, of, limit| Err(TooMany { network, of, limit });
        let table = [
            ((false, 19, 19), Ok(())),
            ((false, 20, 20), refuse(0, Of::Addresses, 20)),
            ((true, 20, 20), Ok(())),
            ((true, 20, 199), Ok(())),
            ((true, 1, 200), refuse(0, Of::Requests, 200)),
        ];
        let asked = |(before, addresses, requests)| Asked { before, addresses, requests };
        for (narrow, expected) in table {
            assert_eq!(decide_mail(&[asked(narrow)], &LIMITS), expected, "{narrow:?}");
        }
        let table = [
            ([(false, 1, 1), (false, 39, 39), (false, 79, 79)], Ok(())),
            ([(false, 1, 1), (false, 40, 40), (false, 79, 79)], refuse(1, Of::Addresses, 40)),
            ([(false, 20, 20), (false, 40, 40), (false, 80, 80)], refuse(2, Of::Addresses, 80)),
            ([(false, 0, 0), (false, 0, 0), (true, 80, 800)], refuse(2, Of::Requests, 800)),
        ];
        for (networks, expected) in table {
            assert_eq!(decide_mail(&networks.map(asked), &LIMITS), expected, "{networks:?}");
        }
    }
}
