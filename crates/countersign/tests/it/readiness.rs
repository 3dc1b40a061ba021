//! `/readyz`: what whoever sends requests here goes by.

use std::time::Duration;

use anyhow::ensure;
use countersign_core::Span;
use countersign_testkit::{Client, Options, StoreKind, TestServer, on_every_store};
use reqwest::StatusCode;

use crate::metrics::Metrics;
use crate::people::member;
use crate::support::KIM;

#[tokio::test]
async fn a_healthy_server_is_ready_whatever_its_name_and_stops_being_so_when_it_drains() {
    on_every_store(async |server| {
        let mut tool = Client::tool(&server);
        ensure!(tool.get("/readyz").await?.status == StatusCode::NO_CONTENT);
        let by_address = tool.request(reqwest::Method::GET, "/readyz").header("host", "10.0.0.7:8080");
        ensure!(tool.send(by_address).await?.status == StatusCode::NO_CONTENT);
        server.app.drain();
        let answer = tool.get("/readyz").await?;
        ensure!(answer.status == StatusCode::SERVICE_UNAVAILABLE && answer.header("retry-after") == "1");
        ensure!(answer.body.contains("Not ready: it is stopping."), "{}", answer.body);
        ensure!(tool.get("/healthz").await?.status == StatusCode::NO_CONTENT);
        ensure!(tool.get("/login").await?.status == StatusCode::OK, "what comes all the same is answered");
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn i13_a_store_that_fails_shows_within_seconds() {
    on_every_store(async |server| {
        let mut tool = Client::tool(&server);
        ensure!(tool.get("/readyz").await?.status == StatusCode::NO_CONTENT);
        server.app.close().await?;
        ensure!(tool.get("/readyz").await?.status == StatusCode::NO_CONTENT, "what was found holds a moment");
        server.clock.advance(Span::seconds(2));
        let answer = tool.get("/readyz").await?;
        ensure!(answer.status == StatusCode::SERVICE_UNAVAILABLE && answer.header("retry-after") == "1");
        ensure!(answer.body.contains("Not ready: the store takes no writes."), "{}", answer.body);
        Ok(())
    })
    .await;
}

/// Where another client can hold a server's writes up.
#[tokio::test]
async fn sto_05_while_writes_fail_known_sessions_go_on_and_afterwards_no_restart_is_needed() {
    if !StoreKind::testable().contains(&StoreKind::Postgres) {
        return;
    }
    let server = TestServer::start(Options::on(StoreKind::Postgres)).await.unwrap();
    let mut browser = member(&server, KIM).await.unwrap();
    let mut tool = Client::tool(&server);
    assert_eq!(tool.get("/readyz").await.unwrap().status, StatusCode::NO_CONTENT);
    assert_eq!(browser.get("/api/v1/session").await.unwrap().status, StatusCode::OK);
    let held = server.hold_writes("heartbeat").await.unwrap();
    // The first write that waits for too long may be a hiccup.
    let mut answers = Vec::new();
    for _ in 0..2 {
        server.clock.advance(Span::seconds(2));
        let asked = tokio::time::timeout(Duration::from_secs(30), tool.get("/readyz")).await;
        answers.push(asked.expect("an answer in time").unwrap().status);
    }
    assert_eq!(answers[1], StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(browser.get("/api/v1/session").await.unwrap().status, StatusCode::OK, "from memory");
    held.release().await.unwrap();
    server.clock.advance(Span::seconds(2));
    assert_eq!(tool.get("/readyz").await.unwrap().status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn a_flood_of_questions_costs_one_write() {
    let server = TestServer::start(Options::on(StoreKind::Sqlite)).await.unwrap();
    let tool = Client::tool(&server);
    let metrics = Metrics::of(&server).await.unwrap();
    let writes = async || metrics.value("countersign_store_apply_seconds_count").await.unwrap();
    let before = writes().await;
    let asked: Vec<_> =
        (0..200).map(|_| tokio::spawn(tool.request(reqwest::Method::GET, "/readyz").send())).collect();
    for answer in asked {
        assert_eq!(answer.await.unwrap().unwrap().status(), StatusCode::NO_CONTENT);
    }
    assert!((writes().await - before - 1.0).abs() < 0.5);
}
