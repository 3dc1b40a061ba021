//! A stop that loses nothing (attack DOS-12).

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context, ensure};
use countersign_testkit::http2::{END_HEADERS, END_STREAM, Frame, RawHttp2, kind, literal};
use countersign_testkit::{Client, on_every_store};
use reqwest::StatusCode;
use tokio::net::TcpStream;

use super::{host, server};
use crate::support::{self, KIM, PASSWORD, SESSION};

#[tokio::test(flavor = "multi_thread")]
async fn dos_12_i12_a_stop_under_load_loses_nothing_that_was_acknowledged() {
    on_every_store(async |server| {
        support::register(&server, KIM).await?;
        let acknowledged = Arc::new(AtomicUsize::new(0));
        let load: Vec<_> = (0..6)
            .map(|_| tokio::spawn(log_in_on_and_on(Client::browser(&server), Arc::clone(&acknowledged))))
            .collect();
        let under_load = async {
            while acknowledged.load(Ordering::SeqCst) < 12 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_mins(1), under_load).await.context("no logins")?;
        let memory = server.app.config.store.to_string().starts_with("memory");
        let server = server.restart([].into()).await?;
        for sessions in load {
            for session in sessions.await? {
                let mut browser = Client::browser(&server);
                browser.set_cookie(SESSION, &session);
                let status = support::by_cookie(&mut browser).await?;
                ensure!(memory || status == StatusCode::OK, "an acknowledged login is lost: {status}");
            }
        }
        Ok(())
    })
    .await;
}

/// Logs in on the same connection until the server closes it. Returns the sessions that were acknowledged.
async fn log_in_on_and_on(client: Client, acknowledged: Arc<AtomicUsize>) -> Vec<String> {
    let mut sessions = Vec::new();
    loop {
        let mut browser = client.clone();
        let Ok(answer) = browser.log_in(KIM, PASSWORD).await else { return sessions };
        if answer.status == StatusCode::SERVICE_UNAVAILABLE {
            // A slow machine puts it off; it opened nothing.
            continue;
        }
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        sessions.extend(browser.cookie(SESSION).map(str::to_owned));
        acknowledged.fetch_add(1, Ordering::SeqCst);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn dos_12_a_request_under_way_is_answered_and_the_rest_is_turned_away() -> anyhow::Result<()> {
    let mut server = server().await?;
    support::register(&server, KIM).await?;
    let held = server.random.hold_next();
    let mut browser = Client::browser(&server);
    let login = tokio::spawn(async move { browser.log_in(KIM, PASSWORD).await });
    held.until_somebody_waits();
    // Another one that has said what it is, and does nothing.
    let mut idle = TcpStream::connect(server.address).await?;
    let request = format!("GET /healthz HTTP/1.1\r\nHost: {}\r\n\r\n", host(&server));
    ensure!(countersign_testkit::raw::send_on(&mut idle, request.as_bytes()).await?.status == 204);
    server.stop();
    let closed = countersign_testkit::raw::send_on(&mut idle, b"").await;
    ensure!(closed.is_err(), "an idle connection is kept: {closed:?}");
    while TcpStream::connect(server.address).await.is_ok() {}
    drop(held);
    let answer = login.await??;
    ensure!(answer.status == StatusCode::OK, "{} {}", answer.status, answer.body);
    // Its connection has nothing more to wait for.
    server.stopped().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn dos_12_over_http2_a_stop_is_announced_and_the_server_is_no_longer_ready() -> anyhow::Result<()> {
    let mut server = server().await?;
    support::register(&server, KIM).await?;
    let own = host(&server);
    let headers = |method: &[u8], path: &[u8]| {
        let (json, type_) = (&b"application/json"[..], &b"content-type"[..]);
        literal(&[
            (b":method", method),
            (b":scheme", b"http"),
            (b":path", path),
            (b":authority", own.as_bytes()),
            (type_, json),
        ])
    };
    let mut raw = RawHttp2::connect(&server).await?;
    let body = format!(r#"{{"identifier":"{KIM}","password":"{PASSWORD}","deliver":"cookie"}}"#);
    let held = server.random.hold_next();
    raw.send(&[
        Frame::new(kind::HEADERS, END_HEADERS, 1, headers(b"POST", b"/api/v1/login")),
        Frame::new(kind::DATA, END_STREAM, 1, body),
    ])
    .await?;
    held.until_somebody_waits();
    server.stop();
    while raw.next().await?.context("closed at once")?.kind != kind::GOAWAY {}
    // Whoever asks before it has read that is told.
    let ready = Frame::new(kind::HEADERS, END_HEADERS | END_STREAM, 3, headers(b"GET", b"/readyz"));
    raw.send(&[ready]).await?;
    let status = next_head(&mut raw, 3).await?;
    // `:status: 503` in HPACK: a new value of entry 8, in Huffman code.
    ensure!(status.starts_with(&[0x48, 0x83, 0x6c, 0x0c, 0xff]), "{status:02x?}");
    drop(held);
    let status = next_head(&mut raw, 1).await?;
    ensure!(status.first() == Some(&0x88), "no 200: {status:02x?}");
    drop(raw);
    server.stopped().await;
    Ok(())
}

async fn next_head(raw: &mut RawHttp2, stream: u32) -> anyhow::Result<Vec<u8>> {
    loop {
        let frame = raw.next().await?.context("closed")?;
        if frame.kind == kind::HEADERS && frame.stream == stream {
            return Ok(frame.payload);
        }
    }
}
