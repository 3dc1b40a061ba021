//! A clock that stands still until a test moves it.

use std::sync::atomic::{AtomicI64, Ordering};

use countersign_core::{Span, Time};
use countersign_server::clock::Clock;

/// Time as the test says.
#[derive(Debug)]
pub struct ManualClock(AtomicI64);

/// Where every test's time begins: 2026-11-24 09:00:00 UTC.
pub const START: Time = Time::from_micros(1_795_510_800_000_000);

impl Default for ManualClock {
    fn default() -> Self {
        Self(AtomicI64::new(START.micros()))
    }
}

impl ManualClock {
    /// Lets time pass.
    pub fn advance(&self, span: Span) {
        self.0.fetch_add(span.micros(), Ordering::SeqCst);
    }

    /// Sets the time, backwards too.
    pub fn set(&self, time: Time) {
        self.0.store(time.micros(), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Time {
        Time::from_micros(self.0.load(Ordering::SeqCst))
    }
}
