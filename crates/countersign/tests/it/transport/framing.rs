//! HTTP/1.1 messages that two servers could read differently (attack HTTP-01).

use anyhow::{Context as _, ensure};
use countersign_testkit::{TestServer, raw};

use super::{host, server};

/// How many answers a connection gave, the status of the first, and whether anything of ours worded it: what the parser
/// refuses, none of us has seen.
async fn answers(server: &TestServer, request: &str) -> anyhow::Result<(usize, u16, bool)> {
    let bytes = raw::send_and_drain(server, request.as_bytes()).await?;
    let text = String::from_utf8_lossy(&bytes);
    let first = text.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    Ok((text.matches("HTTP/1.1 ").count(), first, text.contains("problem+json")))
}

/// A request that must never be read as one of its own.
fn smuggled(server: &TestServer) -> String {
    format!("GET /healthz HTTP/1.1\r\nHost: {}\r\n\r\n", host(server))
}

#[tokio::test]
async fn http_01_a_body_whose_end_is_in_doubt_is_refused_and_the_connection_ends() -> anyhow::Result<()> {
    let server = server().await?;
    let (host, inner) = (host(&server), smuggled(&server));
    for headers in [
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked, chunked",
        "Transfer-Encoding : chunked",
        "Transfer-Encoding: chunked, identity",
        "Transfer-Encoding: identity",
        "Transfer-Encoding: gzip, chunked",
        "Transfer-Encoding: xchunked",
        "Transfer-Encoding: \"chunked\"",
        "Transfer-Encoding:\x0bchunked",
        "Transfer-Encoding: chunked\r\n identity",
        "Content-Length: 5, 5",
        "Content-Length: 5\r\nContent-Length: 6",
        "Content-Length: +5",
        "Content-Length: 0x5",
        "Content-Length: -0",
        "Content-Length:\r\n 5",
        "Content-Length: 99999999999999999999999",
        "X: folded\r\n\tline",
        "X\r\n: y",
        " X: y",
        "X: a\0b",
        "X: a\rb",
        "X: a\nY: b",
        "X: a\n",
        "Content-Length: 5\nX: y",
        "Content-Length: 5\r\nContent-Length: 5",
        "Content-Length: 5\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 5",
    ] {
        let request = format!(
            "POST /api/v1/login HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n{headers}\r\n\r\n0\r\n\r\n{inner}"
        );
        let (count, status, seen) = answers(&server, &request).await.context(headers)?;
        ensure!(status == 400 && !seen, "{headers:?}: {status}");
        ensure!(count == 1, "{headers:?}: {count} answers");
    }
    Ok(())
}

#[tokio::test]
async fn http_01_after_a_body_in_chunks_the_connection_ends() -> anyhow::Result<()> {
    let server = server().await?;
    let (host, inner) = (host(&server), smuggled(&server));
    let post = |headers: &str, body: &str| {
        format!(
            "POST /api/v1/login HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n{headers}\r\n\r\n{body}{inner}"
        )
    };
    let login = r#"{"identifier":"kim@example.org","password":"not-the-right-one","deliver":"token"}"#;
    let chunks = format!("{:x}\r\n{login}\r\n0\r\n\r\n", login.len());
    for (headers, expected) in [
        ("Transfer-Encoding: chunked", 401),
        ("transfer-encoding: Chunked", 401),
        // A server that goes by the length would read the inner request as one of its own.
        ("Content-Length: 4\r\nTransfer-Encoding: chunked", 400),
        ("Transfer-Encoding: chunked\r\nContent-Length: 4", 400),
    ] {
        let (count, status, seen) = answers(&server, &post(headers, &chunks)).await?;
        ensure!((count, status) == (1, expected), "{headers:?}: {count} answers, {status}");
        ensure!(seen == (expected == 401), "{headers:?}");
    }
    // Chunks that are none, or that hide something in their extensions and trailers.
    let long = format!("2;{}\r\n{{}}\r\n0\r\n\r\n", "x".repeat(64 * 1024));
    for body in [
        "0x2\r\n{}\r\n0\r\n\r\n",
        "+2\r\n{}\r\n0\r\n\r\n",
        "-1\r\n{}\r\n0\r\n\r\n",
        "2\n{}\n0\n\n",
        "2\r\n{}0\r\n\r\n",
        "FFFFFFFFFFFFFFFFF\r\n{}\r\n0\r\n\r\n",
        &long,
    ] {
        let (count, status, _) = answers(&server, &post("Transfer-Encoding: chunked", body)).await?;
        ensure!(count <= 1 && [0, 400, 413].contains(&status), "{body:.20}: {count} answers, {status}");
    }
    Ok(())
}

#[tokio::test]
async fn http_01_what_comes_after_a_body_proves_nothing() -> anyhow::Result<()> {
    let server = server().await?;
    let request = format!(
        "GET /api/v1/session HTTP/1.1\r\nHost: {}\r\nTransfer-Encoding: chunked\r\nTrailer: Cookie\r\n\r\n0\r\n\
         Authorization: Bearer x\r\nCookie: __Host-Http-session=x\r\nHost: evil.example\r\n\r\n",
        host(&server)
    );
    let answer = raw::send(&server, request.as_bytes()).await?;
    // As without any of them: no token, so none that could be wrong.
    ensure!(answer.status == 401 && !answer.header("www-authenticate").contains("error="), "{answer:?}");
    ensure!(answer.header("connection") == "close", "{answer:?}");
    Ok(())
}
