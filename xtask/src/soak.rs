//! `cargo xtask soak`: builds the release programs and lets `soak/` break the server.

use clap::Args;

use crate::parts;
use crate::postgres::{Cluster, Fsync};
use crate::shell::{command, release, root, run as run_command, step};

/// What to try, and how often.
#[derive(Args)]
pub(crate) struct Soak {
    /// Only these scenarios; a run of all of them writes docs/faults.md
    scenarios: Vec<String>,
    /// How often, instead of the scenario's own number
    #[arg(long)]
    times: Option<usize>,
    /// Just enough to see that the scenarios work
    #[arg(long)]
    quick: bool,
    /// Leave the same to chance as a run before
    #[arg(long)]
    seed: Option<u64>,
}

/// Runs the scenarios; fails if one of them does.
pub(crate) fn run(soak: &Soak) -> anyhow::Result<()> {
    parts::ensure(&[parts::POSTGRES])?;
    let programs = release("countersign-soak")?;
    let cluster = step("start PostgreSQL", || Cluster::start(Fsync::On))?;
    let mut program = command(programs.join("countersign-soak"), &["--postgres", &cluster.url()]);
    program.arg("--postgres-folder").arg(cluster.folder());
    program.arg("--program").arg(programs.join("countersign"));
    program.args(arguments(soak)).env("TEST_POSTGRES_URL", cluster.url());
    if is_whole(soak) {
        program.arg("--write").arg(root().join("docs/faults.md"));
    }
    step("soak", || run_command(&mut program))
}

/// Whether its table is worth keeping.
fn is_whole(soak: &Soak) -> bool {
    soak.scenarios.is_empty() && soak.times.is_none() && !soak.quick
}

fn arguments(soak: &Soak) -> Vec<String> {
    let number = |name: &str, value: Option<String>| value.map(|value| [name.to_owned(), value]);
    let mut arguments = soak.scenarios.clone();
    arguments.extend(number("--times", soak.times.map(|times| times.to_string())).into_iter().flatten());
    arguments.extend(number("--seed", soak.seed.map(|seed| seed.to_string())).into_iter().flatten());
    arguments.extend(soak.quick.then(|| "--quick".to_owned()));
    let typed = ["cargo xtask soak".to_owned()].into_iter().chain(arguments.clone());
    let typed = typed.collect::<Vec<_>>().join(" ");
    arguments.extend(["--command".to_owned(), typed]);
    arguments
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_run_is_kept_and_says_how_it_was_started() {
        let soak = |scenarios: &[&str], quick| Soak {
            scenarios: scenarios.iter().map(ToString::to_string).collect(),
            times: None,
            quick,
            seed: Some(7),
        };
        assert!(is_whole(&soak(&[], false)));
        assert!(!is_whole(&soak(&[], true)) && !is_whole(&soak(&["kills"], false)));
        assert_eq!(
            arguments(&soak(&["kills"], true)),
            ["kills", "--seed", "7", "--quick", "--command", "cargo xtask soak kills --seed 7 --quick"]
        );
    }
}
