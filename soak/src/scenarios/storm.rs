//! Slow connections, streams opened and reset, and logins at once, while somebody asks who it is.

mod attack;

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use reqwest::Method;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::json;
use tokio::runtime::Runtime;
use tokio::time::{Instant, sleep, sleep_until};

use self::attack::{Attack, SLOW};
use crate::http::{Http, Reply, SESSION, send};
use crate::process::Server;
use crate::progress::say;
use crate::scenario::{Outcome, Setup};
use crate::stats::{millis, quantile};

/// The hash of production.
const SETTINGS: [(&str, &str); 3] = [
    ("COUNTERSIGN_PASSWORD_MEMORY_KIB", "19456"),
    ("COUNTERSIGN_PASSWORD_ITERATIONS", "2"),
    ("COUNTERSIGN_PASSWORD_QUEUE", "64"),
];
/// Files beside the slow connections.
const OTHER_FILES: u64 = 1_000;
/// Whether the one before was answered or not: what waits behind a slow answer counts as slow.
const ASKED_EVERY: Duration = Duration::from_millis(5);
/// Beside others who take more of the cores than that, nothing can be said of how long a session check takes in a storm.
const IDLE: f64 = 0.1;
/// Quiet and stormy turns of each attack: what else the machine does hits both alike.
const TURNS: u32 = 3;
const EMAIL: &str = "storm@example.org";
const PASSWORD: &str = "violet-tandem-oyster-41";

pub(crate) fn run(setup: &Setup) -> anyhow::Result<Outcome> {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum })?;
    let room = limit.maximum.unwrap_or(u64::MAX);
    ensure!(room > SLOW as u64 + OTHER_FILES, "{room} files may be open: raise the hard limit (ulimit -Hn)");
    Runtime::new()?.block_on(storms(setup, Duration::from_secs(if setup.quick { 1 } else { 5 })))
}

async fn storms(setup: &Setup, time: Duration) -> anyhow::Result<Outcome> {
    let settings = SETTINGS.map(|(name, value)| (name, value.to_owned()));
    let mut server = Server::new(&setup.program, &settings)?;
    let http = Http::new(&server.origin())?;
    server.start(&http).await?;
    let cookie = member(&http).await?;
    let times = format!("{TURNS} turns of {} s, quiet and stormy", time.as_secs());
    let mut outcome = Outcome { times, ..Outcome::default() };
    outcome.figures.push("p99 of the session check, medians of the turns".to_owned());
    let others = others_share(time).await?;
    outcome.figures.push(format!("other processes took {:.0} % of the cores just before", others * 100.0));
    p99(&http, &cookie, time).await?;
    for attack in [Attack::slow(), Attack::resets(), Attack::logins((EMAIL, PASSWORD))] {
        say(&format!("    storm: {}", attack.name));
        let (attack, mut quiet, mut stormy) = (Arc::new(attack), Vec::new(), Vec::new());
        for _ in 0..TURNS {
            quiet.push(p99(&http, &cookie, time).await?);
            let attacker = attack.begin(server.port())?;
            // What takes a moment to begin is under way by then.
            sleep(time).await;
            attack.look();
            stormy.push(p99(&http, &cookie, time).await?);
            attack.look();
            attack.end();
            tokio::task::spawn_blocking(move || attacker.join()).await?.ok().context("the attacker broke")?;
        }
        let (quiet, stormy) = (quantile(&quiet, 0.5), quantile(&stormy, 0.5));
        let most = (quiet * 3 / 2).max(quiet + Duration::from_millis(5));
        let told = format!("{attack}: {}, quiet {}", millis(stormy), millis(quiet));
        if stormy > most {
            let judged = if others > IDLE { &mut outcome.unjudged } else { &mut outcome.problems };
            judged.push(format!("{told}, at most {}", millis(most)));
        }
        if let Some(missing) = attack.missing() {
            outcome.problems.push(format!("{attack}: {missing}: nothing was tested"));
        }
        outcome.figures.push(told);
    }
    ensure!(http.is_ready().await, "not ready after the storms");
    server.stop().await?;
    Ok(outcome)
}

/// What part of all cores others take, while we and our server do nothing.
async fn others_share(time: Duration) -> anyhow::Result<f64> {
    let before = processor_time()?;
    sleep(time).await;
    let (all, idle) = processor_time()?;
    Ok(1.0 - (idle - before.1) / (all - before.0))
}

/// All time of all cores since the machine was started, and what of it was idle or waited for a disk: proc(5).
fn processor_time() -> anyhow::Result<(f64, f64)> {
    let stat = std::fs::read_to_string("/proc/stat")?;
    let line = stat
        .lines()
        .next()
        .and_then(|line| line.strip_prefix("cpu "))
        .context("unknown form of /proc/stat")?;
    let times = line.split_whitespace().map(str::parse).collect::<Result<Vec<f64>, _>>()?;
    // Guests' time is counted in the first two already.
    let times = times.get(..8).context("too few times in /proc/stat")?;
    Ok((times.iter().sum(), times[3] + times[4]))
}

/// The cookie of somebody who is signed in.
async fn member(http: &Http) -> anyhow::Result<String> {
    let account = json!({ "email": EMAIL, "password": PASSWORD });
    done(http.request(Method::POST, "/api/v1/accounts").json(&account), 202).await?;
    let inbox = done(http.request(Method::GET, "/dev/inbox"), 200).await?;
    let proof = json!({ "email": EMAIL, "code": inbox.body["messages"][0]["code"], "password": PASSWORD });
    done(http.request(Method::POST, "/api/v1/accounts/verify").json(&proof), 204).await?;
    let login = json!({ "identifier": EMAIL, "password": PASSWORD, "deliver": "cookie" });
    let reply = done(http.request(Method::POST, "/api/v1/login").json(&login), 200).await?;
    reply.cookie.context("the login set no cookie")
}

async fn done(request: reqwest::RequestBuilder, expected: u16) -> anyhow::Result<Reply> {
    let reply = send(request).await.context("no answer")?;
    ensure!(reply.status == expected, "{} instead of {expected}: {}", reply.status, reply.body);
    Ok(reply)
}

/// The time below which 99 of 100 session checks are answered, counted from when each was due.
async fn p99(http: &Http, cookie: &str, time: Duration) -> anyhow::Result<Duration> {
    let (began, mut times) = (Instant::now(), Vec::new());
    let mut due = began;
    while due < began + time {
        sleep_until(due).await;
        let request =
            http.request(Method::GET, "/api/v1/session").header("cookie", format!("{SESSION}={cookie}"));
        done(request, 200).await.context("a session check in the storm")?;
        times.push(due.elapsed());
        due += ASKED_EVERY;
    }
    Ok(quantile(&times, 0.99))
}
