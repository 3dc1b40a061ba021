//! Figures of samples.

use std::time::Duration;

/// The sample below which so great a part of all lie (0.5: the median); zero of none.
pub(crate) fn quantile(samples: &[Duration], part: f64) -> Duration {
    let mut sorted = samples.to_vec();
    sorted.sort_unstable();
    let last = sorted.len().saturating_sub(1);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "an index"
    )]
    let place = (last as f64 * part).round() as usize;
    sorted.get(place).copied().unwrap_or_default()
}

/// In milliseconds, with as many digits as tell something.
pub(crate) fn millis(time: Duration) -> String {
    let millis = time.as_secs_f64() * 1e3;
    let digits = if millis >= 100.0 {
        0
    } else if millis >= 10.0 {
        1
    } else {
        2
    };
    format!("{millis:.digits$} ms")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_samples() {
        let samples: Vec<Duration> = (1..=101).rev().map(Duration::from_millis).collect();
        let at = |part| quantile(&samples, part).as_millis();
        assert_eq!([at(0.0), at(0.5), at(0.99), at(1.0)], [1, 51, 100, 101]);
        assert_eq!(quantile(&[], 0.5), Duration::ZERO);
    }

    #[test]
    fn milliseconds_have_the_digits_that_tell_something() {
        let shown = [1_234, 12_345, 123_456].map(|micros| millis(Duration::from_micros(micros)));
        assert_eq!(shown, ["1.23 ms", "12.3 ms", "123 ms"]);
    }
}
