//! HTTP/2: malformed messages (attack HTTP-02), floods (HTTP-06), and answers that tell nothing (LOG-02).

use std::time::Duration;

use anyhow::{Context, ensure};
use countersign_testkit::http2::{
    END_HEADERS, END_STREAM, Frame, Http2, Http2Answer, RawHttp2, kind, literal,
};
use countersign_testkit::{Options, StoreKind, TestServer, tls};
use http::Method;
use serde_json::{Value, json};

use super::{host, server};
use crate::support::{KIM, LEE, PASSWORD, register};

/// `ENHANCE_YOUR_CALM`
const CALM: u32 = 11;

/// The headers of a request, and those that a test adds.
fn request(server: &TestServer, (method, path): (&str, &str), more: &[(&[u8], &[u8])]) -> Vec<u8> {
    let host = host(server);
    let pseudo: [(&[u8], &[u8]); 4] = [
        (b":method", method.as_bytes()),
        (b":scheme", b"http"),
        (b":path", path.as_bytes()),
        (b":authority", host.as_bytes()),
    ];
    literal(&[&pseudo, more].concat())
}

fn get(server: &TestServer, stream: u32) -> Frame {
    Frame::new(kind::HEADERS, END_HEADERS | END_STREAM, stream, request(server, ("GET", "/login"), &[]))
}

/// A request whose body is to come.
fn post(server: &TestServer, stream: u32) -> Frame {
    let headers = request(server, ("POST", "/api/v1/login"), &[(b"content-type", b"application/json")]);
    Frame::new(kind::HEADERS, END_HEADERS, stream, headers)
}

/// What becomes of stream 1: whether it is answered with success, by the first byte of its headers (RFC 7541 appendix A:
/// `:status 200` is entry 8, 204 is 9).
async fn succeeds(raw: &mut RawHttp2) -> anyhow::Result<bool> {
    while let Some(frame) = raw.next().await? {
        match frame.kind {
            kind::RESET | kind::GOAWAY => return Ok(false),
            kind::HEADERS => return Ok([0x88, 0x89].contains(frame.payload.first().unwrap_or(&0))),
            _ => {}
        }
    }
    Ok(false)
}

#[tokio::test]
async fn http_02_a_request_that_another_version_would_read_differently_is_refused() -> anyhow::Result<()> {
    let server = server().await?;
    let mut raw = RawHttp2::connect(&server).await?;
    raw.send(&[get(&server, 1)]).await?;
    ensure!(succeeds(&mut raw).await?, "a good request is refused");
    for (name, value) in [
        (&b"x"[..], &b"a\r\nHost: evil.example"[..]),
        (b"x", b"a\nb"),
        (b"x", b"a\0b"),
        (b"x\r\ny", b"a"),
        (b"x:y", b"a"),
        (b"X", b"a"),
        (b"", b"a"),
        (b"transfer-encoding", b"chunked"),
        (b"connection", b"close"),
        (b"keep-alive", b"1"),
        (b"upgrade", b"h2c"),
        (b"te", b"gzip"),
        (b":path", b"/account"),
        (b":authority", b"evil.example"),
        (b":unknown", b"x"),
        (b"host", b"evil.example"),
        (b"content-length", b"5"),
    ] {
        let mut raw = RawHttp2::connect(&server).await?;
        let headers = request(&server, ("GET", "/login"), &[(name, value)]);
        raw.send(&[Frame::new(kind::HEADERS, END_HEADERS | END_STREAM, 1, headers)]).await?;
        let named = format!("{}: {}", String::from_utf8_lossy(name), String::from_utf8_lossy(value));
        ensure!(!succeeds(&mut raw).await.with_context(|| named.clone())?, "{named:?} is served");
    }
    let own = host(&server);
    for pseudo in [
        &[(&b":method"[..], &b"GET"[..]), (b":scheme", b"http"), (b":path", b"/login")][..],
        &[(b":method", b"GET"), (b":scheme", b"http"), (b":authority", own.as_bytes())],
        &[(b":method", b"GET"), (b":path", b"/login"), (b":authority", own.as_bytes())],
        &[(b":method", b"GET"), (b":scheme", b"http"), (b":path", b""), (b":authority", own.as_bytes())],
        &[
            (b":method", b"GET"),
            (b":scheme", b"http"),
            (b":path", b"/login"),
            (b":authority", b"evil.example"),
        ],
        &[
            (b":method", b"G T"),
            (b":scheme", b"http"),
            (b":path", b"/login"),
            (b":authority", own.as_bytes()),
        ],
        &[(b":method", b"GET"), (b":scheme", b"http"), (b":path", b"/login"), (b":authority", b"kim@evil")],
    ] {
        let mut raw = RawHttp2::connect(&server).await?;
        raw.send(&[Frame::new(kind::HEADERS, END_HEADERS | END_STREAM, 1, literal(pseudo))]).await?;
        ensure!(!succeeds(&mut raw).await?, "{pseudo:?} is served");
    }
    Ok(())
}

