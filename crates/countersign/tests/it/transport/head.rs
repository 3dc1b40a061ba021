//! Too much before the body: cookies, headers, addresses (attacks SES-20, HTTP-05), and too much depth in it (DOS-05).

use anyhow::ensure;
use countersign_testkit::http2::Http2;
use countersign_testkit::{Client, TestServer, raw};
use reqwest::{Method, StatusCode};

use super::{host, server};
use crate::people::member;
use crate::support::{self, KIM, SESSION};

/// A page asked for with these cookies beside whatever else a browser sends.
async fn with_cookies(server: &TestServer, cookies: &str) -> anyhow::Result<raw::RawAnswer> {
    let request = format!("GET /login HTTP/1.1\r\nHost: {}\r\nCookie: {cookies}\r\n\r\n", host(server));
    raw::send(server, request.as_bytes()).await
}

#[tokio::test]
async fn ses_20_a_browser_with_too_many_cookies_gets_a_page_that_explains_and_starts_over()
-> anyhow::Result<()> {
    let server = server().await?;
    let thousand: Vec<String> = (0..1000).map(|number| format!("bomb{number}={number:040}")).collect();
    for bomb in [
        format!("a={}", "x".repeat(17 * 1024)),
        format!("a={}", "x".repeat(200 * 1024)),
        thousand.join("; "),
        thousand.join("; ").repeat(20),
    ] {
        let answer = with_cookies(&server, &format!("{SESSION}=x; {bomb}")).await?;
        let page = String::from_utf8(answer.body.clone())?;
        ensure!(answer.status == 431, "{} bytes: {}", bomb.len(), answer.status);
        ensure!(page.contains("Something went wrong") && page.contains("cookies"), "{page}");
        ensure!(
            !answer.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("clear-site-data")),
            "{answer:?}"
        );
        let deleted: Vec<_> =
            answer.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("set-cookie")).collect();
        ensure!(
            deleted.len() == 2 && deleted.iter().all(|(_, value)| value.contains("Max-Age=0")),
            "{deleted:?}"
        );
        // A known device stays known: else its owner could be locked out.
        ensure!(!deleted.iter().any(|(_, value)| value.contains("device")), "{deleted:?}");
    }
    Ok(())
}

#[tokio::test]
async fn ses_20_a_bomb_that_comes_again_without_cookies_of_ours_ends_with_all_of_the_site()
-> anyhow::Result<()> {
    let server = server().await?;
    for size in [17, 40, 200, 700] {
        let bomb = format!("a={}", "x".repeat(size * 1024));
        let first = with_cookies(&server, &format!("{SESSION}=x; {bomb}")).await?;
        ensure!(first.status == 431 && first.header("clear-site-data").is_empty(), "{first:?}");
        let again = with_cookies(&server, &bomb).await?;
        ensure!(again.status == 431 && again.header("clear-site-data") == "\"cookies\"", "{again:?}");
        ensure!(String::from_utf8(again.body)?.contains("cookies"));
    }
    // Nobody is signed out of other hosts by a link.
    let long = format!("GET /login?{} HTTP/1.1\r\nHost: {}\r\n\r\n", "x".repeat(20 * 1024), host(&server));
    let long = raw::send(&server, long.as_bytes()).await?;
    ensure!(long.status == 431 && long.header("clear-site-data").is_empty(), "{long:?}");
    Ok(())
}

#[tokio::test]
async fn ses_20_other_applications_cookies_are_no_trouble_below_the_limit_and_nobody_elses_above()
-> anyhow::Result<()> {
    let server = server().await?;
    let mut kim = member(&server, KIM).await?;
    let mut others = kim.clone();
    others.set_cookie("app", &"x".repeat(8 * 1024));
    // Twice: by the router, and from memory.
    ensure!(support::by_cookie(&mut others).await? == StatusCode::OK);
    ensure!(support::by_cookie(&mut others).await? == StatusCode::OK);
    others.set_cookie("app", &"x".repeat(20 * 1024));
    let refused = others.get("/api/v1/session").await?;
    ensure!(refused.status == StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "{}", refused.status);
    ensure!(refused.code() == "payload_too_large" && refused.cookies().is_empty(), "{}", refused.body);
    ensure!(support::by_cookie(&mut kim).await? == StatusCode::OK, "the session is over");
    // The same over HTTP/2.
    let cookie =
        format!("app={}; {SESSION}={}", "x".repeat(8 * 1024), kim.cookie(SESSION).unwrap_or_default());
    let mut http2 = Http2::connect(&server).await?;
    let request = http2.request(Method::GET, "/api/v1/session").header("cookie", cookie);
    ensure!(http2.send(request, "").await?.status == 200);
    let request =
        http2.request(Method::GET, "/login").header("cookie", format!("a={}", "x".repeat(64 * 1024)));
    let answer = http2.send(request, "").await?;
    ensure!(answer.status == 431 && !answer.body.is_empty(), "{answer:?}");
    ensure!(http2.get("/healthz").await?.status == 204, "the connection goes on");
    Ok(())
}

