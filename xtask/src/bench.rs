//! `cargo xtask bench`: builds the release programs and lets `bench/` measure them.

use crate::parts;
use crate::postgres::{Cluster, Fsync};
use crate::shell::{cargo, command, run as run_command, step, target};

/// Prints the table; writes nothing.
pub(crate) fn run() -> anyhow::Result<()> {
    parts::ensure(&[parts::POSTGRES, parts::WRK])?;
    step("build", || {
        run_command(&mut cargo(&[
            "build",
            "--release",
            "--package",
            "countersign",
            "--package",
            "countersign-bench",
        ]))
    })?;
    let cluster = step("start PostgreSQL", || Cluster::start(Fsync::On))?;
    let programs = target().join("release");
    let mut bench = command(programs.join("countersign-bench"), &["run"]);
    bench.arg(programs.join("countersign")).arg(cluster.url());
    step("measure", || run_command(&mut bench))
}
