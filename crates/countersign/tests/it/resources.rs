//! Tokens for other APIs (RFC 8707): a token for another resource opens only that (invariant I2).

use countersign_server::admin::Command;
use countersign_testkit::{Answer, Client, Options, StoreKind, TestServer, Tokens, on_every_store};
use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::support::*;

const API: &str = "http://localhost:9099/api";
const OTHER: &str = "http://127.0.0.1:9098";

async fn log_in_for(server: &TestServer, resource: &str) -> anyhow::Result<Answer> {
    let body = json!({ "identifier": KIM, "password": PASSWORD, "deliver": "token", "resource": resource });
    Client::tool(server).json(Method::POST, "/api/v1/login", &body).await
}

async fn refresh_for(server: &TestServer, refresh: &str, resource: &str) -> anyhow::Result<Answer> {
    let fields = [
        ("grant_type", "refresh_token"),
        ("client_id", "countersign"),
        ("refresh_token", refresh),
        ("resource", resource),
    ];
    Client::tool(server).form("/oauth2/token", &fields).await
}

#[tokio::test]
async fn i2_a_login_for_another_resource_opens_only_that() {
    on_every_store(async |server| {
        register(&server, KIM).await?;
        let answer = log_in_for(&server, API).await?;
        assert!(answer.json().get("scope").is_none(), "a scope of ours means nothing there: {}", answer.body);
        let login = Tokens::of(&answer)?;
        assert_eq!(claims(&login.access)["aud"], API);
        for (method, path) in [
            (Method::GET, "/api/v1/session"),
            (Method::DELETE, "/api/v1/session"),
            (Method::GET, "/api/v1/sessions"),
        ] {
            let refused = Client::tool(&server).bearer(method, path, &login.access).await?;
            assert_eq!(
                (refused.status, &*refused.code()),
                (StatusCode::UNAUTHORIZED, "invalid_token"),
                "{path}"
            );
        }
        let next = tokens_of(&server, &login.refresh).await?;
        assert_eq!(claims(&next.access)["aud"], API);
        for elsewhere in [&server.url, OTHER] {
            let refused = refresh_for(&server, &next.refresh, elsewhere).await?;
            assert_eq!(
                (refused.status, &refused.json()["error"]),
                (StatusCode::BAD_REQUEST, &"invalid_target".into()),
                "{elsewhere}"
            );
        }
        assert_eq!(
            refresh_for(&server, &next.refresh, API).await?.status,
            StatusCode::OK,
            "a refusal burns nothing"
        );
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn i2_a_token_for_another_resource_by_refresh_leaves_the_grant_as_it_was() {
    on_every_store(async |server| {
        register(&server, KIM).await?;
        let login = tokens(&server, KIM).await?;
        assert_eq!(claims(&login.access)["aud"], server.url);
        let elsewhere = Tokens::of(&refresh_for(&server, &login.refresh, API).await?)?;
        assert_eq!(claims(&elsewhere.access)["aud"], API);
        assert_eq!(claims(&elsewhere.access).get("scope"), None);
        assert_eq!(by_token(&server, &elsewhere.access).await?, StatusCode::UNAUTHORIZED);
        let back = tokens_of(&server, &elsewhere.refresh).await?;
        assert_eq!(
            (&claims(&back.access)["aud"], &claims(&back.access)["scope"]),
            (&json!(server.url), &json!("account"))
        );
        assert_eq!(by_token(&server, &back.access).await?, StatusCode::OK);
        let named = Tokens::of(&refresh_for(&server, &back.refresh, &server.url).await?)?;
        assert_eq!(by_token(&server, &named.access).await?, StatusCode::OK);
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn tokens_are_made_for_known_resources_only() {
    on_every_store(async |server| {
        register(&server, KIM).await?;
        let login = tokens(&server, KIM).await?;
        for resource in [
            "https://api.example",
            "http://localhost.evil.example",
            "",
            "/api",
            "localhost:1",
            "http://localhost:9099/#x",
        ] {
            let refused = log_in_for(&server, resource).await?;
            assert_eq!(
                (refused.status, &*refused.code()),
                (StatusCode::BAD_REQUEST, "invalid_request"),
                "{resource}"
            );
            assert_eq!(refused.json()["errors"][0]["field"], "resource", "{resource}");
            let refused = refresh_for(&server, &login.refresh, resource).await?;
            assert_eq!(refused.json()["error"], "invalid_target", "{resource}");
        }
        operate(&server, Command::ResourceAdd { resource: "https://api.example".to_owned() }).await?;
        assert_eq!(log_in_for(&server, "https://api.example").await?.status, StatusCode::OK);
        assert_eq!(refresh_for(&server, &login.refresh, "https://api.example").await?.status, StatusCode::OK);
        let body = json!({ "identifier": KIM, "password": PASSWORD, "deliver": "cookie", "resource": API });
        let cookie = Client::tool(&server).json(Method::POST, "/api/v1/login", &body).await?;
        assert_eq!((cookie.status, cookie.cookies().len()), (StatusCode::BAD_REQUEST, 0));
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn outside_dev_mode_no_loopback_resource_is_known_by_itself() {
    let options = Options::on(StoreKind::Sqlite)
        .production()
        .with("COUNTERSIGN_RESOURCES_ALLOWED", "https://set.example");
    let server = TestServer::start(options).await.unwrap();
    let new = countersign_server::admin::NewAccount {
        email: KIM.to_owned(),
        name: None,
        admin: false,
        password: serde_json::from_value(json!(PASSWORD)).unwrap(),
    };
    operate(&server, Command::AccountCreate(new)).await.unwrap();
    for (resource, status) in [(API, 400), ("https://set.example", 200), ("https://other.example", 400)] {
        assert_eq!(log_in_for(&server, resource).await.unwrap().status, status, "{resource}");
    }
}
