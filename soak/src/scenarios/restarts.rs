//! SIGTERM under load, again and again (attack DOS-12).

use std::time::Duration;

use anyhow::Context as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::faults::{UnderLoad, spread};
use crate::dice::Dice;
use crate::progress::Progress;
use crate::scenario::{Outcome, Setup};
use crate::stats::quantile;

/// What a hash costs here: a few milliseconds, so that some are always under way.
const HASHES: [(&str, &str); 2] =
    [("COUNTERSIGN_PASSWORD_MEMORY_KIB", "8192"), ("COUNTERSIGN_PASSWORD_ITERATIONS", "1")];
/// Logins under way when the signal comes.
const UNDER_WAY: usize = 16;
const BETWEEN: Duration = Duration::from_millis(600);
/// A start takes no longer (DOS-12).
const START: Duration = Duration::from_secs(1);
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) fn run(setup: &Setup) -> anyhow::Result<Outcome> {
    Runtime::new()?.block_on(restarts(setup, setup.times(3, 20)))
}

async fn restarts(setup: &Setup, times: usize) -> anyhow::Result<Outcome> {
    let mut dice = Dice::new(setup.seed, 2);
    let mut under = UnderLoad::start(setup, &HASHES.map(|(name, value)| (name, value.to_owned()))).await?;
    let (mut starts, mut stops, mut problems) = (Vec::new(), Vec::new(), Vec::new());
    let (mut drained, mut progress) = (Vec::new(), Progress::new("restarts", times));
    for done in 1..=times {
        sleep(dice.within(BETWEEN)).await;
        under.load.may_break();
        let (under_way, first) = logins(under.server.port()).await?;
        let (stop, status) = under.server.stop().await?;
        if !status.success() {
            problems.push(format!("a stop ended with {status}: {}", under.server.log()));
        }
        if under.http.is_ready().await {
            problems.push("it said that it was ready after it had stopped".to_owned());
        }
        let answers = [first].into_iter().chain(under_way.join_all().await);
        drained.extend(answers);
        stops.push(stop);
        starts.push(under.server.start(&under.http).await?);
        under.load.back();
        progress.at(done);
    }
    let slowest = quantile(&starts, 1.0);
    if slowest >= START {
        problems.push(format!("a start took {slowest:?}"));
    }
    let count = |status| drained.iter().filter(|answered| **answered == status).count();
    let (compared, put_off, all) = (count(Some(401)), count(Some(503)), drained.len());
    if compared + put_off != all || compared < times {
        problems.push(format!("logins under way were answered {drained:?}"));
    }
    let mut figures = vec![spread("start", &starts), spread("stop", &stops)];
    figures.push(format!(
        "of {all} logins under way at the signals {compared} were compared, {put_off} put off with 503, {} answered \
         otherwise or not",
        all - compared - put_off
    ));
    let mut outcome = under.finish(format!("{times} restarts"), figures).await?;
    outcome.problems.extend(problems);
    Ok(outcome)
}

/// Logins that the server has begun to work on: those that are not answered yet, and the answer of the first.
async fn logins(port: u16) -> anyhow::Result<(JoinSet<Option<u16>>, Option<u16>)> {
    let body = r#"{"identifier":"nobody@example.org","password":"granite.lantern","deliver":"token"}"#;
    let request = format!(
        "POST /api/v1/login HTTP/1.1\r\nhost: localhost:{port}\r\nsec-fetch-site: same-origin\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut logins = JoinSet::new();
    for _ in 0..UNDER_WAY {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.write_all(request.as_bytes()).await?;
        logins.spawn(answered(stream));
    }
    // Hashes are made one after the other: when one is answered the others are under way.
    let first = logins.join_next().await.context("there are some")??;
    Ok((logins, first))
}

/// The status of the answer, if one comes.
async fn answered(mut stream: TcpStream) -> Option<u16> {
    let mut start = [0; 12];
    timeout(PATIENCE, stream.read_exact(&mut start)).await.ok()?.ok()?;
    str::from_utf8(&start).ok()?.strip_prefix("HTTP/1.1 ")?.parse().ok()
}
