//! Visitors that nobody knows, and what is never kept or said of those that somebody does (invariant I6; attacks
//! SES-22, SES-26, SES-27).

use countersign_testkit::{Answer, Client, on_every_store};
use reqwest::{Method, StatusCode};

use crate::support::*;

/// What a visitor without a session can ask for.
const VISITS: [(&str, u16); 14] = [
    ("/", 200),
    ("/login", 200),
    ("/login?return_to=%2Faccount", 200),
    ("/register", 200),
    ("/recover", 200),
    ("/verify", 200),
    ("/logout", 200),
    ("/account", 303),
    ("/account/security", 303),
    ("/nothing", 404),
    ("/api/v1/session", 401),
    ("/api/v1/openapi.json", 200),
    ("/.well-known/jwks.json", 200),
    ("/healthz", 204),
];

#[tokio::test]
async fn ses_22_i6_a_thousand_anonymous_visits_store_nothing_and_set_no_cookie() {
    on_every_store(async |server| {
        let before = server.audit().await?;
        let mut visitor = Client::browser(&server);
        for _ in 0..72 {
            for (path, status) in VISITS {
                let answer = visitor.get(path).await?;
                assert_eq!((answer.status.as_u16(), answer.cookies().len()), (status, 0), "{path}");
            }
        }
        server.run_jobs().await;
        // Whatever is written has its line in the audit log, in the same batch (I17); but for the next key, which a
        // job makes.
        let after = server.audit().await?;
        let new = after.iter().filter(|line| !before.iter().any(|known| known.id == line.id));
        let new: Vec<_> = new.map(|line| &*line.kind).collect();
        assert_eq!(new, ["key.created"]);
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn ses_26_what_a_session_sees_is_kept_by_no_cache() {
    on_every_store(async |server| {
        register(&server, KIM).await?;
        let mut kim = both_faces(&server, KIM).await?;
        for path in ["/account", "/account/sessions", "/account/security", "/logout", "/login", "/"] {
            let answer = kim.browser.get(path).await?;
            assert_eq!(answer.header("cache-control"), "no-store", "{path}");
            assert!(answer.header("vary").contains("Cookie"), "{path}");
            assert_eq!(answer.header("etag"), "", "{path}");
        }
        for path in ["/api/v1/session", "/api/v1/sessions"] {
            let by_token = kim.browser.bearer(Method::GET, path, &kim.tokens.access).await?;
            let nobody = Client::tool(&server).get(path).await?;
            for answer in [kim.browser.get(path).await?, by_token, nobody] {
                assert_eq!(answer.header("cache-control"), "no-store", "{path}");
                assert_eq!(answer.header("vary"), "Cookie, Authorization", "{path}");
                assert_eq!(answer.header("etag"), "", "{path}");
            }
        }
        let refreshed = kim.browser.refresh(&kim.tokens.refresh).await?;
        assert_eq!((refreshed.header("cache-control"), refreshed.header("pragma")), ("no-store", "no-cache"));
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn ses_26_a_logout_takes_from_the_browser_what_it_kept_of_us() {
    on_every_store(async |server| {
        register(&server, KIM).await?;
        let mut by_api = browser(&server, KIM).await?;
        let by_api = by_api.send(by_api.request(Method::DELETE, "/api/v1/session")).await?;
        let by_page = browser(&server, KIM).await?.form("/logout", &[]).await?;
        for answer in [by_api, by_page] {
            assert_eq!(answer.header("clear-site-data"), "\"cache\", \"storage\"");
            assert_eq!(answer.header("cache-control"), "no-store");
            let gone = "__Host-Http-session=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0";
            assert_eq!(answer.cookies(), [gone]);
        }
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn ses_27_jwt_21_no_secret_counts_in_a_url_or_body() {
    on_every_store(async |server| {
        register(&server, KIM).await?;
        let kim = both_faces(&server, KIM).await?;
        let secret = kim.browser.cookie(SESSION).unwrap();
        let mut tool = Client::tool(&server);
        for path in ["/api/v1/session", "/api/v1/sessions", "/account"] {
            for (name, value) in [
                (SESSION, secret),
                ("session", secret),
                ("access_token", &*kim.tokens.access),
                ("token", &*kim.tokens.access),
                ("authorization", &*format!("Bearer%20{}", kim.tokens.access)),
            ] {
                let answer = tool.get(&format!("{path}?{name}={value}")).await?;
                assert!(
                    matches!(answer.status, StatusCode::UNAUTHORIZED | StatusCode::SEE_OTHER),
                    "{path} {name}"
                );
                let form = tool.request(Method::GET, path).form(&[(name, value)]);
                let answer = tool.send(form).await?;
                assert!(
                    matches!(answer.status, StatusCode::UNAUTHORIZED | StatusCode::SEE_OTHER),
                    "{path} {name}"
                );
            }
        }
        let url = format!(
            "/oauth2/token?grant_type=refresh_token&client_id=countersign&refresh_token={}",
            kim.tokens.refresh
        );
        let answer = tool.form(&url, &[]).await?;
        assert_eq!(
            (answer.status, &answer.json()["error"]),
            (StatusCode::BAD_REQUEST, &"invalid_request".into())
        );
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn ses_27_no_answer_brings_a_session_secret_anywhere_but_in_its_cookie() {
    on_every_store(async |server| {
        register(&server, KIM).await?;
        let mut kim = Client::browser(&server);
        let page = kim.form("/login", &[("username", KIM), ("password", PASSWORD)]).await?;
        let secret = kim.cookie(SESSION).unwrap().to_owned();
        let mut answers = vec![page];
        for path in ["/login?done=1", "/account", "/account/sessions", "/api/v1/session", "/api/v1/sessions"]
        {
            answers.push(kim.get(path).await?);
        }
        let api = kim.log_in(KIM, PASSWORD).await?;
        let second = kim.cookie(SESSION).unwrap().to_owned();
        answers.push(api);
        for Answer { headers, body, .. } in &answers {
            let others = headers.iter().filter(|(name, _)| *name != "set-cookie");
            let text: String = others.map(|(_, value)| value.to_str().unwrap_or_default()).collect();
            for secret in [&secret, &second] {
                assert!(!text.contains(secret.as_str()) && !body.contains(secret.as_str()));
            }
        }
        Ok(())
    })
    .await;
}
