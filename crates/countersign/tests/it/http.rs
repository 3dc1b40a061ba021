//! The HTTP surface: content types, paths, methods, limits.

use std::net::IpAddr;

use anyhow::{Context, ensure};
use countersign_server::router::paths;
use countersign_testkit::{Answer, Client, Options, StoreKind, TestServer, raw};
use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::people::{likeness, member};
use crate::support::{self, KIM, PASSWORD};

async fn server() -> anyhow::Result<TestServer> {
    TestServer::start(Options::on(StoreKind::Memory)).await
}

fn host(server: &TestServer) -> &str {
    server.url.trim_start_matches("http://")
}

const JSON_ROUTES: [(Method, &str); 6] = [
    (Method::POST, "/api/v1/accounts"),
    (Method::POST, "/api/v1/accounts/verify"),
    (Method::POST, "/api/v1/login"),
    (Method::POST, "/api/v1/recover"),
    (Method::POST, "/api/v1/reset"),
    (Method::PUT, "/api/v1/password"),
];
const FORM_ROUTES: [&str; 8] = [
    "/login",
    "/register",
    "/verify",
    "/verify/resend",
    "/recover",
    "/reset",
    "/account/security",
    "/oauth2/token",
];

#[tokio::test]
async fn http_21_a_body_of_another_type_is_refused_unread() -> anyhow::Result<()> {
    let server = server().await?;
    let mut browser = member(&server, KIM).await?;
    let (json_type, form_type) = ("application/json", "application/x-www-form-urlencoded");
    let everything =
        json!({ "email": KIM, "identifier": KIM, "password": PASSWORD, "deliver": "cookie" }).to_string();
    let forms = FORM_ROUTES.map(|path| (Method::POST, path, json_type, form_type));
    let routes = JSON_ROUTES.map(|(method, path)| (method, path, form_type, json_type));
    for (method, path, wrong, right) in routes.into_iter().chain(forms) {
        // RFC 6749 section 5.2 has one status for what it cannot read.
        let refused = if path.starts_with("/oauth2/") { 400 } else { 415 };
        for content_type in [
            wrong,
            "",
            "text/plain",
            "text/plain; application/json",
            "multipart/form-data; boundary=x",
            "application/jsonx",
            &format!("{right}; charset=utf-7"),
            &format!("{right}; charset=utf-16"),
            &format!("{right}, {wrong}"),
            "*/*",
        ] {
            let request = browser.request(method.clone(), path).header("content-type", content_type);
            let answer = browser.send(request.body(everything.clone())).await?;
            ensure!(answer.status == refused, "{method} {path} takes {content_type}: {}", answer.status);
        }
        let missing = browser.send(browser.request(method.clone(), path).body(everything.clone())).await?;
        ensure!(missing.status == refused, "{path} without: {}", missing.status);
        let twice =
            browser.request(method.clone(), path).header("content-type", right).header("content-type", right);
        ensure!(browser.send(twice.body(everything.clone())).await?.status == refused, "{path} twice");
        let zipped =
            browser.request(method, path).header("content-type", right).header("content-encoding", "gzip");
        ensure!(browser.send(zipped.body(everything.clone())).await?.status == refused, "{path} zipped");
    }
    // JSON by name and a form by content, and the other way round.
    let request = browser.request(Method::POST, "/api/v1/login").header("content-type", json_type);
    let answer =
        browser.send(request.body(format!("identifier={KIM}&password={PASSWORD}&deliver=cookie"))).await?;
    ensure!(answer.code() == "invalid_request", "{}", answer.body);
    let request = Client::browser(&server).request(Method::POST, "/login").header("content-type", form_type);
    ensure!(Answer::read(request.body(everything).send().await?).await?.status == StatusCode::UNAUTHORIZED);
    Ok(())
}

/// Paths that are none of the table, however they are decoded.
#[rustfmt::skip]
const NOWHERE: &[&str] = &[
    "/..%2f", "/%2e%2e/", "/%2e%2e%2f%2e%2e%2fetc/passwd", "//", "//login", "/login/", "/login//",
    "/login;x", "/LOGIN", "/login%00", "/%6cogin", "/login%2f", "/./login", "/account/../login",
    "/%c0%ae%c0%ae/", "/.git/config", "/.env", "/static/", "/static/..", "/static/../config",
    "/static/..%2f..%2fCargo.toml", "/static/%2e%2e%2fmaster.key", "/static/..\\..\\config",
    "/static/%00", "/static//etc/passwd", "/static/%ff", "/statuslists/", "/statuslists/..%2fx",
    "/statuslists/%ff", "/api", "/api/", "/api/v1", "/api/v1/session/", "/api/v1//session",
    "/api/v1/sessions/%ff", "/api/v1/sessions/..%2f..%2fsession", "/data/master.key", "/countersign.db",
    "/metrics", "/debug", "/admin", "/\\login", "/dev", "/dev/inbox/x", "/oauth2", "/oauth2/authorise",
    "/index.html", "/favicon.ico",
];

