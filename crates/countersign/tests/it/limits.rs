//! What a request may say, and where.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_testkit::{Client, Options, StoreKind, TestServer, raw};
use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::support::{KIM, PASSWORD, register};

const FORM: &str = "application/x-www-form-urlencoded";

async fn server() -> anyhow::Result<TestServer> {
    TestServer::start(Options::on(StoreKind::Memory)).await
}

#[tokio::test]
async fn http_23_head_tells_the_length_that_get_has() -> anyhow::Result<()> {
    let server = server().await?;
    let mut tool = Client::tool(&server);
    for path in ["/login", "/.well-known/jwks.json", "/api/v1/openapi.json", "/no-such-page"] {
        let whole = tool.get(path).await?;
        let head = tool.send(tool.request(Method::HEAD, path)).await?;
        assert_eq!((head.status, &*head.body), (whole.status, ""), "{path}");
        let length = |answer: &str| answer.parse::<usize>().ok();
        // A page's length differs by nothing: its nonce always has the same length.
        assert_eq!(length(head.header("content-length")), Some(whole.body.len()), "{path}");
    }
    Ok(())
}

#[tokio::test]
async fn http_05_a_length_over_the_limit_is_refused_wherever_it_is_declared() -> anyhow::Result<()> {
    let server = server().await?;
    for path in ["/logout", "/api/v1/session", "/api/v1/login", "/login", "/oauth2/token"] {
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: localhost:{}\r\nContent-Length: 99999999999\r\nConnection: close\r\n\r\n",
            server.address.port()
        );
        let answer = raw::send(&server, request.as_bytes()).await?;
        assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE, "{path}");
    }
    Ok(())
}

#[tokio::test]
async fn log_28_what_is_asked_for_is_said_in_one_place() -> anyhow::Result<()> {
    let server = server().await?;
    register(&server, KIM).await?;
    let mut tool = Client::tool(&server);
    let body = json!({ "identifier": KIM, "password": PASSWORD, "deliver": "token" });
    let answer = tool.json(Method::POST, "/api/v1/login?identifier=other@example.org", &body).await?;
    assert_eq!((answer.status, &*answer.code()), (StatusCode::BAD_REQUEST, "invalid_request"));
    let fields = [("username", KIM), ("password", PASSWORD)];
    let answer = tool.form("/login?username=other@example.org", &fields).await?;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    let fields = [("username", KIM), ("password", PASSWORD), ("return_to", "/account")];
    assert_eq!(tool.form("/login?return_to=/account", &fields).await?.status, StatusCode::SEE_OTHER);
    Ok(())
}

#[tokio::test]
async fn red_07_no_form_is_sent_on_to_another_name_of_this_machine() -> anyhow::Result<()> {
    let server = server().await?;
    let mut tool = Client::tool(&server);
    let other = format!("127.0.0.1:{}", server.address.port());
    let get = tool.request(Method::GET, "/login").header("host", &other);
    assert_eq!(tool.send(get).await?.location(), format!("{}/login", server.url));
    let fields = [("username", KIM), ("password", PASSWORD)];
    let post = tool.request(Method::POST, "/login").header("host", &other).form(&fields);
    assert_eq!(tool.send(post).await?.status, StatusCode::MISDIRECTED_REQUEST);
    Ok(())
}

#[tokio::test]
async fn rec_01_i14_a_mail_asked_for_again_costs_a_commit_whoever_asks() -> anyhow::Result<()> {
    let server = server().await?;
    register(&server, KIM).await?;
    let mut stranger = Client::tool(&server);
    for (address, line) in [("nobody@example.org", "registration.dropped"), (KIM, "registration.noticed")] {
        let answer = stranger.form("/verify/resend", &[("email", address)]).await?;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{address}");
        assert_eq!(server.audited(line).await?, 1, "{address}");
    }
    Ok(())
}

#[tokio::test]
async fn http_05_thousands_of_fields_or_parameters_are_refused_and_cost_nothing() -> anyhow::Result<()> {
    let server = server().await?;
    let mut tool = Client::tool(&server);
    let fields = (0..10_000).map(|n| format!("{n:x}=")).collect::<Vec<_>>().join("&");
    assert!(fields.len() < 64 * 1024, "as many as a body can hold");
    for path in ["/login", "/oauth2/token", "/recover"] {
        let form = tool.request(Method::POST, path).header("content-type", FORM).body(fields.clone());
        assert_eq!(tool.send(form).await?.status, StatusCode::BAD_REQUEST, "{path}");
        let query = format!("{path}?{}", &fields[..8000].trim_end_matches('&'));
        let asked = tool.request(Method::POST, &query).header("content-type", FORM).body("a=b");
        assert_eq!(tool.send(asked).await?.status, StatusCode::BAD_REQUEST, "{path} with a query");
    }
    assert_eq!(tool.get(&format!("/login?{}", &fields[..8000])).await?.status, StatusCode::BAD_REQUEST);
    // What is longer than the request line may be never gets so far.
    let line = format!("GET /login?{fields} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    let answer = raw::send(&server, line.as_bytes()).await?.status;
    assert!([414, 431].contains(&answer), "{answer}");
    Ok(())
}

#[tokio::test]
async fn dos_05_no_depth_of_nesting_takes_more_than_a_refusal() -> anyhow::Result<()> {
    let server = server().await?;
    let mut tool = Client::tool(&server);
    let deep = |open: &str, close: &str| format!("{}{}", open.repeat(10_000), close.repeat(10_000));
    let bodies = [
        deep("[", "]"),
        "[".repeat(60_000),
        format!("{{\"email\":{}}}", deep("[", "]")),
        format!("{{\"email\":{}", "{\"email\":".repeat(6_000)),
        deep("{\"a\":", "}").replacen("::", ":0:", 1),
    ];
    for path in ["/api/v1/accounts", "/api/v1/login", "/api/v1/recover", "/api/v1/reset"] {
        for body in &bodies {
            let request = tool.request(Method::POST, path).header("content-type", "application/json");
            let answer = tool.send(request.body(body.clone())).await?;
            let expected = if body.len() > 64 * 1024 { "payload_too_large" } else { "invalid_request" };
            assert_eq!(answer.code(), expected, "{path}");
        }
    }
    // The JSON inside a token is read by another reader, which has its own limit.
    let header = URL_SAFE_NO_PAD.encode(format!("{{\"alg\":{}}}", "[".repeat(700)));
    let token = format!("{header}.{header}.AAAA");
    let answer = tool.send(tool.request(Method::GET, "/api/v1/session").bearer_auth(token)).await?;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    Ok(())
}

#[tokio::test]
async fn dos_09_signing_is_cheap_by_default_and_no_stranger_brings_a_costly_key() -> anyhow::Result<()> {
    let server = server().await?;
    register(&server, KIM).await?;
    let mut tool = Client::tool(&server);
    let jwks = tool.get("/.well-known/jwks.json").await?.body;
    assert!(jwks.contains("\"ES256\"") && !jwks.contains("\"RSA\""), "{jwks}");
    // A name of a key that is not there costs no signature and no look elsewhere: the keys are ours alone.
    for n in 0..200 {
        let header = format!("{{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"{n}\"}}");
        let token = format!("{}.e30.{}", URL_SAFE_NO_PAD.encode(header), "A".repeat(86));
        let answer = tool.send(tool.request(Method::GET, "/api/v1/session").bearer_auth(token)).await?;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(tool.get("/.well-known/jwks.json").await?.body, jwks);
    Ok(())
}
