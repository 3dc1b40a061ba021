//! The queue before the threads: bounded, and fair between those who wait in it.
//!
//! Each address prefix has a lane of its own, and so has each account that is asked for by somebody who is familiar to it.
//! The threads take from the lanes in turn: first from one network after the other, within a network from one prefix after
//! the other. When the queue is full, the longest lane of the network that has most in it gives its last job up for
//! another network's: whoever floods it refuses himself, however many addresses he has (attacks DOS-03, HTTP-11).
//! Strangers and familiar callers have queues of their own, so that no flood of strangers takes the place of somebody who
//! is at home here (attack LOG-15). A familiar caller who finds no room there is a stranger like any other.

use std::collections::{HashMap, VecDeque};
use std::sync::Weak;

use countersign_core::AccountId;
use countersign_core::throttle::Prefix;
use parking_lot::{Condvar, Mutex};

use super::Overloaded;
use super::memory::Memory;

/// Who waits. Never a proof of anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Asker {
    /// Somebody from there.
    Stranger(Prefix),
    /// Somebody whom this account knows, from there.
    Familiar(AccountId, Prefix),
}

impl Asker {
    /// Who is to have no more than others.
    fn network(self) -> Self {
        match self {
            Self::Stranger(prefix) => Self::Stranger(prefix.widest()),
            Self::Familiar(account, _) => Self::Familiar(account, Prefix::Unknown),
        }
    }
}

/// One piece of work.
pub(super) struct Job {
    /// Gone when nobody waits for the answer any more.
    pub(super) awaited: Weak<()>,
    pub(super) run: Box<dyn FnOnce(&mut Memory) + Send>,
}

impl Job {
    fn is_abandoned(&self) -> bool {
        self.awaited.strong_count() == 0
    }
}

pub(super) struct Queue {
    sides: Mutex<Sides>,
    changed: Condvar,
}

/// The two queues, which are served in turn.
struct Sides {
    strangers: Lanes,
    familiar: Lanes,
    familiar_next: bool,
    closed: bool,
}

/// Familiar callers have so great a part of the strangers' places, beside them.
const FAMILIAR: usize = 4;

impl Queue {
    /// With so many places for strangers.
    pub(super) fn new(capacity: usize) -> Self {
        let (strangers, familiar) = (Lanes::new(capacity), Lanes::new(capacity.div_ceil(FAMILIAR)));
        let sides = Sides { strangers, familiar, familiar_next: true, closed: false };
        Self { sides: Mutex::new(sides), changed: Condvar::new() }
    }

    /// Lets a job wait; never waits itself.
    pub(super) fn push(&self, asker: Asker, job: Job) -> Result<(), Overloaded> {
        let mut sides = self.sides.lock();
        if sides.closed {
            return Err(Overloaded);
        }
        match asker {
            Asker::Familiar(..) if sides.familiar.has_room_for(asker) => sides.familiar.push(asker, job),
            Asker::Stranger(prefix) | Asker::Familiar(_, prefix) => {
                let asker = Asker::Stranger(prefix);
                if !sides.strangers.has_room_for(asker) {
                    return Err(Overloaded);
                }
                sides.strangers.push(asker, job);
            }
        }
        drop(sides);
        self.changed.notify_one();
        Ok(())
    }

    /// The next job, waited for; none once the queue is closed.
    pub(super) fn take(&self) -> Option<Job> {
        let mut sides = self.sides.lock();
        while !sides.closed {
            if let Some(job) = sides.next() {
                return Some(job);
            }
            self.changed.wait(&mut sides);
        }
        None
    }

    /// How many jobs wait.
    pub(super) fn waiting(&self) -> usize {
        let sides = self.sides.lock();
        sides.strangers.count() + sides.familiar.count()
    }

    /// Refuses what waits and what comes.
    pub(super) fn close(&self) {
        let mut sides = self.sides.lock();
        sides.closed = true;
        sides.strangers.waiting.clear();
        sides.familiar.waiting.clear();
        drop(sides);
        self.changed.notify_all();
    }
}

impl Sides {
    fn next(&mut self) -> Option<Job> {
        let familiar_first = self.familiar_next;
        self.familiar_next = !familiar_first;
        if familiar_first {
            self.familiar.next().or_else(|| self.strangers.next())
        } else {
            self.strangers.next().or_else(|| self.familiar.next())
        }
    }
}

/// A bounded queue of lanes.
struct Lanes {
    capacity: usize,
    /// None of them empty.
    waiting: HashMap<Asker, Lane>,
    /// When each network that has a lane was served last, or came.
    turns: HashMap<Asker, u64>,
    /// The last turn.
    turn: u64,
}

struct Lane {
    jobs: VecDeque<Job>,
    /// When it was served last, or came.
    turn: u64,
}

impl Lanes {
    fn new(capacity: usize) -> Self {
        Self { capacity, waiting: HashMap::new(), turns: HashMap::new(), turn: 0 }
    }

