//! Whether the wall clock is one to delete by (attack STO-13).
//!
//! Every limit goes by it, right or wrong: there is no other. But what is deleted for its age, and a key that is replaced
//! for its age, do not come back when somebody puts the clock right. So both wait for a day after the clock jumped, or was
//! found at a start where it cannot be. That day is one of running, and a restart goes on with what was left of it: neither
//! does a restart end the distrust, nor does a service that was off for long distrust its clock for ever.

use crate::{Span, Time};

/// Distrusted for so long.
pub const QUARANTINE: Span = Span::days(1);

/// A smaller jump harms nothing that is deleted: all of it is kept for longer.
const HARMLESS: Span = Span::hours(1);

/// A service may have been off for so long; a clock that says more is one to ask about first. What a wrong one costs
/// within it is what would have gone a month later.
const LONGEST_REST: Span = Span::days(30);

/// What a process wrote down of the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sighting {
    /// What it said.
    pub at: Time,
    /// For how much longer it was to be distrusted, in time of running.
    pub wary: Span,
}

/// For how long the clock is distrusted after it jumped by so much under a running process.
pub fn after_jump(jump: Span) -> Option<Span> {
    (jump.micros().saturating_abs() > HARMLESS.micros()).then_some(QUARANTINE)
}

/// For how long a process that starts now distrusts the clock. `last` is what was seen before it, none at the first start.
pub fn at_start(last: Option<Sighting>, now: Time) -> Span {
    let Some(last) = last else { return Span::ZERO };
    let since = now - last.at;
    if since < Span::from_micros(-HARMLESS.micros()) || since > LONGEST_REST {
        QUARANTINE
    } else {
        last.wary.clamp(Span::ZERO, QUARANTINE)
    }
}

/// Whether something was dated by a clock that was ahead: it says nothing of when it was.
pub fn lies_ahead(at: Time, now: Time) -> bool {
    at > now + HARMLESS
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Time = Time::from_micros(1_700_000_000_000_000);

    #[test]
    fn sto_13_a_start_distrusts_a_clock_that_is_not_where_it_can_be() {
        let tick = Span::from_micros(1);
        let seen = |ago: Span, wary| Some(Sighting { at: NOW - ago, wary });
        let back = |span: Span| Span::from_micros(-span.micros());
        let left = Span::hours(7);
        let table = [
            ("the first start", None, Span::ZERO),
            ("a restart", seen(Span::seconds(1), Span::ZERO), Span::ZERO),
            ("off over night", seen(Span::hours(12), Span::ZERO), Span::ZERO),
            ("off for a month", seen(LONGEST_REST, Span::ZERO), Span::ZERO),
            ("off for longer, or years ahead", seen(LONGEST_REST + tick, Span::ZERO), QUARANTINE),
            ("a little behind", seen(back(HARMLESS), Span::ZERO), Span::ZERO),
            ("behind", seen(back(HARMLESS + tick), Span::ZERO), QUARANTINE),
            ("lost, back in 1970", Some(Sighting { at: NOW + Span::days(9999), wary: left }), QUARANTINE),
            ("a restart goes on with what was left", seen(Span::seconds(1), left), left),
            ("never longer than a day", seen(Span::seconds(1), Span::days(9)), QUARANTINE),
        ];
        for (name, last, wary) in table {
            assert_eq!(at_start(last, NOW), wary, "{name}");
        }
    }

    #[test]
    fn sto_13_a_jump_that_harms_nothing_is_told_and_costs_nothing() {
        assert_eq!(after_jump(HARMLESS), None);
        assert_eq!(after_jump(HARMLESS + Span::from_micros(1)), Some(QUARANTINE));
        assert_eq!(after_jump(Span::from_micros(i64::MIN)), Some(QUARANTINE));
        assert!(!lies_ahead(NOW + HARMLESS, NOW));
        assert!(lies_ahead(NOW + HARMLESS + Span::from_micros(1), NOW));
    }
}