#[tokio::test]
async fn http_05_too_much_of_anything_is_refused() -> anyhow::Result<()> {
    let server = server().await?;
    let host = host(&server);
    let parameters: Vec<String> = (0..10_000).map(|number| format!("p{number}=1")).collect();
    let get = |target: &str, lines: &str| format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n{lines}\r\n");
    for (name, request, statuses) in [
        ("10,000 headers", get("/login", &"X: y\r\n".repeat(10_000)), [431, 431]),
        ("101 headers", get("/login", &"X: y\r\n".repeat(101)), [431, 431]),
        ("a header of 1 MB", get("/login", &format!("X: {}\r\n", "x".repeat(1_000_000))), [431, 431]),
        ("a name of 1 MB", get("/login", &format!("{}: y\r\n", "x".repeat(1_000_000))), [400, 431]),
        ("an address of 64 KiB", get(&format!("/login?{}", "x".repeat(64 * 1024)), ""), [414, 431]),
        ("10,000 parameters", get(&format!("/login?{}", parameters.join("&")), ""), [414, 431]),
    ] {
        let answer = raw::send(&server, request.as_bytes()).await?;
        ensure!(statuses.contains(&answer.status), "{name}: {}", answer.status);
    }
    let form = parameters.join("&");
    ensure!(form.len() > 64 * 1024, "10,000 fields fit");
    let fields = |count: usize| parameters[..count].join("&");
    for (path, body) in [("/login", fields(5000)), ("/oauth2/token", fields(5000))] {
        let request = Client::browser(&server).request(Method::POST, path);
        let request = request.header("content-type", "application/x-www-form-urlencoded").body(body);
        let status = request.send().await?.status();
        ensure!(status == StatusCode::BAD_REQUEST, "{path}: {status}");
    }
    Ok(())
}

#[tokio::test]
async fn dos_05_what_is_nested_too_deeply_is_refused_and_hurts_nobody() -> anyhow::Result<()> {
    let server = server().await?;
    let tool = Client::tool(&server);
    for deep in [
        "[".repeat(60_000),
        "{\"a\":".repeat(10_000),
        format!("{{\"identifier\":{}{}}}", "[".repeat(30_000), "]".repeat(30_000)),
        format!("{{\"unknown\":{}1{}}}", "{\"a\":".repeat(5_000), "}".repeat(5_000)),
    ] {
        let request = tool.request(Method::POST, "/api/v1/login").header("content-type", "application/json");
        let status = request.body(deep).send().await?.status();
        ensure!(status == StatusCode::BAD_REQUEST, "{status}");
    }
    ensure!(Client::tool(&server).get("/healthz").await?.status == StatusCode::NO_CONTENT);
    Ok(())
}

#[tokio::test]
async fn http_08_nothing_is_unpacked_and_nothing_that_holds_a_secret_is_packed() -> anyhow::Result<()> {
    let server = server().await?;
    let mut kim = member(&server, KIM).await?;
    // A bomb is refused by its header, before anybody looks at it.
    for coding in ["gzip", "deflate", "br", "zstd", "gzip, gzip", "identity"] {
        let request = kim.request(Method::POST, "/api/v1/login").header("content-encoding", coding);
        let request = request.header("content-type", "application/json").body(vec![0x1f; 1000]);
        let status = kim.send(request).await?.status;
        ensure!(status == StatusCode::UNSUPPORTED_MEDIA_TYPE, "{coding}: {status}");
    }
    // What is reflected beside a secret would tell it by its packed length (BREACH).
    for path in
        ["/login?return_to=/account", "/account", "/account/sessions", "/account/security", "/api/v1/session"]
    {
        let request = kim.request(Method::GET, path).header("accept-encoding", "gzip, br, zstd, deflate");
        let answer = kim.send(request).await?;
        ensure!(answer.header("content-encoding").is_empty(), "{path} is packed");
    }
    Ok(())
}
