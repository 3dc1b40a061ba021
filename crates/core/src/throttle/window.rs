//! A count over a sliding window of time, in little memory.
//!
//! The window is cut into slices of equal length, and a hit counts until the window has passed since the *end* of its
//! slice: never more than the limit within any window, wherever its edges lie, at the price of a fifteenth of it (attack
//! RACE-10). What is refused is no hit, so nothing that is refused makes anybody wait longer.

use crate::{Span, Time};

/// Slices that are kept: those of a window, and the one that is under way.
const KEPT: usize = 16;
const SLICES: i64 = 15;

/// Cuts time into slices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grid {
    length: Span,
}

/// The number of a slice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Slice(i64);

impl Grid {
    /// The slices of a window of this length.
    pub fn of(window: Span) -> Self {
        Self { length: Span::from_micros((window.micros() / SLICES).max(1)) }
    }

    /// The slice that a time lies in.
    pub const fn slice(self, at: Time) -> Slice {
        Slice(at.micros().div_euclid(self.length.micros()))
    }

    /// How long from `now` until `slices` slices are over, the present one included.
    pub fn until(self, now: Time, slices: i64) -> Span {
        let end = (self.slice(now).0.saturating_add(slices)).saturating_mul(self.length.micros());
        Time::from_micros(end) - now
    }
}

impl Slice {
    /// Whether a mark made then still counts.
    pub const fn reaches(self, now: Self) -> bool {
        now.0.saturating_sub(self.0) <= SLICES
    }
}

/// The hits of the last slices, the present one first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    hits: [u16; KEPT],
    newest: Slice,
}

impl Window {
    /// No hits yet.
    pub const fn new(now: Slice) -> Self {
        Self { hits: [0; KEPT], newest: now }
    }

    /// One more. One that comes late, because its request was slow, is counted where it belongs: what came after it must
    /// not leave the window sooner.
    pub fn hit(&mut self, now: Slice) {
        if now > self.newest {
            self.slide(now);
        }
        let late = usize::try_from(self.newest.0.saturating_sub(now.0)).unwrap_or(KEPT).min(KEPT - 1);
        self.hits[late] = self.hits[late].saturating_add(1);
    }

    /// The hit that was made in that slice never was. A slice that holds more than it can count forgets nothing.
    pub fn take_back(&mut self, made: Slice) {
        let age = usize::try_from(self.newest.0.saturating_sub(made.0)).ok();
        if let Some(hits) = age.and_then(|age| self.hits.get_mut(age))
            && *hits < u16::MAX
        {
            *hits = hits.saturating_sub(1);
        }
    }

    /// How many hits count.
    pub fn count(&self, now: Slice) -> u32 {
        let gone = self.age(now);
        self.hits[..KEPT - gone].iter().copied().map(u32::from).sum()
    }

    /// After how many slices, the present one included, fewer than `limit` hits are left, if no other comes.
    pub fn slices_until_below(&self, limit: u32, now: Slice) -> i64 {
        let gone = self.age(now);
        let mut left = self.count(now);
        let mut slices = 0;
        for hits in self.hits[..KEPT - gone].iter().rev() {
            if left < limit {
                break;
            }
            // The oldest slice that counts is gone after one slice, the next one after two.
            left -= u32::from(*hits);
            slices += 1;
        }
        slices
    }

    /// How many slices have passed, at most all. A clock that was set back makes nothing younger and nothing older.
    fn age(&self, now: Slice) -> usize {
        usize::try_from(now.0.saturating_sub(self.newest.0)).unwrap_or(0).min(KEPT)
    }

    fn slide(&mut self, now: Slice) {
        let age = self.age(now);
        self.hits.copy_within(..KEPT - age, age);
        self.hits[..age].fill(0);
        self.newest = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const WINDOW: Span = Span::minutes(15);
    const NOW: Time = Time::from_micros(1_700_000_000_000_000);

    fn grid() -> Grid {
        Grid::of(WINDOW)
    }

    #[test]
    fn a_hit_counts_for_a_window_and_at_most_a_slice_more() {
        let mut window = Window::new(grid().slice(NOW));
        window.hit(grid().slice(NOW));
        let count = |after| window.count(grid().slice(NOW + after));
        assert_eq!(count(Span::ZERO), 1);
        assert_eq!(count(WINDOW), 1);
        assert_eq!(count(WINDOW + Span::minutes(1)), 0);
        assert_eq!(count(Span::days(10_000)), 0);
    }

    #[test]
    fn what_is_taken_back_never_was() {
        let mut window = Window::new(grid().slice(NOW));
        let later = NOW + Span::minutes(5);
        window.hit(grid().slice(NOW));
        window.hit(grid().slice(later));
        window.take_back(grid().slice(NOW));
        assert_eq!(window.count(grid().slice(later)), 1);
        assert_eq!(window.count(grid().slice(NOW + Span::minutes(16))), 1);
        window.take_back(grid().slice(NOW));
        window.take_back(grid().slice(NOW - Span::days(1)));
        assert_eq!(window.count(grid().slice(later)), 1);
    }

    #[test]
    fn log_17_race_10_hits_that_come_late_forget_nothing_that_came_before_them() {
        let mut window = Window::new(grid().slice(NOW));
        let (early, later) = (grid().slice(NOW), grid().slice(NOW + Span::minutes(1)));
        for _ in 0..20 {
            window.hit(early);
            window.hit(later);
        }
        assert_eq!(window.count(later), 40);
        window.take_back(early);
        window.take_back(later);
        assert_eq!(window.count(later), 38);
        assert_eq!(window.count(grid().slice(NOW + Span::minutes(16))), 19, "each where it belongs");
        assert_eq!(window.count(grid().slice(NOW + Span::minutes(17))), 0);
    }

    proptest! {
        #[test]
        fn race_10_no_window_ever_holds_more_than_the_limit(gaps in prop::collection::vec(0_i64..200, 1..200)) {
            let limit = 10;
            let mut window = Window::new(grid().slice(NOW));
            let (mut now, mut admitted) = (NOW, Vec::new());
            for gap in gaps {
                now = now + Span::seconds(gap);
                let slice = grid().slice(now);
                if window.count(slice) < limit {
                    window.hit(slice);
                    admitted.push(now);
                }
            }
            for (at, first) in admitted.iter().enumerate() {
                let within = admitted[at..].iter().filter(|hit| **hit - *first <= WINDOW).count();
                prop_assert!(within <= limit as usize, "{within} within one window");
            }
        }

        #[test]
        fn race_10_the_time_that_is_told_is_the_time_that_counts(hits in prop::collection::vec(0_i64..900, 10..40)) {
            let mut window = Window::new(grid().slice(NOW));
            let mut times: Vec<_> = hits.into_iter().map(|after| NOW + Span::seconds(after)).collect();
            times.sort();
            for at in &times {
                window.hit(grid().slice(*at));
            }
            let now = *times.last().unwrap();
            let slices = window.slices_until_below(10, grid().slice(now));
            let wait = grid().until(now, slices);
            prop_assert!(window.count(grid().slice(now + wait)) < 10);
            prop_assert!(window.count(grid().slice(now + (wait + Span::from_micros(-1)))) >= 10);
            prop_assert!(wait <= WINDOW + Span::minutes(1));
        }
    }
}
