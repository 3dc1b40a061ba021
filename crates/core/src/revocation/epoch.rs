//! The not-before of everything (design section 5): one moment, compared by sessions, grants, refresh tokens, access
//! tokens and mailed links alike, so that "end all of it" is one row and no mass update.
//!
//! A restored database uses it (attack STO-16): what was issued after the backup, by a server that the database no
//! longer remembers, is as dead as what was issued before.

use crate::{Span, Time};

/// How far ahead of the present an epoch is set, beyond what clocks may differ by: so that nothing that is being made right
/// now escapes it.
const AHEAD: Span = Span::seconds(2);

/// One that lies further ahead was set by a clock that was wrong.
const FAR: Span = Span::minutes(5);

/// The present epoch was set by a clock that was ahead: none can follow it while anything runs that knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ahead(pub Epoch);

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

    /// The one that follows this one. Later than it in any case: what was issued since is to end as well.
    pub fn next(self, now: Time, skew: Span) -> Result<Self, Ahead> {
        if self.lies_ahead(now) { Err(Ahead(self)) } else { Ok(Self::ending(now, skew).max(self.later())) }
    }

    /// The one that takes its place while nothing runs, even where that means to go back. Whatever this one ended has to
    /// end in another way then.
    #[must_use]
    pub fn replaced(self, now: Time, skew: Span) -> Self {
        self.next(now, skew).unwrap_or_else(|Ahead(_)| Self::ending(now, skew))
    }

    fn later(self) -> Self {
        Self(self.0 + Span::seconds(1))
    }

    /// Whether it was set by a clock that was ahead: whoever logs in is refused at once, for as long as that lasts.
    pub fn lies_ahead(self, now: Time) -> bool {
        self.0 > now + FAR
    }

    /// The moment that what is issued now says it was issued at: past the epoch, so that a login counts while the epoch is
    /// still to come.
    pub fn stamp(self, now: Time) -> Time {
        if self.ends(now) && !self.lies_ahead(now) { self.0 } else { now }
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
    fn sto_16_an_epoch_follows_the_one_before_it_and_never_one_of_a_clock_ahead() {
        let (skew, tick) = (Span::seconds(30), Span::from_micros(1));
        let ending = Epoch::ending(NOW, skew);
        let far = Epoch::from_time(NOW + FAR + tick);
        for (name, present, next) in [
            ("the first", Epoch::BEGINNING, Ok(ending)),
            ("long after", Epoch::from_time(NOW - Span::days(9)), Ok(ending)),
            ("in the same second", ending, Ok(ending.later())),
            ("ahead as far as can be", Epoch::from_time(NOW + FAR), Ok(Epoch::from_time(NOW + FAR).later())),
            ("of a clock ahead", far, Err(Ahead(far))),
        ] {
            assert_eq!(present.next(NOW, skew), next, "{name}");
            assert_eq!(present.replaced(NOW, skew), next.unwrap_or(ending), "{name}");
        }
    }

    #[test]
    fn sto_16_what_is_issued_while_the_epoch_is_still_to_come_is_stamped_past_it() {
        let epoch = Epoch::ending(NOW, Span::seconds(30));
        assert_eq!(Epoch::BEGINNING.stamp(NOW), NOW);
        assert_eq!(epoch.stamp(NOW), epoch.not_before());
        assert!(!epoch.ends(epoch.stamp(NOW)));
        let later = epoch.not_before() + Span::from_micros(1);
        assert_eq!(epoch.stamp(later), later);
        let before = epoch.not_before() - FAR - Span::from_micros(1);
        assert_eq!(epoch.stamp(before), before, "nobody is stamped years ahead");
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
