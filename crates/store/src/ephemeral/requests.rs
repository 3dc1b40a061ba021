//! Authorization requests that are kept for a while: pushed ones, and those too long for a URL. Losing one costs a retry.

use std::collections::{BTreeSet, HashMap};

use countersign_core::Time;
use countersign_core::secret::Hash;
use parking_lot::Mutex;

/// Kept at most, in bytes. Whoever pushes more pushes out what would end soonest (attack DOS-07): a browser comes within
/// seconds, and nobody fills this in seconds.
const MAX_BYTES: usize = 64 << 20;

/// What an entry costs beside its bytes.
const OVERHEAD: usize = 200;

/// The kept requests of this process, by the hash of their name.
#[derive(Debug, Default)]
pub struct Requests(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    entries: HashMap<Hash, Entry>,
    ends: BTreeSet<(Time, Hash)>,
    bytes: usize,
}

#[derive(Debug)]
struct Entry {
    value: Vec<u8>,
    until: Time,
}

impl Requests {
    /// Keeps a value under a new name until `until`.
    pub fn put(&self, name: Hash, value: Vec<u8>, until: Time, now: Time) {
        let mut kept = self.0.lock();
        kept.remove(&name);
        kept.forget_ended(now);
        kept.bytes += value.len() + OVERHEAD;
        kept.ends.insert((until, name));
        kept.entries.insert(name, Entry { value, until });
        while kept.bytes > MAX_BYTES {
            let Some((_, soonest)) = kept.ends.first().copied() else { break };
            kept.remove(&soonest);
        }
    }

    /// The value under this name.
    pub fn get(&self, name: &Hash, now: Time) -> Option<Vec<u8>> {
        let kept = self.0.lock();
        kept.entries.get(name).filter(|entry| now < entry.until).map(|entry| entry.value.clone())
    }

    /// Keeps it longer, if it is there.
    pub fn keep(&self, name: &Hash, until: Time) {
        let mut kept = self.0.lock();
        let Some(entry) = kept.entries.get_mut(name) else { return };
        let before = std::mem::replace(&mut entry.until, until);
        kept.ends.remove(&(before, *name));
        kept.ends.insert((until, *name));
    }

    /// Takes it away. Of many who ask at once, one gets it (I9).
    pub fn take(&self, name: &Hash, now: Time) -> Option<Vec<u8>> {
        self.0.lock().remove(name).filter(|entry| now < entry.until).map(|entry| entry.value)
    }
}

impl Kept {
    fn remove(&mut self, name: &Hash) -> Option<Entry> {
        let entry = self.entries.remove(name)?;
        self.ends.remove(&(entry.until, *name));
        self.bytes -= entry.value.len() + OVERHEAD;
        Some(entry)
    }

    fn forget_ended(&mut self, now: Time) {
        while let Some((_, name)) = self.ends.first().copied().filter(|(until, _)| *until <= now) {
            self.remove(&name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_core::Span;
    use countersign_core::secret::sha256;

    const NOW: Time = Time::from_micros(1_700_000_000_000_000);

    fn name(n: usize) -> Hash {
        sha256(&n.to_be_bytes())
    }

    #[test]
    fn a_value_is_there_until_its_end_and_taken_once() {
        let requests = Requests::default();
        let end = NOW + Span::seconds(60);
        requests.put(name(1), b"a".to_vec(), end, NOW);
        assert_eq!(requests.get(&name(1), NOW).as_deref(), Some(&b"a"[..]));
        assert_eq!(requests.get(&name(1), end), None);
        assert_eq!(requests.get(&name(2), NOW), None);
        requests.keep(&name(1), end + Span::hours(1));
        assert_eq!(requests.take(&name(1), end).as_deref(), Some(&b"a"[..]));
        assert_eq!(requests.take(&name(1), end), None);
        requests.put(name(3), b"c".to_vec(), end, NOW);
        assert_eq!(requests.take(&name(3), end), None);
        assert_eq!(requests.0.lock().bytes, 0);
    }

    #[test]
    fn i9_of_fifty_takers_at_once_one_gets_it() {
        let requests = Requests::default();
        for round in 0..20 {
            requests.put(name(round), b"a".to_vec(), NOW + Span::seconds(60), NOW);
            let got = std::thread::scope(|scope| {
                let takers: Vec<_> =
                    (0..50).map(|_| scope.spawn(|| requests.take(&name(round), NOW).is_some())).collect();
                takers.into_iter().map(|taker| taker.join().unwrap()).filter(|got| *got).count()
            });
            assert_eq!(got, 1);
        }
    }

    #[test]
    fn dos_07_a_flood_pushes_out_what_ends_soonest_and_never_grows() {
        let requests = Requests::default();
        let soon = NOW + Span::seconds(60);
        requests.put(name(0), vec![0; 1000], soon + Span::hours(1), NOW);
        for n in 1..=70 {
            requests.put(name(n), vec![0; 1 << 20], soon, NOW);
        }
        assert!(requests.0.lock().bytes <= MAX_BYTES);
        assert!(requests.get(&name(0), NOW).is_some(), "it ends last");
        requests.put(name(99), Vec::new(), soon + Span::hours(1), soon);
        assert_eq!(requests.0.lock().entries.len(), 2, "what ended is forgotten");
    }
}