    /// Whether there is room for one more of this one, or could be made.
    fn has_room_for(&mut self, asker: Asker) -> bool {
        if self.count() >= self.capacity {
            self.sweep();
        }
        self.count() < self.capacity || self.make_room_for(asker).is_ok()
    }

    fn push(&mut self, asker: Asker, job: Job) {
        self.turn += 1;
        let turn = self.turn;
        self.turns.entry(asker.network()).or_insert(turn);
        let lane = self.waiting.entry(asker).or_insert_with(|| Lane { jobs: VecDeque::new(), turn });
        lane.jobs.push_back(job);
    }

    fn next(&mut self) -> Option<Job> {
        loop {
            let turn = |asker: &Asker, lane: &Lane| (self.turns.get(&asker.network()).copied(), lane.turn);
            let next = self.waiting.iter().min_by_key(|(asker, lane)| turn(asker, lane));
            let asker = *next?.0;
            self.turn += 1;
            let lane = self.waiting.get_mut(&asker)?;
            let job = lane.jobs.pop_front();
            (lane.turn, *self.turns.entry(asker.network()).or_default()) = (self.turn, self.turn);
            if lane.jobs.is_empty() {
                self.waiting.remove(&asker);
                self.forget_empty_networks();
            }
            if let Some(job) = job.filter(|job| !job.is_abandoned()) {
                return Some(job);
            }
        }
    }

    fn count(&self) -> usize {
        self.waiting.values().map(|lane| lane.jobs.len()).sum()
    }

    fn count_of(&self, network: Asker) -> usize {
        let own = self.waiting.iter().filter(|(asker, _)| asker.network() == network);
        own.map(|(_, lane)| lane.jobs.len()).sum()
    }

    /// Forgets what nobody waits for.
    fn sweep(&mut self) {
        self.waiting.retain(|_, lane| {
            lane.jobs.retain(|job| !job.is_abandoned());
            !lane.jobs.is_empty()
        });
        self.forget_empty_networks();
    }

    fn forget_empty_networks(&mut self) {
        let Self { waiting, turns, .. } = self;
        turns.retain(|network, _| waiting.keys().any(|asker| asker.network() == *network));
    }

