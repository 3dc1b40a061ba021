//! Where a login leads (attacks RED-01 to RED-07).

use countersign_testkit::{Answer, Client, TestServer, on_every_store, on_every_store_with};
use reqwest::{Method, StatusCode};

use crate::support::*;

/// `value` as a query or form carries it.
fn encoded(value: &str) -> String {
    let escape = |byte| ["%", &format!("{byte:02x}")].concat();
    value.bytes().map(escape).collect::<Vec<_>>().concat()
}

/// Everything in the answer that can lead a browser somewhere.
fn leads(answer: &Answer) -> String {
    let link = |part: &str| part.split('"').next().unwrap_or_default().to_owned();
    let found = ["href=\"", "action=\"", "value=\"", "url="]
        .map(|mark| answer.body.split(mark).skip(1).map(link).collect::<Vec<_>>().join("\n"));
    format!("{}\n{}\n{}", answer.location(), answer.header("refresh"), found.join("\n"))
}

/// Tries a `return_to` at every place that takes one: all of them fall back to the account page.
async fn assert_refused(server: &TestServer, kim: &mut Client, target: &str) -> anyhow::Result<()> {
    let query = format!("/login?return_to={}", encoded(target));
    let mut nobody = Client::browser(server);
    let form = nobody.get(&query).await?;
    assert_eq!(form.status, StatusCode::OK, "{target:?}");
    assert!(!form.body.contains("evil") && !form.body.contains("script:"), "{target:?}: {}", leads(&form));
    assert_eq!(kim.get(&query).await?.location(), "/account", "{target:?}");
    for (path, field) in [(&*query, None), ("/login", Some(("return_to", target)))] {
        let mut fields = vec![("username", KIM), ("password", PASSWORD)];
        fields.extend(field);
        let mut browser = Client::browser(server);
        let answer = browser.form(path, &fields).await?;
        assert_eq!(
            (answer.status, answer.location()),
            (StatusCode::SEE_OTHER, "/login?done=1&return_to=%2Faccount"),
            "{target:?}"
        );
        let next = answer.location().to_owned();
        assert_eq!(browser.get(&next).await?.location(), "/account", "{target:?}");
        let names: Vec<_> = answer.cookies().iter().filter_map(|cookie| cookie.split('=').next()).collect();
        assert_eq!(names, [SESSION, DEVICE], "{target:?}");
        fields[1].1 = OTHER_PASSWORD;
        let again = Client::browser(server).form(path, &fields).await?;
        assert_eq!(again.status, StatusCode::UNAUTHORIZED, "{target:?}");
        assert!(
            !again.body.contains("evil") && !again.body.contains("script:"),
            "{target:?}: {}",
            leads(&again)
        );
    }
    Ok(())
}