#[tokio::test]
async fn http_22_no_path_leads_out_of_the_table() -> anyhow::Result<()> {
    let server = server().await?;
    let sheet = static_file(&server).await?;
    for path in NOWHERE {
        for method in ["GET", "POST"] {
            let request =
                format!("{method} {path} HTTP/1.1\r\nHost: {}\r\nContent-Length: 0\r\n\r\n", host(&server));
            let answer = raw::send(&server, request.as_bytes()).await.with_context(|| path.to_owned())?;
            ensure!([400, 404, 405].contains(&answer.status), "{method} {path}: {}", answer.status);
        }
    }
    let mut client = Client::browser(&server);
    for path in [format!("{sheet}x"), sheet.to_uppercase(), sheet.replace("/static/", "/static/./")] {
        let request = format!("GET {path} HTTP/1.1\r\nHost: {}\r\n\r\n", host(&server));
        ensure!(raw::send(&server, request.as_bytes()).await?.status == 404, "{path}");
    }
    ensure!(client.get(&sheet).await?.status == StatusCode::OK);
    // A page's variable part is read as strictly as the API's.
    let mut browser = member(&server, KIM).await?;
    for id in ["%ff", "x", "..%2fx", "ses_"] {
        let answer = browser.form(&format!("/account/sessions/{id}/end"), &[]).await?;
        ensure!(answer.status == StatusCode::NOT_FOUND, "{id}: {}", answer.status);
        ensure!(answer.header("content-type").starts_with("text/html"), "{id}: {}", answer.body);
    }
    Ok(())
}

/// The path of the style sheet.
async fn static_file(server: &TestServer) -> anyhow::Result<String> {
    let html = Client::browser(server).get("/login").await?.body;
    let (_, rest) = html.split_once("\"/static/").context("a page without a style sheet")?;
    Ok(format!("/static/{}", rest.split('"').next().unwrap_or_default()))
}

/// A path of the table, with what stands in its braces.
async fn asked(server: &TestServer, path: &str, token: &str) -> anyhow::Result<String> {
    let uri = support::claims(token)["status"]["status_list"]["uri"].as_str().context("no list")?.to_owned();
    let list = uri.rsplit('/').next().unwrap_or_default();
    Ok(match path {
        "/static/{file}" => static_file(server).await?,
        "/statuslists/{id}" => path.replace("{id}", list),
        _ => path.replace("{id}", "ses_01890a5dac96774bbcceb302099a8057"),
    })
}

