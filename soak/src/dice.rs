//! Chance that can be had again: everything that a scenario leaves to chance comes from one printed number.

use std::time::Duration;

/// `SplitMix64` (Steele, Lea and Flood 2014). For choosing what to try, never for secrets.
#[derive(Debug, Clone)]
pub(crate) struct Dice(u64);

impl Dice {
    /// Two dice of one seed and two names fall differently.
    pub(crate) const fn new(seed: u64, name: u64) -> Self {
        Self(seed ^ name.wrapping_mul(0xd1b5_4a32_d192_ed03))
    }

    /// Any number.
    pub(crate) const fn any(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`; 0 if that is 0.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        let end = end.max(1) as u64;
        usize::try_from(self.any() % end).unwrap_or(0)
    }

    /// One of these.
    pub(crate) fn one_of<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        of.get(self.below(of.len()))
    }

    /// A time up to `end`, to the microsecond.
    pub(crate) fn within(&mut self, end: Duration) -> Duration {
        Duration::from_micros(self.any() % u64::try_from(end.as_micros()).unwrap_or(u64::MAX).max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_falls_the_same_way_again_and_another_name_another_way() {
        let fall = |name| {
            let mut dice = Dice::new(7, name);
            (0..20).map(|_| dice.below(1000)).collect::<Vec<_>>()
        };
        assert_eq!(fall(1), fall(1));
        assert_ne!(fall(1), fall(2));
        let mut dice = Dice::new(7, 3);
        assert_eq!((dice.below(0), dice.one_of::<u8>(&[])), (0, None));
        assert!((0..100).all(|_| dice.within(Duration::from_millis(3)) < Duration::from_millis(3)));
    }
}
