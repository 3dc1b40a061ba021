//! One connection: what it is doing, since when, and whether it may stay.
//!
//! Attack HTTP-03: a peer that sends or reads a byte now and then keeps what it holds for ever, unless somebody looks at
//! the whole. HTTP/1 does one thing at a time, so its connection has one phase. On HTTP/2 each request and each piece of an
//! answer is looked after by itself: flow control lets a peer stop one of them and go on with the rest.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::task::Poll;

use futures_util::task::AtomicWaker;
use hyper_util::server::graceful::GracefulConnection;
use parking_lot::Mutex;

use super::limits::{Times, Tolerance};

/// The listener's clock: ticks since it began. Reading it costs a load, and so every request can.
pub(super) type Ticks = Arc<AtomicU64>;

/// What a connection of HTTP/1 is doing, and one of HTTP/2 while no stream is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Phase {
    /// Nothing.
    Idle = 0,
    /// It shakes hands, or sends the head of a request.
    Head = 1,
    /// Its request is worked on; it may still be sending the body.
    Asked = 2,
    /// It is being answered.
    Answered = 3,
}

/// What is to become of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(super) enum Verdict {
    /// It stays.
    Stay = 0,
    /// It ends when what is under way is done.
    Leave = 1,
    /// It ends.
    Go = 2,
}

/// One connection.
#[derive(Debug)]
pub(super) struct Guest {
    ticks: Ticks,
    /// A tick and a phase, in one word.
    doing: AtomicU64,
    streams: Mutex<Streams>,
    taken_back: AtomicUsize,
    /// What is put up with from it.
    pub(super) tolerance: Tolerance,
    told: AtomicU8,
    waker: AtomicWaker,
}

/// What the peer has to do something for: a request to be sent whole, a piece of an answer to be read.
#[derive(Debug, Default)]
struct Streams {
    last: u64,
    since: BTreeMap<u64, u64>,
}

/// One of [`Streams`]; over when dropped.
#[derive(Debug)]
pub(super) struct Stream {
    guest: Arc<Guest>,
    number: u64,
}

impl Guest {
    /// Somebody who just came and has a request's head to send.
    pub(super) fn new(ticks: Ticks, tolerance: Tolerance) -> Self {
        let guest = Self {
            ticks,
            doing: AtomicU64::new(0),
            streams: Mutex::default(),
            taken_back: AtomicUsize::new(0),
            tolerance,
            told: AtomicU8::new(Verdict::Stay as u8),
            waker: AtomicWaker::new(),
        };
        guest.now(Phase::Head);
        guest
    }

    /// It does that from now on.
    pub(super) fn now(&self, phase: Phase) {
        let since = self.ticks.load(Ordering::Relaxed);
        self.doing.store(since << 2 | phase as u64, Ordering::Relaxed);
    }

    /// What it is doing.
    pub(super) fn phase(&self) -> Phase {
        match self.doing.load(Ordering::Relaxed) & 0b11 {
            0 => Phase::Idle,
            1 => Phase::Head,
            2 => Phase::Asked,
            _ => Phase::Answered,
        }
    }

    /// Looks after one more thing that the peer has to do something for.
    pub(super) fn stream(self: &Arc<Self>) -> Stream {
        let mut streams = self.streams.lock();
        streams.last += 1;
        let number = streams.last;
        streams.since.insert(number, self.ticks.load(Ordering::Relaxed));
        Stream { guest: Arc::clone(self), number }
    }

