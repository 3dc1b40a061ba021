//! Figures of several rounds, their medians and how far they spread.

use std::fmt;

use crate::rows::What;

/// One measurement.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Sample {
    /// Requests a second.
    pub(crate) per_second: f64,
    /// Processor time of the server for one request, in microseconds.
    pub(crate) server_micros: f64,
    /// The same of the load tool, which shares the cores.
    pub(crate) tool_micros: f64,
    /// Half of the answers came within so many milliseconds, and 99 of 100.
    pub(crate) p50: f64,
    pub(crate) p99: f64,
}

impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { per_second, server_micros, tool_micros, p50, p99 } = self;
        write!(
            f,
            "{per_second:>8.0} /s, {server_micros:>9.2} us server, {tool_micros:>6.2} us tool, \
             p50 {p50:.2} ms, p99 {p99:.2} ms"
        )
    }
}

/// The median, and the least and the most.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) least: f64,
    pub(crate) most: f64,
}

/// All samples, round by round.
#[derive(Default)]
pub(crate) struct Figures(Vec<(What, Sample)>);

impl Figures {
    /// Adds the sample of the next round.
    pub(crate) fn add(&mut self, what: What, sample: Sample) {
        self.0.push((what, sample));
    }

    /// How one figure of a row spreads over the rounds.
    pub(crate) fn of(&self, what: What, figure: impl Fn(&Sample) -> f64) -> Spread {
        spread(self.samples(what).map(figure))
    }

    /// The same as a share of another row's figure: round by round, so that a disturbed round disturbs one share only.
    pub(crate) fn share(&self, what: What, base: What, figure: impl Fn(&Sample) -> f64) -> Spread {
        spread(self.samples(what).zip(self.samples(base)).map(|(sample, base)| figure(sample) / figure(base)))
    }

    fn samples(&self, what: What) -> impl Iterator<Item = &Sample> {
        self.0.iter().filter(move |(this, _)| *this == what).map(|(_, sample)| sample)
    }
}

fn spread(figures: impl Iterator<Item = f64>) -> Spread {
    let figures: Vec<f64> = figures.collect();
    Spread {
        least: figures.iter().copied().fold(f64::NAN, f64::min),
        most: figures.iter().copied().fold(f64::NAN, f64::max),
        median: median(figures),
    }
}

/// The middle one; of an even number the upper of the two in the middle; of none, not a number.
pub(crate) fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(per_second: f64) -> Sample {
        Sample { per_second, server_micros: 1.0, tool_micros: 1.0, p50: 1.0, p99: 2.0 }
    }

    #[test]
    fn rows_are_compared_round_by_round() {
        let mut figures = Figures::default();
        for (hello, ours) in [(100.0, 90.0), (50.0, 40.0), (200.0, 190.0)] {
            figures.add(What::Hello, sample(hello));
            figures.add(What::Jwks, sample(ours));
        }
        let per_second = |sample: &Sample| sample.per_second;
        let share = figures.share(What::Jwks, What::Hello, per_second);
        assert_eq!(share, Spread { median: 0.9, least: 0.8, most: 0.95 });
        assert_eq!(figures.of(What::Hello, per_second), Spread { median: 100.0, least: 50.0, most: 200.0 });
        assert!(figures.of(What::Quiet, per_second).median.is_nan());
    }
}
