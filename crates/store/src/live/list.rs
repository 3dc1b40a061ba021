//! One status list in memory: a bit for each index, set once and never cleared.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use countersign_core::Time;
use countersign_core::revocation::LIST_SIZE;

const WORDS: usize = (LIST_SIZE / u64::BITS) as usize;

/// 16 KiB of bits and the time after which nobody asks for them.
#[derive(Debug)]
pub(crate) struct List {
    words: Box<[AtomicU64]>,
    ends_at: AtomicI64,
}

impl List {
    pub(crate) fn new(ends_at: Time) -> Self {
        let words = std::iter::repeat_with(AtomicU64::default).take(WORDS).collect();
        Self { words, ends_at: AtomicI64::new(ends_at.micros()) }
    }

    /// Whether what has this index ended. An index outside the list belongs to nothing that lives.
    pub(crate) fn is_set(&self, index: u32) -> bool {
        self.word(index).is_none_or(|word| word.load(Ordering::Acquire) & mask(index) != 0)
    }

    pub(crate) fn set(&self, index: u32) {
        if let Some(word) = self.word(index) {
            word.fetch_or(mask(index), Ordering::AcqRel);
        }
    }

    /// The bits in the order of the Token Status List draft: index 0 is the least significant bit of byte 0.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.words.iter().flat_map(|word| word.load(Ordering::Acquire).to_le_bytes()).collect()
    }

    pub(crate) fn ends_at(&self) -> Time {
        Time::from_micros(self.ends_at.load(Ordering::Relaxed))
    }

    /// A block was leased: whoever gets its indexes may live until then.
    pub(crate) fn lasts_until(&self, ends_at: Time) {
        self.ends_at.fetch_max(ends_at.micros(), Ordering::Relaxed);
    }

    fn word(&self, index: u32) -> Option<&AtomicU64> {
        usize::try_from(index / u64::BITS).ok().and_then(|place| self.words.get(place))
    }
}

const fn mask(index: u32) -> u64 {
    1 << (index % u64::BITS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_published_least_significant_first() {
        let list = List::new(Time::from_micros(1));
        for index in [0, 9, 63, 64, LIST_SIZE - 1] {
            assert!(!list.is_set(index));
            list.set(index);
            assert!(list.is_set(index));
        }
        let bytes = list.bytes();
        assert_eq!(bytes.len(), 16_384);
        assert_eq!((bytes[0], bytes[1], bytes[7], bytes[8], bytes[16_383]), (1, 2, 128, 1, 128));
        assert_eq!(bytes.iter().map(|byte| byte.count_ones()).sum::<u32>(), 5);
    }

    #[test]
    fn an_index_outside_the_list_never_lives() {
        let list = List::new(Time::from_micros(1));
        list.set(LIST_SIZE);
        assert!(list.is_set(LIST_SIZE));
        assert!(list.bytes().iter().all(|byte| *byte == 0));
    }

    #[test]
    fn a_list_lasts_as_long_as_its_latest_block() {
        let list = List::new(Time::from_micros(5));
        list.lasts_until(Time::from_micros(3));
        assert_eq!(list.ends_at(), Time::from_micros(5));
        list.lasts_until(Time::from_micros(7));
        assert_eq!(list.ends_at(), Time::from_micros(7));
    }
}
