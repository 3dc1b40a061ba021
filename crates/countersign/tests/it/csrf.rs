//! Cross-site requests against the cookie face (invariant I4; attacks CSR-02 to CSR-06, CSR-13).

use countersign_testkit::{Answer, Client, TestServer, on_every_store};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::*;

/// Every route with an unsafe method on the cookie face.
const UNSAFE: [(Method, &str); 20] = [
    (Method::POST, "/login"),
    (Method::POST, "/register"),
    (Method::POST, "/verify"),
    (Method::POST, "/verify/resend"),
    (Method::POST, "/recover"),
    (Method::POST, "/reset"),
    (Method::POST, "/account/sessions/end-others"),
    (Method::POST, "/account/sessions/ses_01m86ch3m0e009aetxrhwf8eh3/end"),
    (Method::POST, "/account/security"),
    (Method::POST, "/logout"),
    (Method::POST, "/locale"),
    (Method::POST, "/api/v1/accounts"),
    (Method::POST, "/api/v1/accounts/verify"),
    (Method::POST, "/api/v1/login"),
    (Method::POST, "/api/v1/recover"),
    (Method::POST, "/api/v1/reset"),
    (Method::DELETE, "/api/v1/session"),
    (Method::DELETE, "/api/v1/sessions"),
    (Method::DELETE, "/api/v1/sessions/ses_01m86ch3m0e009aetxrhwf8eh3"),
    (Method::PUT, "/api/v1/password"),
];

/// Asks all of them with these headers; `expected` says which statuses are right.
async fn ask_all(
    server: &TestServer,
    headers: &[(&str, &str)],
    expected: impl Fn(StatusCode) -> bool,
) -> anyhow::Result<()> {
    for (method, path) in UNSAFE {
        let request = Client::tool(server).request(method.clone(), path);
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let answer = Answer::read(request.send().await?).await?;
        assert!(expected(answer.status), "{method} {path} {headers:?}: {}", answer.status);
        if path.starts_with("/api/") && answer.status == StatusCode::FORBIDDEN {
            assert_eq!(answer.code(), "csrf");
        }
    }
    Ok(())
}

fn refused(status: StatusCode) -> bool {
    status == StatusCode::FORBIDDEN
}

fn let_in(status: StatusCode) -> bool {
    !refused(status)
}

/// A live session's cookie as a header.
async fn cookie(server: &TestServer) -> anyhow::Result<String> {
    register(server, KIM).await?;
    Ok(format!("{SESSION}={}", browser(server, KIM).await?.cookie(SESSION).unwrap()))
}

