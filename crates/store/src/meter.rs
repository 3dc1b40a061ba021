//! What the store measures of itself, for whoever serves metrics. Handles: cloned, they count the same.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use tokio::time::Instant;

use crate::db::Result;

/// A name and one of a few words of ours: never anything that a request brought (attack DOS-04).
pub type Label = [(&'static str, &'static str); 1];

/// Counters and, in seconds, durations.
#[derive(Debug, Clone)]
pub struct Meter {
    /// Reads by key.
    pub reads: Histogram,
    /// Reads that walk a table.
    pub scans: Histogram,
    /// Batches, from the call to the durable commit.
    pub batches: Histogram,
    /// Batches that were lost to another one: decided again.
    pub lost: Counter,
    /// Whatever the database did not do.
    pub errors: Counter,
    /// Entries that were written into the revocation log.
    pub revocations: Counter,
    /// Events that were committed to the audit log, by `kind`.
    pub events: Family<Label, Counter>,
}

impl Default for Meter {
    fn default() -> Self {
        Self {
            reads: durations(),
            scans: durations(),
            batches: durations(),
            lost: Counter::default(),
            errors: Counter::default(),
            revocations: Counter::default(),
            events: Family::default(),
        }
    }
}

/// From 10 microseconds, which a read from memory takes, to 10 seconds, when everything is given up.
pub fn durations() -> Histogram {
    Histogram::new(exponential_buckets(0.000_01, 4.0, 11))
}

impl Meter {
    pub(crate) fn took<T>(&self, histogram: &Histogram, begun: Instant, result: Result<T>) -> Result<T> {
        histogram.observe(begun.elapsed().as_secs_f64());
        if result.is_err() {
            self.errors.inc();
        }
        result
    }
}
