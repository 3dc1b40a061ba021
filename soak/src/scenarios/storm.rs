//! Slow connections, streams opened and reset, and logins at once, while somebody asks who it is.

mod attack;

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use reqwest::Method;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::json;
use tokio::runtime::Runtime;
use tokio::time::{Instant, sleep};

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
const ASKED_EVERY: Duration = Duration::from_millis(2);
const EMAIL: &str = "storm@example.org";
const PASSWORD: &str = "violet-tandem-oyster-41";

pub(crate) fn run(setup: &Setup) -> anyhow::Result<Outcome> {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum })?;
    let room = limit.maximum.unwrap_or(u64::MAX);
    ensure!(room > SLOW as u64 + OTHER_FILES, "{room} files may be open: raise the hard limit (ulimit -Hn)");
    Runtime::new()?.block_on(storms(setup, Duration::from_secs(if setup.quick { 3 } else { 15 })))
}

async fn storms(setup: &Setup, time: Duration) -> anyhow::Result<Outcome> {
    let settings = SETTINGS.map(|(name, value)| (name, value.to_owned()));
    let mut server = Server::new(&setup.program, &settings)?;
    let http = Http::new(&server.origin())?;
    server.start(&http).await?;
    let cookie = member(&http).await?;
    let mut outcome = Outcome { times: format!("{} s each", time.as_secs()), ..Outcome::default() };
    p99(&http, &cookie, time / 3).await?;
    let quiet = p99(&http, &cookie, time).await?;
    outcome.figures.push(format!("session check p99: quiet {}", millis(quiet)));
    let most = (quiet * 3 / 2).max(quiet + Duration::from_millis(5));
    for attack in [Attack::slow(), Attack::resets(), Attack::logins((EMAIL, PASSWORD))] {
        say(&format!("    storm: {}", attack.name));
        let attack = Arc::new(attack);
        let attacker = attack.begin(server.port())?;
        // What takes a moment to begin is under way by then.
        sleep(time / 3).await;
        let during = p99(&http, &cookie, time).await?;
        attack.end();
        tokio::task::spawn_blocking(move || attacker.join()).await?.ok().context("the attacker broke")?;
        let told = format!("{attack}: {}", millis(during));
        if during > most || attack.did_nothing() {
            outcome.problems.push(format!("{told}, at most {}", millis(most)));
        }
        outcome.figures.push(told);
    }
    ensure!(http.is_ready().await, "not ready after the storms");
    server.stop().await?;
    Ok(outcome)
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

/// The time below which 99 of 100 session checks are answered.
async fn p99(http: &Http, cookie: &str, time: Duration) -> anyhow::Result<Duration> {
    let (began, mut times) = (Instant::now(), Vec::new());
    while began.elapsed() < time {
        let asked = Instant::now();
        let request =
            http.request(Method::GET, "/api/v1/session").header("cookie", format!("{SESSION}={cookie}"));
        done(request, 200).await.context("a session check in the storm")?;
        times.push(asked.elapsed());
        sleep(ASKED_EVERY).await;
    }
    Ok(quantile(&times, 0.99))
}
