//! `docs/performance.md`: the words are here, every figure comes from the run.

use std::fmt::Write as _;

use crate::ROUNDS;
use crate::figures::{Figures, Sample, Spread};
use crate::hash;
use crate::machine::Machine;
use crate::rows::{COMPARED, What};
use crate::stage::{ACCOUNTS, LOGINS, Memory, NEW_TOKEN_SECONDS, SECONDS};
use crate::wrk::{CONNECTIONS, PACE};

/// What the server may hold after a storm, in MiB.
const MEMORY_GOAL: f64 = 100.0;
/// In a storm the session check may take so many times as long as without, or so many milliseconds longer.
const STORM_FACTOR: f64 = 1.5;
const STORM_MILLISECONDS: f64 = 5.0;

const HEAD: &str = "# Performance

<!-- Written by `cargo xtask bench`; do not edit. -->

How fast Countersign is beside the least that can be done at all: a bare axum server that answers `hello`, and a bare
Argon2id. All of it is measured in one run on one machine, so the shares mean something elsewhere; the absolute figures
are this machine's. `cargo xtask bench` measures again and writes this page.
";

fn method() -> String {
    let (least, most) = PACE;
    let memory = hash::MEMORY_KIB / 1024;
    let passes = hash::ITERATIONS;
    format!(
        "
## How it is measured

- {ROUNDS} rounds, each measuring every row once for {SECONDS} seconds (never-seen tokens: {NEW_TOKEN_SECONDS}), one after the other: what else
  the machine does hits all rows alike. Figures are medians over the rounds; a share is the median of the shares within each round, and the range
  beside it the least and the most of them.
- Load is `wrk` of Debian (scripts: `bench/wrk/`), over {CONNECTIONS} connections kept open, logins over {LOGINS}. **It runs on the same
  cores as the server**: throughput is what both together leave, and a longer answer costs the tool more as well. Server
  CPU is the process's own time in user space and kernel, by `/proc`; PostgreSQL's own time is not in it.
- The server is the release build in development mode with `throttle.enabled = false`; everything else is the default: the
  log at `info`, Argon2id with {memory} MiB and {passes} passes, SQLite with `synchronous=FULL`. PostgreSQL is one of its own with
  `fsync` on.
- *Seen* is one token again and again. *Never-seen* tokens of {ACCOUNTS} grants are made before each round, and each is sent once.
- *Refresh* is durable: {ACCOUNTS} grants, each answer's refresh token is the next request's.
- *Paced* session checks leave {least} to {most} ms between an answer and the next request of a connection: a server that is not
  saturated, as it is meant to be run. What a login storm does to others shows in their 99th percentile.
- *Bare Argon2id* is the same crate with the same parameters on as many threads of the same low priority as the server has,
  and nothing else: no login can be cheaper.
"
    )
}

/// The whole page.
pub(crate) fn write(machine: &Machine, figures: &Figures, memory: &Memory) -> String {
    let verdicts = verdicts(figures, memory);
    let mut text = HEAD.to_owned();
    text += &place(machine);
    text += &table(figures);
    text += &storm(figures);
    text += &goals(&verdicts);
    text += &missed(&verdicts);
    text += &method();
    text
}

fn place(machine: &Machine) -> String {
    let Machine { cores, processor, kernel, date, fsync } = machine;
    format!(
        "\n| machine | |\n|---|---|\n| date | {date} |\n| processor | {processor}, {cores} cores |\n\
         | kernel | Linux {kernel} |\n| fsync of 4 KiB, median | {:.0} µs |\n",
        fsync.as_secs_f64() * 1e6
    )
}

fn table(figures: &Figures) -> String {
    let mut text = "\n## Figures\n\n\
         | | requests/s | share of | share | range | server CPU, µs | share | load tool's CPU, µs | p50, ms | p99, ms |\n\
         |---|--:|---|--:|---|--:|--:|--:|--:|--:|\n"
        .to_owned();
    for what in COMPARED {
        let row = what.row();
        let share = figures.share(*what, row.base, per_second);
        let of = |figure: fn(&Sample) -> f64| figures.of(*what, figure).median;
        let mut cells = vec![row.name.to_owned(), format!("{:.0}", of(per_second))];
        cells.extend([row.base.row().name.to_owned(), number(share.median, 3), range(share)]);
        // In the storm the time was spent on two things.
        let together = *what == What::StormLogins;
        let cpu = |micros: f64| if together { String::new() } else { number(micros, 1) };
        cells.push(cpu(of(server_micros)));
        cells.push(cpu(figures.share(*what, row.base, server_micros).median));
        cells.push(cpu(of(|sample| sample.tool_micros)));
        cells.extend([number(of(|sample| sample.p50), 2), number(of(p99), 2)]);
        line(&mut text, &cells);
    }
    text
}

fn storm(figures: &Figures) -> String {
    let of = |what, figure: fn(&Sample) -> f64| figures.of(what, figure).median;
    let mut text = format!(
        "\n## The session check in a storm of {LOGINS} logins\n\n\
                    | | checks/s | p50, ms | p99, ms | range |\n|---|--:|--:|--:|---|\n"
    );
    for (name, what) in [("quiet", What::Quiet), ("storm", What::Storm)] {
        let mut cells = vec![name.to_owned(), format!("{:.0}", of(what, per_second))];
        cells.extend([number(of(what, |sample| sample.p50), 2), number(of(what, p99), 2)]);
        cells.push(range(figures.of(what, p99)));
        line(&mut text, &cells);
    }
    text
}

/// A goal and what came of it.
struct Verdict {
    name: String,
    unit: &'static str,
    goal: f64,
    reached: f64,
    /// More is better, or less.
    more: bool,
    cost: &'static str,
}

