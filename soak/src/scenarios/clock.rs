//! A clock that jumps while people are at it (attack STO-13).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use countersign_core::Span;
use countersign_testkit::people::{
    BothFaces, KIM, LEE, PASSWORD, both_faces, by_cookie, by_token, refresh_is_refused, register,
};
use countersign_testkit::{Client, Options, START, StoreKind, TestServer};
use reqwest::{Method, StatusCode};
use serde_json::json;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::dice::Dice;
use crate::progress::Progress;
use crate::scenario::{Outcome, Setup};

const TEN_YEARS: i64 = 10 * 365;
const BETWEEN: Duration = Duration::from_millis(100);
const DEVICES: usize = 6;

pub(crate) fn run(setup: &Setup) -> anyhow::Result<Outcome> {
    Runtime::new()?.block_on(jumps(setup, setup.times(4, 100)))
}

/// What the people saw.
#[derive(Default)]
struct Seen {
    stop: AtomicBool,
    answers: AtomicU64,
    broken: AtomicU64,
}

async fn jumps(setup: &Setup, times: usize) -> anyhow::Result<Outcome> {
    let options = Options::on(StoreKind::Sqlite).with("COUNTERSIGN_THROTTLE_ENABLED", "false");
    let server = TestServer::start(options).await?;
    register(&server, KIM).await?;
    register(&server, LEE).await?;
    let (seen, mut people) = (Arc::new(Seen::default()), JoinSet::new());
    for _ in 0..DEVICES {
        people.spawn(live(Client::tool(&server), Arc::clone(&seen)));
    }
    let (mut dice, mut progress) = (Dice::new(setup.seed, 8), Progress::new("clock", times));
    let (mut problems, mut reused) = (Vec::new(), 0);
    for done in 0..times {
        match one_jump(&server, &mut dice).await {
            Ok(()) => reused += 1,
            Err(error) => problems.push(format!("jump {done}: {error:#}")),
        }
        progress.at(done);
    }
    seen.stop.store(true, Ordering::SeqCst);
    people.join_all().await;
    let (answers, broken) = (seen.answers.load(Ordering::SeqCst), seen.broken.load(Ordering::SeqCst));
    if broken > 0 {
        problems.push(format!("{broken} answers were 5xx or none"));
    }
    let figures = vec![
        "+1 h, -1 h, +10 y or -10 y at random, jobs run after each".to_owned(),
        format!("{reused} stolen refresh tokens were told as such after the jump and back"),
        format!("{answers} requests of others meanwhile, {broken} answered 5xx or not at all"),
    ];
    Ok(Outcome { times: format!("{times} jumps"), figures, problems, ..Outcome::default() })
}

/// Logs in and out, and asks who it is, whatever the time.
async fn live(client: Client, seen: Arc<Seen>) {
    while !seen.stop.load(Ordering::SeqCst) {
        let mut own = client.clone();
        let login = own.log_in(LEE, PASSWORD).await;
        let mut answers = vec![login.map(|answer| answer.status)];
        answers.push(by_cookie(&mut own).await);
        answers.push(own.send(own.request(Method::GET, "/readyz")).await.map(|answer| answer.status));
        for answer in answers {
            seen.answers.fetch_add(1, Ordering::SeqCst);
            if answer.map_or(true, |status| status.is_server_error()) {
                seen.broken.fetch_add(1, Ordering::SeqCst);
            }
        }
    }
}

/// What was ended and spent before a jump stays so after it, and after the jump back; what is begun after it works.
async fn one_jump(server: &TestServer, dice: &mut Dice) -> anyhow::Result<()> {
    let mut ended = both_faces(server, KIM).await?;
    let answer = ended.browser.request(Method::DELETE, "/api/v1/session").send().await?;
    ensure!(answer.status() == StatusCode::NO_CONTENT, "logout: {}", answer.status());
    let rotated = both_faces(server, KIM).await?;
    let span = [
        Span::hours(1),
        Span::from_micros(-Span::hours(1).micros()),
        Span::days(TEN_YEARS),
        Span::days(-TEN_YEARS),
    ];
    let span = span[dice.below(span.len())];
    after(server, span, dice, (&mut ended, &rotated))
        .await
        .with_context(|| format!("{} h", span.as_seconds() / 3600))
}

/// The jump, what holds after it, the jump back, and what holds then.
async fn after(
    server: &TestServer,
    span: Span,
    dice: &mut Dice,
    (ended, rotated): (&mut BothFaces, &BothFaces),
) -> anyhow::Result<()> {
    server.clock.set(START + span);
    sleep(dice.within(BETWEEN)).await;
    server.run_jobs().await;
    ended.is_over(server).await?;
    works(server).await?;
    server.clock.set(START);
    ended.is_over(server).await?;
    works(server).await?;
    // Replaced once, then again: an ancestor is a stolen token at any time.
    let next = Client::tool(server).refresh(&rotated.tokens.refresh).await?;
    ensure!(
        next.status == StatusCode::OK,
        "a refresh after the jump and back: {} {}",
        next.status,
        next.body
    );
    refresh_is_refused(server, &rotated.replaced).await?;
    ensure!(
        by_token(server, &rotated.tokens.access).await? == StatusCode::UNAUTHORIZED,
        "reuse ends nothing"
    );
    Ok(())
}

/// A login, both faces, a refresh, a logout.
async fn works(server: &TestServer) -> anyhow::Result<()> {
    let mut browser = Client::browser(server);
    let login = browser.log_in(KIM, PASSWORD).await?;
    ensure!(login.status == StatusCode::OK, "login: {} {}", login.status, login.body);
    ensure!(by_cookie(&mut browser).await? == StatusCode::OK, "a new session is refused");
    let out = browser.json(Method::DELETE, "/api/v1/session", &json!({})).await?;
    ensure!(out.status == StatusCode::NO_CONTENT, "logout: {}", out.status);
    let tokens = Client::tool(server).tokens(KIM, PASSWORD).await?;
    ensure!(by_token(server, &tokens.access).await? == StatusCode::OK, "a new token is refused");
    let next = Client::tool(server).refresh(&tokens.refresh).await?;
    ensure!(next.status == StatusCode::OK, "refresh: {} {}", next.status, next.body);
    Ok(())
}
