//! Authorization requests that are kept for a while: pushed ones, and those too long for a URL. Losing one costs a retry.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use countersign_core::Time;
use countersign_core::client::ClientId;
use countersign_core::secret::Hash;
use countersign_core::throttle::Prefix;
use parking_lot::Mutex;

/// Kept at most, in bytes. Where there is more, whoever has most loses what he has had longest, so that a flood pushes out
/// nobody else's (attack DOS-07).
const MAX_BYTES: usize = 32 << 20;

/// What an entry costs beside its bytes.
const OVERHEAD: usize = 400;

/// The kept requests of this process, by the hash of their name. One for each kind: what lasts long must not take the place
/// of what lasts short.
#[derive(Debug, Default)]
pub struct Requests(Mutex<Inner>);

/// Whose a request is: who gives way when he has too many.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Owner {
    /// A client that proved itself.
    Client(ClientId),
    /// All of a network of whom nothing else is known.
    Network(Prefix),
}

/// A request that is kept.
#[derive(Debug)]
pub struct Kept {
    /// Whose it is.
    pub owner: Owner,
    /// What it is.
    pub value: Vec<u8>,
    /// Its end.
    pub until: Time,
}

#[derive(Debug, Default)]
struct Inner {
    entries: HashMap<Hash, (Kept, Age)>,
    ends: BTreeSet<(Time, Hash)>,
    ages: BTreeSet<(Owner, Age, Hash)>,
    /// What each owner has, in bytes: the same twice, to be found by either.
    shares: BTreeMap<Owner, usize>,
    heaviest: BTreeSet<(usize, Owner)>,
    bytes: usize,
    next: Age,
}

/// The how many-th it is: of two, the younger has more.
type Age = u64;

impl Requests {
    /// Keeps a request under a name, in place of what was there.
    pub fn put(&self, name: Hash, kept: Kept, now: Time) {
        let mut inner = self.0.lock();
        inner.remove(&name);
        inner.forget_ended(now);
        inner.insert(name, kept);
        while inner.bytes > MAX_BYTES {
            let Some(name) = inner.least_deserving() else { break };
            inner.remove(&name);
        }
    }

    /// The value under this name.
    pub fn get(&self, name: &Hash, now: Time) -> Option<Vec<u8>> {
        let inner = self.0.lock();
        inner.entries.get(name).filter(|(kept, _)| now < kept.until).map(|(kept, _)| kept.value.clone())
    }

    /// Keeps it longer, if it is there.
    pub fn keep(&self, name: &Hash, until: Time) {
        let mut inner = self.0.lock();
        let Some((kept, _)) = inner.entries.get_mut(name) else { return };
        let before = std::mem::replace(&mut kept.until, until);
        inner.ends.remove(&(before, *name));
        inner.ends.insert((until, *name));
    }

    /// Takes it away. Of many who ask at once, one gets it (I9).
    pub fn take(&self, name: &Hash, now: Time) -> Option<Vec<u8>> {
        self.0.lock().remove(name).filter(|kept| now < kept.until).map(|kept| kept.value)
    }
}

impl Inner {
    fn insert(&mut self, name: Hash, kept: Kept) {
        let age = self.next;
        self.next += 1;
        self.bytes += kept.weight();
        let share = self.share(&kept.owner);
        self.set_share(&kept.owner, share + kept.weight());
        self.ends.insert((kept.until, name));
        self.ages.insert((kept.owner.clone(), age, name));
        self.entries.insert(name, (kept, age));
    }

    fn remove(&mut self, name: &Hash) -> Option<Kept> {
        let (kept, age) = self.entries.remove(name)?;
        self.bytes -= kept.weight();
        let share = self.share(&kept.owner);
        self.set_share(&kept.owner, share - kept.weight());
        self.ends.remove(&(kept.until, *name));
        self.ages.remove(&(kept.owner.clone(), age, *name));
        Some(kept)
    }

    fn share(&self, owner: &Owner) -> usize {
        self.shares.get(owner).copied().unwrap_or(0)
    }

    fn set_share(&mut self, owner: &Owner, share: usize) {
        let before = self.share(owner);
        self.heaviest.remove(&(before, owner.clone()));
        if share == 0 {
            self.shares.remove(owner);
        } else {
            self.shares.insert(owner.clone(), share);
            self.heaviest.insert((share, owner.clone()));
        }
    }

