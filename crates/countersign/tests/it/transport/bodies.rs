//! Bodies that never end (attack HTTP-03): on HTTP/2 one connection begins many.

use std::time::Duration;

use anyhow::{Context, ensure};
use bytes::Bytes;
use countersign_testkit::TestServer;
use countersign_testkit::http2::Http2;
use http::{Method, StatusCode};
use tokio::task::JoinSet;

use super::{from, server};

/// Requests of one connection at the same time, as the server allows.
const STREAMS: usize = 64;
const CONNECTIONS: usize = 3;
/// So many of the largest bodies one address may have under way.
const ROOM: usize = 64;

fn login(http2: &Http2) -> http::request::Builder {
    http2.request(Method::POST, "/api/v1/login").header("content-type", "application/json")
}

/// A login from another address: whether it is read.
async fn is_read(server: &TestServer, address: &str) -> anyhow::Result<bool> {
    let mut http2 = Http2::on(server, from(address, server).await?).await?;
    let request = login(&http2);
    Ok(http2.send(request, "{}").await?.status == StatusCode::BAD_REQUEST)
}

#[tokio::test]
async fn http_03_bodies_that_stop_before_their_end_hold_no_more_than_their_networks_room()
-> anyhow::Result<()> {
    let server = server().await?;
    let largest = Bytes::from(vec![b' '; 64 * 1024]);
    let mut unfinished = JoinSet::new();
    for _ in 0..CONNECTIONS {
        let mut http2 = Http2::on(&server, from("127.0.0.2", &server).await?).await?;
        for _ in 0..STREAMS {
            let request = login(&http2);
            unfinished.spawn(http2.send_without_end(request, largest.clone()).await?);
        }
    }
    // What there is no room for is told so, though it could be sent for half a minute more.
    for _ in 0..STREAMS * CONNECTIONS - ROOM {
        let refused = tokio::time::timeout(Duration::from_secs(20), unfinished.join_next()).await;
        let status = refused.context("all of them are kept")?.context("none is left")???;
        ensure!(status == StatusCode::SERVICE_UNAVAILABLE, "{status}");
    }
    ensure!(is_read(&server, "127.0.0.3").await?, "others are shut out");
    drop(unfinished);
    let free = async {
        while !is_read(&server, "127.0.0.2").await? {}
        anyhow::Ok(())
    };
    tokio::time::timeout(Duration::from_secs(20), free).await.context("the room is not given back")?
}
