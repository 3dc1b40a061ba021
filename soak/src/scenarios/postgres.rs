//! `kill -9` of PostgreSQL's processes under load: its server recovers by itself, and so must ours.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use countersign_testkit::{OwnStore, StoreKind};
use reqwest::Method;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use tokio::runtime::Runtime;
use tokio::time::{Instant, sleep};

use super::faults::{UnderLoad, spread};
use crate::dice::Dice;
use crate::http::{Http, send};
use crate::progress::Progress;
use crate::scenario::{Outcome, Setup};

const BETWEEN: Duration = Duration::from_millis(400);
const POLL: Duration = Duration::from_millis(10);
/// PostgreSQL is back after so long, and we are.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) fn run(setup: &Setup) -> anyhow::Result<Outcome> {
    Runtime::new()?.block_on(kills(setup, setup.times(5, 40)))
}

/// What requests were answered while the database was away.
#[derive(Default)]
struct Meanwhile {
    put_off: usize,
    served: usize,
    other: Vec<u16>,
}

async fn kills(setup: &Setup, times: usize) -> anyhow::Result<Outcome> {
    let (_, folder) = setup.postgres.as_ref().context("no PostgreSQL to kill: see --postgres")?;
    let store = OwnStore::new(StoreKind::Postgres).await?;
    let mut under = UnderLoad::start(setup, &[("COUNTERSIGN_STORE_URL", store.url.clone())]).await?;
    let (mut dice, mut progress) = (Dice::new(setup.seed, 3), Progress::new("postgres", times));
    let (mut away, mut meanwhile) = (Vec::new(), Meanwhile::default());
    for done in 1..=times {
        sleep(dice.within(BETWEEN)).await;
        under.load.going_down();
        let began = Instant::now();
        kill(folder, &mut dice).await?;
        until_ready(&under.http, &mut meanwhile).await.with_context(|| under.server.log())?;
        away.push(began.elapsed());
        under.load.back();
        progress.at(done);
        if under.load.has_problems() {
            break;
        }
    }
    // Nobody starts it again: if it runs, it is the one that was started.
    ensure!(under.server.runs()?, "the server ended: {}", under.server.log());
    let Meanwhile { put_off, served, other } = meanwhile;
    let figures = vec![
        spread("away", &away),
        format!(
            "meanwhile {put_off} requests answered 503, {served} served and {} otherwise or not",
            other.len()
        ),
    ];
    let mut outcome = under.finish(format!("{} kills", away.len()), figures).await?;
    if put_off == 0 {
        outcome.problems.push("nothing was put off: PostgreSQL was never away".to_owned());
    }
    if !other.is_empty() {
        outcome.problems.push(format!("answers while PostgreSQL was away: {other:?}"));
    }
    Ok(outcome)
}

/// Kills one process of the cluster, or all but the first, which ends the others and recovers from the log. Returns when
/// all of the old ones are gone.
async fn kill(folder: &Path, dice: &mut Dice) -> anyhow::Result<()> {
    let first = std::fs::read_to_string(folder.join("data/postmaster.pid"))?;
    let first: i32 = first.lines().next().context("the id of PostgreSQL's first process")?.parse()?;
    let children: Vec<i32> = children(first)?.into_iter().collect();
    let all = dice.below(2) == 0;
    let victims = if all { children.clone() } else { dice.one_of(&children).copied().into_iter().collect() };
    for victim in victims {
        // It may have ended by itself.
        Pid::from_raw(victim).and_then(|pid| kill_process(pid, Signal::KILL).ok());
    }
    let began = Instant::now();
    while self::children(first)?.iter().any(|child| children.contains(child)) {
        if began.elapsed() > PATIENCE {
            bail!("PostgreSQL did not end its processes");
        }
        sleep(POLL).await;
    }
    Ok(())
}

/// The children of a process, by /proc.
fn children(parent: i32) -> anyhow::Result<BTreeSet<i32>> {
    let mut children = BTreeSet::new();
    for entry in std::fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some(id) = name.to_str().and_then(|name| name.parse::<i32>().ok()) else { continue };
        // Whoever ended meanwhile is nobody's child.
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
        if after_name.split_whitespace().nth(1).and_then(|id| id.parse().ok()) == Some(parent) {
            children.insert(id);
        }
    }
    Ok(children)
}

/// Asks for something that must be written until it is, and then until the server says that it is ready.
async fn until_ready(http: &Http, meanwhile: &mut Meanwhile) -> anyhow::Result<()> {
    let (began, mut written) = (Instant::now(), false);
    while !(written && http.is_ready().await) {
        let body = json!({ "email": "nobody@example.org" });
        let reply = send(http.request(Method::POST, "/api/v1/recover").json(&body)).await;
        written = false;
        match reply.map(|reply| reply.status) {
            Some(503) => meanwhile.put_off += 1,
            Some(202) => (meanwhile.served, written) = (meanwhile.served + 1, true),
            other => meanwhile.other.push(other.unwrap_or(0)),
        }
        ensure!(began.elapsed() < PATIENCE, "not ready {PATIENCE:?} after PostgreSQL was killed");
        sleep(POLL).await;
    }
    Ok(())
}
