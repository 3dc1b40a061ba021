//! docs/faults.md, from what a run has found.

use std::fmt::Write as _;
use std::time::Duration;

use crate::scenario::{Outcome, Scenario};

/// A scenario that was run.
pub(crate) struct Ran {
    pub(crate) scenario: &'static Scenario,
    pub(crate) outcome: Outcome,
    pub(crate) took: Duration,
    /// What else the machine did.
    pub(crate) busy: Busy,
}

/// The machine's load average over a minute, before and after a scenario: what was ready to run, the scenario included.
pub(crate) struct Busy {
    pub(crate) before: f64,
    pub(crate) after: f64,
}

impl Ran {
    /// Whether all that must hold did hold.
    pub(crate) fn passed(&self) -> bool {
        self.outcome.problems.is_empty() && self.outcome.unjudged.is_empty()
    }

    fn verdict(&self) -> &'static str {
        let Outcome { problems, unjudged, .. } = &self.outcome;
        match (problems.is_empty(), unjudged.is_empty()) {
            (true, true) => "passed",
            (true, false) => "**not judged**",
            (false, _) => "**FAILED**",
        }
    }

    /// For whoever waits.
    pub(crate) fn line(&self) -> String {
        let Outcome { times, figures, .. } = &self.outcome;
        let (name, seconds) = (self.scenario.name, self.took.as_secs_f64());
        format!("<== {name}: {} in {seconds:.1} s: {times}; {}", self.verdict(), figures.join("; "))
    }

    fn row(&self) -> String {
        let Outcome { times, figures, problems, unjudged } = &self.outcome;
        let Scenario { name, what, holds, .. } = self.scenario;
        let (verdict, seconds) = (self.verdict(), self.took.as_secs());
        let first = problems.iter().chain(unjudged).next().and_then(|problem| problem.lines().next());
        let told: Vec<&str> = figures.iter().map(String::as_str).chain(first).collect();
        let told = told.join("; ").replace('|', "/");
        let Busy { before, after } = self.busy;
        format!(
            "| `{name}` | {what} | {holds} | {times} | {verdict} | {told} | {seconds} s | {before:.1}, {after:.1} |\n"
        )
    }
}

/// The whole document. `command` made it, `when` and on which machine.
pub(crate) fn document(ran: &[Ran], command: &str, (when, machine): (&str, &str), seed: u64) -> String {
    let mut text = String::from(
        "# Faults\n\n\
         <!-- Written by `cargo xtask soak`. Do not edit. -->\n\n\
         What was broken, how often, and what held. Every figure is from one run of the command below; whatever that left to\n\
         chance comes from the seed. A scenario can be run alone: `cargo xtask soak kills --times 50`. The load is the machine's\n\
         average over a minute before and after a scenario. Times were taken beside whatever else ran: above one a core they\n\
         say what happened under that load, not how fast the server is (docs/performance.md does): what the machine was too\n\
         busy for is *not judged*, which is no pass.\n\n\
         Scaled down so that all of it takes less than an hour on two cores: `history` runs for minutes, not for the hour that\n\
         attack RACE-15 names (`cargo xtask soak history --times 3600` does), and the kills of PostgreSQL wait for its recovery\n\
         each time, seconds under load, so there are fewer of them than of ours. Races, samples and kills of our own server are\n\
         as many as the attacks name.\n\n",
    );
    let _ = writeln!(text, "- Command: `{command}`\n- When: {when}\n- Machine: {machine}\n- Seed: {seed}\n");
    text.push_str(
        "| scenario | what is done | what must hold | how often | result | figures | took | load |\n",
    );
    text.push_str("|---|---|---|---|---|---|---|---|\n");
    text.extend(ran.iter().map(Ran::row));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_says_what_failed() {
        let scenario = &crate::scenario::SCENARIOS[0];
        let ran = |problems: Vec<String>, unjudged: Vec<String>| Ran {
            scenario,
            outcome: Outcome {
                times: "3 kills".to_owned(),
                figures: vec!["1 | 2".to_owned()],
                problems,
                unjudged,
            },
            took: Duration::from_millis(2500),
            busy: Busy { before: 0.25, after: 7.0 },
        };
        let (good, bad) = (ran(Vec::new(), Vec::new()), ran(vec!["lost\nmore".to_owned()], Vec::new()));
        assert!(good.passed() && !bad.passed());
        let busy = ran(Vec::new(), vec!["slow".to_owned()]);
        assert!(!busy.passed() && busy.row().contains("| 3 kills | **not judged** | 1 / 2; slow |"));
        assert!(good.row().ends_with("| 3 kills | passed | 1 / 2 | 2 s | 0.2, 7.0 |\n"));
        assert!(bad.row().ends_with("| 3 kills | **FAILED** | 1 / 2; lost | 2 s | 0.2, 7.0 |\n"));
        let text = document(&[good, bad], "cargo xtask soak", ("today", "here"), 7);
        assert!(text.contains("- Seed: 7\n") && text.matches("| `kills` |").count() == 2);
    }
}