    /// Drops the last job of the longest lane of the network that has most, if that has more than the one to be served;
    /// else of the longest lane of the same network.
    fn make_room_for(&mut self, asker: Asker) -> Result<(), Overloaded> {
        let own = asker.network();
        let fullest = self.turns.keys().copied().max_by_key(|network| self.count_of(*network));
        let fullest = fullest.ok_or(Overloaded)?;
        let gives = if self.count_of(fullest) > self.count_of(own) + 1 { fullest } else { own };
        let at_most =
            if gives == own { self.waiting.get(&asker).map_or(0, |lane| lane.jobs.len()) + 1 } else { 0 };
        let lanes = self.waiting.iter_mut().filter(|(asker, _)| asker.network() == gives);
        let (longest, lane) = lanes.max_by_key(|(_, lane)| lane.jobs.len()).ok_or(Overloaded)?;
        if lane.jobs.len() <= at_most {
            return Err(Overloaded);
        }
        lane.jobs.pop_back();
        if lane.jobs.is_empty() {
            let longest = *longest;
            self.waiting.remove(&longest);
            self.forget_empty_networks();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    /// Jobs are told apart by their order of making; each is awaited as long as its ticket lives.
    struct Bench {
        queue: Queue,
        ran: Arc<Mutex<Vec<String>>>,
    }

    fn stranger(address: &str) -> Asker {
        Asker::Stranger(Prefix::of(Some(address.parse().unwrap())))
    }

    fn familiar(account: u8) -> Asker {
        Asker::Familiar(AccountId::from_bytes([account; 16]), Prefix::Unknown)
    }

    impl Bench {
        fn new(capacity: usize) -> Self {
            Self { queue: Queue::new(capacity), ran: Arc::default() }
        }

        fn push(&self, asker: Asker, name: &str) -> Result<Arc<()>, Overloaded> {
            let ticket = Arc::new(());
            let (ran, name) = (Arc::clone(&self.ran), name.to_owned());
            let run = Box::new(move |_: &mut Memory| ran.lock().push(name));
            self.queue.push(asker, Job { awaited: Arc::downgrade(&ticket), run })?;
            Ok(ticket)
        }

        fn drain(&self) -> Vec<String> {
            loop {
                let Some(job) = self.queue.sides.lock().next() else { break };
                (job.run)(&mut Memory::default());
            }
            assert_eq!(self.queue.waiting(), 0);
            let sides = self.queue.sides.lock();
            assert!(sides.strangers.turns.is_empty() && sides.familiar.turns.is_empty());
            std::mem::take(&mut *self.ran.lock())
        }
    }

    #[test]
    fn addresses_are_served_in_turn() {
        let bench = Bench::new(8);
        let tickets: Result<Vec<_>, _> =
            [("10.0.0.1", "a1"), ("10.0.0.1", "a2"), ("10.0.0.1", "a3"), ("10.0.0.2", "b1"), ("::1", "c1")]
                .map(|(address, name)| bench.push(stranger(address), name))
                .into_iter()
                .collect();
        assert!(tickets.is_ok());
        assert_eq!(bench.drain(), ["a1", "b1", "c1", "a2", "a3"]);
    }

    #[test]
    fn http_11_a_network_with_many_prefixes_is_served_in_turn_with_others() {
        let bench = Bench::new(8);
        let many: Vec<_> = (1..=4)
            .map(|number| bench.push(stranger(&format!("2001:db8:1:{number}::1")), &format!("a{number}")))
            .collect();
        let other = [bench.push(stranger("10.0.0.1"), "b1"), bench.push(stranger("10.0.0.1"), "b2")];
        assert_eq!(bench.drain(), ["a1", "b1", "a2", "b2", "a3", "a4"]);
        drop((many, other));
    }

    #[test]
    fn a_full_queue_takes_from_the_longest_lane_and_never_from_a_shorter_one() {
        let bench = Bench::new(4);
        let [a, b, c] = ["10.0.0.1", "10.0.0.2", "10.0.0.3"].map(stranger);
        let flood: Vec<_> =
            ["a1", "a2", "a3", "a4"].iter().map(|name| bench.push(a, name).unwrap()).collect();
        assert!(bench.push(a, "a5").is_err());
        let other = [bench.push(b, "b1").unwrap(), bench.push(b, "b2").unwrap()];
        assert!(bench.push(b, "b3").is_err());
        let third = bench.push(c, "c1").unwrap();
        assert!(bench.push(c, "c2").is_err());
        let mut ran = bench.drain();
        drop((flood, other, third));
        ran.sort_unstable();
        assert_eq!(ran.len(), 4);
        assert!(["a1", "b1", "c1"].iter().all(|name| ran.iter().any(|ran| ran == name)), "{ran:?}");
    }

    #[test]
    fn http_11_dos_03_a_network_with_many_prefixes_keeps_no_other_out_of_a_full_queue() {
        let bench = Bench::new(4);
        let many: Vec<_> =
            (0..6).map(|number| bench.push(stranger(&format!("2001:db8:1:{number:x}00::1")), "a")).collect();
        assert_eq!(many.iter().filter(|pushed| pushed.is_ok()).count(), 4);
        let other = [bench.push(stranger("10.0.0.1"), "b"), bench.push(stranger("2001:db8:2::1"), "c")];
        assert!(other.iter().all(Result::is_ok));
        assert!(bench.push(stranger("2001:db8:1:9900::1"), "a").is_err());
        let mut ran = bench.drain();
        drop((many, other));
        ran.sort_unstable();
        assert_eq!(ran, ["a", "a", "b", "c"]);
    }

    #[test]
    fn log_15_dos_03_a_familiar_caller_finds_room_and_waits_for_one_stranger_at_most() {
        let bench = Bench::new(4);
        let flood: Vec<_> = (1..=4)
            .map(|last| bench.push(stranger(&format!("10.0.0.{last}")), "stranger").unwrap())
            .collect();
        assert!(bench.push(stranger("10.0.0.5"), "stranger").is_err());
        let at_home = bench.push(familiar(1), "familiar").unwrap();
        assert!(bench.push(familiar(1), "familiar").is_err(), "they are bounded too");
        let ran = bench.drain();
        assert!(ran[..2].iter().any(|name| name == "familiar"), "{ran:?}");
        // Where there is room among strangers, that is for them as well.
        let bench = Bench::new(4);
        let crowd: Vec<_> = (1..=6).map(|_| bench.push(familiar(1), "familiar")).collect();
        assert_eq!(crowd.iter().filter(|pushed| pushed.is_ok()).count(), 1 + 4);
        assert_eq!(bench.drain().len(), 5);
        // And strangers wait for no flood of familiar ones.
        let bench = Bench::new(16);
        let familiar: Vec<_> =
            (1..=4).map(|account| bench.push(familiar(account), "familiar").unwrap()).collect();
        let other = bench.push(stranger("10.0.0.5"), "stranger").unwrap();
        assert!(bench.drain()[..2].iter().any(|name| name == "stranger"));
        drop((flood, at_home, crowd, familiar, other));
    }

    #[test]
    fn what_nobody_waits_for_is_skipped_and_holds_no_place() {
        let (bench, a) = (Bench::new(2), stranger("10.0.0.1"));
        drop(bench.push(a, "a1"));
        let a2 = bench.push(a, "a2");
        let a3 = bench.push(a, "a3");
        assert!(a2.is_ok() && a3.is_ok());
        assert!(bench.push(a, "a4").is_err());
        drop(a2);
        assert_eq!(bench.drain(), ["a3"]);
        drop(a3);
    }

    #[test]
    fn a_closed_queue_lets_go_of_everything() {
        let (bench, a) = (Bench::new(2), stranger("10.0.0.1"));
        let ticket = bench.push(a, "a1");
        bench.queue.close();
        assert!(bench.queue.take().is_none());
        assert_eq!(bench.queue.waiting(), 0);
        assert!(bench.push(a, "a2").is_err());
        drop(ticket);
    }
}
