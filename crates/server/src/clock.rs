//! The clock, and the one place that reads it.

use std::sync::LazyLock;
use std::time::Instant;

use countersign_core::{Span, Time};

/// Where `now` comes from. The server's is [`SystemClock`]; tests set their own.
pub trait Clock: Send + Sync {
    /// The time now.
    fn now(&self) -> Time;

    /// How much time has passed since some moment: what nobody can set. It stands still while the machine sleeps.
    fn passed(&self) -> Span;
}

/// The machine's wall clock.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Time {
        #[expect(clippy::disallowed_methods, reason = "this is the clock that everybody else is handed")]
        let since_1970 =
            std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Time::from_micros(i64::try_from(since_1970.as_micros()).unwrap_or(i64::MAX))
    }

    fn passed(&self) -> Span {
        #[expect(clippy::disallowed_methods, reason = "this is the clock that everybody else is handed")]
        static BEGINNING: LazyLock<Instant> = LazyLock::new(Instant::now);
        Span::from_micros(i64::try_from(BEGINNING.elapsed().as_micros()).unwrap_or(i64::MAX))
    }
}
