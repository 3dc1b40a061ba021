//! Points in time and spans, in whole microseconds. Nothing here reads a clock: `now` is a parameter.

pub mod trust;

use std::fmt;
use std::ops::{Add, Sub};

/// A point in time: microseconds since 1970-01-01 UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(i64);

/// A length of time in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span(i64);

impl Time {
    /// From microseconds since 1970.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since 1970: what the store keeps.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// Whole seconds since 1970, rounded down: a `NumericDate` (RFC 7519 section 2).
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// RFC 3339 in UTC with whole seconds, such as `2026-11-24T09:30:00Z`.
    pub fn rfc3339(self) -> String {
        jiff::Timestamp::from_second(self.seconds()).map_or_else(|_| String::new(), |time| time.to_string())
    }
}

impl Span {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// From microseconds.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// From seconds.
    pub const fn seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1_000_000))
    }

    /// From minutes.
    pub const fn minutes(minutes: i64) -> Self {
        Self::seconds(minutes.saturating_mul(60))
    }

    /// From hours.
    pub const fn hours(hours: i64) -> Self {
        Self::minutes(hours.saturating_mul(60))
    }

    /// From days of 24 hours.
    pub const fn days(days: i64) -> Self {
        Self::hours(days.saturating_mul(24))
    }

    /// In microseconds.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// In whole seconds, rounded down.
    pub const fn as_seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// For timers of the runtime; a negative span is none.
    pub fn to_std(self) -> std::time::Duration {
        std::time::Duration::from_micros(u64::try_from(self.0).unwrap_or(0))
    }
}

/// How far the wall clock has moved beyond the time that passed: forward, or back where it is negative. None where that
/// is no more than a leap second or the slewing of a time service (attack STO-13).
pub fn clock_jump(wall: Span, passed: Span) -> Option<Span> {
    let jump = Span(wall.0.saturating_sub(passed.0));
    (jump.0.saturating_abs() > TOLERANCE.0).then_some(jump)
}

/// Clocks that agree do so within this.
const TOLERANCE: Span = Span::seconds(10);

impl Add<Span> for Time {
    type Output = Self;
    fn add(self, span: Span) -> Self {
        Self(self.0.saturating_add(span.0))
    }
}

impl Sub<Span> for Time {
    type Output = Self;
    fn sub(self, span: Span) -> Self {
        Self(self.0.saturating_sub(span.0))
    }
}

impl Sub for Time {
    type Output = Span;
    fn sub(self, earlier: Self) -> Span {
        Span(self.0.saturating_sub(earlier.0))
    }
}

impl Add for Span {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.rfc3339())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_print_as_rfc_3339_in_utc() {
        assert_eq!(Time::from_micros(1_795_505_746_999_999).rfc3339(), "2026-11-24T07:35:46Z");
        assert_eq!(Time::from_micros(0).rfc3339(), "1970-01-01T00:00:00Z");
    }

    #[test]
    fn sto_13_a_clock_that_jumps_is_told_from_one_that_is_corrected() {
        let half_a_minute = Span::seconds(30);
        let table = [
            (half_a_minute, None),
            (Span::seconds(31), None),
            (Span::seconds(40), None),
            (Span::seconds(41), Some(Span::seconds(11))),
            (Span::seconds(19), Some(Span::seconds(-11))),
            (Span::hours(1) + half_a_minute, Some(Span::hours(1))),
            (half_a_minute + Span::days(-3652), Some(Span::days(-3652))),
            (Span(i64::MIN), Some(Span(i64::MIN))),
        ];
        for (wall, jump) in table {
            assert_eq!(clock_jump(wall, half_a_minute), jump, "{wall:?}");
        }
    }

    #[test]
    fn arithmetic_saturates_instead_of_wrapping() {
        assert_eq!(Time::from_micros(i64::MAX) + Span::days(1), Time::from_micros(i64::MAX));
        assert_eq!(Span::days(i64::MAX), Span::from_micros(i64::MAX));
        assert_eq!(Time::from_micros(-1).seconds(), -1);
    }
}
