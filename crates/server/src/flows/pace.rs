//! Answers that leave no sooner for one address than for another (I14; attack REC-01).

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// Longer than what is done for a known address takes on any store that is not overloaded, and too short to be noticed
/// by a person.
const LEAST: Duration = Duration::from_millis(50);

/// Does what must not be told from nothing: sealing a mail and writing it down takes a fraction of a millisecond longer
/// than one line in the log does. The result is there no sooner than [`LEAST`] from now; nothing is held up meanwhile but
/// the answer.
pub(super) async fn no_sooner<T>(work: impl Future<Output = T>) -> T {
    let leaves = Instant::now() + LEAST;
    let done = work.await;
    sleep_until(leaves).await;
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn rec_01_i14_what_takes_no_time_is_told_as_late_as_what_takes_some() {
        let began = Instant::now();
        assert_eq!(no_sooner(async { 7 }).await, 7);
        let nothing = began.elapsed();
        assert!(nothing >= LEAST, "{nothing:?}");
    }
}
