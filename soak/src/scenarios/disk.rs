//! A disk that breaks and is mended, under load (attack STO-05).

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use countersign_testkit::inspect;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tokio::time::{Instant, sleep};

use super::faults::spread;
use crate::dice::Dice;
use crate::disk::{self, Fault, PASSING};
use crate::http::{Http, Reply, SESSION, send};
use crate::inside::Inside;
use crate::load::{Judged, Load};
use crate::progress::Progress;
use crate::scenario::{Outcome, Setup};

const BETWEEN: Duration = Duration::from_millis(300);
/// A mended disk is noticed before that.
const MENDED: Duration = Duration::from_secs(5);
/// And a broken one told before that: what was found ready once stays so for two seconds.
const TOLD: Duration = Duration::from_secs(3);
/// A quick run is a test beside many others: it asks whether, not how soon.
const QUICK: u32 = 6;
const POLL: Duration = Duration::from_millis(20);
const EMAIL: &str = "witness@example.org";
const PASSWORD: &str = "violet-tandem-oyster-41";

pub(crate) fn run(setup: &Setup) -> anyhow::Result<Outcome> {
    Runtime::new()?.block_on(faults(setup, setup.times(1, 8)))
}

pub(super) async fn faults(setup: &Setup, times: usize) -> anyhow::Result<Outcome> {
    let mut inside = Inside::start().await?;
    let patience = if setup.quick { QUICK } else { 1 };
    let (told, noticed) = (TOLD * patience, MENDED * patience);
    let witness = Witness::new(inside.http.clone(), told).await?;
    let load = Load::start(inside.http.clone(), setup.seed);
    let (mut dice, mut progress) = (Dice::new(setup.seed, 4), Progress::new("disk", times * PASSING.len()));
    let (mut problems, mut mended, mut failed) = (Vec::new(), Vec::new(), 0);
    for round in 0..times * PASSING.len() {
        sleep(dice.within(BETWEEN)).await;
        let fault = PASSING[round % PASSING.len()];
        load.going_down();
        disk::set(fault);
        problems.extend(witness.looks_at(fault).await);
        let broken = disk::set(Fault::None);
        ensure!(broken > 0, "{fault:?} broke nothing: the scenario tests nothing");
        failed += broken;
        let began = Instant::now();
        while !witness.can_write().await {
            ensure!(
                began.elapsed() < noticed,
                "{fault:?}: nothing is written {noticed:?} after it was mended"
            );
        }
        mended.push(began.elapsed());
        inside.http.until_ready().await?;
        load.back();
        progress.at(round);
    }
    let judged = [load.finish().await];
    inside.stop().await;
    inspect::integrity(&inside.database()).context("the database is damaged")?;
    let mut figures = vec![format!("{failed} calls failed"), spread("writes again after mending", &mended)];
    figures.extend(Judged::figures(&judged));
    problems.extend(Judged::problems(&judged));
    Ok(Outcome {
        times: format!("{times} x {} faults", PASSING.len()),
        figures,
        problems,
        ..Outcome::default()
    })
}

/// An account with a session of each face, which asks while the disk is broken.
struct Witness {
    http: Http,
    cookie: String,
    tokens: Value,
    /// It is told of a broken disk within this.
    told: Duration,
}

impl Witness {
    async fn new(http: Http, told: Duration) -> anyhow::Result<Self> {
        let mut witness = Self { http, cookie: String::new(), tokens: Value::Null, told };
        let account = json!({ "email": EMAIL, "password": PASSWORD });
        witness.done(witness.post("/api/v1/accounts", &account), 202).await?;
        let inbox = witness.done(witness.http.request(Method::GET, "/dev/inbox"), 200).await?;
        let proof =
            json!({ "email": EMAIL, "code": inbox.body["messages"][0]["code"], "password": PASSWORD });
        witness.done(witness.post("/api/v1/accounts/verify", &proof), 204).await?;
        let cookie = witness.done(witness.log_in("cookie"), 200).await?.cookie;
        witness.cookie = cookie.context("the login set no cookie")?;
        witness.tokens = witness.done(witness.log_in("token"), 200).await?.body;
        Ok(witness)
    }

    async fn done(&self, request: RequestBuilder, expected: u16) -> anyhow::Result<Reply> {
        let reply = send(request).await.context("no answer")?;
        ensure!(reply.status == expected, "{} instead of {expected}: {}", reply.status, reply.body);
        Ok(reply)
    }

    fn post(&self, path: &str, body: &Value) -> RequestBuilder {
        self.http.request(Method::POST, path).json(body)
    }

    fn log_in(&self, deliver: &str) -> RequestBuilder {
        let body = json!({ "identifier": EMAIL, "password": PASSWORD, "deliver": deliver });
        self.post("/api/v1/login", &body)
    }

    async fn can_write(&self) -> bool {
        send(self.log_in("token")).await.is_some_and(|reply| reply.status == 200)
    }

    /// What is not answered as it should be while the disk is broken.
    async fn looks_at(&self, fault: Fault) -> Vec<String> {
        let token = self.tokens["access_token"].as_str().unwrap_or_default();
        let refresh = self.tokens["refresh_token"].as_str().unwrap_or_default();
        let fields =
            [("grant_type", "refresh_token"), ("client_id", "countersign"), ("refresh_token", refresh)];
        let wrong = json!({ "identifier": EMAIL, "password": "wrong", "deliver": "token" });
        let stranger = json!({ "email": "stranger@example.org", "password": PASSWORD });
        let session = || self.http.request(Method::GET, "/api/v1/session");
        let asked: BTreeMap<&str, (RequestBuilder, u16)> = [
            ("1 register", (self.post("/api/v1/accounts", &stranger), 503)),
            ("2 log in", (self.log_in("cookie"), 503)),
            ("3 log in with a wrong password", (self.post("/api/v1/login", &wrong), 503)),
            ("4 refresh", (self.http.request(Method::POST, "/oauth2/token").form(&fields), 503)),
            ("5 check by cookie", (session().header("cookie", format!("{SESSION}={}", self.cookie)), 200)),
            ("6 check by token", (session().bearer_auth(token), 200)),
            ("7 alive", (self.http.request(Method::GET, "/healthz"), 204)),
        ]
        .into();
        let mut problems = Vec::new();
        for (what, (request, expected)) in asked {
            let answered = send(request).await.map(|reply| reply.status);
            if answered != Some(expected) {
                problems.push(format!("{fault:?}: {what}: {answered:?} instead of {expected}"));
            }
        }
        if !self.is_told_unready().await {
            problems.push(format!("{fault:?}: ready after {:?}", self.told));
        }
        problems
    }

    /// Whether `/readyz` says in time that nothing can be written.
    async fn is_told_unready(&self) -> bool {
        let began = Instant::now();
        while self.http.is_ready().await {
            if began.elapsed() > self.told {
                return false;
            }
            sleep(POLL).await;
        }
        true
    }
}
