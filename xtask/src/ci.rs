//! `cargo xtask ci`: every check that is not a test. All of them run, then the failures are listed.

use anyhow::{Context, bail};

use crate::shell::{cargo, run as run_command, say, step};
use crate::{deny, docs, parts};

type Check = fn() -> anyhow::Result<()>;

const CHECKS: &[(&str, Check)] = &[
    ("test vectors", vectors),
    ("format", || run_command(&mut cargo(&["fmt", "--all", "--check"]))),
    ("house rules", || run_command(&mut cargo(&["test", "--package", "xtask"]))),
    ("dependencies", deny::check),
    ("lints", lints),
    ("generated files", docs::check),
    ("documentation", documentation),
];

/// Runs all checks.
pub(crate) fn run() -> anyhow::Result<()> {
    let mut failures = Vec::new();
    for (name, check) in CHECKS {
        failures.extend(step(name, check).err());
    }
    for failure in &failures {
        say(&format!("failed: {failure:#}"));
    }
    match failures.len() {
        0 => Ok(()),
        count => bail!("{count} of {} checks failed", CHECKS.len()),
    }
}

fn vectors() -> anyhow::Result<()> {
    parts::vectors().map(drop).context(parts::NO_VECTORS)
}

fn lints() -> anyhow::Result<()> {
    run_command(&mut cargo(&["clippy", "--workspace", "--all-targets", "--", "--deny", "warnings"]))?;
    // As `cargo xtask fuzz` builds it: what only its tests have is not there.
    let fuzzed =
        ["clippy", "--package", "countersign-server", "--features", "fuzz", "--", "--deny", "warnings"];
    run_command(&mut cargo(&fuzzed))?;
    let traced = ["clippy", "--package", "countersign", "--features", "otel", "--bins", "--test", "traces"];
    run_command(cargo(&traced).args(["--", "--deny", "warnings"]))
}

fn documentation() -> anyhow::Result<()> {
    run_command(cargo(&["doc", "--no-deps", "--workspace"]).env("RUSTDOCFLAGS", "-Dwarnings"))
}