impl Verdict {
    /// Missing figures reach nothing.
    fn holds(&self) -> bool {
        if self.more { self.reached >= self.goal } else { self.reached <= self.goal }
    }
}

fn verdicts(figures: &Figures, memory: &Memory) -> Vec<Verdict> {
    let with_goal = COMPARED.iter().filter_map(|what| Some((*what, what.row(), what.row().goal?)));
    let mut verdicts: Vec<_> = with_goal
        .map(|(what, row, goal)| Verdict {
            name: row.name.to_owned(),
            unit: if row.base == What::Hello { "of hello's throughput" } else { "of bare Argon2id's rate" },
            goal,
            reached: figures.share(what, row.base, per_second).median,
            more: true,
            cost: row.cost,
        })
        .collect();
    let quiet = figures.of(What::Quiet, p99).median;
    verdicts.push(Verdict {
        name: "session check in the storm, p99".to_owned(),
        unit: "ms",
        goal: (quiet * STORM_FACTOR).max(quiet + STORM_MILLISECONDS),
        reached: figures.of(What::Storm, p99).median,
        more: false,
        cost: "Both cores are full of hash threads of low priority, which the kernel has to take off a core first.",
    });
    verdicts.push(Verdict {
        name: format!("memory of the server on SQLite after all this, {:.0} logins among it", memory.logins),
        unit: "MiB",
        goal: MEMORY_GOAL,
        reached: memory.mib,
        more: false,
        cost: "19 MiB for each hash thread, and what the caches hold.",
    });
    verdicts
}

fn goals(verdicts: &[Verdict]) -> String {
    let mut text = "\n## Goals\n\n| | goal | measured | |\n|---|--:|--:|---|\n".to_owned();
    for verdict in verdicts {
        let bound = if verdict.more { "at least" } else { "at most" };
        line(
            &mut text,
            &[
                verdict.name.clone(),
                format!("{bound} {:.2} {}", verdict.goal, verdict.unit),
                number(verdict.reached, 2),
                if verdict.holds() { "reached" } else { "**not reached**" }.to_owned(),
            ],
        );
    }
    text
}

fn missed(verdicts: &[Verdict]) -> String {
    let mut text = String::new();
    for verdict in verdicts.iter().filter(|verdict| !verdict.holds()) {
        if text.is_empty() {
            text += "\nNot reached, by how much, and what the time goes to:\n\n";
        }
        let (short, percent) =
            (verdict.goal - verdict.reached, (1.0 - verdict.reached / verdict.goal) * 100.0);
        let way = if verdict.more { "short of" } else { "above" };
        // Writing into a string does not fail.
        let _ = writeln!(
            text,
            "- **{}**: {:.3} {} {way} the goal ({:.0} %). {}",
            verdict.name,
            short.abs(),
            verdict.unit,
            percent.abs(),
            verdict.cost
        );
    }
    text
}

fn line(text: &mut String, cells: &[String]) {
    let _ = writeln!(text, "| {} |", cells.join(" | "));
}

fn range(spread: Spread) -> String {
    format!("{} – {}", number(spread.least, 3), number(spread.most, 3))
}

fn number(figure: f64, digits: usize) -> String {
    if figure.is_nan() { String::new() } else { format!("{figure:.digits$}") }
}

fn per_second(sample: &Sample) -> f64 {
    sample.per_second
}

fn server_micros(sample: &Sample) -> f64 {
    sample.server_micros
}

fn p99(sample: &Sample) -> f64 {
    sample.p99
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn page(session: f64, storm_p99: f64, mib: f64) -> String {
        let mut figures = Figures::default();
        let sample =
            |per_second, p99| Sample { per_second, server_micros: 10.0, tool_micros: 5.0, p50: 0.5, p99 };
        for what in COMPARED {
            let base = if what.row().base == What::Hash { 100.0 } else { 50_000.0 };
            figures.add(*what, sample(base, 1.0));
        }
        figures.add(What::Quiet, sample(1000.0, 2.0));
        figures.add(What::Storm, sample(1000.0, storm_p99));
        let mut slow = Figures::default();
        slow.add(What::Hello, sample(50_000.0, 1.0));
        slow.add(What::SessionSqlite, sample(session, 1.0));
        let machine = Machine {
            cores: 2,
            processor: "P".to_owned(),
            kernel: "K".to_owned(),
            date: "2026-11-24".to_owned(),
            fsync: Duration::from_micros(120),
        };
        let figures = if session < 50_000.0 { slow } else { figures };
        write(&machine, &figures, &Memory { logins: 1234.0, mib })
    }

    #[test]
    fn what_is_reached_is_said_and_nothing_else() {
        let page = page(50_000.0, 7.0, 99.0);
        assert!(!page.contains("not reached") && !page.contains("Not reached"), "{page}");
        assert!(
            page.contains("| session check, SQLite | at least 0.90 of hello's throughput | 1.00 | reached |")
        );
        assert!(page.contains("| session check in the storm, p99 | at most 7.00 ms | 7.00 | reached |"));
        assert!(page.contains("| fsync of 4 KiB, median | 120 µs |"));
    }

    #[test]
    fn what_is_not_reached_says_by_how_much_and_missing_figures_reach_nothing() {
        let page = page(40_000.0, 7.1, 120.0);
        assert!(
            page.contains(
                "- **session check, SQLite**: 0.100 of hello's throughput short of the goal (11 %)."
            )
        );
        assert!(page.contains("| 120.00 | **not reached** |"), "{page}");
        assert!(page.contains("20.000 MiB above the goal (20 %)."));
        assert!(page.contains("| JWKS | at least 0.95 of hello's throughput |  | **not reached** |"));
    }
}