#[tokio::test]
async fn csr_03_i4_a_null_foreign_or_unsaid_origin_is_refused_with_a_cookie() {
    on_every_store(async |server| {
        let cookie = cookie(&server).await?;
        let with = ("cookie", &*cookie);
        ask_all(&server, &[with, ("origin", "null")], refused).await?;
        ask_all(&server, &[with, ("origin", "https://evil.example")], refused).await?;
        ask_all(&server, &[with, ("referer", "https://evil.example/")], refused).await?;
        ask_all(&server, &[with, ("referer", &server.url)], refused).await?;
        ask_all(&server, &[with], refused).await?;
        ask_all(&server, &[("cookie", &format!("{LOGIN}=x"))], refused).await?;
        ask_all(&server, &[with, ("origin", &server.url), ("origin", &server.url)], refused).await?;
        let mut kim = Client::tool(&server);
        let answer =
            kim.send(kim.request(Method::DELETE, "/api/v1/session").header("cookie", &cookie)).await?;
        let detail = answer.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains("Origin"), "it says which header to send: {detail}");
        let request = kim.request(Method::GET, "/api/v1/session").header("cookie", cookie);
        assert_eq!(kim.send(request).await?.status, StatusCode::OK, "nothing was changed");
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn i4_a_foreign_origin_is_refused_without_cookies_too_and_a_tool_is_let_in() {
    on_every_store(async |server| {
        ask_all(&server, &[("origin", "null")], refused).await?;
        ask_all(&server, &[("origin", "https://evil.example")], refused).await?;
        ask_all(&server, &[("sec-fetch-site", "cross-site")], refused).await?;
        ask_all(&server, &[("cookie", "other=x")], let_in).await?;
        ask_all(&server, &[], let_in).await
    })
    .await;
}

#[tokio::test]
async fn i4_our_own_pages_are_let_in_by_either_header() {
    on_every_store(async |server| {
        let cookie = format!("{SESSION}=x");
        let with = ("cookie", &*cookie);
        ask_all(&server, &[with, ("sec-fetch-site", "same-origin")], let_in).await?;
        ask_all(&server, &[with, ("origin", &server.url)], let_in).await?;
        ask_all(&server, &[with, ("sec-fetch-site", "same-origin"), ("origin", &server.url)], let_in).await
    })
    .await;
}

#[tokio::test]
async fn csr_04_origins_that_only_resemble_ours_are_refused() {
    on_every_store(async |server| {
        let cookie = cookie(&server).await?;
        let port = server.address.port();
        for origin in [
            format!("https://localhost:{port}"),
            format!("http://localhost:{port}.evil.example"),
            format!("http://localhost.evil.example:{port}"),
            format!("http://evillocalhost:{port}"),
            format!("http://localhost:{}", port ^ 1),
            "http://localhost".to_owned(),
            format!("http://127.0.0.1:{port}"),
            format!("http://[::1]:{port}"),
            format!("http://user@localhost:{port}"),
            format!("http://localhost.:{port}"),
            format!("http://LOCALHOST:{port}"),
            format!("HTTP://localhost:{port}"),
            format!("http://localhost:{port}/"),
            format!("http://localhost:0{port}"),
            format!("http://xn--localhost-:{port}"),
            String::new(),
        ] {
            let mut kim = Client::tool(&server);
            let request = kim.request(Method::DELETE, "/api/v1/session").header("cookie", &cookie);
            let answer = kim.send(request.header("origin", &origin)).await?;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{origin:?}");
        }
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn csr_05_the_header_of_a_browser_refuses_and_never_grants() {
    on_every_store(async |server| {
        let cookie = cookie(&server).await?;
        for site in ["cross-site", "same-site", "none", "", "Same-Origin", "same-origin, same-origin", "x"] {
            ask_all(&server, &[("cookie", &cookie), ("sec-fetch-site", site)], refused).await?;
            let both = [("cookie", &*cookie), ("sec-fetch-site", site), ("origin", &server.url)];
            ask_all(&server, &both, refused).await?;
        }
        let twice =
            [("cookie", &*cookie), ("sec-fetch-site", "same-origin"), ("sec-fetch-site", "same-origin")];
        ask_all(&server, &twice, refused).await?;
        // Forged without a cookie, the header opens nothing.
        for (method, path) in UNSAFE.into_iter().filter(|(method, _)| *method != Method::POST) {
            let mut tool = Client::browser(&server);
            let answer =
                tool.json(method, path, &json!({ "current": PASSWORD, "new": OTHER_PASSWORD })).await?;
            assert_eq!(
                (answer.status, &*answer.code()),
                (StatusCode::UNAUTHORIZED, "invalid_token"),
                "{path}"
            );
        }
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn csr_02_a_body_of_another_content_type_is_not_read() {
    on_every_store(async |server| {
        register(&server, KIM).await?;
        let mut kim = browser(&server, KIM).await?;
        let login = json!({ "identifier": KIM, "password": PASSWORD, "deliver": "cookie" }).to_string();
        let change = json!({ "current": PASSWORD, "new": OTHER_PASSWORD }).to_string();
        for kind in [
            "text/plain",
            "text/plain; application/json",
            "application/json;x",
            "application/json; charset=utf-16",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "application/merge-patch+json",
            "",
        ] {
            for (method, path, body) in
                [(Method::POST, "/api/v1/login", &login), (Method::PUT, "/api/v1/password", &change)]
            {
                let request = kim.request(method, path).header("content-type", kind).body(body.clone());
                let answer = kim.send(request).await?;
                assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{path} {kind:?}");
                assert_eq!((&*answer.code(), answer.cookies().len()), ("unsupported_media_type", 0));
            }
        }
        let untyped = kim.send(kim.request(Method::POST, "/api/v1/login").body(login.clone())).await?;
        assert_eq!(untyped.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
        // A form cannot say JSON, and JSON is no form.
        let form = kim.request(Method::POST, "/api/v1/login").body(format!("{login}="));
        let form = form.header("content-type", "application/x-www-form-urlencoded");
        assert_eq!(kim.send(form).await?.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
        let page = kim.request(Method::POST, "/login").header("content-type", "application/json").body(login);
        assert_eq!(kim.send(page).await?.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn csr_06_no_header_or_field_changes_the_method() {
    on_every_store(async |server| {
        register(&server, KIM).await?;
        let mut kim = both_faces(&server, KIM).await?;
        for name in ["x-http-method-override", "x-http-method", "x-method-override", "_method"] {
            for (method, status) in [(Method::GET, 200), (Method::POST, 405)] {
                let path = "/api/v1/session?_method=DELETE";
                let request = kim.browser.request(method.clone(), path).header(name, "DELETE");
                assert_eq!(kim.browser.send(request).await?.status, status, "{method} {name}");
            }
        }
        let fields = [("_method", "DELETE")];
        assert_eq!(
            kim.browser.form("/api/v1/session", &fields).await?.status,
            StatusCode::METHOD_NOT_ALLOWED
        );
        for (method, path) in UNSAFE {
            // What changes something is no GET and no HEAD, and what only shows is no POST.
            let shows = [
                "/login",
                "/register",
                "/verify",
                "/recover",
                "/reset",
                "/account/security",
                "/logout",
                "/api/v1/session",
                "/api/v1/sessions",
            ];
            for safe in [Method::GET, Method::HEAD].into_iter().filter(|_| !shows.contains(&path)) {
                let answer = kim.browser.send(kim.browser.request(safe.clone(), path)).await?;
                assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{safe} {path} for {method}");
                assert!(
                    answer.header("allow").contains(method.as_str()),
                    "{path}: {}",
                    answer.header("allow")
                );
            }
        }
        for path in
            ["/account", "/account/sessions", "/api/v1/openapi.json", "/.well-known/jwks.json", "/healthz"]
        {
            let answer = kim.browser.form(path, &[("x", "y")]).await?;
            assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{path}");
        }
        kim.lives(&server).await
    })
    .await;
}

#[tokio::test]
async fn csr_13_a_script_tag_of_another_site_learns_nothing() {
    on_every_store(async |server| {
        register(&server, KIM).await?;
        let mut kim = browser(&server, KIM).await?;
        for query in ["", "?callback=steal", "?jsonp=steal&format=js"] {
            let answer = kim.get(&format!("/api/v1/session{query}")).await?;
            assert_eq!(answer.header("content-type"), "application/json");
            assert_eq!(answer.header("x-content-type-options"), "nosniff");
            assert!(answer.header("content-security-policy").contains("default-src 'none'"));
            let who: Value = serde_json::from_str(&answer.body)?;
            assert!(who.is_object() && !answer.body.contains("steal"), "{}", answer.body);
        }
        for path in ["/account", "/account/sessions", "/static/nothing"] {
            assert_eq!(kim.get(path).await?.header("cross-origin-resource-policy"), "same-origin", "{path}");
        }
        Ok(())
    })
    .await;
}
