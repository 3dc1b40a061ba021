//! Defects under load (attack DOS-06).

use anyhow::ensure;
use countersign_testkit::{Client, Options, StoreKind, TestServer};
use reqwest::StatusCode;

use crate::people::member;
use crate::support::{self, KIM, PASSWORD};

#[tokio::test(flavor = "multi_thread")]
async fn dos_06_two_hundred_defects_at_once_hurt_nobody_else() -> anyhow::Result<()> {
    let options = Options::on(StoreKind::Sqlite).with("COUNTERSIGN_THROTTLE_ENABLED", "false");
    let server = TestServer::start(options).await?;
    let mut kim = member(&server, KIM).await?;
    ensure!(support::by_cookie(&mut kim).await? == StatusCode::OK);
    server.random.break_it();
    let broken: Vec<_> = (0..200)
        .map(|_| {
            let mut client = Client::browser(&server);
            tokio::spawn(async move { client.log_in(KIM, PASSWORD).await })
        })
        .collect();
    // What needs nothing that is broken goes on.
    for _ in 0..100 {
        ensure!(support::by_cookie(&mut kim).await? == StatusCode::OK);
    }
    let mut defects = 0;
    for answer in broken {
        let status = answer.await??.status;
        ensure!([500, 503].contains(&status.as_u16()), "{status}");
        defects += usize::from(status == StatusCode::INTERNAL_SERVER_ERROR);
    }
    ensure!(defects > 50, "{defects} defects");
    server.random.mend();
    for _ in 0..10 {
        ensure!(Client::browser(&server).log_in(KIM, PASSWORD).await?.status == StatusCode::OK);
    }
    Ok(())
}
