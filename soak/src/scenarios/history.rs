//! A random mix with random faults; what came of it is held against the sequential model (attack RACE-15).

use std::time::Duration;

use anyhow::Context as _;
use countersign_testkit::inspect;
use tokio::runtime::Runtime;
use tokio::time::{Instant, sleep};

use super::faults::{UnderLoad, spread};
use crate::dice::Dice;
use crate::progress::Progress;
use crate::scenario::{Outcome, Setup};

/// Something happens that often, at most.
const BETWEEN: Duration = Duration::from_secs(4);

pub(crate) fn run(setup: &Setup) -> anyhow::Result<Outcome> {
    Runtime::new()?.block_on(history(setup, setup.times(10, 120)))
}

async fn history(setup: &Setup, seconds: usize) -> anyhow::Result<Outcome> {
    let mut dice = Dice::new(setup.seed, 1);
    let mut under = UnderLoad::start(setup, &[]).await?;
    let (began, mut progress) = (Instant::now(), Progress::new("history", seconds));
    let (mut kills, mut restarts, mut starts) = (0, 0, Vec::new());
    while began.elapsed().as_secs() < seconds as u64 && !under.load.has_problems() {
        sleep(dice.within(BETWEEN)).await;
        match dice.below(3) {
            0 => {
                under.load.going_down();
                under.server.kill()?;
                kills += 1;
            }
            1 => {
                under.load.may_break();
                under.server.stop().await?;
                restarts += 1;
            }
            _ => continue,
        }
        starts.push(under.server.start(&under.http).await?);
        under.load.back();
        progress.at(usize::try_from(began.elapsed().as_secs()).unwrap_or(seconds));
    }
    let database = under.server.database();
    let figures = vec![format!("{kills} kills"), format!("{restarts} restarts"), spread("start", &starts)];
    // The server's folder goes with it.
    inspect::integrity(&database).context("the database is damaged")?;
    under.finish(format!("{seconds} s"), figures).await
}
