//! When sessions were last used: known here at once, written behind.
//!
//! All that knows of a session in this process shares one [`Seen`], whichever face it came by, so that idle ends are
//! exact on one node (I1). What a crash loses only makes an idle end come sooner.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Weak};

use countersign_core::session::Session;
use countersign_core::{SessionId, Time};
use parking_lot::Mutex;

/// One session's last use and the idle end that follows from it.
#[derive(Debug)]
pub(crate) struct Seen {
    session: SessionId,
    at: AtomicI64,
    idle_ends_at: AtomicI64,
    /// It is, or is about to be, among those to be written.
    waits: AtomicBool,
}

impl Seen {
    pub(crate) fn session(&self) -> SessionId {
        self.session
    }

    pub(crate) fn at(&self) -> Time {
        Time::from_micros(self.at.load(Ordering::SeqCst))
    }

    pub(crate) fn idle_ends_at(&self) -> Time {
        Time::from_micros(self.idle_ends_at.load(Ordering::SeqCst))
    }

    /// Later wins, wherever it was heard of. Whether `at` is news.
    fn raise(&self, at: Time, idle_ends_at: Time) -> bool {
        self.idle_ends_at.fetch_max(idle_ends_at.micros(), Ordering::SeqCst);
        self.at.fetch_max(at.micros(), Ordering::SeqCst) < at.micros()
    }
}

/// Every [`Seen`] of this process.
#[derive(Debug, Default)]
pub(crate) struct Pulses {
    known: Mutex<HashMap<SessionId, Weak<Seen>>>,
    waiting: Mutex<HashMap<SessionId, Arc<Seen>>>,
    /// Written by the last flush, and kept until the next: a row that was read before that flush may still arrive.
    settled: Mutex<Vec<Arc<Seen>>>,
}

impl Pulses {
    /// The one of the session that was just read.
    pub(crate) fn of(&self, session: &Session) -> Arc<Seen> {
        let mut known = self.known.lock();
        if let Some(seen) = known.get(&session.id).and_then(Weak::upgrade) {
            seen.raise(session.seen_at, session.idle_ends_at);
            return seen;
        }
        let seen = Arc::new(Seen {
            session: session.id,
            at: AtomicI64::new(session.seen_at.micros()),
            idle_ends_at: AtomicI64::new(session.idle_ends_at.micros()),
            waits: AtomicBool::new(false),
        });
        known.insert(session.id, Arc::downgrade(&seen));
        seen
    }

    pub(crate) fn peek(&self, session: SessionId) -> Option<Arc<Seen>> {
        self.known.lock().get(&session).and_then(Weak::upgrade)
    }

    pub(crate) fn touch(&self, seen: &Arc<Seen>, at: Time, idle_ends_at: Time) {
        if seen.raise(at, idle_ends_at) && !seen.waits.swap(true, Ordering::SeqCst) {
            self.waiting.lock().insert(seen.session, Arc::clone(seen));
        }
    }

    /// All that has to be written, in the order of ids: two that write always lock rows in the same order.
    pub(crate) fn waiting(&self) -> Vec<Arc<Seen>> {
        let mut waiting: Vec<_> = self.waiting.lock().values().cloned().collect();
        waiting.sort_unstable_by_key(|seen| seen.session);
        waiting
    }

    /// A flush begins.
    pub(crate) fn forget_settled(&self) {
        self.settled.lock().clear();
    }

    /// This much of it is in the database. What was used again in between goes on waiting.
    pub(crate) fn written(&self, seen: &Arc<Seen>, at: Time) {
        let mut waiting = self.waiting.lock();
        // Lowered before `at` is read: a touch that this read misses finds it lowered and waits for the lock.
        seen.waits.store(false, Ordering::SeqCst);
        if seen.at() > at {
            seen.waits.store(true, Ordering::SeqCst);
        } else if waiting.remove(&seen.session).is_some() {
            self.settled.lock().push(Arc::clone(seen));
        }
    }

    /// Gives back the memory of those that nobody holds any more.
    pub(crate) fn prune(&self) {
        self.known.lock().retain(|_, seen| seen.strong_count() > 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(pulses: &Pulses) -> Arc<Seen> {
        let seen = Arc::new(Seen {
            session: SessionId::from_bytes([1; 16]),
            at: AtomicI64::new(1),
            idle_ends_at: AtomicI64::new(11),
            waits: AtomicBool::new(false),
        });
        pulses.known.lock().insert(seen.session, Arc::downgrade(&seen));
        seen
    }

    fn time(micros: i64) -> Time {
        Time::from_micros(micros)
    }

    #[test]
    fn a_touch_never_goes_back_and_waits_once() {
        let pulses = Pulses::default();
        let seen = seen(&pulses);
        pulses.touch(&seen, time(5), time(15));
        pulses.touch(&seen, time(3), time(13));
        pulses.touch(&seen, time(6), time(16));
        assert_eq!((seen.at(), seen.idle_ends_at()), (time(6), time(16)));
        assert_eq!(pulses.waiting().len(), 1);
    }

    #[test]
    fn what_is_used_while_it_is_written_goes_on_waiting() {
        let pulses = Pulses::default();
        let seen = seen(&pulses);
        pulses.touch(&seen, time(5), time(15));
        pulses.touch(&seen, time(6), time(16));
        pulses.written(&seen, time(5));
        assert_eq!(pulses.waiting().len(), 1);
        pulses.written(&seen, time(6));
        assert!(pulses.waiting().is_empty());
        pulses.touch(&seen, time(7), time(17));
        assert_eq!(pulses.waiting().len(), 1);
    }

    #[test]
    fn what_was_written_is_remembered_until_the_next_flush() {
        let pulses = Pulses::default();
        let seen = seen(&pulses);
        let id = seen.session();
        pulses.touch(&seen, time(5), time(15));
        drop(seen);
        let waiting = pulses.waiting();
        pulses.written(&waiting[0], time(5));
        drop(waiting);
        assert_eq!(pulses.peek(id).map(|seen| seen.at()), Some(time(5)));
        pulses.forget_settled();
        assert!(pulses.peek(id).is_none());
        pulses.prune();
        assert!(pulses.known.lock().is_empty());
    }
}
