//! `cargo xtask <test|ci|docs|dist|bench|fuzz|soak>`: the project's own commands, the same ones that CI runs.

mod bench;
mod ci;
mod deny;
mod dist;
mod docs;
mod fuzz;
mod parts;
mod postgres;
mod programs;
mod shell;
mod soak;
mod test;

use std::process::ExitCode;

use clap::Parser;

/// The project's own commands.
#[derive(Parser)]
#[command(name = "cargo xtask")]
enum Xtask {
    /// Run every test: brings its own PostgreSQL, installs what is missing (Debian, as root)
    Test {
        /// Passed on to `cargo test`
        #[arg(last = true)]
        args: Vec<String>,
    },
    /// Check all that is not a test: format, lints, dependencies, house rules, generated files, docs
    Ci,
    /// Write the generated documents again
    Docs {
        /// Write nothing: fail when one of them is out of date
        #[arg(long)]
        check: bool,
    },
    /// Build what operators install: a Debian package, a tarball, checksums
    Dist(dist::Dist),
    /// Measure against a bare axum hello and a bare Argon2id, and write docs/performance.md: some six minutes
    Bench,
    /// Give every parser what libFuzzer makes up
    Fuzz {
        /// One target; without it all of them
        target: Option<String>,
        /// For how long, each
        #[arg(long, default_value_t = 60)]
        seconds: u32,
    },
    /// Break the server in every way that there is, often, and write docs/faults.md
    Soak(soak::Soak),
}

fn main() -> ExitCode {
    let result = match Xtask::parse() {
        Xtask::Test { args } => test::run(&args),
        Xtask::Ci => ci::run(),
        Xtask::Docs { check: false } => docs::write(),
        Xtask::Docs { check: true } => docs::check(),
        Xtask::Dist(dist) => dist::run(dist),
        Xtask::Bench => bench::run(),
        Xtask::Fuzz { target, seconds } => fuzz::run(target.as_deref(), seconds),
        Xtask::Soak(soak) => soak::run(&soak),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            shell::say(&format!("xtask: {error:#}"));
            shell::exit_code(&error)
        }
    }
}
