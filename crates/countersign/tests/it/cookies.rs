//! Our cookies, as they are set and as they are read (invariant I5; attacks SES-16, SES-19, SES-21).

use countersign_testkit::{Answer, Client, TestServer, on_every_store};
use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::support::*;

const ATTRIBUTES: &str = "Path=/; Secure; HttpOnly; SameSite=Lax";

/// Every `Set-Cookie` that a whole life of an account brings.
async fn a_life(server: &TestServer) -> anyhow::Result<Vec<Answer>> {
    let mut answers = Vec::new();
    let mut kim = Client::browser(server);
    let body = json!({ "email": KIM, "password": PASSWORD });
    answers.push(kim.json(Method::POST, "/api/v1/accounts", &body).await?);
    answers.push(kim.form("/register", &[("email", LEE), ("name", ""), ("password", PASSWORD)]).await?);
    register(server, KIM).await?;
    answers.push(kim.form("/locale", &[("locale", "ko"), ("return_to", "/login")]).await?);
    answers.push(kim.form("/login", &[("username", KIM), ("password", PASSWORD), ("remember", "on")]).await?);
    answers.push(kim.log_in(KIM, PASSWORD).await?);
    let change = json!({ "current": PASSWORD, "new": OTHER_PASSWORD });
    answers.push(kim.json(Method::PUT, "/api/v1/password", &change).await?);
    answers.push(kim.form("/account/security", &[("current", OTHER_PASSWORD), ("new", PASSWORD)]).await?);
    answers.push(kim.send(kim.request(Method::DELETE, "/api/v1/session")).await?);
    kim.log_in(KIM, PASSWORD).await?;
    answers.push(kim.form("/logout", &[]).await?);
    for by_page in [false, true] {
        kim.log_in(KIM, PASSWORD).await?;
        let id = who(&kim.get("/api/v1/session").await?).0;
        answers.push(if by_page {
            kim.form(&format!("/account/sessions/{id}/end"), &[]).await?
        } else {
            kim.send(kim.request(Method::DELETE, &format!("/api/v1/sessions/{id}"))).await?
        });
    }
    Ok(answers)
}

