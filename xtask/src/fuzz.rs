//! `cargo xtask fuzz`: gives every parser what libFuzzer makes up, one target after the other.
//!
//! Stable Rust and a C++ compiler are enough: what instruments the code is LLVM's own pass, and libFuzzer comes with the
//! crate `libfuzzer-sys`. An input that breaks a property is written down and named; put it into `fuzz/corpus/TARGET`,
//! where ordinary tests give it to the target from then on.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};

use crate::parts;
use crate::shell::{cargo, output, root, run as run_command, say, step, target, which};

/// How LLVM counts what was reached, and tells libFuzzer what was compared with what.
const COVERAGE: &[&str] = &[
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
];

/// Longer inputs find no more in parsers whose limits lie below.
const MAX_LEN: &str = "-max_len=8192";
/// An input that takes so many seconds is a finding.
const TIMEOUT: &str = "-timeout=10";
/// As is one that takes so many MiB.
const MEMORY: &str = "-rss_limit_mb=1024";

/// What one target did.
struct Outcome {
    target: String,
    executions: String,
    edges: String,
    finding: Option<String>,
}

/// Fuzzes the named target, or all of them, each for so many seconds.
pub(crate) fn run(name: Option<&str>, seconds: u32) -> anyhow::Result<()> {
    parts::ensure(&[parts::CPP])?;
    let targets = targets(name)?;
    let program = step("build", build)?;
    let mut outcomes = Vec::new();
    for target in targets {
        outcomes.push(step(&target, || fuzz(&program, &target, seconds))?);
    }
    say(&format!("\n{:<20} {:>12} {:>8}  finding", "target", "inputs", "edges"));
    for Outcome { target, executions, edges, finding } in &outcomes {
        let finding = finding.as_deref().unwrap_or("none");
        say(&format!("{target:<20} {executions:>12} {edges:>8}  {finding}"));
    }
    match outcomes.iter().filter(|outcome| outcome.finding.is_some()).count() {
        0 => Ok(()),
        count => bail!("{count} targets found something: mend it, and put the input into fuzz/corpus/TARGET"),
    }
}

/// The names of the corpora, which a test holds against the targets.
fn targets(name: Option<&str>) -> anyhow::Result<Vec<String>> {
    let folders = fs::read_dir(root().join("fuzz/corpus")).context("fuzz/corpus")?;
    let names: Result<Vec<_>, _> = folders.map(|entry| entry.map(|entry| entry.file_name())).collect();
    let mut names: Vec<String> = names?.iter().map(|name| name.to_string_lossy().into_owned()).collect();
    names.sort();
    match name {
        None => Ok(names),
        Some(name) if names.iter().any(|known| known == name) => Ok(vec![name.to_owned()]),
        Some(name) => bail!("there is no target {name}; there are: {}", names.join(", ")),
    }
}

/// Where all that fuzzing makes lies.
fn folder() -> PathBuf {
    target().join("fuzz")
}

fn build() -> anyhow::Result<PathBuf> {
    // The dependencies are fuzzed in the versions that are shipped; cargo adds what only fuzzing needs.
    fs::copy(root().join("Cargo.lock"), root().join("fuzz/Cargo.lock")).context("copy Cargo.lock")?;
    let version = output(&mut command("rustc", &["-vV"]))?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).context("rustc names no host")?;
    let mut flags = COVERAGE.join(" ");
    if which("mold").is_some() {
        flags.push_str(" -Clink-arg=-fuse-ld=mold");
    }
    // With a target named, build scripts and macros are built without the flags.
    let mut build = cargo(&["build", "--release", "--manifest-path", "fuzz/Cargo.toml", "--target", host]);
    run_command(build.env("RUSTFLAGS", flags).env("CARGO_TARGET_DIR", folder()))?;
    Ok(folder().join(host).join("release/countersign-fuzz"))
}

fn command(program: &str, args: &[&str]) -> Command {
    crate::shell::command(env::var_os("RUSTC").unwrap_or_else(|| program.into()), args)
}

fn fuzz(program: &Path, name: &str, seconds: u32) -> anyhow::Result<Outcome> {
    let scratch = folder().join("corpus").join(name);
    fs::create_dir_all(&scratch)?;
    let log = folder().join(format!("{name}.log"));
    let mut fuzzer = crate::shell::command(program, &[MAX_LEN, TIMEOUT, MEMORY, "-print_final_stats=1"]);
    fuzzer.arg(format!("-max_total_time={seconds}"));
    fuzzer.arg(format!("-artifact_prefix={}/{name}-", folder().display()));
    // What it finds new goes into the first folder; the second is only read.
    fuzzer.arg(scratch).arg(root().join("fuzz/corpus").join(name)).env("FUZZ_TARGET", name);
    let status = fuzzer.stderr(File::create(&log)?).status().context("start the fuzzer")?;
    let text = String::from_utf8_lossy(&fs::read(&log)?).into_owned();
    let finding = (!status.success()).then(|| finding(&text, &log));
    if let Some(finding) = &finding {
        say(finding);
    }
    Ok(Outcome {
        target: name.to_owned(),
        executions: last_after(&text, "stat::number_of_executed_units:").unwrap_or("?").to_owned(),
        edges: last_after(&text, " cov:").unwrap_or("?").to_owned(),
        finding,
    })
}

/// What was wrong, and with which input.
fn finding(log: &str, file: &Path) -> String {
    let input = last_after(log, "Test unit written to").unwrap_or("no input was written");
    let panic = log.lines().skip_while(|line| !line.contains("panicked at")).take(2);
    format!("{input} ({}; {})", panic.collect::<Vec<_>>().join(" "), file.display())
}

/// The last word that follows this mark.
fn last_after<'a>(text: &'a str, mark: &str) -> Option<&'a str> {
    text.rsplit_once(mark)?.1.split_whitespace().next()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "#2 INITED cov: 11 ft: 2\n#9 NEW    cov: 12 ft: 3\n\
        thread '<unnamed>' panicked at src/x.rs:1:2:\none encoding\n\
        artifact_prefix='x-'; Test unit written to target/fuzz/span-crash-00\n\
        stat::number_of_executed_units: 4711\n";

    #[test]
    fn the_figures_and_the_finding_are_read_from_the_log() {
        assert_eq!(last_after(LOG, "stat::number_of_executed_units:"), Some("4711"));
        assert_eq!(last_after(LOG, " cov:"), Some("12"));
        assert_eq!(last_after("", " cov:"), None);
        let found = finding(LOG, Path::new("span.log"));
        assert_eq!(
            found,
            "target/fuzz/span-crash-00 (thread '<unnamed>' panicked at src/x.rs:1:2: one encoding; span.log)"
        );
    }

    #[test]
    fn a_target_is_known_by_its_corpus() {
        assert!(targets(None).expect("corpora").contains(&"cookies".to_owned()));
        assert_eq!(targets(Some("cookies")).expect("a corpus"), ["cookies"]);
        assert!(targets(Some("nonsense")).is_err());
    }
}