#[tokio::test]
async fn http_23_a_method_that_a_path_does_not_have_is_refused_and_told_which_there_are() -> anyhow::Result<()>
{
    let server = server().await?;
    let mut browser = member(&server, KIM).await?;
    let token = support::tokens(&server, KIM).await?.access;
    for path in paths(true) {
        let asked = asked(&server, path, &token).await?;
        for method in ["TRACE", "PATCH", "PUT", "DELETE", "POST", "OPTIONS", "PROBE", "get", "CONNECT2"] {
            let request = browser.request(method.parse()?, &asked).header("content-type", "text/plain");
            let answer = browser.send(request).await?;
            let allowed: Vec<&str> = answer.header("allow").split(',').map(str::trim).collect();
            let refused = answer.status == StatusCode::METHOD_NOT_ALLOWED;
            ensure!(
                refused || ["POST", "PUT", "DELETE"].contains(&method),
                "{method} {path}: {}",
                answer.status
            );
            ensure!(!refused || !allowed[0].is_empty(), "{method} {path} names no method");
            ensure!(!refused || !allowed.contains(&method), "{method} {path} is refused and allowed");
            ensure!(!answer.body.contains("__Host-Http-session"), "{method} {path} echoes the request");
        }
        if !support::by_cookie(&mut browser).await?.is_success() {
            browser = support::browser(&server, KIM).await?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn http_23_head_is_get_without_its_body_on_every_route() -> anyhow::Result<()> {
    let server = server().await?;
    let mut browser = member(&server, KIM).await?;
    let token = support::tokens(&server, KIM).await?.access;
    let mut compared = 0;
    for path in paths(true) {
        let asked = asked(&server, path, &token).await?;
        let get = browser.get(&asked).await?;
        let head = browser.send(browser.request(Method::HEAD, &asked)).await?;
        ensure!(head.body.is_empty(), "HEAD {path} has a body");
        let bodiless = Answer { body: String::new(), ..get.clone() };
        ensure!(
            likeness(&head, "") == likeness(&bodiless, ""),
            "{path}:\n{}\n{}",
            likeness(&head, ""),
            likeness(&bodiless, "")
        );
        compared += usize::from(get.status != StatusCode::METHOD_NOT_ALLOWED);
    }
    ensure!(compared >= 19, "{compared} routes were compared");
    Ok(())
}

#[tokio::test]
async fn http_21_what_is_too_large_is_refused_before_it_is_read() -> anyhow::Result<()> {
    let server = server().await?;
    let host = host(&server).to_owned();
    let head = |path: &str, lines: &str| format!("POST {path} HTTP/1.1\r\nHost: {host}\r\n{lines}");
    let json = "Content-Type: application/json\r\n";
    // The body never comes: the answer does.
    for (path, kind) in
        [("/api/v1/login", json), ("/login", "Content-Type: application/x-www-form-urlencoded\r\n")]
    {
        for length in ["65537", "10000000000", "9223372036854775807"] {
            let request = head(path, &format!("{kind}Content-Length: {length}\r\n\r\n"));
            let answer = raw::send(&server, request.as_bytes()).await?;
            ensure!(answer.status == 413, "{path} with {length}: {}", answer.status);
        }
    }
    let expects =
        head("/api/v1/login", &format!("{json}Content-Length: 65537\r\nExpect: 100-continue\r\n\r\n"));
    ensure!(raw::send(&server, expects.as_bytes()).await?.status == 413);
    let mut chunked =
        head("/api/v1/login", &format!("{json}Transfer-Encoding: chunked\r\n\r\n")).into_bytes();
    for _ in 0..17 {
        chunked.extend(b"1000\r\n");
        chunked.extend([b' '; 0x1000]);
        chunked.extend(b"\r\n");
    }
    ensure!(raw::send(&server, &chunked).await?.status == 413, "chunks over the limit");
    let mut longest = head("/api/v1/login", &format!("{json}Content-Length: 65536\r\n\r\n")).into_bytes();
    longest.extend(vec![b' '; 65_536]);
    ensure!(raw::send(&server, &longest).await?.status == 400, "64 KiB are read");
    for lines in [format!("X: {}\r\n\r\n", "x".repeat(16 * 1024)), "X: y\r\n".repeat(3000) + "\r\n"] {
        let answer = raw::send(&server, head("/login", &lines).as_bytes()).await?;
        ensure!(answer.status == 431, "headers over 16 KiB: {}", answer.status);
    }
    let long = format!("GET /login?{} HTTP/1.1\r\nHost: {host}\r\n\r\n", "x".repeat(17 * 1024));
    ensure!([414, 431].contains(&raw::send(&server, long.as_bytes()).await?.status));
    for lines in [
        "Content-Length: 5\r\nContent-Length: 6\r\n\r\n",
        "Content-Length: -1\r\n\r\n",
        "Content-Length: +5\r\n\r\n",
    ] {
        let answer = raw::send(&server, head("/api/v1/login", lines).as_bytes()).await?;
        ensure!(answer.status == 400, "{lines:?}: {}", answer.status);
    }
    ensure!(Client::tool(&server).get("/healthz").await?.status == StatusCode::NO_CONTENT);
    Ok(())
}

#[tokio::test]
async fn i15_an_address_counts_only_where_a_configured_proxy_says_it() -> anyhow::Result<()> {
    let proxies = [("nobody", "", "127.0.0.1"), ("127.0.0.1/32,10.0.0.0/8", "198.51.100.7", "198.51.100.7")];
    for (trusted, forwarded, expected) in proxies {
        let options = Options::on(StoreKind::Memory);
        let trusts = trusted != "nobody";
        let options =
            if trusts { options.with("COUNTERSIGN_SERVER_TRUSTED_PROXIES", trusted) } else { options };
        let server = TestServer::start(options).await?;
        support::register(&server, KIM).await?;
        for chain in [format!("6.6.6.6, {forwarded}, 10.1.2.3"), forwarded.to_owned()] {
            let body = json!({ "identifier": KIM, "password": PASSWORD, "deliver": "cookie" });
            let mut browser = Client::browser(&server);
            let request = browser.request(Method::POST, "/api/v1/login").json(&body);
            let request = request.header("x-forwarded-for", chain).header("x-real-ip", "6.6.6.6");
            let answer = browser.send(request.header("forwarded", "for=6.6.6.6")).await?;
            let ip: IpAddr = answer.json()["session"]["ip"].as_str().context("no address")?.parse()?;
            ensure!(ip == expected.parse::<IpAddr>()?, "{trusted}: {ip}");
        }
    }
    Ok(())
}
