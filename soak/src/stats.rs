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

/// The middle one; of an even number the upper of the two in the middle; of none, not a number.
pub(crate) fn median(samples: &[f64]) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Welch's t: how far two means lie apart, in what chance alone would make of it.
#[expect(clippy::cast_precision_loss, reason = "a count of samples")]
pub(crate) fn welch(one: &[f64], other: &[f64]) -> f64 {
    let mean = |samples: &[f64]| samples.iter().sum::<f64>() / samples.len() as f64;
    let spread = |samples: &[f64]| {
        let middle = mean(samples);
        let squares: f64 = samples.iter().map(|sample| (sample - middle).powi(2)).sum();
        squares / (samples.len() as f64 - 1.0) / samples.len() as f64
    };
    (mean(other) - mean(one)) / (spread(one) + spread(other)).sqrt()
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

    #[test]
    fn welch_tells_a_difference_from_chance() {
        let (one, other) = ([1.0, 2.0, 3.0, 4.0, 5.0], [2.0, 4.0, 6.0, 8.0, 10.0]);
        // By hand: means 3 and 6, variances 2.5 and 10 over 5 samples each.
        assert!((welch(&one, &other) - 3.0 / 2.5_f64.sqrt()).abs() < 1e-9);
        assert!(welch(&one, &one).abs() < 1e-9);
        assert!((median(&other) - 6.0).abs() < 1e-9);
    }
}
