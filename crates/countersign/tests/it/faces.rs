//! Two faces, one truth (invariants I1 and I2; attack SES-11).

use countersign_core::Span;
use countersign_core::session::Limits;
use countersign_server::admin::Command;
use countersign_testkit::{Client, START, TestServer, on_every_store, on_every_store_with};
use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::support::*;

#[tokio::test]
async fn i1_use_by_either_face_keeps_both_from_going_idle_and_they_go_idle_together() {
    on_every_store(async |server| {
        register(&server, KIM).await?;
        let mut session = both_faces(&server, KIM).await?;
        let almost = Span::seconds(2 * 3600 - 1);
        server.clock.advance(almost);
        assert_eq!(by_cookie(&mut session.browser).await?, StatusCode::OK);
        server.clock.advance(almost);
        session.replaced = session.tokens.refresh.clone();
        session.tokens = tokens_of(&server, &session.tokens.refresh).await?;
        server.clock.advance(almost);
        assert_eq!(by_cookie(&mut session.browser).await?, StatusCode::OK);
        server.clock.advance(Limits::default().idle);
        session.is_over(&server).await
    })
    .await;
}

#[tokio::test]
async fn i1_an_access_token_keeps_the_cookie_of_its_session_from_going_idle() {
    on_every_store_with(&[("COUNTERSIGN_SESSION_IDLE", "4m")], async |server| {
        register(&server, KIM).await?;
        let mut session = both_faces(&server, KIM).await?;
        server.clock.advance(Span::seconds(239));
        assert_eq!(by_token(&server, &session.tokens.access).await?, StatusCode::OK);
        server.clock.advance(Span::seconds(239));
        assert_eq!(by_cookie(&mut session.browser).await?, StatusCode::OK);
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn i1_ses_14_both_faces_end_at_the_absolute_end_however_they_are_used() {
    on_every_store(async |server| {
        register(&server, KIM).await?;
        let mut session = both_faces(&server, KIM).await?;
        let end = START + Limits::default().absolute;
        for hour in 1..24 {
            server.clock.set(START + Span::hours(hour));
            session.replaced = session.tokens.refresh.clone();
            session.tokens = tokens_of(&server, &session.tokens.refresh).await?;
        }
        server.clock.set(end - Span::seconds(1));
        session.replaced = session.tokens.refresh.clone();
        session.tokens = tokens_of(&server, &session.tokens.refresh).await?;
        assert_eq!(claims(&session.tokens.access)["exp"], end.seconds());
        session.lives(&server).await?;
        let shown = session.browser.get("/api/v1/session").await?.json();
        assert_eq!(shown["session"]["expires_at"], end.rfc3339());
        assert_eq!(shown["session"]["idle_expires_at"], end.rfc3339());
        server.clock.set(end);
        session.is_over(&server).await
    })
    .await;
}

#[tokio::test]
async fn i1_a_token_never_outlives_its_own_life_or_either_end_of_its_session() {
    for (settings, life) in [
        (&[][..], 300),
        (&[("COUNTERSIGN_TOKEN_LIFE", "90s")], 90),
        (&[("COUNTERSIGN_SESSION_IDLE", "2m")], 120),
        (&[("COUNTERSIGN_SESSION_IDLE", "1m"), ("COUNTERSIGN_SESSION_ABSOLUTE", "1m")], 60),
    ] {
        on_every_store_with(settings, async |server| {
            register(&server, KIM).await?;
            let login = tokens(&server, KIM).await?;
            let refreshed = tokens_of(&server, &login.refresh).await?;
            for token in [login.access, refreshed.access] {
                let claims = claims(&token);
                let end = START.seconds() + life;
                assert_eq!((&claims["exp"], &claims["iat"]), (&json!(end), &json!(START.seconds())));
                server.clock.set(START + Span::seconds(life) - Span::from_micros(1));
                assert_eq!(by_token(&server, &token).await?, StatusCode::OK, "{life}");
                server.clock.set(START);
            }
            Ok(())
        })
        .await;
    }
}

#[tokio::test]
async fn i1_both_faces_tell_the_same_of_their_session() {
    on_every_store(async |server| {
        register(&server, KIM).await?;
        let mut session = both_faces(&server, KIM).await?;
        let cookie = session.browser.get("/api/v1/session").await?.json();
        let token =
            session.browser.bearer(Method::GET, "/api/v1/session", &session.tokens.access).await?.json();
        assert_eq!((&cookie["face"], &token["face"]), (&json!("cookie"), &json!("token")));
        assert_eq!(cookie["account"], token["account"]);
        assert_eq!(cookie["session"], token["session"]);
        let claims = claims(&session.tokens.access);
        assert_eq!(claims["sub"], cookie["account"]["id"]);
        assert_eq!(claims["auth_time"], START.seconds());
        assert_eq!((&claims["amr"], &claims["acr"]), (&cookie["session"]["amr"], &cookie["session"]["acr"]));
        assert!(!claims.to_string().contains(&session.id), "a client's name of a session is not its id");
        Ok(())
    })
    .await;
}

/// How a session ends before its time. The two clients are another session of the account.
const ENDS: [&str; 13] = [
    "logout by cookie",
    "logout by token",
    "logout by page",
    "from its own list",
    "from another's list by cookie",
    "from another's list by token",
    "from another's page",
    "all others",
    "all others by page",
    "password changed elsewhere",
    "password reset",
    "revoked session",
    "revoked account",
];

async fn end(
    server: &TestServer,
    how: &str,
    session: &mut BothFaces,
    email: &str,
) -> anyhow::Result<StatusCode> {
    let one = format!("/api/v1/sessions/{}", session.id);
    let mut other = browser(server, email).await?;
    let answer = match how {
        "logout by cookie" => {
            let mut browser = session.browser.clone();
            browser.send(browser.request(Method::DELETE, "/api/v1/session")).await?
        }
        "logout by token" => other.bearer(Method::DELETE, "/api/v1/session", &session.tokens.access).await?,
        "logout by page" => session.browser.clone().form("/logout", &[]).await?,
        "from its own list" => session.browser.bearer(Method::DELETE, &one, &session.tokens.access).await?,
        "from another's list by cookie" => other.send(other.request(Method::DELETE, &one)).await?,
        "from another's list by token" => {
            let token = tokens(server, email).await?.access;
            other.bearer(Method::DELETE, &one, &token).await?
        }
        "from another's page" => other.form(&format!("/account/sessions/{}/end", session.id), &[]).await?,
        "all others" => other.send(other.request(Method::DELETE, "/api/v1/sessions")).await?,
        "all others by page" => other.form("/account/sessions/end-others", &[]).await?,
        "password changed elsewhere" => {
            let body = json!({ "current": PASSWORD, "new": OTHER_PASSWORD });
            other.json(Method::PUT, "/api/v1/password", &body).await?
        }
        "password reset" => {
            let token = reset_token(&mut other, email).await?;
            let body = json!({ "token": token, "password": OTHER_PASSWORD });
            other.json(Method::POST, "/api/v1/reset", &body).await?
        }
        "revoked session" => {
            operate(server, Command::RevokeSession { session: session.id.clone() }).await?;
            return Ok(StatusCode::NO_CONTENT);
        }
        _ => {
            operate(server, Command::RevokeAccount { account: email.to_owned() }).await?;
            return Ok(StatusCode::NO_CONTENT);
        }
    };
    Ok(answer.status)
}

#[tokio::test]
async fn i1_i7_ses_11_whatever_ends_a_session_ends_both_of_its_faces_before_it_answers() {
    on_every_store(async |server| {
        for (number, how) in ENDS.into_iter().enumerate() {
            let email = format!("kim{number}@example.org");
            register(&server, &email).await?;
            let mut session = both_faces(&server, &email).await?;
            session.lives(&server).await?;
            let status = end(&server, how, &mut session, &email).await?;
            assert!(status.is_success() || status == StatusCode::SEE_OTHER, "{how}: {status}");
            session.is_over(&server).await.map_err(|error| error.context(how))?;
        }
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn i1_ses_11_a_disabled_or_deleted_account_has_nothing_left_alive() {
    on_every_store(async |server| {
        for (number, delete) in [false, true].into_iter().enumerate() {
            let email = format!("kim{number}@example.org");
            register(&server, &email).await?;
            let mut both = both_faces(&server, &email).await?;
            let mut browser = browser(&server, &email).await?;
            let tokens = tokens(&server, &email).await?;
            let account = email.clone();
            let command =
                if delete { Command::AccountDelete { account } } else { Command::AccountDisable { account } };
            operate(&server, command).await?;
            both.is_over(&server).await?;
            assert_eq!(by_cookie(&mut browser).await?, StatusCode::UNAUTHORIZED);
            assert_eq!(by_token(&server, &tokens.access).await?, StatusCode::UNAUTHORIZED);
            refresh_is_refused(&server, &tokens.refresh).await?;
            let again = Client::browser(&server).log_in(&email, PASSWORD).await?;
            assert_eq!(again.status, StatusCode::UNAUTHORIZED);
            if !delete {
                operate(&server, Command::AccountEnable { account: email.clone() }).await?;
                both.is_over(&server).await?;
                assert_eq!(Client::browser(&server).log_in(&email, PASSWORD).await?.status, StatusCode::OK);
            }
        }
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn i1_i5_the_session_that_changes_the_password_goes_on_under_a_new_secret() {
    on_every_store(async |server| {
        register(&server, KIM).await?;
        let mut session = both_faces(&server, KIM).await?;
        let mut before = session.browser.clone();
        let body = json!({ "current": PASSWORD, "new": OTHER_PASSWORD });
        let changed = session.browser.json(Method::PUT, "/api/v1/password", &body).await?;
        assert_eq!(changed.status, StatusCode::NO_CONTENT);
        assert_ne!(session.browser.cookie(SESSION), before.cookie(SESSION));
        assert_eq!(by_cookie(&mut before).await?, StatusCode::UNAUTHORIZED);
        session.lives(&server).await?;
        assert_eq!(who(&session.browser.get("/api/v1/session").await?).0, session.id);
        // By token: the session stays as well, and its cookie gets no new secret that nobody would learn of.
        let body = json!({ "current": OTHER_PASSWORD, "new": PASSWORD });
        let request = Client::tool(&server)
            .request(Method::PUT, "/api/v1/password")
            .bearer_auth(&session.tokens.access);
        let changed = session.browser.send(request.json(&body)).await?;
        assert_eq!((changed.status, changed.cookies().len()), (StatusCode::NO_CONTENT, 0));
        session.lives(&server).await
    })
    .await;
}

/// The routes that a token opens, with what they take.
const EITHER: [(Method, &str); 6] = [
    (Method::GET, "/api/v1/session"),
    (Method::GET, "/api/v1/sessions"),
    (Method::DELETE, "/api/v1/session"),
    (Method::DELETE, "/api/v1/sessions"),
    (Method::DELETE, "/api/v1/sessions/ses_01m86ch3m0e009aetxrhwf8eh3"),
    (Method::PUT, "/api/v1/password"),
];

#[tokio::test]
async fn i2_a_token_that_does_not_count_is_refused_beside_a_cookie_that_does() {
    on_every_store(async |server| {
        register(&server, KIM).await?;
        let mut kim = browser(&server, KIM).await?;
        let json = json!({ "current": PASSWORD, "new": OTHER_PASSWORD });
        for (method, path) in EITHER {
            for authorization in ["Bearer x", "bearer ", "Bearer", "DPoP x", "dpop", "Bearer \u{fc}"] {
                let request =
                    kim.request(method.clone(), path).header("authorization", authorization).json(&json);
                let answer = kim.send(request).await?;
                assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{method} {path} {authorization}");
                let challenge = answer.header("www-authenticate");
                assert!(challenge.starts_with("Bearer") || challenge.starts_with("DPoP"), "{method} {path}");
            }
        }
        // Another scheme is none of ours: the cookie decides, and all of it is still there.
        let request = kim.request(Method::GET, "/api/v1/session").header("authorization", "Basic a2ltOng=");
        assert_eq!(who(&kim.send(request).await?).1, "cookie");
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn i2_a_token_decides_whose_request_it_is_whatever_cookie_comes_along() {
    on_every_store(async |server| {
        register(&server, KIM).await?;
        register(&server, LEE).await?;
        let mut kim = browser(&server, KIM).await?;
        let lee = tokens(&server, LEE).await?;
        let request = kim.request(Method::GET, "/api/v1/session").bearer_auth(&lee.access);
        let answer = kim.send(request).await?;
        assert_eq!(
            (&*answer.json()["account"]["email"].to_string(), &*who(&answer).1),
            ("\"lee@example.org\"", "token")
        );
        // No cookie decides, so none can be abused: the request may come from anywhere (I4).
        let request = Client::tool(&server)
            .request(Method::DELETE, "/api/v1/session")
            .header("cookie", format!("{SESSION}={}", kim.cookie(SESSION).unwrap()))
            .header("origin", "https://evil.example")
            .header("sec-fetch-site", "cross-site")
            .bearer_auth(&lee.access);
        let answer = kim.send(request).await?;
        assert_eq!((answer.status, answer.cookies().len()), (StatusCode::NO_CONTENT, 0));
        assert_eq!(by_token(&server, &lee.access).await?, StatusCode::UNAUTHORIZED);
        assert_eq!(by_cookie(&mut kim).await?, StatusCode::OK);
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn i2_pages_and_cookie_routes_ignore_the_header() {
    on_every_store(async |server| {
        register(&server, KIM).await?;
        let login = tokens(&server, KIM).await?;
        let mut kim = browser(&server, KIM).await?;
        let mut nobody = Client::browser(&server);
        for path in ["/account", "/account/sessions", "/account/security"] {
            let request = nobody.request(Method::GET, path).bearer_auth(&login.access);
            assert_eq!(nobody.send(request).await?.status, StatusCode::SEE_OTHER, "{path}");
            let request = kim.request(Method::GET, path).bearer_auth("x");
            assert_eq!(kim.send(request).await?.status, StatusCode::OK, "{path}");
        }
        // A page's form is held against its origin whatever the header says, and a token ends nothing there.
        let request = nobody.request(Method::POST, "/logout").bearer_auth(&login.access);
        nobody.send(request.form(&[("x", "y")])).await?;
        assert_eq!(by_token(&server, &login.access).await?, StatusCode::OK);
        for path in ["/logout", "/api/v1/login", "/account/sessions/end-others"] {
            let request =
                Client::tool(&server).request(Method::POST, path).header("origin", "https://evil.example");
            let answer = nobody.send(request.bearer_auth(&login.access).form(&[("x", "y")])).await?;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}");
        }
        Ok(())
    })
    .await;
}
