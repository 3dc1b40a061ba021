//! The queue before the threads: bounded, and fair between the addresses that wait in it.
//!
//! Each address prefix has a lane of its own, and the threads take from the lanes in turn. When the queue is full, the
//! longest lane gives its last job up for a shorter one: whoever floods it refuses himself.

use std::collections::{HashMap, VecDeque};
use std::sync::Weak;

use countersign_core::throttle::Prefix;
use parking_lot::{Condvar, Mutex};

use super::Overloaded;
use super::memory::Memory;

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
    lanes: Mutex<Lanes>,
    changed: Condvar,
    capacity: usize,
}

#[derive(Default)]
struct Lanes {
    /// None of them empty.
    jobs: HashMap<Prefix, VecDeque<Job>>,
    /// Each lane once, the next one first.
    turns: VecDeque<Prefix>,
    waiting: usize,
    closed: bool,
}

impl Queue {
    pub(super) fn new(capacity: usize) -> Self {
        Self { lanes: Mutex::default(), changed: Condvar::new(), capacity }
    }

    /// Lets a job wait; never waits itself.
    pub(super) fn push(&self, prefix: Prefix, job: Job) -> Result<(), Overloaded> {
        let mut lanes = self.lanes.lock();
        if lanes.closed {
            return Err(Overloaded);
        }
        if lanes.waiting >= self.capacity {
            lanes.sweep();
        }
        if lanes.waiting >= self.capacity {
            lanes.make_room_for(prefix)?;
        }
        lanes.push(prefix, job);
        drop(lanes);
        self.changed.notify_one();
        Ok(())
    }

    /// The next job, waited for; none once the queue is closed.
    pub(super) fn take(&self) -> Option<Job> {
        let mut lanes = self.lanes.lock();
        while !lanes.closed {
            if let Some(job) = lanes.next() {
                return Some(job);
            }
            self.changed.wait(&mut lanes);
        }
        None
    }

    /// How many jobs wait.
    pub(super) fn waiting(&self) -> usize {
        self.lanes.lock().waiting
    }

    /// Refuses what waits and what comes.
    pub(super) fn close(&self) {
        *self.lanes.lock() = Lanes { closed: true, ..Lanes::default() };
        self.changed.notify_all();
    }
}

impl Lanes {
    fn push(&mut self, prefix: Prefix, job: Job) {
        let lane = self.jobs.entry(prefix).or_default();
        if lane.is_empty() {
            self.turns.push_back(prefix);
        }
        lane.push_back(job);
        self.waiting += 1;
    }

    fn next(&mut self) -> Option<Job> {
        loop {
            let prefix = self.turns.pop_front()?;
            let lane = self.jobs.get_mut(&prefix)?;
            let job = lane.pop_front()?;
            self.waiting -= 1;
            if lane.is_empty() {
                self.jobs.remove(&prefix);
            } else {
                self.turns.push_back(prefix);
            }
            if !job.is_abandoned() {
                return Some(job);
            }
        }
    }

    /// Forgets what nobody waits for.
    fn sweep(&mut self) {
        self.jobs.retain(|_, lane| {
            lane.retain(|job| !job.is_abandoned());
            !lane.is_empty()
        });
        self.turns.retain(|prefix| self.jobs.contains_key(prefix));
        self.waiting = self.jobs.values().map(VecDeque::len).sum();
    }

    /// Drops the last job of the longest lane, if that lane stays longer than the one to be served.
    fn make_room_for(&mut self, prefix: Prefix) -> Result<(), Overloaded> {
        let own = self.jobs.get(&prefix).map_or(0, VecDeque::len);
        let longest = self.jobs.values_mut().max_by_key(|lane| lane.len()).ok_or(Overloaded)?;
        if longest.len() <= own + 1 {
            return Err(Overloaded);
        }
        longest.pop_back();
        self.waiting -= 1;
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
        ran: Arc<Mutex<Vec<&'static str>>>,
    }

    impl Bench {
        fn new(capacity: usize) -> Self {
            Self { queue: Queue::new(capacity), ran: Arc::default() }
        }

        fn push(&self, address: &str, name: &'static str) -> Result<Arc<()>, Overloaded> {
            let ticket = Arc::new(());
            let ran = Arc::clone(&self.ran);
            let run = Box::new(move |_: &mut Memory| ran.lock().push(name));
            let prefix = Prefix::of(Some(address.parse().unwrap()));
            self.queue.push(prefix, Job { awaited: Arc::downgrade(&ticket), run })?;
            Ok(ticket)
        }

        fn drain(&self) -> Vec<&'static str> {
            loop {
                let Some(job) = self.queue.lanes.lock().next() else { break };
                (job.run)(&mut Memory::default());
            }
            assert_eq!(self.queue.lanes.lock().waiting, 0);
            std::mem::take(&mut *self.ran.lock())
        }
    }

    #[test]
    fn addresses_are_served_in_turn() {
        let bench = Bench::new(8);
        let tickets: Result<Vec<_>, _> =
            [("10.0.0.1", "a1"), ("10.0.0.1", "a2"), ("10.0.0.1", "a3"), ("10.0.0.2", "b1"), ("::1", "c1")]
                .map(|(address, name)| bench.push(address, name))
                .into_iter()
                .collect();
        assert!(tickets.is_ok());
        assert_eq!(bench.drain(), ["a1", "b1", "c1", "a2", "a3"]);
    }

    #[test]
    fn a_full_queue_takes_from_the_longest_lane_and_never_from_a_shorter_one() {
        let bench = Bench::new(4);
        let flood: Vec<_> =
            ["a1", "a2", "a3", "a4"].iter().map(|name| bench.push("10.0.0.1", name).unwrap()).collect();
        assert!(bench.push("10.0.0.1", "a5").is_err());
        let other = [bench.push("10.0.0.2", "b1").unwrap(), bench.push("10.0.0.2", "b2").unwrap()];
        assert!(bench.push("10.0.0.2", "b3").is_err());
        let third = bench.push("10.0.0.3", "c1").unwrap();
        assert!(bench.push("10.0.0.3", "c2").is_err());
        let mut ran = bench.drain();
        drop((flood, other, third));
        ran.sort_unstable();
        assert_eq!(ran.len(), 4);
        assert!(ran.contains(&"a1") && ran.contains(&"b1") && ran.contains(&"c1"), "{ran:?}");
    }

    #[test]
    fn what_nobody_waits_for_is_skipped_and_holds_no_place() {
        let bench = Bench::new(2);
        drop(bench.push("10.0.0.1", "a1"));
        let a2 = bench.push("10.0.0.1", "a2");
        let a3 = bench.push("10.0.0.1", "a3");
        assert!(a2.is_ok() && a3.is_ok());
        assert!(bench.push("10.0.0.1", "a4").is_err());
        drop(a2);
        assert_eq!(bench.drain(), ["a3"]);
        drop(a3);
    }

    #[test]
    fn a_closed_queue_lets_go_of_everything() {
        let bench = Bench::new(2);
        let ticket = bench.push("10.0.0.1", "a1");
        bench.queue.close();
        assert!(bench.queue.take().is_none());
        assert!(bench.push("10.0.0.1", "a2").is_err());
        assert_eq!(bench.drain(), Vec::<&str>::new());
        assert!(ticket.is_ok());
    }
}
