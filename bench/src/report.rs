//! Figures of several rounds, and the table of their medians.

use std::fmt;

/// One target in one round.
#[derive(Clone, Copy)]
pub(crate) struct Sample {
    /// Requests a second.
    pub(crate) per_second: f64,
    /// Server processor time for one request, in microseconds.
    pub(crate) cpu_micros: f64,
}

impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>8.0} requests/s {:>7.2} us CPU a request", self.per_second, self.cpu_micros)
    }
}

/// All samples, by target; the first target is what the others are compared with.
#[derive(Default)]
pub(crate) struct Report {
    targets: Vec<(&'static str, Vec<Sample>)>,
}

impl Report {
    /// Adds the sample of the next round.
    pub(crate) fn add(&mut self, target: &'static str, sample: Sample) {
        match self.targets.iter_mut().find(|(name, _)| *name == target) {
            Some((_, samples)) => samples.push(sample),
            None => self.targets.push((target, vec![sample])),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "\n{:<12} {:>12} {:>8} {:>8} {:>8}",
            "median", "requests/s", "x hello", "us CPU", "x hello"
        )?;
        let Some((_, base)) = self.targets.first() else { return Ok(()) };
        for (name, samples) in &self.targets {
            let per_second = |sample: &Sample| sample.per_second;
            let cpu = |sample: &Sample| sample.cpu_micros;
            writeln!(
                f,
                "{name:<12} {:>12.0} {:>8.3} {:>8.2} {:>8.3}",
                median(samples.iter().map(per_second)),
                ratio(samples, base, per_second),
                median(samples.iter().map(cpu)),
                ratio(samples, base, cpu),
            )?;
        }
        write!(f, "x hello: median over the rounds of the ratio within one round. Goal: 0.85 and 1.15.")
    }
}

/// Round by round against the base, so that a disturbed round disturbs one ratio only.
fn ratio(samples: &[Sample], base: &[Sample], figure: impl Fn(&Sample) -> f64) -> f64 {
    median(samples.iter().zip(base).map(|(sample, base)| figure(sample) / figure(base)))
}

/// The middle one; of an even number the upper of the two in the middle; of none, not a number.
fn median(figures: impl Iterator<Item = f64>) -> f64 {
    let mut figures: Vec<f64> = figures.collect();
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_compared_round_by_round() {
        let mut report = Report::default();
        for (hello, ours) in [(100.0, 90.0), (50.0, 40.0), (200.0, 190.0)] {
            report.add("hello", Sample { per_second: hello, cpu_micros: 10.0 });
            report.add("ours", Sample { per_second: ours, cpu_micros: 11.0 });
        }
        let table = report.to_string();
        let rows: Vec<Vec<&str>> = table.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(rows[2], ["hello", "100", "1.000", "10.00", "1.000"]);
        assert_eq!(rows[3], ["ours", "90", "0.900", "11.00", "1.100"]);
    }
}
