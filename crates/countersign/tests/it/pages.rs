//! What holds for every page as it comes over HTTP: headers (OWASP ASVS 5.0, V3), markup, languages, names.

use std::collections::BTreeSet;

use anyhow::Context;
use countersign_testkit::{Answer, Client, Options, StoreKind, TestServer};
use reqwest::{Method, StatusCode};

use crate::forms::{form, heading};
use crate::support::{KIM, PASSWORD};

async fn dev() -> anyhow::Result<TestServer> {
    TestServer::start(Options::on(StoreKind::Memory)).await
}

/// Production under a name of its own.
async fn production() -> anyhow::Result<TestServer> {
    let options = Options::on(StoreKind::Sqlite).production();
    TestServer::start(options.with("COUNTERSIGN_SERVER_PUBLIC_URL", "https://id.example.org")).await
}

/// Every kind of page there is, by what led to it.
async fn every_page(server: &TestServer) -> anyhow::Result<Vec<(String, Answer)>> {
    let (mut browser, mut pages) = (Client::browser(server), Vec::new());
    let paths =
        ["/", "/login", "/login?done=1", "/login?changed=1", "/register", "/recover", "/recover?sent=1"];
    for path in
        paths.into_iter().chain(["/verify", "/verify?sent=1&email=kim%40example.org", "/reset", "/dev/inbox"])
    {
        pages.push((path.to_owned(), browser.get(path).await?));
    }
    let posts: [(&str, &[(&str, &str)]); 5] = [
        ("/login", &[("username", KIM), ("password", "wrong")]),
        ("/register", &[("email", "@"), ("password", "password")]),
        ("/recover", &[("email", "@")]),
        ("/verify", &[("email", KIM), ("code", "000000")]),
        ("/verify", &[("token", "no token of ours")]),
    ];
    for (path, fields) in posts {
        pages.push((format!("POST {path} {fields:?}"), browser.form(path, fields).await?));
    }
    browser.register(KIM, PASSWORD).await?;
    browser.log_in(KIM, PASSWORD).await?;
    let wrong = [("current", "wrong"), ("new", "wrong")];
    pages.push(("POST /account/security".to_owned(), browser.form("/account/security", &wrong).await?));
    for path in ["/account", "/account/sessions", "/account/security", "/logout"] {
        pages.push((path.to_owned(), browser.get(path).await?));
    }
    pages.push(("POST /logout".to_owned(), browser.form("/logout", &[]).await?));
    Ok(pages)
}

/// Every kind of error page that a request can bring about.
async fn every_error(server: &TestServer) -> anyhow::Result<Vec<(StatusCode, Answer)>> {
    let browser = Client::browser(server);
    let post = |path: &str| browser.request(Method::POST, path);
    let requests = [
        (StatusCode::NOT_FOUND, browser.request(Method::GET, "/no-such-page")),
        (StatusCode::METHOD_NOT_ALLOWED, browser.request(Method::PUT, "/login")),
        (
            StatusCode::FORBIDDEN,
            Client::tool(server).request(Method::POST, "/login").header("origin", "null"),
        ),
        (StatusCode::BAD_REQUEST, post("/login").form(&[("username", "a"), ("username", "b")])),
        (StatusCode::BAD_REQUEST, browser.request(Method::GET, "/login?done=%ff")),
        (StatusCode::BAD_REQUEST, post("/locale").form(&[("locale", "xx")])),
        (StatusCode::UNSUPPORTED_MEDIA_TYPE, post("/login").body("username=a")),
        (StatusCode::PAYLOAD_TOO_LARGE, post("/login").form(&[("username", "a".repeat(70_000))])),
        (
            StatusCode::MISDIRECTED_REQUEST,
            browser.request(Method::GET, "/login").header("host", "evil.example"),
        ),
    ];
    let mut answers = Vec::new();
    for (status, request) in requests {
        answers.push((status, Answer::read(request.send().await?).await?));
    }
    Ok(answers)
}

