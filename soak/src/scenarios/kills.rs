//! `kill -9`, again and again, at a random moment.

use std::time::Duration;

use anyhow::Context as _;
use countersign_testkit::inspect;
use tokio::runtime::Runtime;
use tokio::time::sleep;

use super::faults::spread;
use crate::dice::Dice;
use crate::http::Http;
use crate::load::{Judged, Load};
use crate::process::Server;
use crate::progress::Progress;
use crate::scenario::{Outcome, Setup};

/// A database is killed so often; then a new one is begun, so that the first start is hit as well.
const KILLS_A_DATABASE: usize = 50;
/// The load has so long at most before the next kill.
const UNTIL_KILL: Duration = Duration::from_millis(250);
/// One start in so many is killed too.
const KILLED_STARTS: usize = 8;
/// A start is over before that.
const START: Duration = Duration::from_millis(60);

pub(crate) fn run(setup: &Setup) -> anyhow::Result<Outcome> {
    Runtime::new()?.block_on(kills(setup, setup.times(20, 1000)))
}

/// What is seen over all databases.
#[derive(Default)]
struct Seen {
    kills: usize,
    killed_starts: usize,
    starts: Vec<Duration>,
    judged: Vec<Judged>,
}

async fn kills(setup: &Setup, times: usize) -> anyhow::Result<Outcome> {
    let (mut seen, mut progress) = (Seen::default(), Progress::new("kills", times));
    let mut database = 0;
    while seen.kills + seen.killed_starts < times && Judged::problems(&seen.judged).is_empty() {
        let end = (seen.kills + seen.killed_starts + KILLS_A_DATABASE).min(times);
        one_database(setup, Dice::new(setup.seed, database), &mut seen, (end, &mut progress)).await?;
        database += 1;
    }
    Ok(outcome(&seen, database))
}

async fn one_database(
    setup: &Setup,
    mut dice: Dice,
    seen: &mut Seen,
    (end, progress): (usize, &mut Progress),
) -> anyhow::Result<()> {
    let mut server = Server::new(&setup.program, &[])?;
    let http = Http::new(&server.origin())?;
    start(&mut server, &http, &mut dice, seen).await?;
    let load = Load::start(http.clone(), dice.any());
    while seen.kills + seen.killed_starts < end && !load.has_problems() {
        sleep(dice.within(UNTIL_KILL)).await;
        load.going_down();
        server.kill()?;
        seen.kills += 1;
        start(&mut server, &http, &mut dice, seen).await?;
        inspect::integrity(&server.database()).context("the database is damaged")?;
        load.back();
        progress.at(seen.kills + seen.killed_starts);
    }
    seen.judged.push(load.finish().await);
    server.stop().await?;
    inspect::integrity(&server.database()).context("the database is damaged")
}

/// Starts the server; sometimes it is killed while it starts.
async fn start(server: &mut Server, http: &Http, dice: &mut Dice, seen: &mut Seen) -> anyhow::Result<()> {
    while dice.below(KILLED_STARTS) == 0 {
        server.spawn()?;
        sleep(dice.within(START)).await;
        server.kill()?;
        seen.killed_starts += 1;
    }
    seen.starts.push(server.start(http).await?);
    Ok(())
}

fn outcome(seen: &Seen, databases: u64) -> Outcome {
    let Seen { kills, killed_starts, starts, judged } = seen;
    let mut figures = vec![
        format!("{killed_starts} of them during a start"),
        format!("{databases} databases"),
        spread("start", starts),
    ];
    figures.extend(Judged::figures(judged));
    Outcome {
        times: format!("{} kills", kills + killed_starts),
        figures,
        problems: Judged::problems(judged),
        ..Outcome::default()
    }
}