/// Status, headers in their order and body, without what differs from request to request.
fn likeness(answer: &Http2Answer) -> anyhow::Result<String> {
    let mut body: Value = serde_json::from_slice(&answer.body)?;
    let id = body["request_id"].take();
    ensure!(id.as_str() == answer.headers["x-request-id"].to_str().ok(), "another request id");
    let headers =
        answer.headers.iter().filter(|(name, _)| !["date", "x-request-id"].contains(&name.as_str()));
    let headers: Vec<_> = headers.map(|(name, value)| format!("{name}: {value:?}")).collect();
    Ok(format!("{} {} {}\n{}", answer.status, answer.body.len(), body, headers.join("\n")))
}

#[tokio::test]
async fn log_02_i14_over_http2_a_wrong_password_and_no_such_account_get_the_same_answer() -> anyhow::Result<()>
{
    let server = TestServer::start(Options::on(StoreKind::Memory)).await?;
    register(&server, KIM).await?;
    let mut seen = Vec::new();
    for who in [KIM, LEE, KIM, LEE] {
        let body = json!({ "identifier": who, "password": format!("not-{PASSWORD}"), "deliver": "cookie" });
        let mut http2 = Http2::connect(&server).await?;
        let request = http2.request(Method::POST, "/api/v1/login").header("content-type", "application/json");
        let answer = http2.send(request.header("accept-encoding", "gzip"), &body.to_string()).await?;
        ensure!(answer.status == 401, "{answer:?}");
        seen.push(likeness(&answer)?);
    }
    seen.dedup();
    ensure!(seen.len() == 1, "{seen:#?}");
    Ok(())
}

#[tokio::test]
async fn a_login_and_its_session_work_over_tls_and_http2() -> anyhow::Result<()> {
    let server = TestServer::start(Options::on(StoreKind::Memory).tls()).await?;
    let stream = tls::connect_as_browser(&server, &["h2"]).await?;
    let mut http2 = Http2::on(&server, stream).await?;
    let wrong = http2.request(Method::POST, "/api/v1/login").header("content-type", "application/json");
    let body = json!({ "identifier": KIM, "password": PASSWORD, "deliver": "cookie" }).to_string();
    ensure!(http2.send(wrong, &body).await?.status == 401);
    // Two cookies in two headers, as HTTP/2 clients may send them.
    let request =
        http2.request(Method::GET, "/api/v1/session").header("cookie", "a=b").header("cookie", "c=d");
    ensure!(http2.send(request, "").await?.status == 401);
    let page = http2.get("/login").await?;
    ensure!(page.status == 200 && String::from_utf8_lossy(&page.body).contains("Sign in"));
    Ok(())
}

#[tokio::test]
async fn http_06_streams_reset_as_fast_as_they_come_end_the_connection() -> anyhow::Result<()> {
    let server = server().await?;
    // In one go (CVE-2023-44487): they are reset before anybody looks at them.
    let mut raw = RawHttp2::connect(&server).await?;
    let pairs =
        (0..500).flat_map(|n| [get(&server, 2 * n + 1), Frame::new(kind::RESET, 0, 2 * n + 1, [0, 0, 0, 8])]);
    raw.send(&pairs.collect::<Vec<_>>()).await.ok();
    ensure!(raw.goaway().await.context("first")? == Some(CALM));
    // One by one: each is looked at, and taken back while it is worked on.
    let mut raw = RawHttp2::connect(&server).await?;
    for stream in (1..).step_by(2).take(500) {
        let ping = Frame::new(kind::PING, 0, 0, u64::from(stream).to_be_bytes());
        if raw.send(&[post(&server, stream), ping]).await.is_err()
            || !acknowledged(&mut raw).await.with_context(|| format!("ack of {stream}"))?
        {
            break;
        }
        raw.send(&[Frame::new(kind::RESET, 0, stream, [0, 0, 0, 8])]).await.ok();
    }
    ensure!(raw.next().await?.is_none(), "the connection goes on");
    Ok(())
}

#[tokio::test]
async fn http_06_one_client_behind_a_proxy_does_not_end_the_connection_of_all() -> anyhow::Result<()> {
    let options = Options::on(StoreKind::Memory).with("COUNTERSIGN_SERVER_TRUSTED_PROXIES", "127.0.0.1");
    let server = TestServer::start(options).await?;
    let mut raw = RawHttp2::connect(&server).await?;
    let reset = |stream| [get(&server, stream), Frame::new(kind::RESET, 0, stream, [0, 0, 0, 8])];
    let error = |stream| {
        [post(&server, stream), Frame::new(kind::WINDOW_UPDATE, 0, stream, [0x7f, 0xff, 0xff, 0xff])]
    };
    // As many as would end anybody else's connection.
    let streams = || (1..).step_by(2);
    let mut frames: Vec<_> = streams().take(200).flat_map(reset).collect();
    frames.extend(streams().skip(200).take(200).flat_map(error));
    // Frames are answered in their order: where the connection ends, nothing comes back.
    frames.push(Frame::new(kind::PING, 0, 0, [0; 8]));
    raw.send(&frames).await?;
    ensure!(acknowledged(&mut raw).await?, "it ends");
    Ok(())
}