#[tokio::test]
async fn ses_16_i5_every_cookie_of_every_answer_has_all_its_attributes() {
    on_every_store(async |server| {
        let answers = a_life(&server).await?;
        let cookies: Vec<&str> = answers.iter().flat_map(Answer::cookies).collect();
        let of_device = cookies.iter().filter(|cookie| cookie.starts_with(DEVICE)).count();
        assert_eq!(of_device, 4, "each login and each new password make the device known: {cookies:?}");
        assert_eq!(cookies.len() - of_device, answers.len(), "each of them sets one: {cookies:?}");
        for cookie in &cookies {
            let (pair, attributes) = cookie.split_once("; ").unwrap();
            let age = attributes.strip_prefix(ATTRIBUTES).unwrap_or_else(|| panic!("{cookie}"));
            let (name, value) = pair.split_once('=').unwrap();
            let expected: &[&str] = match (name, value) {
                (SESSION, "") => &["; Max-Age=0"],
                (SESSION, _) => &["", "; Max-Age=5184000"],
                (LOGIN, _) => &["; Max-Age=86400"],
                (DEVICE, _) | ("__Host-Http-locale", "ko") => &["; Max-Age=34560000"],
                _ => &[],
            };
            assert!(expected.contains(&age), "{cookie}");
        }
        let remembered = cookies.iter().filter(|cookie| cookie.ends_with("Max-Age=5184000"));
        assert_eq!(remembered.count(), 1);
        let deleted = cookies.iter().filter(|cookie| cookie.ends_with("Max-Age=0"));
        assert_eq!(deleted.count(), 4);
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn ses_16_what_is_refused_sets_no_cookie() {
    on_every_store(async |server| {
        register(&server, KIM).await?;
        let mut kim = Client::browser(&server);
        let wrong = kim.log_in(KIM, OTHER_PASSWORD).await?;
        let page = kim.form("/login", &[("username", KIM), ("password", OTHER_PASSWORD)]).await?;
        let malformed = kim.json(Method::POST, "/api/v1/login", &json!({})).await?;
        let body = json!({ "identifier": KIM, "password": PASSWORD, "deliver": "token" });
        let token = kim.json(Method::POST, "/api/v1/login", &body).await?;
        for answer in [wrong, page, malformed, token] {
            assert!(answer.cookies().is_empty(), "{:?}", answer.cookies());
        }
        Ok(())
    })
    .await;
}

/// The statuses of an API route and a page with these `Cookie` headers.
async fn seen(server: &TestServer, cookies: &[Vec<u8>]) -> anyhow::Result<(StatusCode, StatusCode)> {
    let mut statuses = Vec::new();
    for path in ["/api/v1/session", "/account"] {
        let request = Client::tool(server).request(Method::GET, path);
        let request =
            cookies.iter().fold(request, |request, cookie| request.header("cookie", cookie.as_slice()));
        statuses.push(request.send().await?.status());
    }
    Ok((statuses[0], statuses[1]))
}

const LIVE: (StatusCode, StatusCode) = (StatusCode::OK, StatusCode::OK);
const NOBODY: (StatusCode, StatusCode) = (StatusCode::UNAUTHORIZED, StatusCode::SEE_OTHER);

#[tokio::test]
async fn ses_19_what_only_looks_like_the_sessions_cookie_is_none() {
    on_every_store(async |server| {
        register(&server, KIM).await?;
        let kim = browser(&server, KIM).await?;
        let secret = kim.cookie(SESSION).unwrap();
        let own = format!("{SESSION}={secret}");
        assert_eq!(seen(&server, &[own.clone().into()]).await?, LIVE);
        assert_eq!(seen(&server, &[format!("a=b; {own}; c=d").into()]).await?, LIVE);
        for name in [
            "__host-http-session",
            "__HOST-HTTP-SESSION",
            "a=b;\t__Host-Http-session",
            "a=b;  __Host-Http-session",
            "__Host-Http-session ",
            "__Host-Http-session%00",
            "__Host-Http-session\u{a0}",
            "\u{a0}__Host-Http-session",
            "\u{2003}__Host-Http-session",
            "\u{feff}__Host-Http-session",
            "__Host-session",
            "__Secure-session",
            "session",
            "__Host-Http-session[]",
            "\"__Host-Http-session\"",
            "x__Host-Http-session",
            "__Host-Http-login",
        ] {
            let cookie = format!("{name}={secret}");
            assert_eq!(seen(&server, &[cookie.clone().into()]).await?, NOBODY, "{cookie:?}");
        }
        let quoted = format!("$Version=1; {SESSION}=\"{secret}\"; $Path=\"/\"");
        assert_eq!(seen(&server, &[quoted.into()]).await?, NOBODY);
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn ses_19_two_cookies_of_the_sessions_name_are_none() {
    on_every_store(async |server| {
        register(&server, KIM).await?;
        register(&server, LEE).await?;
        let kim = format!("{SESSION}={}", browser(&server, KIM).await?.cookie(SESSION).unwrap());
        let lee = format!("{SESSION}={}", browser(&server, LEE).await?.cookie(SESSION).unwrap());
        for other in [&kim, &lee, &format!("{SESSION}="), &format!("{SESSION}=x")] {
            assert_eq!(seen(&server, &[format!("{kim}; {other}").into()]).await?, NOBODY, "{other}");
            assert_eq!(seen(&server, &[format!("{other}; {kim}").into()]).await?, NOBODY, "{other}");
            assert_eq!(seen(&server, &[kim.clone().into(), other.clone().into()]).await?, NOBODY, "{other}");
        }
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn ses_21_a_value_that_is_not_exactly_the_secret_is_nobodys() {
    on_every_store(async |server| {
        register(&server, KIM).await?;
        let kim = browser(&server, KIM).await?;
        let secret = kim.cookie(SESSION).unwrap().to_owned();
        let swapped: String = secret
            .chars()
            .map(|c| if c.is_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() })
            .collect();
        let mut values: Vec<Vec<u8>> = [
            "",
            "null",
            "undefined",
            "0",
            "!!!",
            &secret[1..],
            &secret[..42],
            &format!("{secret}A"),
            &format!("A{secret}"),
            &format!("{secret}="),
            &format!("{secret}=="),
            &format!("{secret}%3D"),
            &format!("{secret} ; a=b"),
            &format!(" {secret}"),
            &format!("{secret},x"),
            &format!("\"{secret}\""),
            &secret.to_lowercase(),
            &secret.to_uppercase(),
            &swapped,
            &"A".repeat(43),
            &"A".repeat(8000),
        ]
        .map(|value| value.as_bytes().to_vec())
        .to_vec();
        values.push([secret.as_bytes(), &[0xff]].concat());
        for value in values.iter().filter(|value| **value != secret.as_bytes()) {
            let cookie = [SESSION.as_bytes(), b"=", value].concat();
            assert_eq!(seen(&server, &[cookie]).await?, NOBODY, "{:?}", String::from_utf8_lossy(value));
        }
        // Four spare bits in the last character: one encoding, no other.
        let last = secret.chars().last().unwrap();
        let siblings = ('0'..='z').filter(|c| c.is_ascii_alphanumeric() && *c != last);
        for sibling in siblings {
            let cookie = format!("{SESSION}={}{sibling}", &secret[..42]);
            assert_eq!(seen(&server, &[cookie.into()]).await?, NOBODY, "{sibling}");
        }
        assert_eq!(seen(&server, &[format!("{SESSION}={secret}").into()]).await?, LIVE);
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn i5_a_browser_that_does_not_keep_the_cookie_is_told_so() {
    on_every_store(async |server| {
        register(&server, KIM).await?;
        let mut kim = Client::browser(&server);
        let answer = kim.form("/login", &[("username", KIM), ("password", PASSWORD)]).await?;
        assert_eq!(
            (answer.status, answer.location()),
            (StatusCode::SEE_OTHER, "/login?done=1&return_to=%2Faccount")
        );
        let next = answer.location().to_owned();
        assert_eq!(kim.get(&next).await?.location(), "/account");
        let mut forgetful = Client::browser(&server);
        let page = forgetful.get(&next).await?;
        assert_eq!(page.status, StatusCode::OK);
        assert!(page.body.to_lowercase().contains("cookie"), "{}", page.body);
        Ok(())
    })
    .await;
}
