//! Who is known to an account and for how long, and what many addresses do to others (attacks LOG-15, DOS-03, HTTP-11).

use anyhow::ensure;
use countersign_core::Span;
use countersign_server::admin::Command;
use countersign_testkit::{Client, Options, StoreKind, TestServer, on_every_store_with};
use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::support::*;
use crate::throttling::{PROXY, THROTTLED, WRONG, lock, lock_with, log_in_from};

#[tokio::test]
async fn log_15_a_new_password_makes_every_device_a_stranger_but_the_one_that_chose_it() {
    on_every_store_with(&[PROXY], async |server| {
        register(&server, KIM).await?;
        let (mut own, mut old) = (browser(&server, KIM).await?, browser(&server, KIM).await?);
        let page = browser(&server, KIM).await?;
        let change = json!({ "current": PASSWORD, "new": OTHER_PASSWORD });
        let changed = own.json(Method::PUT, "/api/v1/password", &change).await?;
        ensure!(changed.status == StatusCode::NO_CONTENT, "{}", changed.body);
        lock_with(&server, KIM, "yet.another.pebble.77").await?;
        let right = (KIM, OTHER_PASSWORD);
        for (mut stranger, who) in [(old.clone(), "a device from before"), (page, "another")] {
            let answer = log_in_from(&mut stranger, "198.51.100.7", right).await?;
            ensure!(answer.status == THROTTLED, "{who}: {}", answer.status);
        }
        ensure!(log_in_from(&mut own, "198.51.100.7", right).await?.status == StatusCode::OK);
        // Whoever has no account of the device's before is no other device than it was.
        let token = reset_token(&mut old, KIM).await?;
        let reset = json!({ "token": token, "password": PASSWORD });
        ensure!(old.json(Method::POST, "/api/v1/reset", &reset).await?.status == StatusCode::NO_CONTENT);
        let answer = log_in_from(&mut own, "198.51.100.7", (KIM, PASSWORD)).await?;
        ensure!(answer.status == THROTTLED, "a reset: {}", answer.status);
        ensure!(log_in_from(&mut old, "198.51.100.7", (KIM, PASSWORD)).await?.status == StatusCode::OK);
        // An epoch ends what is known as well.
        operate(&server, Command::RevokeEverything).await?;
        server.clock.advance(Span::minutes(1));
        let answer = log_in_from(&mut old, "198.51.100.7", (KIM, PASSWORD)).await?;
        ensure!(answer.status == THROTTLED, "an epoch: {}", answer.status);
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn i14_a_locked_name_stays_locked_when_somebody_registers_it() {
    on_every_store_with(&[PROXY], async |server| {
        lock(&server, KIM).await?;
        register(&server, KIM).await?;
        let answer = log_in_from(&mut Client::browser(&server), "198.51.100.7", (KIM, PASSWORD)).await?;
        ensure!(answer.status == THROTTLED, "{}", answer.status);
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn dos_03_http_11_made_up_links_from_everywhere_hold_up_their_senders_alone() -> anyhow::Result<()> {
    let (name, value) = PROXY;
    let options = Options::on(StoreKind::Memory).with(name, value);
    let server = TestServer::start(options.with("COUNTERSIGN_THROTTLE_GLOBAL", "100")).await?;
    register(&server, KIM).await?;
    let mut statuses = Vec::new();
    for number in 0..450 {
        let token = format!("{number:042}A");
        let body = json!({ "token": token, "password": PASSWORD });
        let mut client = Client::tool(&server);
        let request = client.request(Method::POST, "/api/v1/reset").json(&body);
        let address = format!("2001:db8:1:{:x}::1", number * 64);
        statuses.push(client.send(request.header("x-forwarded-for", address)).await?.status);
    }
    let refused = statuses.iter().filter(|status| **status == THROTTLED).count();
    assert_eq!((refused, statuses.contains(&WRONG)), (50, true), "a /48 has four times what an address has");
    // A tenth for each address in unusual times: these are none.
    for number in 0..11 {
        let name = format!("typed{number}@example.org");
        let answer = log_in_from(&mut Client::tool(&server), "198.51.100.7", (&name, OTHER_PASSWORD)).await?;
        assert_eq!(answer.status, WRONG, "{number}");
    }
    assert_eq!(server.audited("limit.hit").await?, 1);
    Ok(())
}