    /// The oldest of whoever has most.
    fn least_deserving(&self) -> Option<Hash> {
        let (_, owner) = self.heaviest.last()?;
        let all = (owner.clone(), 0, Hash::from_bytes([0; 32]))..;
        self.ages.range(all).next().map(|(_, _, name)| *name)
    }

    fn forget_ended(&mut self, now: Time) {
        while let Some((_, name)) = self.ends.first().copied().filter(|(until, _)| *until <= now) {
            self.remove(&name);
        }
    }
}

impl Kept {
    const fn weight(&self) -> usize {
        self.value.len() + OVERHEAD
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

    impl Requests {
        fn is_empty(&self) -> bool {
            let inner = self.0.lock();
            let parts = [inner.ends.len(), inner.ages.len(), inner.shares.len(), inner.heaviest.len()];
            inner.entries.is_empty() && inner.bytes == 0 && parts == [0; 4]
        }
    }

    fn client(id: &str) -> Owner {
        Owner::Client(ClientId::parse(id).unwrap())
    }

    fn kept(owner: Owner, value: Vec<u8>, until: Time) -> Kept {
        Kept { owner, value, until }
    }

    #[test]
    fn a_value_is_there_until_its_end_and_taken_once() {
        let requests = Requests::default();
        let end = NOW + Span::seconds(60);
        requests.put(name(1), kept(client("a"), b"a".to_vec(), end), NOW);
        assert_eq!(requests.get(&name(1), NOW).as_deref(), Some(&b"a"[..]));
        assert_eq!(requests.get(&name(1), end), None);
        assert_eq!(requests.get(&name(2), NOW), None);
        requests.keep(&name(1), end + Span::hours(1));
        assert_eq!(requests.take(&name(1), end).as_deref(), Some(&b"a"[..]));
        assert_eq!(requests.take(&name(1), end), None);
        requests.put(name(3), kept(client("a"), b"c".to_vec(), end), NOW);
        assert_eq!(requests.take(&name(3), end), None);
        assert!(requests.is_empty());
    }

    #[test]
    fn i9_of_fifty_takers_at_once_one_gets_it() {
        let requests = Requests::default();
        for round in 0..20 {
            requests.put(name(round), kept(client("a"), b"a".to_vec(), NOW + Span::seconds(60)), NOW);
            let got = std::thread::scope(|scope| {
                let takers: Vec<_> =
                    (0..50).map(|_| scope.spawn(|| requests.take(&name(round), NOW).is_some())).collect();
                takers.into_iter().map(|taker| taker.join().unwrap()).filter(|got| *got).count()
            });
            assert_eq!(got, 1);
        }
    }

    #[test]
    fn dos_07_a_flood_pushes_out_its_own_and_nobody_elses_however_soon_that_ends() {
        let requests = Requests::default();
        let (soon, late) = (NOW + Span::seconds(60), NOW + Span::hours(1));
        let flood = Owner::Network(Prefix::of(Some([203, 0, 113, 7].into())));
        requests.put(name(0), kept(client("a"), vec![0; 1000], soon), NOW);
        for n in 1..=70 {
            requests.put(name(n), kept(flood.clone(), vec![0; 1 << 20], late), NOW);
            assert!(requests.0.lock().bytes <= MAX_BYTES);
        }
        assert!(requests.get(&name(0), NOW).is_some(), "it is another's");
        assert!(requests.get(&name(1), NOW).is_none(), "it was the flood's first");
        assert!(requests.get(&name(70), NOW).is_some());
        requests.put(name(71), kept(client("b"), vec![0; 1000], soon), NOW);
        assert!(requests.get(&name(71), NOW).is_some(), "there is room for others");
        requests.put(name(99), kept(client("c"), Vec::new(), late + Span::hours(1)), late);
        assert_eq!(requests.0.lock().entries.len(), 1, "what ended is forgotten");
        assert!(requests.take(&name(99), late).is_some() && requests.is_empty());
    }

    #[test]
    fn a_name_that_is_kept_again_is_kept_once_and_its_new_owners() {
        let requests = Requests::default();
        for owner in ["a", "a", "b"] {
            requests.put(name(1), kept(client(owner), vec![0; 10], NOW + Span::seconds(60)), NOW);
            assert_eq!(requests.0.lock().bytes, 10 + OVERHEAD);
            assert_eq!(requests.0.lock().shares.keys().collect::<Vec<_>>(), [&client(owner)]);
        }
    }
}
