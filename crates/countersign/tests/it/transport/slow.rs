//! Peers that take their time (attack HTTP-03), and too many of them. The listener's second is made short here.

use std::time::Duration;

use anyhow::{Context, ensure};
use countersign_testkit::{Options, StoreKind, TestServer, flood, raw};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::{from, host};

/// A hundred times as impatient as a real one.
fn impatient() -> Options {
    Options::on(StoreKind::Memory).tick(Duration::from_millis(10))
}

/// Waits until the server closes, and returns what it said before.
async fn until_closed(stream: &mut TcpStream) -> anyhow::Result<String> {
    let mut said = Vec::new();
    let read = stream.read_to_end(&mut said);
    // Reset is closed too.
    let _ = tokio::time::timeout(Duration::from_secs(30), read).await.context("it does not close")?;
    Ok(String::from_utf8_lossy(&said).into_owned())
}

#[tokio::test]
async fn http_03_a_peer_that_does_not_get_on_is_left() -> anyhow::Result<()> {
    let server = TestServer::start(impatient()).await?;
    let host = host(&server);
    let post = format!("POST /api/v1/login HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n");
    for (name, begin, drip) in [
        ("nothing at all", String::new(), ""),
        ("a head that never ends", format!("GET /login HTTP/1.1\r\nHost: {host}\r\nX: "), "y"),
        ("a body that never comes", format!("{post}Content-Length: 60000\r\n\r\n"), ""),
        ("a body in drops", format!("{post}Content-Length: 60000\r\n\r\n"), " "),
        ("a chunk that never ends", format!("{post}Transfer-Encoding: chunked\r\n\r\nFFFF\r\n"), " "),
        ("a preface of HTTP/2 and no more", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(), ""),
    ] {
        let said = drip_until_closed(&server, &begin, drip).await.context(name)?;
        ensure!(!said.contains(" 200 "), "{name} is answered");
    }
    Ok(())
}

/// Sends the beginning, and then a drop now and again, until the server closes. Returns what it said.
async fn drip_until_closed(server: &TestServer, begin: &str, drip: &str) -> anyhow::Result<String> {
    let mut stream = TcpStream::connect(server.address).await?;
    stream.write_all(begin.as_bytes()).await?;
    let (mut reads, mut writes) = stream.split();
    let dripping = async {
        let mut timer = tokio::time::interval(Duration::from_millis(20));
        loop {
            timer.tick().await;
            // What is closed for writing may still say something.
            drop(writes.write_all(drip.as_bytes()).await);
        }
    };
    let mut said = Vec::new();
    let closed = async {
        tokio::select! {
            _ = reads.read_to_end(&mut said) => {}
            () = dripping => {}
        }
    };
    tokio::time::timeout(Duration::from_secs(30), closed).await.context("it does not close")?;
    Ok(String::from_utf8_lossy(&said).into_owned())
}

#[tokio::test]
async fn http_03_a_peer_that_does_not_read_is_left() -> anyhow::Result<()> {
    let server = TestServer::start(impatient()).await?;
    let mut stream = TcpStream::connect(server.address).await?;
    let request = format!("GET /api/v1/openapi.json HTTP/1.1\r\nHost: {}\r\n\r\n", host(&server));
    // Asks on and on until nothing is taken any more, and reads no answer.
    let asking = async { while stream.write_all(request.as_bytes()).await.is_ok() {} };
    tokio::time::timeout(Duration::from_mins(1), asking).await.context("it does not close")?;
    Ok(())
}

#[tokio::test]
async fn http_03_a_connection_that_nobody_uses_is_closed_and_one_in_use_is_not() -> anyhow::Result<()> {
    let server = TestServer::start(impatient()).await?;
    let request = format!("GET /healthz HTTP/1.1\r\nHost: {}\r\n\r\n", host(&server));
    let mut idle = TcpStream::connect(server.address).await?;
    ensure!(raw::send_on(&mut idle, request.as_bytes()).await?.status == 204);
    let mut used = TcpStream::connect(server.address).await?;
    let using = async {
        let mut timer = tokio::time::interval(Duration::from_millis(100));
        loop {
            timer.tick().await;
            let answer = raw::send_on(&mut used, request.as_bytes()).await;
            if let Err(error) = answer {
                return error;
            }
        }
    };
    tokio::select! {
        said = until_closed(&mut idle) => ensure!(said?.is_empty(), "something was said"),
        error = using => return Err(error.context("the used one was closed")),
    }
    Ok(())
}

#[tokio::test]
async fn http_03_one_address_has_its_limit_and_others_have_theirs() -> anyhow::Result<()> {
    let options = Options::on(StoreKind::Memory).with("COUNTERSIGN_SERVER_CONNECTIONS_PER_ADDRESS", "3");
    let server = TestServer::start(options).await?;
    let request = format!("GET /healthz HTTP/1.1\r\nHost: {}\r\n\r\n", host(&server));
    let mut held = Vec::new();
    for _ in 0..3 {
        let mut stream = from("127.0.0.2", &server).await?;
        ensure!(raw::send_on(&mut stream, request.as_bytes()).await?.status == 204);
        held.push(stream);
    }
    let mut fourth = from("127.0.0.2", &server).await?;
    ensure!(until_closed(&mut fourth).await?.is_empty(), "a fourth is served");
    let mut other = from("127.0.0.3", &server).await?;
    ensure!(raw::send_on(&mut other, request.as_bytes()).await?.status == 204, "another address is shut out");
    held.pop();
    // Whether the server has noticed yet that a seat is free, only asking tells.
    let free = async {
        loop {
            let mut stream = from("127.0.0.2", &server).await?;
            if raw::send_on(&mut stream, request.as_bytes()).await.is_ok() {
                return anyhow::Ok(());
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), free).await.context("no seat becomes free")?
}

#[tokio::test]
async fn http_03_where_proxies_are_trusted_each_of_them_stands_for_many() -> anyhow::Result<()> {
    let options = Options::on(StoreKind::Memory).with("COUNTERSIGN_SERVER_CONNECTIONS_PER_ADDRESS", "1");
    let server = TestServer::start(options.with("COUNTERSIGN_SERVER_TRUSTED_PROXIES", "127.0.0.2")).await?;
    let request = format!("GET /healthz HTTP/1.1\r\nHost: {}\r\n\r\n", host(&server));
    let mut held = Vec::new();
    for _ in 0..20 {
        let mut stream = from("127.0.0.2", &server).await?;
        ensure!(raw::send_on(&mut stream, request.as_bytes()).await?.status == 204);
        held.push(stream);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn http_03_http_06_slow_peers_and_a_flood_of_resets_leave_others_their_answers() -> anyhow::Result<()> {
    let options = Options::on(StoreKind::Memory).with("COUNTERSIGN_SERVER_CONNECTIONS_PER_ADDRESS", "300");
    let server = TestServer::start(options).await?;
    let mut kim = crate::people::member(&server, crate::support::KIM).await?;
    let slow = flood::slow_connections(server.address, "127.0.0.2".parse()?, 600).await?;
    ensure!(slow.len() == 600, "{} connections", slow.len());
    let resets = flood::resets(server.address, "127.0.0.3".parse()?, &host(&server));
    resets.reaches(100).await?;
    for _ in 0..200 {
        ensure!(crate::support::by_cookie(&mut kim).await? == reqwest::StatusCode::OK);
    }
    resets.reaches(200).await?;
    resets.stop().await;
    Ok(())
}
