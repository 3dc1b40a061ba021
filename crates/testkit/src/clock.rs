//! A clock that stands still until a test moves it.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use countersign_core::{Span, Time};
use countersign_server::clock::Clock;

/// Time as the test says.
#[derive(Debug)]
pub struct ManualClock {
    now: AtomicI64,
    passed: AtomicI64,
    fails: AtomicBool,
}

/// Where every test's time begins: 2026-11-24 09:00:00 UTC.
pub const START: Time = Time::from_micros(1_795_510_800_000_000);

impl Default for ManualClock {
    fn default() -> Self {
        Self { now: AtomicI64::new(START.micros()), passed: AtomicI64::new(0), fails: AtomicBool::new(false) }
    }
}

impl ManualClock {
    /// Lets time pass.
    pub fn advance(&self, span: Span) {
        self.now.fetch_add(span.micros(), Ordering::SeqCst);
        self.passed.fetch_add(span.micros(), Ordering::SeqCst);
    }

    /// Whoever asks for the time next hits a defect.
    pub fn fail_once(&self) {
        self.fails.store(true, Ordering::SeqCst);
    }

    /// Sets the time, backwards too, as somebody who sets the machine's clock.
    pub fn set(&self, time: Time) {
        self.now.store(time.micros(), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Time {
        assert!(!self.fails.swap(false, Ordering::SeqCst), "the clock fails, as the test asked");
        Time::from_micros(self.now.load(Ordering::SeqCst))
    }

    fn passed(&self) -> Span {
        Span::from_micros(self.passed.load(Ordering::SeqCst))
    }
}