/// Reads up to the acknowledgement of a PING; false when the connection has ended.
async fn acknowledged(raw: &mut RawHttp2) -> anyhow::Result<bool> {
    while let Some(frame) = raw.next().await? {
        if frame.kind == kind::PING {
            return Ok(true);
        }
    }
    Ok(false)
}

#[tokio::test]
async fn http_06_streams_that_a_peer_makes_us_reset_end_the_connection() -> anyhow::Result<()> {
    let server = server().await?;
    // CVE-2025-8671: a request, and then what is an error on its stream alone.
    let mut raw = RawHttp2::connect(&server).await?;
    let pairs = (0..500).flat_map(|n| {
        [post(&server, 2 * n + 1), Frame::new(kind::WINDOW_UPDATE, 0, 2 * n + 1, [0x7f, 0xff, 0xff, 0xff])]
    });
    raw.send(&pairs.collect::<Vec<_>>()).await.ok();
    ensure!(raw.goaway().await? == Some(CALM));
    Ok(())
}

#[tokio::test]
async fn http_06_frames_that_carry_nothing_end_the_connection() -> anyhow::Result<()> {
    let server = server().await?;
    let endless = Frame::new(kind::HEADERS, 0, 1, request(&server, ("GET", "/login"), &[]));
    let more = Frame::new(kind::CONTINUATION, 0, 1, literal(&[(b"x", b"y")]));
    let data = Frame::new(kind::DATA, 0, 1, []);
    for (name, first, flood) in [("CONTINUATION", endless, more), ("DATA", post(&server, 1), data)] {
        let mut raw = RawHttp2::connect(&server).await?;
        raw.send(&[first]).await?;
        raw.send(&vec![flood; 50_000]).await.ok();
        ensure!(raw.goaway().await? == Some(CALM), "{name}");
    }
    Ok(())
}

#[tokio::test]
async fn http_06_headers_that_unfold_to_far_more_than_was_sent_are_refused() -> anyhow::Result<()> {
    let server = server().await?;
    let mut raw = RawHttp2::connect(&server).await?;
    // One long header is put into the table (RFC 7541 section 6.2.1) and then named by one byte, again and again.
    let mut headers = request(&server, ("GET", "/login"), &[]);
    headers.extend([0x40, 1, b'x', 0x7f]);
    // 3000 = 127 + 2873, in groups of seven bits.
    headers.extend([0xb9, 0x16]);
    headers.extend([b'y'; 3000]);
    headers.extend([0xbe; 12_000]);
    raw.send(&[Frame::new(kind::HEADERS, END_HEADERS | END_STREAM, 1, headers)]).await?;
    ensure!(!succeeds(&mut raw).await?);
    ensure!(Http2::connect(&server).await?.get("/healthz").await?.status == 204);
    Ok(())
}

#[tokio::test]
async fn http_06_floods_of_ping_and_settings_are_read_no_faster_than_they_are_answered() -> anyhow::Result<()>
{
    let server = server().await?;
    for frame in [Frame::new(kind::PING, 0, 0, [0; 8]), Frame::new(kind::SETTINGS, 0, 0, [])] {
        let mut raw = RawHttp2::connect(&server).await?;
        // Nobody reads the answers: the buffers of both sides fill up, and then nothing more is taken.
        let flood = vec![frame.clone(); 10_000];
        let endless = async { while raw.send(&flood).await.is_ok() {} };
        let mut others = std::pin::pin!(async {
            for _ in 0..50 {
                ensure!(Http2::connect(&server).await?.get("/login").await?.status == 200);
            }
            Ok(())
        });
        tokio::select! {
            result = &mut others => result?,
            () = endless => others.await?,
        }
    }
    ensure!(Http2::connect(&server).await?.get("/healthz").await?.status == 204);
    Ok(())
}

#[tokio::test]
async fn http_06_a_peer_that_opens_no_window_is_not_waited_for() -> anyhow::Result<()> {
    let server = TestServer::start(Options::on(StoreKind::Memory).tick(Duration::from_millis(10))).await?;
    let mut raw = RawHttp2::connect(&server).await?;
    // SETTINGS_INITIAL_WINDOW_SIZE = 0: no byte of any body may be sent.
    raw.send(&[Frame::new(kind::SETTINGS, 0, 0, [0, 4, 0, 0, 0, 0]), get(&server, 1)]).await?;
    while let Some(frame) = raw.next().await? {
        ensure!(frame.kind != kind::DATA, "sent without a window");
        // It stays busy with others all the while.
        if frame.kind == kind::PING || frame.kind == kind::HEADERS {
            raw.send(&[Frame::new(kind::PING, 0, 0, [1; 8])]).await.ok();
        }
    }
    Ok(())
}