async fn all_refused(targets: &[&str]) {
    on_every_store_with(&[UNLIMITED], async |server| {
        register(&server, KIM).await?;
        let mut kim = browser(&server, KIM).await?;
        for target in targets {
            assert_refused(&server, &mut kim, target).await?;
        }
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn red_01_another_host_in_disguise_is_no_place_to_go() {
    all_refused(&[
        "//evil.tld",
        "/\\evil.tld",
        "\\/evil",
        "/%2f%2fevil",
        "https:evil",
        "https:/evil",
        "https://evil.tld",
        "///evil",
        "/\t/evil.tld",
        "evil.tld",
    ])
    .await;
}

#[tokio::test]
async fn red_02_our_own_name_as_bait_and_header_injection_lead_nowhere() {
    all_refused(&[
        "http://localhost@evil.tld",
        "http://localhost.evil.tld",
        "http://localhost%00.evil",
        "/account\r\nSet-Cookie: evil=1",
        "/account%0d%0aSet-Cookie:evil=1",
        "/account?x=%0d%0aSet-Cookie:evil=1",
        "ht\ntp://evil.tld",
        "/acc\0ount/evil",
    ])
    .await;
}

#[tokio::test]
async fn red_03_no_scheme_is_a_place_to_go() {
    all_refused(&[
        "javascript:alert(1)",
        " javascript:alert(1)",
        "java\nscript:alert(1)",
        "JAVASCRIPT:alert(1)",
        "data:text/html,evil",
        "vbscript:evil",
        "/javascript:\"onmouseover=evil",
    ])
    .await;
}

#[tokio::test]
async fn red_04_nothing_is_decoded_twice() {
    all_refused(&[
        "/%252f%252fevil.tld",
        "/%25252f%25252fevil.tld",
        "%2f%2fevil.tld",
        "/\u{ff0f}evil.tld",
        "/..//evil.tld",
        "/;/../evil.tld",
        "/account/..;/evil.tld",
        "/account/../../evil",
        "/./evil/..//evil",
    ])
    .await;
    // Overlong UTF-8 for a slash is no text at all.
    on_every_store(async |server| {
        let answer = Client::browser(&server).get("/login?return_to=/%c0%af%c0%afevil.tld").await?;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        assert!(!answer.body.contains("evil"));
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn red_05_a_login_leads_to_our_own_pages_and_never_back_to_a_login() {
    let nested = |depth| "/login?return_to=".repeat(depth) + "/login";
    all_refused(&[
        "/login",
        "/login?return_to=/login",
        &nested(200),
        "/logout",
        "/locale?return_to=//evil.tld",
        "/register",
        "/api/v1/session",
        "/static/x",
    ])
    .await;
    on_every_store(async |server| {
        register(&server, KIM).await?;
        let fields = [("username", KIM), ("password", PASSWORD), ("return_to", &*nested(1000))];
        let deep = Client::browser(&server).form("/login", &fields).await?;
        assert_eq!(deep.location(), "/login?done=1&return_to=%2Faccount");
        for target in ["/account/sessions", "/account/security?changed=1", "/"] {
            let mut kim = Client::browser(&server);
            let path = format!("/login?return_to={}", encoded(target));
            let next =
                kim.form(&path, &[("username", KIM), ("password", PASSWORD)]).await?.location().to_owned();
            assert_eq!(kim.get(&next).await?.location(), target);
        }
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn red_06_a_parameter_that_comes_twice_is_refused() {
    on_every_store(async |server| {
        register(&server, KIM).await?;
        let mut kim = Client::browser(&server);
        let fields = [("username", KIM), ("password", PASSWORD), ("return_to", "/account/security")];
        for path in [
            "/login?return_to=/account&return_to=/account",
            "/login?return_to=/account&return%5Fto=//evil.tld",
        ] {
            assert_eq!(kim.get(path).await?.status, StatusCode::BAD_REQUEST, "{path}");
            assert_eq!(kim.form(path, &fields).await?.status, StatusCode::BAD_REQUEST, "{path}");
        }
        let different = kim.form("/login?return_to=/account", &fields).await?;
        let mut twice = fields.to_vec();
        twice.push(("return_to", "/account"));
        let repeated = kim.form("/login", &twice).await?;
        for answer in [different, repeated] {
            assert_eq!((answer.status, answer.cookies().len()), (StatusCode::BAD_REQUEST, 0));
        }
        let same = kim.form("/login?return_to=/account/security", &fields).await?;
        assert_eq!(same.location(), "/login?done=1&return_to=%2Faccount%2Fsecurity");
        // A fragment never reaches a server; one that was put into the value is no path.
        assert_eq!(kim.get("/login?return_to=/account%23evil").await?.location(), "/account");
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn red_07_a_post_is_never_repeated_at_the_next_page() {
    on_every_store(async |server| {
        let mut kim = Client::browser(&server);
        let mut answers =
            vec![kim.form("/register", &[("email", LEE), ("name", ""), ("password", PASSWORD)]).await?];
        register(&server, KIM).await?;
        answers.push(kim.form("/login", &[("username", KIM), ("password", PASSWORD)]).await?);
        answers.push(kim.form("/account/security", &[("current", PASSWORD), ("new", OTHER_PASSWORD)]).await?);
        answers.push(kim.form("/account/sessions/end-others", &[]).await?);
        answers.push(kim.form("/locale", &[("locale", "ko"), ("return_to", "/account")]).await?);
        let token = reset_token(&mut kim, KIM).await?;
        answers.push(kim.form("/reset", &[("token", &token), ("password", PASSWORD)]).await?);
        for answer in answers {
            assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.location());
            assert!(answer.location().starts_with('/'), "{}", answer.location());
        }
        // Signed out in between: the form is not sent on to the login either.
        let lost = Client::browser(&server).form("/account/security", &[("current", PASSWORD)]).await?;
        assert_eq!(
            (lost.status, lost.location()),
            (StatusCode::SEE_OTHER, "/login?return_to=%2Faccount%2Fsecurity")
        );
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn red_01_the_language_buttons_lead_back_to_our_own_pages_only() {
    on_every_store(async |server| {
        for target in
            ["//evil.tld", "https://evil.tld", "/\\evil.tld", "/login?x=\r\nSet-Cookie:a=b", "javascript:x"]
        {
            let mut kim = Client::browser(&server);
            let answer = kim.form("/locale", &[("locale", "ko"), ("return_to", target)]).await?;
            assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, "/"), "{target:?}");
            assert_eq!(answer.cookies().len(), 1);
        }
        let request =
            Client::tool(&server).request(Method::POST, "/locale").header("origin", "https://evil.tld");
        let answer = request.form(&[("locale", "ko"), ("return_to", "/login")]).send().await?;
        assert_eq!(answer.status(), StatusCode::FORBIDDEN);
        Ok(())
    })
    .await;
}
