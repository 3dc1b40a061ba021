//! Points in time as pages and mails show them.

use countersign_core::Time;

/// To the minute, `2026-11-24 05:02 UTC`. On pages the script shows the reader's own time instead.
pub(crate) fn shown(time: Time) -> String {
    let rfc3339 = time.rfc3339();
    let minute = rfc3339.get(..16).unwrap_or(&rfc3339);
    format!("{} UTC", minute.replace('T', " "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_reads_to_the_minute() {
        assert_eq!(shown(Time::from_micros(1_795_496_531_999_999)), "2026-11-24 05:02 UTC");
        assert_eq!(shown(Time::from_micros(0)), "1970-01-01 00:00 UTC");
    }
}
