//! docs/faults.md, from what a run has found.

use std::fmt::Write as _;
use std::time::Duration;

use crate::scenario::{Outcome, Scenario};

/// A scenario that was run.
pub(crate) struct Ran {
    pub(crate) scenario: &'static Scenario,
    pub(crate) outcome: Outcome,
    pub(crate) took: Duration,
}

impl Ran {
    /// Whether all that must hold did hold.
    pub(crate) fn passed(&self) -> bool {
        self.outcome.problems.is_empty()
    }

    fn verdict(&self) -> &'static str {
        if self.passed() { "passed" } else { "**FAILED**" }
    }

    /// For whoever waits.
    pub(crate) fn line(&self) -> String {
        let Outcome { times, figures, .. } = &self.outcome;
        let (name, seconds) = (self.scenario.name, self.took.as_secs_f64());
        format!("<== {name}: {} in {seconds:.1} s: {times}; {}", self.verdict(), figures.join("; "))
    }

    fn row(&self) -> String {
        let Outcome { times, figures, problems } = &self.outcome;
        let Scenario { name, what, holds, .. } = self.scenario;
        let (verdict, seconds) = (self.verdict(), self.took.as_secs());
        let first = problems.first().and_then(|problem| problem.lines().next());
        let told: Vec<&str> = figures.iter().map(String::as_str).chain(first).collect();
        let told = told.join("; ").replace('|', "/");
        format!("| `{name}` | {what} | {holds} | {times} | {verdict} | {told} | {seconds} s |\n")
    }
}

/// The whole document. `command` made it, `when` and on which machine.
pub(crate) fn document(ran: &[Ran], command: &str, (when, machine): (&str, &str), seed: u64) -> String {
    let mut text = String::from(
        "# Faults\n\n\
         <!-- Written by `cargo xtask soak`. Do not edit. -->\n\n\
         What was broken, how often, and what held. Every figure is from one run of the command below; whatever that left to\n\
         chance comes from the seed. A scenario can be run alone: `cargo xtask soak kills --times 50`.\n\n",
    );
    let _ = writeln!(text, "- Command: `{command}`\n- When: {when}\n- Machine: {machine}\n- Seed: {seed}\n");
    text.push_str("| scenario | what is done | what must hold | how often | result | figures | took |\n");
    text.push_str("|---|---|---|---|---|---|---|\n");
    text.extend(ran.iter().map(Ran::row));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_says_what_failed() {
        let scenario = &crate::scenario::SCENARIOS[0];
        let ran = |problems: Vec<String>| Ran {
            scenario,
            outcome: Outcome { times: "3 kills".to_owned(), figures: vec!["1 | 2".to_owned()], problems },
            took: Duration::from_millis(2500),
        };
        let (good, bad) = (ran(Vec::new()), ran(vec!["lost\nmore".to_owned()]));
        assert!(good.passed() && !bad.passed());
        assert!(good.row().ends_with("| 3 kills | passed | 1 / 2 | 2 s |\n"));
        assert!(bad.row().ends_with("| 3 kills | **FAILED** | 1 / 2; lost | 2 s |\n"));
        let text = document(&[good, bad], "cargo xtask soak", ("today", "here"), 7);
        assert!(text.contains("- Seed: 7\n") && text.matches("| `kills` |").count() == 2);
    }
}