    /// A request was answered to the end: the peer is one that waits for answers.
    pub(super) fn answered(&self) {
        let one_less = |count: usize| count.checked_sub(1);
        self.taken_back.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less).ok();
    }

    /// A request was taken back before that (attack HTTP-06).
    pub(super) fn took_back(&self) {
        if self.taken_back.fetch_add(1, Ordering::Relaxed) >= self.tolerance.taken_back {
            self.tell(Verdict::Go);
        }
    }

    /// Tells the connection what is to become of it. It never gets better.
    pub(super) fn tell(&self, verdict: Verdict) {
        if self.told.fetch_max(verdict as u8, Ordering::AcqRel) < verdict as u8 {
            self.waker.wake();
        }
    }

    /// What it was told last.
    pub(super) fn told(&self) -> Verdict {
        match self.told.load(Ordering::Acquire) {
            0 => Verdict::Stay,
            1 => Verdict::Leave,
            _ => Verdict::Go,
        }
    }

    /// Whether it has stayed too long with what it is doing at this tick.
    pub(super) fn judge(&self, now: u64, times: &Times, crowded: bool) -> Verdict {
        let oldest = self.streams.lock().since.first_key_value().map(|(_, since)| *since);
        if let Some(since) = oldest {
            return if now.saturating_sub(since) > times.request { Verdict::Go } else { Verdict::Stay };
        }
        let (phase, spent) = (self.phase(), now.saturating_sub(self.doing.load(Ordering::Relaxed) >> 2));
        let scarce = |limit: u64| if crowded { limit.min(times.crowded) } else { limit };
        match phase {
            Phase::Idle if spent > scarce(times.idle) + times.drain => Verdict::Go,
            Phase::Idle if spent > scarce(times.idle) => Verdict::Leave,
            Phase::Head if spent > scarce(times.head) => Verdict::Go,
            Phase::Asked if spent > times.request => Verdict::Go,
            Phase::Answered if spent > times.answer => Verdict::Go,
            _ => Verdict::Stay,
        }
    }

    /// Drives a connection until it ends, or must.
    pub(super) async fn attend<C: GracefulConnection>(&self, connection: C) -> Option<Result<(), C::Error>> {
        let mut connection = pin!(connection);
        let mut leaving = false;
        poll_fn(|cx| {
            self.waker.register(cx.waker());
            match self.told() {
                Verdict::Stay => {}
                Verdict::Leave if leaving => {}
                Verdict::Leave => {
                    leaving = true;
                    connection.as_mut().graceful_shutdown();
                }
                Verdict::Go => return Poll::Ready(None),
            }
            connection.as_mut().poll(cx).map(Some)
        })
        .await
    }

    /// What comes before the first request: nothing that a leaving peer is waited for.
    pub(super) async fn before<T>(&self, future: impl Future<Output = T>) -> Option<T> {
        let mut future = pin!(future);
        poll_fn(|cx| {
            self.waker.register(cx.waker());
            if self.told() == Verdict::Stay { future.as_mut().poll(cx).map(Some) } else { Poll::Ready(None) }
        })
        .await
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.guest.streams.lock().since.remove(&self.number);
        self.guest.now(Phase::Idle);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMES: Times = Times::DESIGN;
    const TOLERANCE: Tolerance = Tolerance::PEER;

    fn guest_at(tick: u64) -> (Arc<Guest>, Ticks) {
        let ticks: Ticks = Arc::new(AtomicU64::new(tick));
        (Arc::new(Guest::new(Arc::clone(&ticks), TOLERANCE)), ticks)
    }

    #[test]
    fn http_03_every_phase_has_its_time() {
        let table = [
            (Phase::Head, TIMES.head, Verdict::Go),
            (Phase::Asked, TIMES.request, Verdict::Go),
            (Phase::Answered, TIMES.answer, Verdict::Go),
            (Phase::Idle, TIMES.idle, Verdict::Leave),
            (Phase::Idle, TIMES.idle + TIMES.drain, Verdict::Go),
        ];
        for (phase, limit, verdict) in table {
            let (guest, _) = guest_at(100);
            guest.now(phase);
            assert_ne!(guest.judge(100 + limit, &TIMES, false), verdict, "{phase:?}");
            assert_eq!(guest.judge(101 + limit, &TIMES, false), verdict, "{phase:?}");
        }
    }

    #[test]
    fn http_03_while_seats_are_scarce_whoever_does_nothing_goes_first() {
        let (guest, _) = guest_at(0);
        assert_eq!(guest.judge(TIMES.crowded + 1, &TIMES, true), Verdict::Go, "a slow head");
        guest.now(Phase::Idle);
        assert_eq!(guest.judge(TIMES.crowded + 1, &TIMES, true), Verdict::Leave, "idle");
        guest.now(Phase::Asked);
        assert_eq!(guest.judge(TIMES.crowded + 1, &TIMES, true), Verdict::Stay, "a request under way");
    }

    #[test]
    fn http_06_the_oldest_stream_that_waits_for_its_peer_counts() {
        let (guest, ticks) = guest_at(0);
        let stalled = guest.stream();
        for tick in 1..=TIMES.request {
            ticks.store(tick, Ordering::Relaxed);
            // The peer is busy with others all the while.
            drop(guest.stream());
            assert_eq!(guest.judge(tick, &TIMES, false), Verdict::Stay);
        }
        assert_eq!(guest.judge(TIMES.request + 1, &TIMES, false), Verdict::Go);
        drop(stalled);
        assert_eq!(guest.judge(TIMES.request + 1, &TIMES, false), Verdict::Stay);
    }

    #[test]
    fn http_06_who_takes_back_more_than_it_lets_us_answer_goes() {
        let (guest, _) = guest_at(0);
        for _ in 0..10_000 {
            guest.took_back();
            guest.answered();
        }
        assert_eq!(guest.told(), Verdict::Stay);
        for _ in 0..=TOLERANCE.taken_back {
            assert_eq!(guest.told(), Verdict::Stay);
            guest.took_back();
        }
        assert_eq!(guest.told(), Verdict::Go);
    }
}
