//! STO-17: what lies broken in the database is refused, loudly, and harms nobody else.

use anyhow::{Context, ensure};
use countersign_core::SessionId;
use countersign_store::db::snapshot::{Target, verify};
use countersign_testkit::inspect::edit;
use countersign_testkit::logs::logs;
use countersign_testkit::{Client, Options, StoreKind, TestServer};
use reqwest::StatusCode;

use crate::people::member;
use crate::support::{KIM, LEE, SESSION, browser, by_cookie};

const ALARM: &str = "the database is damaged";

/// The same browser after a restart: the port is another one.
fn again(server: &TestServer, before: &Client) -> anyhow::Result<Client> {
    let mut after = Client::browser(server);
    after.set_cookie(SESSION, before.cookie(SESSION).context("no session")?);
    Ok(after)
}

#[tokio::test]
async fn sto_17_a_broken_row_is_refused_with_an_alarm_and_every_other_one_serves() -> anyhow::Result<()> {
    let logs = logs();
    let mut server = TestServer::start(Options::on(StoreKind::Sqlite)).await?;
    let (mut lee, _) = (member(&server, LEE).await?, member(&server, KIM).await?);
    for broken in [
        "UPDATE sessions SET amr = 'pwd\u{fffd}' WHERE account_id IN (SELECT account_id FROM identifiers WHERE canonical LIKE 'kim%')",
        "UPDATE sessions SET acr = '' WHERE account_id IN (SELECT account_id FROM identifiers WHERE canonical LIKE 'kim%')",
        "UPDATE sessions SET list_id = x'0102' || substr(id, 1, 2)
          WHERE account_id IN (SELECT account_id FROM identifiers WHERE canonical LIKE 'kim%')",
        "UPDATE sessions SET absolute_ends_at = 'never'
          WHERE account_id IN (SELECT account_id FROM identifiers WHERE canonical LIKE 'kim%')",
        "UPDATE accounts SET state = 'activ' WHERE id IN (SELECT account_id FROM identifiers WHERE canonical LIKE 'kim%')",
    ] {
        let kim = browser(&server, KIM).await?;
        let alarms = logs.own(ALARM);
        server = server.restart_tampered(async |database| edit(database, &[broken]).await).await?;
        let mut kim = again(&server, &kim)?;
        lee = again(&server, &lee)?;
        ensure!(by_cookie(&mut kim).await? == StatusCode::INTERNAL_SERVER_ERROR, "{broken}");
        ensure!(logs.own(ALARM) > alarms, "{broken}: no alarm");
        ensure!(by_cookie(&mut lee).await? == StatusCode::OK, "{broken}: lee");
        ensure!(Client::tool(&server).get("/readyz").await?.status.is_success(), "{broken}");
    }
    Ok(())
}

#[tokio::test]
async fn sto_17_a_broken_hash_or_mail_opens_nothing_and_stops_nothing() -> anyhow::Result<()> {
    let server = TestServer::start(Options::on(StoreKind::Sqlite)).await?;
    member(&server, KIM).await?;
    member(&server, LEE).await?;
    let tamper = [
        "UPDATE credentials SET data = '$argon2id$v=19$m=64' WHERE account_id IN
          (SELECT account_id FROM identifiers WHERE canonical LIKE 'kim%')",
        "UPDATE jobs SET sealed = substr(sealed, 1, 20) WHERE id IN (SELECT id FROM jobs ORDER BY id LIMIT 1)",
    ];
    let server = server.restart_tampered(async |database| edit(database, &tamper).await).await?;
    let kim = Client::browser(&server).log_in(KIM, crate::support::PASSWORD).await?;
    ensure!(!kim.status.is_success(), "{} {}", kim.status, kim.body);
    browser(&server, LEE).await?;
    ensure!(Client::tool(&server).mails().await?.len() == 1, "the other mail is readable");
    Ok(())
}

#[tokio::test]
async fn sto_17_sto_18_a_broken_key_refuses_the_start_in_words() -> anyhow::Result<()> {
    let server = TestServer::start(Options::on(StoreKind::Sqlite)).await?;
    let tamper = ["UPDATE keys SET sealed = substr(sealed, 1, 30) WHERE state = 'active'"];
    let refused = server.restart_tampered(async |database| edit(database, &tamper).await).await;
    let words = format!("{:#}", refused.err().context("it started")?);
    ensure!(words.contains("Put that file back") && words.contains("keys reseal --lost"), "{words}");
    Ok(())
}

#[tokio::test]
async fn sto_17_a_flipped_page_is_refused_with_an_alarm_and_never_backed_up() -> anyhow::Result<()> {
    let logs = logs();
    let server = TestServer::start(Options::on(StoreKind::Sqlite)).await?;
    let mut kim = member(&server, KIM).await?;
    let id = kim.get("/api/v1/session").await?.json()["session"]["id"].as_str().context("no id")?.to_owned();
    let id = SessionId::parse(&id)?;
    let alarms = logs.own(ALARM);
    let server = server
        .restart_tampered(async |database| {
            let mut bytes = std::fs::read(database)?;
            // Every page that tells of the session, but the schema.
            let pages = bytes.len() / 4096;
            for page in
                (1..pages).filter(|page| holds(&bytes[page * 4096..][..4096], id.bytes())).collect::<Vec<_>>()
            {
                bytes[page * 4096..][..8].fill(0xff);
            }
            Ok(std::fs::write(database, bytes)?)
        })
        .await?;
    let mut kim = again(&server, &kim)?;
    for _ in 0..3 {
        ensure!(by_cookie(&mut kim).await? == StatusCode::INTERNAL_SERVER_ERROR);
    }
    ensure!(logs.own(ALARM) > alarms, "no alarm");
    ensure!(Client::browser(&server).get("/login").await?.status == StatusCode::OK);
    let target = Target { path: server.folder().join("backup.db"), overwrite: false };
    let watch: countersign_store::db::snapshot::Watch = std::sync::Arc::new(|_| true);
    ensure!(server.app.store.back_up(target.clone(), watch.clone()).await.is_err());
    ensure!(verify(&target.path, &watch).is_err() && !target.path.exists());
    Ok(())
}

fn holds(page: &[u8], bytes: &[u8]) -> bool {
    page.windows(bytes.len()).any(|window| window == bytes)
}
