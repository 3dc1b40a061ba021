//! The not-before of everything (design section 5): one moment, compared by sessions, grants, refresh tokens, access
//! tokens and mailed links alike, so that "end all of it" is one row and no mass update.
//!
//! A restored database uses it (attack STO-16): what was issued after the backup, by a server that the database no
//! longer remembers, is as dead as what was issued before.

use crate::{Span, Time};

/// How far ahead of the present an epoch is set: so that nothing that is being made right now escapes it.
const AHEAD: Span = Span::seconds(2);

/// Whatever was issued before this moment counts no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(Time);

impl Default for Epoch {
    fn default() -> Self {
        Self::BEGINNING
    }
}

impl Epoch {
    /// Nothing was ever ended this way.
    pub const BEGINNING: Self = Self(Time::from_micros(0));

    /// From what the store keeps.
    pub const fn from_time(not_before: Time) -> Self {
        Self(not_before)
    }

    /// The first moment that counts again.
    pub const fn not_before(self) -> Time {
        self.0
    }

    /// The epoch that ends everything issued up to `now`, by any node whose clock is at most `skew` ahead. A whole second,
    /// since tokens know no finer `iat` (RFC 7519 section 2): what is issued from then on says so.
    pub fn ending(now: Time, skew: Span) -> Self {
        let (ahead, second) = (now + skew + AHEAD, Span::seconds(1));
        let started =
            Time::from_micros(ahead.micros().saturating_sub(ahead.micros().rem_euclid(second.micros())));
        Self(if started == ahead { ahead } else { started + second })
    }

    /// Whether what was issued then counts no more.
    pub fn ends(self, issued_at: Time) -> bool {
        issued_at < self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Time = Time::from_micros(1_700_000_000_000_000);

    #[test]
    fn sto_16_an_epoch_ends_what_came_before_it_and_nothing_else() {
        let epoch = Epoch::from_time(NOW);
        for (name, issued_at, ends) in [
            ("long before", NOW - Span::days(90), true),
            ("just before", NOW - Span::from_micros(1), true),
            ("at it", NOW, false),
            ("after it", NOW + Span::from_micros(1), false),
        ] {
            assert_eq!(epoch.ends(issued_at), ends, "{name}");
        }
        assert!(!Epoch::default().ends(Time::from_micros(0)), "without an epoch nothing ends");
    }

    #[test]
    fn sto_16_an_epoch_is_a_whole_second_past_every_clock() {
        for (now, skew, expected) in [
            (NOW, Span::ZERO, NOW + Span::seconds(2)),
            (NOW + Span::from_micros(1), Span::ZERO, NOW + Span::seconds(3)),
            (NOW - Span::from_micros(1), Span::ZERO, NOW + Span::seconds(2)),
            (NOW, Span::seconds(30), NOW + Span::seconds(32)),
        ] {
            let epoch = Epoch::ending(now, skew);
            assert_eq!(epoch.not_before(), expected);
            // An `iat` of that very second is not before it, and one of now is.
            assert!(!epoch.ends(Time::from_micros(expected.seconds() * 1_000_000)));
            assert!(epoch.ends(now + skew));
        }
        assert!(Epoch::ending(Time::from_micros(i64::MAX), Span::ZERO).ends(NOW), "it saturates");
    }
}
