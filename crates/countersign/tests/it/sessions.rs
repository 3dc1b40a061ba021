//! Sessions from outside: attacks SES-02 to SES-27, invariants I5 and I6.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_core::Span;
use countersign_core::secret::sha256;
use countersign_core::session::Limits;
use countersign_server::admin::Command;
use countersign_testkit::{Answer, Client, START, TestServer, on_every_store, on_every_store_with};
use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::support::*;

/// The answer to a request that brings these `Cookie` headers and nothing else.
async fn with_cookies(server: &TestServer, path: &str, cookies: &[&[u8]]) -> anyhow::Result<Answer> {
    let request = Client::tool(server).request(Method::GET, path);
    Answer::read(
        cookies.iter().fold(request, |request, cookie| request.header("cookie", *cookie)).send().await?,
    )
    .await
}

#[tokio::test]
async fn ses_02_i5_a_login_over_a_planted_session_ends_it_and_takes_nothing_of_it() {
    on_every_store(async |server| {
        register(&server, KIM).await?;
        register(&server, LEE).await?;
        for by_page in [false, true] {
            let mut attacker = both_faces(&server, LEE).await?;
            let planted = attacker.browser.cookie(SESSION).unwrap().to_owned();
            let mut victim = Client::browser(&server);
            victim.set_cookie(SESSION, &planted);
            if by_page {
                victim.form("/login", &[("username", KIM), ("password", PASSWORD)]).await?;
            } else {
                victim.log_in(KIM, PASSWORD).await?;
            }
            assert_ne!(victim.cookie(SESSION), Some(&*planted));
            let mine = victim.get("/api/v1/session").await?;
            assert_eq!(mine.json()["account"]["email"], KIM);
            assert_ne!(who(&mine).0, attacker.id);
            attacker.is_over(&server).await?;
        }
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn ses_02_i5_a_secret_from_before_the_login_never_becomes_a_session() {
    on_every_store(async |server| {
        register(&server, KIM).await?;
        let invented = URL_SAFE_NO_PAD.encode([7; 32]);
        let mut victim = Client::browser(&server);
        victim.set_cookie(SESSION, &invented);
        victim.set_cookie(LOGIN, &invented);
        assert_eq!(victim.log_in(KIM, PASSWORD).await?.status, StatusCode::OK);
        assert_ne!(victim.cookie(SESSION), Some(&*invented));
        let with = format!("{SESSION}={invented}");
        assert_eq!(with_cookies(&server, "/api/v1/session", &[with.as_bytes()]).await?.status, 401);
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn ses_07_i5_nothing_that_is_stored_or_shown_opens_a_session() {
    on_every_store(async |server| {
        register(&server, KIM).await?;
        let mut kim = browser(&server, KIM).await?;
        let secret = kim.cookie(SESSION).unwrap().to_owned();
        let bytes = URL_SAFE_NO_PAD.decode(&secret)?;
        assert_eq!(bytes.len(), 32, "256 bits");
        let hash = sha256(&bytes);
        let of_text = sha256(secret.as_bytes());
        let hex = |bytes: &[u8]| {
            let digits: Vec<_> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            digits.concat()
        };
        let id = who(&kim.get("/api/v1/session").await?).0;
        for value in [
            URL_SAFE_NO_PAD.encode(hash.as_bytes()),
            URL_SAFE_NO_PAD.encode(of_text.as_bytes()),
            hex(hash.as_bytes()),
            hex(&bytes),
            id,
        ] {
            let cookie = format!("{SESSION}={value}");
            let answer = with_cookies(&server, "/api/v1/session", &[cookie.as_bytes()]).await?;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{value}");
        }
        assert_eq!(by_cookie(&mut kim).await?, StatusCode::OK);
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn ses_10_no_link_image_or_form_of_another_site_logs_out() {
    on_every_store(async |server| {
        register(&server, KIM).await?;
        let mut kim = both_faces(&server, KIM).await?;
        for path in ["/logout", "/logout?confirm=1", "/logout?_method=POST", "/api/v1/session?_method=DELETE"]
        {
            for site in ["cross-site", "same-site", "same-origin", "none"] {
                let request = Client::tool(&server).request(Method::GET, path).header("sec-fetch-site", site);
                let cookie = format!("{SESSION}={}", kim.browser.cookie(SESSION).unwrap());
                let answer = Answer::read(request.header("cookie", cookie).send().await?).await?;
                assert_eq!((answer.status, answer.cookies().len()), (StatusCode::OK, 0), "{path} {site}");
            }
        }
        let question = kim.browser.get("/logout").await?;
        assert!(question.body.contains("Sign out?") && question.body.contains("logout-confirm"));
        for (name, value) in
            [("sec-fetch-site", "cross-site"), ("origin", "null"), ("origin", "https://evil.example")]
        {
            let cookie = format!("{SESSION}={}", kim.browser.cookie(SESSION).unwrap());
            let request = Client::tool(&server).request(Method::POST, "/logout").header("cookie", cookie);
            let answer = Answer::read(request.header(name, value).form(&[("x", "y")]).send().await?).await?;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{value}");
        }
        kim.lives(&server).await
    })
    .await;
}

#[tokio::test]
async fn ses_12_an_account_made_again_under_the_same_address_inherits_nothing() {
    on_every_store(async |server| {
        register(&server, KIM).await?;
        let mut before = both_faces(&server, KIM).await?;
        let reset = reset_token(&mut Client::browser(&server), KIM).await?;
        let first = server.account(KIM).await?.id;
        operate(&server, Command::AccountDelete { account: KIM.to_owned() }).await?;
        server.clock.advance(Span::seconds(1));
        register(&server, KIM).await?;
        assert_ne!(server.account(KIM).await?.id, first);
        let mut after = both_faces(&server, KIM).await?;
        before.is_over(&server).await?;
        let body = json!({ "token": reset, "password": OTHER_PASSWORD });
        let answer = Client::browser(&server).json(Method::POST, "/api/v1/reset", &body).await?;
        assert_eq!((answer.status, &*answer.code()), (StatusCode::UNAUTHORIZED, "invalid_token"));
        let list = after.browser.get("/api/v1/sessions").await?.json();
        assert_eq!(list["sessions"].as_array().map(Vec::len), Some(1), "{list}");
        after.lives(&server).await
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn ses_12_a_login_under_way_never_opens_the_account_that_took_the_address_meanwhile() {
    on_every_store(async |server| {
        register(&server, KIM).await?;
        // The login has read the account and is held up on its way to the hash.
        let held = server.random.hold_next();
        let mut old = Client::tool(&server);
        let login = tokio::spawn(async move { old.log_in(KIM, PASSWORD).await });
        held.until_somebody_waits();
        operate(&server, Command::AccountDelete { account: KIM.to_owned() }).await?;
        server.clock.advance(Span::seconds(1));
        Client::browser(&server).register(KIM, OTHER_PASSWORD).await?;
        drop(held);
        let answer = login.await??;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{}", answer.body);
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn ses_13_a_session_lives_to_its_idle_end_to_the_microsecond() {
    on_every_store(async |server| {
        register(&server, KIM).await?;
        let tick = Span::from_micros(1);
        for (before, status) in
            [(Span::seconds(1), 200), (tick, 200), (Span::ZERO, 401), (Span::seconds(-1), 401)]
        {
            server.clock.set(START);
            let mut kim = browser(&server, KIM).await?;
            server.clock.set(START + Limits::default().idle - before);
            assert_eq!(by_cookie(&mut kim).await?, status, "{before:?}");
        }
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn ses_13_whatever_a_live_session_asks_for_counts_as_use_and_nothing_else_does() {
    on_every_store(async |server| {
        register(&server, KIM).await?;
        let idle_end = Limits::default().idle_end(START, false);
        for (path, counts) in [
            ("/api/v1/session", true),
            ("/api/v1/sessions", true),
            ("/account", true),
            ("/login", true),
            ("/healthz", false),
            ("/.well-known/jwks.json", false),
            ("/api/v1/openapi.json", false),
            ("/static/look.css", false),
            ("/nothing", false),
        ] {
            server.clock.set(START);
            let mut kim = browser(&server, KIM).await?;
            server.clock.set(START + Span::minutes(90));
            kim.get(path).await?;
            server.clock.set(idle_end);
            let expected = if counts { StatusCode::OK } else { StatusCode::UNAUTHORIZED };
            assert_eq!(by_cookie(&mut kim).await?, expected, "{path}");
        }
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn ses_13_what_was_over_does_not_come_back_by_being_asked_for() {
    on_every_store(async |server| {
        register(&server, KIM).await?;
        let mut kim = browser(&server, KIM).await?;
        server.clock.set(START + Limits::default().idle);
        for _ in 0..3 {
            assert_eq!(by_cookie(&mut kim).await?, StatusCode::UNAUTHORIZED);
            server.clock.advance(Span::seconds(1));
        }
        server.run_jobs().await;
        assert_eq!(by_cookie(&mut kim).await?, StatusCode::UNAUTHORIZED);
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn ses_14_remembered_sessions_have_ends_of_their_own() {
    on_every_store(async |server| {
        register(&server, KIM).await?;
        let mut kim = Client::browser(&server);
        let body = json!({ "identifier": KIM, "password": PASSWORD, "deliver": "cookie", "remember": true });
        kim.json(Method::POST, "/api/v1/login", &body).await?;
        let (end, step) = (START + Span::days(60), Span::days(13));
        for steps in 1..=4 {
            server.clock.set(START + Span::days(13 * steps));
            assert_eq!(by_cookie(&mut kim).await?, StatusCode::OK, "{steps}");
        }
        assert!(START + Span::days(52) + step > end);
        server.clock.set(end - Span::from_micros(1));
        assert_eq!(by_cookie(&mut kim).await?, StatusCode::OK);
        server.clock.set(end);
        assert_eq!(by_cookie(&mut kim).await?, StatusCode::UNAUTHORIZED);
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn ses_15_the_servers_clock_decides_whatever_the_client_says() {
    on_every_store(async |server| {
        register(&server, KIM).await?;
        let mut kim = browser(&server, KIM).await?;
        server.clock.set(START + Limits::default().idle);
        let value = kim.cookie(SESSION).unwrap().to_owned();
        for cookie in [
            format!("{SESSION}={value}; Max-Age=99999999"),
            format!("{SESSION}={value}; Expires=Fri, 31 Dec 2099 23:59:59 GMT"),
        ] {
            let request = Client::tool(&server).request(Method::GET, "/api/v1/session");
            let request = request.header("date", "Tue, 24 Nov 2026 09:00:00 GMT").header("cookie", cookie);
            assert_eq!(kim.send(request).await?.status, StatusCode::UNAUTHORIZED);
        }
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn ses_24_one_session_more_than_allowed_ends_the_oldest_of_either_face() {
    on_every_store_with(&[("COUNTERSIGN_SESSION_CONCURRENT", "3")], async |server| {
        register(&server, KIM).await?;
        let mut first = browser(&server, KIM).await?;
        server.clock.advance(Span::seconds(1));
        let second = tokens(&server, KIM).await?;
        server.clock.advance(Span::seconds(1));
        let mut third = browser(&server, KIM).await?;
        server.clock.advance(Span::seconds(1));
        assert_eq!(by_cookie(&mut first).await?, StatusCode::OK);
        let fourth = tokens(&server, KIM).await?;
        assert_eq!(by_cookie(&mut first).await?, StatusCode::UNAUTHORIZED);
        assert_eq!(by_token(&server, &second.access).await?, StatusCode::OK);
        server.clock.advance(Span::seconds(1));
        let mut fifth = browser(&server, KIM).await?;
        assert_eq!(by_token(&server, &second.access).await?, StatusCode::UNAUTHORIZED);
        refresh_is_refused(&server, &second.refresh).await?;
        for browser in [&mut third, &mut fifth] {
            assert_eq!(by_cookie(browser).await?, StatusCode::OK);
        }
        assert_eq!(by_token(&server, &fourth.access).await?, StatusCode::OK);
        Ok(())
    })
    .await;
}
