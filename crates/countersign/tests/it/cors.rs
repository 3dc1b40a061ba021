//! Cross-origin reads (invariant I3): every token route is open to every origin and never with credentials; what reads
//! a cookie sends no CORS header at all.

use countersign_testkit::{Answer, Client, TestServer, on_every_store};
use reqwest::Method;
use serde_json::json;

use crate::support::*;

const ORIGIN: &str = "https://app.example";

/// Routes that a token opens, or that are open to everybody.
const OPEN: [(Method, &str); 10] = [
    (Method::GET, "/api/v1/session"),
    (Method::DELETE, "/api/v1/session"),
    (Method::GET, "/api/v1/sessions"),
    (Method::DELETE, "/api/v1/sessions"),
    (Method::DELETE, "/api/v1/sessions/ses_01m86ch3m0e009aetxrhwf8eh3"),
    (Method::PUT, "/api/v1/password"),
    (Method::GET, "/api/v1/openapi.json"),
    (Method::POST, "/oauth2/token"),
    (Method::GET, "/.well-known/jwks.json"),
    (Method::GET, "/statuslists/00000000000000000000000000000000"),
];

/// Routes of the cookie face alone, and what is no API.
const CLOSED: [(Method, &str); 19] = [
    (Method::GET, "/"),
    (Method::GET, "/login"),
    (Method::POST, "/login"),
    (Method::POST, "/register"),
    (Method::POST, "/verify"),
    (Method::POST, "/recover"),
    (Method::POST, "/reset"),
    (Method::GET, "/account"),
    (Method::GET, "/account/sessions"),
    (Method::POST, "/account/sessions/end-others"),
    (Method::POST, "/account/security"),
    (Method::POST, "/logout"),
    (Method::POST, "/locale"),
    (Method::POST, "/api/v1/accounts"),
    (Method::POST, "/api/v1/accounts/verify"),
    (Method::POST, "/api/v1/login"),
    (Method::POST, "/api/v1/recover"),
    (Method::GET, "/healthz"),
    (Method::GET, "/nothing"),
];

fn cors(answer: &Answer) -> Vec<&str> {
    answer
        .headers
        .keys()
        .map(reqwest::header::HeaderName::as_str)
        .filter(|name| name.starts_with("access-control-"))
        .collect()
}

async fn preflight(
    server: &TestServer,
    method: &Method,
    path: &str,
    headers: &str,
) -> anyhow::Result<Answer> {
    let request = Client::tool(server)
        .request(Method::OPTIONS, path)
        .header("origin", ORIGIN)
        .header("sec-fetch-site", "cross-site")
        .header("sec-fetch-mode", "cors")
        .header("access-control-request-method", method.as_str())
        .header("access-control-request-headers", headers);
    Answer::read(request.send().await?).await
}

#[tokio::test]
async fn i3_every_token_route_answers_every_preflight_and_never_allows_credentials() {
    on_every_store(async |server| {
        for (method, path) in OPEN {
            let answer = preflight(&server, &method, path, "authorization,content-type,dpop").await?;
            assert_eq!((answer.status.as_u16(), &*answer.body), (204, ""), "{method} {path}");
            assert_eq!(answer.header("access-control-allow-origin"), "*", "{path}");
            let allowed: Vec<_> = answer.header("access-control-allow-methods").split(", ").collect();
            assert!(allowed.contains(&method.as_str()), "{path}: {allowed:?}");
            let headers = "Authorization, DPoP, Content-Type, Last-Event-ID";
            assert_eq!(answer.header("access-control-allow-headers"), headers, "{path}");
            assert_eq!(answer.header("access-control-allow-credentials"), "", "{path}");
        }
        Ok(())
    })
    .await;
}

/// The answer carries exactly what the design says.
fn assert_open(answer: &Answer, what: &str) {
    assert_eq!(answer.header("access-control-allow-origin"), "*", "{what}");
    let exposed = "WWW-Authenticate, DPoP-Nonce, Retry-After";
    assert_eq!(answer.header("access-control-expose-headers"), exposed, "{what}");
    assert_eq!(cors(answer).len(), 2, "{what}: {:?}", cors(answer));
}

#[tokio::test]
async fn i3_every_answer_of_a_token_route_is_open_its_errors_too() {
    on_every_store(async |server| {
        register(&server, KIM).await?;
        let kim = both_faces(&server, KIM).await?;
        for (method, path) in OPEN {
            let asked = |method: Method| Client::tool(&server).request(method, path).header("origin", ORIGIN);
            let mut answers = vec![
                Answer::read(asked(method.clone()).send().await?).await?,
                Answer::read(asked(method.clone()).bearer_auth("x").json(&json!({})).send().await?).await?,
                Answer::read(asked(Method::PATCH).send().await?).await?,
                Answer::read(asked(Method::OPTIONS).send().await?).await?,
            ];
            if method == Method::GET || path == "/api/v1/password" {
                let request = asked(method.clone()).bearer_auth(&kim.tokens.access);
                answers.push(Answer::read(request.json(&json!({})).send().await?).await?);
            }
            for answer in &answers {
                assert_open(answer, &format!("{method} {path}: {}", answer.status));
            }
        }
        let refreshed = kim.browser.refresh(&kim.tokens.refresh).await?;
        assert_open(&refreshed, "a refresh");
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn i3_the_answer_to_a_cookie_is_as_open_and_so_withheld_by_browsers() {
    on_every_store(async |server| {
        register(&server, KIM).await?;
        let mut kim = browser(&server, KIM).await?;
        let request = Client::tool(&server).request(Method::GET, "/api/v1/session").header("origin", ORIGIN);
        let cookie = format!("{SESSION}={}", kim.cookie(SESSION).unwrap());
        assert_open(&kim.send(request.header("cookie", cookie)).await?, "by cookie");
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn i3_what_reads_a_cookie_alone_sends_no_cors_header() {
    on_every_store(async |server| {
        for (method, path) in CLOSED {
            let answer = preflight(&server, &method, path, "content-type").await?;
            assert_eq!(cors(&answer), [""; 0], "preflight of {method} {path}");
            assert!(!answer.status.is_success(), "preflight of {method} {path}: {}", answer.status);
            for origin in [ORIGIN, "null", &server.url] {
                let request = Client::tool(&server).request(method.clone(), path).header("origin", origin);
                let answer = Answer::read(request.json(&json!({})).send().await?).await?;
                assert_eq!(cors(&answer), [""; 0], "{method} {path} from {origin}");
            }
        }
        Ok(())
    })
    .await;
}
