//! `cargo xtask test`: every test, on everything that the tests need.

use std::env;

use anyhow::{Context, bail};

use crate::parts::{self, NO_VECTORS};
use crate::postgres::{Cluster, Fsync};
use crate::programs;
use crate::shell::{self, cargo, say, step};

/// Provides what the tests need, then runs them; `args` go to `cargo test`.
pub(crate) fn run(args: &[String]) -> anyhow::Result<()> {
    let vectors = parts::vectors();
    if vectors.is_none() {
        if env::var_os("CI").is_some() {
            bail!(NO_VECTORS);
        }
        say(NO_VECTORS);
    }
    parts::ensure(&[parts::POSTGRES, parts::BROWSER, parts::FONTS, parts::NODE, parts::CURL])?;
    parts::ensure_npm_packages("crates/testkit/browser")?;
    let programs = programs::prepare()?;
    let cluster = step("start PostgreSQL", || Cluster::start(Fsync::Off))?;

    let mut tests = cargo(&["test", "--no-fail-fast"]);
    if !names_a_package(args) {
        tests.arg("--workspace");
    }
    tests.args(args).env("TEST_POSTGRES_URL", cluster.url()).env("TEST_PROGRAMS", &programs);
    tests.env("CHROMIUM_PATH", parts::chromium().context("Chromium is gone")?);
    if let Some(folder) = vectors {
        // With the vectors everything is here, so that a test which skips itself is a failure.
        tests.env("VECTORS_DIR", folder.canonicalize()?).env("TEST_REQUIRE_ALL", "1");
    }
    step("cargo test", || shell::run(&mut tests))?;
    if names_a_package(args) {
        return Ok(());
    }
    // What the program as it is shipped does not have.
    let traces = ["test", "--package", "countersign", "--features", "otel", "--test", "traces"];
    step("cargo test, with traces", || shell::run(&mut cargo(&traces)))
}

fn names_a_package(args: &[String]) -> bool {
    args.iter()
        .take_while(|arg| *arg != "--")
        .any(|arg| arg.starts_with("-p") || arg.starts_with("--package"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_named_package_is_tested_alone() {
        let args = |words: &[&str]| words.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert!(names_a_package(&args(&["-p", "countersign-core"])));
        assert!(names_a_package(&args(&["--package=countersign-core"])));
        assert!(!names_a_package(&args(&["refresh", "--", "--nocapture", "-p"])));
    }
}
