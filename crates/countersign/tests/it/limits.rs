//! What a request may say, and where.

use countersign_testkit::{Client, Options, StoreKind, TestServer, raw};
use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::support::{KIM, PASSWORD, register};

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
