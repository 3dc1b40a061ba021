//! Slow and statistical tests: whatever takes too long, or needs too many tries, for `cargo xtask test`. `cargo xtask
//! soak` runs it, and writes docs/faults.md from what it found.

mod dice;
mod disk;
mod history;
mod http;
mod inside;
mod load;
mod process;
mod progress;
mod report;
mod scenario;
mod scenarios;
mod stats;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::Parser;
use countersign_core::random;
use countersign_server::clock::{Clock as _, SystemClock};
use countersign_server::random::SystemRandom;
use tokio::time::Instant;

use progress::say;
use report::{Busy, Ran};
use scenario::{Outcome, SCENARIOS, Scenario, Setup};

/// Breaks the server in every way that there is, often.
#[derive(Parser)]
#[command(name = "countersign-soak")]
struct Args {
    /// Only these; all of them if none is named
    scenarios: Vec<String>,
    /// The server's program
    #[arg(long)]
    program: PathBuf,
    /// A PostgreSQL that may be killed, and all that is in it
    #[arg(long, requires = "postgres_folder")]
    postgres: Option<String>,
    /// The folder of its cluster
    #[arg(long)]
    postgres_folder: Option<PathBuf>,
    /// How often, instead of the scenario's own number
    #[arg(long)]
    times: Option<usize>,
    /// Just enough to see that the scenarios work
    #[arg(long)]
    quick: bool,
    /// Leave the same to chance as a run before
    #[arg(long)]
    seed: Option<u64>,
    /// Write the table to this file
    #[arg(long)]
    write: Option<PathBuf>,
    /// What the table says it was made by
    #[arg(long, default_value = "countersign-soak")]
    command: String,
}

fn main() -> anyhow::Result<ExitCode> {
    let args = Args::parse();
    let scenarios = chosen(&args.scenarios)?;
    let seed = args.seed.unwrap_or_else(|| u64::from(u32::from_be_bytes(random::bytes(&SystemRandom))));
    let setup = Setup {
        program: args.program.canonicalize().context("the server's program")?,
        postgres: args.postgres.zip(args.postgres_folder),
        seed,
        times: args.times,
        quick: args.quick,
    };
    say(&format!("seed {seed}"));
    let ran: Vec<Ran> = scenarios.into_iter().map(|scenario| run(scenario, &setup)).collect();
    if let Some(file) = args.write {
        let when = SystemClock.now().to_string();
        let text = report::document(&ran, &args.command, (&when, &machine()), seed);
        std::fs::write(&file, text).with_context(|| format!("write {}", file.display()))?;
        say(&format!("wrote {}", file.display()));
    }
    Ok(if ran.iter().all(Ran::passed) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn chosen(names: &[String]) -> anyhow::Result<Vec<&'static Scenario>> {
    let known = || SCENARIOS.iter().map(|scenario| scenario.name).collect::<Vec<_>>().join(", ");
    if let Some(unknown) = names.iter().find(|name| !SCENARIOS.iter().any(|known| known.name == **name)) {
        bail!("no scenario is called {unknown}; there are {}", known());
    }
    let wanted = |scenario: &&Scenario| names.is_empty() || names.iter().any(|name| name == scenario.name);
    Ok(SCENARIOS.iter().filter(wanted).collect())
}

fn run(scenario: &'static Scenario, setup: &Setup) -> Ran {
    say(&format!("==> {}: {}", scenario.name, scenario.what));
    let (began, before) = (Instant::now(), load_average());
    // What keeps a scenario from its end is a failure like any other.
    let outcome = (scenario.run)(setup).unwrap_or_else(|error| Outcome {
        times: "cut short".to_owned(),
        problems: vec![format!("{error:#}")],
        ..Outcome::default()
    });
    let ran = Ran { scenario, outcome, took: began.elapsed(), busy: Busy { before, after: load_average() } };
    ran.outcome.problems.iter().for_each(|problem| say(&format!("PROBLEM: {problem}")));
    say(&ran.line());
    ran
}

/// Of the last minute; not a number where it cannot be read.
fn load_average() -> f64 {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().and_then(|first| first.parse().ok()).unwrap_or(f64::NAN)
}

/// Cores, processor and system.
fn machine() -> String {
    let read = |path| std::fs::read_to_string(path).unwrap_or_default();
    let (cpu, system) = (read("/proc/cpuinfo"), read("/proc/sys/kernel/osrelease"));
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let model = model.map_or("unknown processor", |(_, name)| name);
    format!("{cores} cores, {model}, Linux {}", system.trim())
}
