//! Measures the session check on every store against a bare axum hello. `cargo xtask bench` runs it.
//!
//! `countersign-bench run PROGRAM POSTGRES_URL` measures, `countersign-bench hello` is what it measures against.

mod hello;
mod login;
mod report;
mod served;
mod wrk;

use std::path::Path;

use anyhow::{Context, bail};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use report::{Report, Sample};
use served::Served;

/// A round measures each target once, one after the other, so that what else the machine does hits all of them.
const ROUNDS: usize = 3;
const ROUND_SECONDS: u32 = 6;
const WARM_UP_SECONDS: u32 = 2;

fn main() -> anyhow::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let runtime = Runtime::new()?;
    match args.as_slice() {
        ["hello"] => runtime.block_on(hello::serve()),
        ["run", program, postgres] => run(&runtime, program.as_ref(), postgres),
        _ => bail!("usage: countersign-bench hello | run PROGRAM POSTGRES_URL"),
    }
}

fn run(runtime: &Runtime, program: &Path, postgres: &str) -> anyhow::Result<()> {
    let data = TempDir::new()?;
    let sqlite = format!("sqlite:{}", data.path().join("bench.db").display());
    let mut targets = vec![Served::hello("hello")?, Served::hello("hello again")?];
    for (name, store) in [("memory:", "memory:"), ("sqlite:", &sqlite), ("postgres:", postgres)] {
        let folder = data.path().join(name.trim_end_matches(':'));
        let server = Served::countersign(name, program, store, &folder)?;
        let logged_in = runtime.block_on(login::log_in(server));
        targets.push(
            logged_in.with_context(|| format!("log in on {name}, the server says:\n{}", log(&folder)))?,
        );
    }
    for target in &targets {
        wrk::run(target, WARM_UP_SECONDS)?;
    }
    let mut report = Report::default();
    for round in 1..=ROUNDS {
        for target in &targets {
            let sample = measure(target)?;
            say(&format!("round {round}: {:<12} {sample}", target.name));
            report.add(target.name, sample);
        }
    }
    say(&report.to_string());
    Ok(())
}

fn log(folder: &Path) -> String {
    std::fs::read_to_string(folder.join(served::LOG)).unwrap_or_default()
}

fn measure(target: &Served) -> anyhow::Result<Sample> {
    let before = target.cpu_seconds()?;
    let load = wrk::run(target, ROUND_SECONDS)?;
    let spent = target.cpu_seconds()? - before;
    Ok(Sample { per_second: load.requests / load.seconds, cpu_micros: spent * 1e6 / load.requests })
}

#[expect(clippy::print_stdout, reason = "the figures are what this program is for")]
fn say(text: &str) {
    println!("{text}");
}