fn assert_headers(name: &str, page: &Answer) {
    let expected = [
        ("content-type", "text/html; charset=utf-8"),
        ("cache-control", "no-store"),
        ("vary", "Cookie, Accept-Language"),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "same-origin"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        ("permissions-policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
        ("strict-transport-security", ""),
        ("access-control-allow-origin", ""),
        ("server", ""),
    ];
    for (header, value) in expected {
        assert_eq!(page.header(header), value, "{name}: {header}");
    }
    assert_eq!(page.headers.get_all("content-security-policy").iter().count(), 1, "{name}");
}

#[tokio::test]
async fn every_page_has_its_headers_and_a_policy_that_runs_one_script_by_a_fresh_nonce() -> anyhow::Result<()>
{
    let server = dev().await?;
    let pages = every_page(&server).await?;
    let mut nonces = BTreeSet::new();
    for (name, page) in &pages {
        assert_headers(name, page);
        let policy = page.header("content-security-policy");
        let nonce = policy.split("'nonce-").nth(1).and_then(|rest| rest.split('\'').next());
        let nonce = nonce.with_context(|| format!("{name}: no nonce in {policy}"))?;
        assert_eq!(
            policy,
            format!(
                "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'self'; img-src 'self'; \
                 form-action 'self'; base-uri 'none'; frame-ancestors 'none'; object-src 'none'"
            ),
            "{name}"
        );
        assert!(nonce.len() >= 22, "128 bits: {nonce}");
        assert!(nonces.insert(nonce.to_owned()), "{name}: the nonce came twice");
        let scripts: Vec<&str> = page.body.split("<script").skip(1).collect();
        assert_eq!(scripts.len(), 1, "{name}");
        assert!(scripts[0].contains(&format!("nonce=\"{nonce}\"")), "{name}");
    }
    Ok(())
}

#[tokio::test]
async fn every_page_is_whole_brings_nothing_inline_and_loads_nothing_from_elsewhere() -> anyhow::Result<()> {
    let server = dev().await?;
    for (name, page) in every_page(&server).await? {
        let html = &page.body;
        assert!(html.starts_with("<!doctype html>\n<html lang=\"en\">"), "{name}");
        assert!(html.contains(" · Countersign</title>"), "{name}");
        assert_eq!(html.matches("<h1>").count(), 1, "{name}");
        assert!(html.matches("class=\"primary\"").count() <= 1, "{name}");
        for inline in [
            "<style",
            " style=",
            "<script>",
            "javascript:",
            " onclick=",
            " onsubmit=",
            " onload=",
            "<base",
            "⟦",
        ] {
            assert!(!html.contains(inline), "{name}: {inline}");
        }
        let marks = [" href=\"", " src=\"", " action=\""];
        let targets = marks.iter().flat_map(|mark| html.split(mark).skip(1));
        for target in targets.filter_map(|rest| rest.split('"').next()) {
            let own = target.strip_prefix(server.url.as_str()).unwrap_or(target);
            let is_path = own.starts_with('/') && !own.starts_with("//");
            assert!(is_path || own == "#main", "{name}: {target}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn every_error_page_says_that_something_went_wrong_and_runs_nothing() -> anyhow::Result<()> {
    let server = dev().await?;
    for (status, page) in every_error(&server).await? {
        assert_eq!(page.status, status, "{}", page.body);
        let name = status.to_string();
        assert_headers(&name, &page);
        assert_eq!(heading(&page), "Something went wrong", "{name}");
        assert!(page.body.contains("<title>") && !page.body.contains("<script"), "{name}");
        assert_eq!(
            page.header("content-security-policy"),
            "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; \
             frame-ancestors 'none'; object-src 'none'",
            "{name}"
        );
        let request = page.header("x-request-id");
        assert!(request.starts_with("req_") && page.body.contains(request), "{name}");
        assert!(page.cookies().is_empty(), "{name}");
    }
    Ok(())
}

#[tokio::test]
async fn trouble_inside_is_told_without_its_cause() -> anyhow::Result<()> {
    let server = dev().await?;
    let mut browser = Client::browser(&server);
    browser.register(KIM, PASSWORD).await?;
    server.app.close().await?;
    let page = browser.form("/recover", &[("email", KIM)]).await?;
    assert!(page.status.is_server_error(), "{}", page.status);
    assert!(["Something went wrong", "Reset your password"].contains(&heading(&page)), "{}", page.body);
    for word in ["sqlite", "SELECT", "panicked", "src/", ".rs"] {
        assert!(!page.body.contains(word), "{word}: {}", page.body);
    }
    Ok(())
}

#[tokio::test]
async fn a_page_speaks_the_language_that_was_chosen_else_the_one_that_is_asked_for() -> anyhow::Result<()> {
    let server = dev().await?;
    let mut browser = Client::browser(&server);
    let asked = |browser: &Client, path: &str, languages: &str| {
        browser.request(Method::GET, path).header("accept-language", languages)
    };
    for (languages, lang) in
        [("ko-KR,ko;q=0.9,en;q=0.8", "ko"), ("fr, en;q=0.5, ko;q=0.1", "en"), ("de", "en")]
    {
        for path in ["/login", "/register", "/recover", "/no-such-page", "/dev/inbox"] {
            let page = Answer::read(asked(&browser, path, languages).send().await?).await?;
            assert!(page.body.contains(&format!("<html lang=\"{lang}\">")), "{path} {languages}");
        }
    }
    let page = Answer::read(asked(&browser, "/no-such-page", "ko").send().await?).await?;
    assert_eq!(heading(&page), "문제가 발생했습니다");

    // The button at the foot: its choice is kept for 400 days and wins over the header.
    let page = browser.get("/login?return_to=%2Faccount").await?;
    form(&page.body, "name=\"locale\" value=\"ko\"")?;
    let fields = [("return_to", "/login?return_to=%2Faccount"), ("locale", "ko")];
    let chosen = browser.form("/locale", &fields).await?;
    assert_eq!((chosen.status, chosen.location()), (StatusCode::SEE_OTHER, "/login?return_to=%2Faccount"));
    assert_eq!(
        chosen.cookies(),
        ["__Host-Http-locale=ko; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=34560000"]
    );
    let page = browser.send(asked(&browser, "/login", "en")).await?;
    assert_eq!(heading(&page), "로그인");
    form(&page.body, "name=\"locale\" value=\"en\"")?;

    // Whoever registers on a Korean page is written to in Korean.
    browser.form("/register", &[("email", KIM), ("password", PASSWORD)]).await?;
    let mail = browser.newest_mail(KIM).await?;
    assert_eq!(mail["subject"], "이메일 주소를 확인해 주세요 · Countersign");
    Ok(())
}

#[tokio::test]
async fn in_dev_mode_the_pages_are_at_the_name_that_cookies_have() -> anyhow::Result<()> {
    let server = dev().await?;
    let port = server.address.port();
    let tool = Client::tool(&server);
    let under = |method, path: &str, host: &str| tool.request(method, path).header("host", host);
    for host in ["127.0.0.1", "[::1]"] {
        let host = format!("{host}:{port}");
        let request = under(Method::GET, "/login?return_to=%2Faccount", &host);
        let answer = Answer::read(request.send().await?).await?;
        assert_eq!(answer.status, StatusCode::TEMPORARY_REDIRECT, "{host}");
        assert_eq!(answer.location(), format!("{}/login?return_to=%2Faccount", server.url), "{host}");
        let api = Answer::read(under(Method::GET, "/api/v1/session", &host).send().await?).await?;
        assert_eq!(api.status, StatusCode::UNAUTHORIZED, "a tool need not know the name: {host}");
    }
    for host in ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example"] {
        let answer = Answer::read(under(Method::GET, "/login", host).send().await?).await?;
        assert_eq!(answer.status, StatusCode::MISDIRECTED_REQUEST, "{host}");
        assert!(!answer.body.contains("evil"), "{host}");
    }
    Ok(())
}

#[tokio::test]
async fn production_answers_under_its_own_name_alone() -> anyhow::Result<()> {
    let server = production().await?;
    let tool = Client::tool(&server);
    let under = |path: &str, host: &str| tool.request(Method::GET, path).header("host", host);
    let page = Answer::read(under("/login", "id.example.org").send().await?).await?;
    assert_eq!((page.status, heading(&page)), (StatusCode::OK, "Sign in"));
    assert_eq!(page.header("strict-transport-security"), "max-age=63072000; includeSubDomains");
    for host in
        [&format!("127.0.0.1:{}", server.address.port()), "localhost", "evil.example", "id.example.org.evil"]
    {
        let refused = Answer::read(under("/login", host).send().await?).await?;
        assert_eq!(refused.status, StatusCode::MISDIRECTED_REQUEST, "{host}");
        assert_eq!(heading(&refused), "Something went wrong", "{host}");
        assert!(refused.body.contains("This service has another address"), "{host}");
        // The page looks like ours: its stylesheet is nobody's secret.
        let sheet =
            refused.body.split("rel=\"stylesheet\" href=\"").nth(1).and_then(|rest| rest.split('"').next());
        let sheet = Answer::read(under(sheet.context("no stylesheet")?, host).send().await?).await?;
        assert_eq!((sheet.status, sheet.header("content-type")), (StatusCode::OK, "text/css; charset=utf-8"));
        let api = Answer::read(under("/api/v1/session", host).send().await?).await?;
        assert_eq!((api.status, api.code()), (StatusCode::MISDIRECTED_REQUEST, "wrong_host".to_owned()));
        let health = Answer::read(under("/healthz", host).send().await?).await?;
        assert_eq!(health.status, StatusCode::NO_CONTENT, "whoever checks health asks by address");
    }
    Ok(())
}

#[tokio::test]
async fn production_has_no_inbox_and_no_word_of_it() -> anyhow::Result<()> {
    let server = production().await?;
    let tool = Client::tool(&server);
    for path in ["/dev/inbox", "/", "/login", "/no-such-page"] {
        let request = tool.request(Method::GET, path).header("host", "id.example.org");
        let page = Answer::read(request.send().await?).await?;
        assert_eq!(
            page.status == StatusCode::NOT_FOUND,
            ["/dev/inbox", "/no-such-page"].contains(&path),
            "{path}"
        );
        assert!(!page.body.contains("inbox") && !page.body.contains("curl"), "{path}");
    }
    Ok(())
}

#[tokio::test]
async fn the_files_of_the_pages_are_kept_for_good_under_names_of_their_content() -> anyhow::Result<()> {
    let server = dev().await?;
    let mut browser = Client::browser(&server);
    let page = browser.get("/login").await?;
    let paths: BTreeSet<&str> = page.body.split('"').filter(|value| value.starts_with("/static/")).collect();
    assert_eq!(paths.len(), 3, "style, script, mark: {paths:?}");
    for path in paths {
        let file = browser.get(path).await?;
        assert_eq!(file.status, StatusCode::OK, "{path}");
        assert_eq!(file.header("cache-control"), "public, max-age=31536000, immutable", "{path}");
        assert_eq!(file.header("x-content-type-options"), "nosniff", "{path}");
        let kind = match path.rsplit('.').next() {
            Some("css") => "text/css; charset=utf-8",
            Some("js") => "text/javascript; charset=utf-8",
            _ => "image/svg+xml",
        };
        assert_eq!(file.header("content-type"), kind, "{path}");
        let known = browser.request(Method::GET, path).header("if-none-match", file.header("etag"));
        let known = browser.send(known).await?;
        assert_eq!((known.status, known.body.as_str()), (StatusCode::NOT_MODIFIED, ""), "{path}");
    }
    Ok(())
}
