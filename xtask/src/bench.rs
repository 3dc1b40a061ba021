//! `cargo xtask bench`: builds the release programs and lets `bench/` measure them.

use crate::parts;
use crate::postgres::{Cluster, Fsync};
use crate::shell::{command, release, root, run as run_command, step};

/// What it writes, whole.
const DOCUMENT: &str = "docs/performance.md";

/// Measures and writes the document.
pub(crate) fn run() -> anyhow::Result<()> {
    parts::ensure(&[parts::POSTGRES, parts::WRK])?;
    let programs = release("countersign-bench")?;
    let cluster = step("start PostgreSQL", || Cluster::start(Fsync::On))?;
    let mut bench = command(programs.join("countersign-bench"), &["run"]);
    bench.arg(programs.join("countersign")).arg(cluster.url()).arg(root().join(DOCUMENT));
    step("measure", || run_command(&mut bench))
}
