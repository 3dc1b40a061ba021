//! Power cuts under load (attack STO-06): the disk keeps what was synced and, of each write since, nothing, all or a part.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use countersign_testkit::inspect;
use tokio::runtime::Runtime;
use tokio::time::{Instant, sleep};

use crate::dice::Dice;
use crate::disk::{self, Cut};
use crate::inside::Inside;
use crate::load::{Judged, Load};
use crate::progress::Progress;
use crate::scenario::{Outcome, Setup};

const BETWEEN: Duration = Duration::from_millis(300);
/// Writes and syncs until the cut: a commit takes a dozen, a checkpoint more.
const CALLS: usize = 60;
/// The load makes so many in less than this.
const PATIENCE: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(1);

pub(crate) fn run(setup: &Setup) -> anyhow::Result<Outcome> {
    Runtime::new()?.block_on(cuts(setup, setup.times(3, 200)))
}

async fn cuts(setup: &Setup, times: usize) -> anyhow::Result<Outcome> {
    let mut inside = Inside::start().await?;
    let load = Load::start(inside.http.clone(), setup.seed);
    let (mut dice, mut progress) = (Dice::new(setup.seed, 5), Progress::new("power", times));
    let (mut lost, mut done) = (0, 0);
    while done < times && !load.has_problems() {
        sleep(dice.within(BETWEEN)).await;
        load.may_break();
        let cut = power_cut(&mut dice).await;
        load.going_down();
        inside.stop().await;
        disk::reset();
        for (path, bytes) in cut.files {
            std::fs::write(path, bytes)?;
        }
        // The index of the log lies in memory only.
        std::fs::remove_file(inside.database().with_extension("db-shm")).ok();
        inside.start_again().await.context("after a power cut")?;
        inspect::integrity(&inside.database()).context("the database is damaged")?;
        load.back();
        lost += cut.lost;
        done += 1;
        progress.at(done);
    }
    ensure!(lost > 0 || done < times, "no cut lost a write: the scenario tests nothing");
    let judged = [load.finish().await];
    inside.stop().await;
    let mut figures = vec![format!("{lost} unsynced writes lost or torn")];
    figures.extend(Judged::figures(&judged));
    Ok(Outcome {
        times: format!("{done} cuts"),
        figures,
        problems: Judged::problems(&judged),
        ..Outcome::default()
    })
}

/// Cuts the power in the midst of writing.
async fn power_cut(dice: &mut Dice) -> Cut {
    disk::cut_after(dice.below(CALLS), Dice::new(dice.any(), 0));
    let began = Instant::now();
    loop {
        if let Some(cut) = disk::cut(began.elapsed() > PATIENCE) {
            return cut;
        }
        sleep(POLL).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenarios::disk::faults;

    /// A few of each: the disk is one for the whole process, so they come one after the other.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn sto_05_sto_06_a_broken_disk_is_told_and_mended_and_a_power_cut_loses_nothing() {
        let setup = Setup { program: "".into(), postgres: None, seed: 7, times: None, quick: true };
        for outcome in [faults(&setup, 1).await, cuts(&setup, 3).await] {
            assert_eq!(outcome.expect("it runs").problems, Vec::<String>::new());
        }
    }
}
