//! Tokens of clients on their own account, and whether a token counts, told and ended by its client (attacks OAU-47, OAU-66
//! to OAU-68, OAU-78, OAU-80 to OAU-82).

use countersign_core::Span;
use countersign_core::client::Profile;
use countersign_server::admin::{ClientCommand, Command, NewClient};
use countersign_testkit::{Answer, Client, TestServer, Tokens, on_every_store};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::codes::{code, own_client, redeem};
use crate::status_lists::revoked;
use crate::support::*;

const SECRET: &str = "0123456789abcdef0123456789abcdef0123456789ab";

/// A client that proves itself in the form.
async fn confidential(server: &TestServer, id: &str, scope: &str) -> anyhow::Result<()> {
    let metadata = json!({ "token_endpoint_auth_method": "client_secret_post",
        "grant_types": ["client_credentials"], "scope": scope });
    server.add_client(id, Profile::Oauth21, &metadata, Some(SECRET)).await
}

async fn post(server: &TestServer, path: &str, id: &str, more: &[(&str, &str)]) -> anyhow::Result<Answer> {
    let mut fields = vec![("client_id", id), ("client_secret", SECRET)];
    fields.extend(more);
    Client::tool(server).form(path, &fields).await
}

async fn own_token(server: &TestServer, id: &str, more: &[(&str, &str)]) -> anyhow::Result<Answer> {
    let mut fields = vec![("grant_type", "client_credentials")];
    fields.extend(more);
    post(server, "/oauth2/token", id, &fields).await
}

async fn told(server: &TestServer, id: &str, token: &str) -> anyhow::Result<Value> {
    let answer = post(server, "/oauth2/introspect", id, &[("token", token)]).await?;
    anyhow::ensure!(answer.status == StatusCode::OK, "{} {}", answer.status, answer.body);
    Ok(answer.json())
}

fn inactive() -> Value {
    json!({ "active": false })
}

#[tokio::test]
async fn oau_80_a_client_gets_a_token_of_its_own_and_nothing_that_outlives_it() {
    on_every_store(async |server| {
        confidential(&server, "job", "notes.read openid offline_access").await?;
        let answer = own_token(&server, "job", &[]).await?;
        let json = answer.json();
        assert_eq!(
            (answer.status, &json["token_type"]),
            (StatusCode::OK, &json!("Bearer")),
            "{}",
            answer.body
        );
        assert_eq!((&json["scope"], json.get("refresh_token")), (&json!("notes.read"), None));
        let token = json["access_token"].as_str().unwrap();
        let said = claims(token);
        assert_eq!((&said["sub"], &said["client_id"]), (&json!("job"), &json!("job")));
        for absent in ["sid", "auth_time", "acr", "amr"] {
            assert_eq!(said.get(absent), None, "{absent}");
        }
        assert_eq!(told(&server, "job", token).await?["active"], true);
        assert_eq!(by_token(&server, token).await?, StatusCode::FORBIDDEN);
        for (scope, error) in
            [("openid", "invalid_scope"), ("account", "invalid_scope"), ("x", "invalid_scope")]
        {
            assert_eq!(own_token(&server, "job", &[("scope", scope)]).await?.json()["error"], error);
        }
        let unknown = own_token(&server, "job", &[("resource", "https://unknown.example")]).await?;
        assert_eq!(unknown.json()["error"], "invalid_target");
        let api = own_token(&server, "job", &[("resource", "http://localhost:9/api")]).await?;
        assert_eq!(claims(api.json()["access_token"].as_str().unwrap())["aud"], "http://localhost:9/api");
        // One place for all its tokens.
        assert_eq!(claims(api.json()["access_token"].as_str().unwrap())["status"], said["status"]);
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn oau_80_oau_81_oau_82_a_grant_is_for_clients_that_are_registered_for_it() {
    on_memory(async |server| {
        confidential(&server, "job", "").await?;
        let public = json!({ "token_endpoint_auth_method": "none", "grant_types": ["client_credentials"] });
        server.add_client("public", Profile::Oauth21, &public, None).await?;
        let cases: &[(&[(&str, &str)], &str)] = &[
            (&[("client_id", "public"), ("grant_type", "client_credentials")], "unauthorized_client"),
            (&[("client_id", "countersign"), ("grant_type", "client_credentials")], "unauthorized_client"),
            (&[("client_id", "public"), ("grant_type", "refresh_token")], "unauthorized_client"),
            (&[("client_id", "public"), ("grant_type", "password")], "unsupported_grant_type"),
            (&[("client_id", "public"), ("grant_type", "implicit")], "unsupported_grant_type"),
            (
                &[("client_id", "public"), ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer")],
                "unsupported_grant_type",
            ),
            (
                &[("client_id", "public"), ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange")],
                "unsupported_grant_type",
            ),
            (&[("client_id", "public"), ("grant_type", "")], "invalid_request"),
            (&[("client_id", "public")], "invalid_request"),
            (
                &[("client_id", "public"), ("grant_type", "refresh_token"), ("grant_type", "password")],
                "invalid_request",
            ),
        ];
        for (fields, error) in cases {
            let answer = Client::tool(&server).form("/oauth2/token", fields).await?;
            assert_eq!(
                (answer.status, answer.json()["error"].as_str()),
                (StatusCode::BAD_REQUEST, Some(*error))
            );
        }
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn oau_66_oau_47_a_token_is_told_about_to_its_client_and_its_api_alone() {
    on_every_store(async |server| {
        register(&server, KIM).await?;
        for id in ["job", "stranger", "http://localhost:9/api"] {
            confidential(&server, id, "notes.read").await?;
        }
        let own = own_token(&server, "job", &[("resource", "http://localhost:9/api")]).await?;
        let own = own.json()["access_token"].as_str().unwrap().to_owned();
        let active = told(&server, "http://localhost:9/api", &own).await?;
        assert_eq!(active, told(&server, "job", &own).await?);
        assert_eq!((&active["active"], &active["scope"]), (&json!(true), &json!("notes.read")));
        assert_eq!((&active["client_id"], &active["aud"]), (&json!("job"), &json!("http://localhost:9/api")));
        let persons = tokens(&server, KIM).await?;
        let malformed = ["x", "a.b.c", "", &own[..own.len() - 4]];
        for token in [&*own, &persons.access, &persons.refresh].into_iter().chain(malformed) {
            let answer = post(&server, "/oauth2/introspect", "stranger", &[("token", token)]).await?;
            if token.is_empty() {
                assert_eq!(answer.json()["error"], "invalid_request");
            } else {
                assert_eq!(answer.json(), inactive(), "{token}");
            }
        }
        // Nobody, the wrong secret, and a client that proves nothing.
        let fields: &[&[(&str, &str)]] = &[
            &[("token", &own)],
            &[("token", &own), ("client_id", "job"), ("client_secret", "wrong")],
            &[("token", &persons.access), ("client_id", "countersign")],
        ];
        for fields in fields {
            let answer = Client::tool(&server).form("/oauth2/introspect", fields).await?;
            assert_eq!(
                (answer.status.as_u16(), answer.json()["error"].as_str()),
                (401, Some("invalid_client"))
            );
        }
        let got = Client::tool(&server).get("/oauth2/introspect").await?;
        assert_eq!(got.status, StatusCode::METHOD_NOT_ALLOWED);
        server.clock.advance(server.app.policy.token.life);
        assert_eq!(told(&server, "job", &own).await?, inactive());
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn oau_67_oau_68_what_its_client_revoked_is_over_at_once() {
    on_every_store(async |server| {
        confidential(&server, "job", "").await?;
        confidential(&server, "stranger", "").await?;
        let mint = async || {
            let answer = own_token(&server, "job", &[]).await.unwrap().json();
            answer["access_token"].as_str().unwrap().to_owned()
        };
        let (one, other) = (mint().await, mint().await);
        for (id, token) in [("stranger", &*one), ("job", "x"), ("job", "a.b.c")] {
            let answer = post(&server, "/oauth2/revoke", id, &[("token", token)]).await?;
            assert_eq!(answer.status, StatusCode::OK);
        }
        assert_eq!(told(&server, "job", &one).await?["active"], true);
        let hint = ("token_type_hint", "refresh_token");
        for _ in 0..2 {
            let answer = post(&server, "/oauth2/revoke", "job", &[("token", &one), hint]).await?;
            assert_eq!((answer.status, answer.body.len()), (StatusCode::OK, 0));
        }
        assert_eq!(server.audited("token.revoked").await?, 1);
        assert_eq!(told(&server, "job", &one).await?, inactive());
        assert_eq!(told(&server, "job", &other).await?["active"], true);
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn oau_68_a_refresh_token_given_back_ends_its_grant() {
    on_every_store(async |server| {
        register(&server, KIM).await?;
        own_client(&server).await?;
        confidential(&server, "stranger", "").await?;
        let mut browser = browser(&server, KIM).await?;
        let code = code(&mut browser, &[("scope", "openid account")]).await?;
        let tokens = Tokens::of(&redeem(&server, &code, &[]).await?)?;
        let foreign = post(&server, "/oauth2/revoke", "stranger", &[("token", &tokens.refresh)]).await?;
        assert_eq!(foreign.status, StatusCode::OK);
        assert_eq!(by_token(&server, &tokens.access).await?, StatusCode::OK);
        let fields = [("client_id", "notes"), ("token", &*tokens.refresh)];
        for _ in 0..2 {
            let answer = Client::tool(&server).form("/oauth2/revoke", &fields).await?;
            assert_eq!(answer.status, StatusCode::OK);
        }
        assert_eq!(by_token(&server, &tokens.access).await?, StatusCode::UNAUTHORIZED);
        assert_eq!(server.audited("grant.ended").await?, 1);
        // The login lives on.
        assert_eq!(by_cookie(&mut browser).await?, StatusCode::OK);
        let bare = Client::tool(&server).form("/oauth2/revoke", &[("client_id", "notes")]).await?;
        assert_eq!(bare.json()["error"], "invalid_request");
        let got = Client::tool(&server).bearer(Method::GET, "/oauth2/revoke", "x").await?;
        assert_eq!(got.status, StatusCode::METHOD_NOT_ALLOWED);
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn oau_66_an_api_is_known_by_the_name_that_tokens_are_for_and_an_app_is_not() {
    on_memory(async |server| {
        let create = async |metadata: Value| {
            let Value::Object(metadata) = metadata else { anyhow::bail!("no object") };
            let id = Some("https://api.example".to_owned());
            let new = NewClient { id, metadata, ..NewClient::default() };
            Ok(operate(&server, Command::Client(ClientCommand::Create(new))).await.is_ok())
        };
        assert!(!create(json!({ "redirect_uris": ["https://api.example/cb"] })).await?);
        assert!(create(json!({ "grant_types": ["client_credentials"] })).await?);
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn i1_a_closed_clients_tokens_end_and_its_place_outlives_its_list() {
    on_memory(async |server| {
        confidential(&server, "job", "").await?;
        let place = async || {
            let answer = own_token(&server, "job", &[]).await.unwrap().json();
            claims(answer["access_token"].as_str().unwrap())["status"].clone()
        };
        let first = place().await;
        server.clock.advance(Span::days(1));
        assert_eq!(place().await, first);
        server.clock.advance(Span::days(120));
        server.run_jobs().await;
        let second = place().await;
        assert_ne!(second, first);
        let token = own_token(&server, "job", &[]).await?.json()["access_token"].as_str().unwrap().to_owned();
        assert_eq!(told(&server, "job", &token).await?["active"], true);
        operate(&server, Command::Client(ClientCommand::Disable { client: "job".to_owned() })).await?;
        assert!(revoked(&server, &token).await?);
        operate(&server, Command::Client(ClientCommand::Enable { client: "job".to_owned() })).await?;
        assert_eq!(told(&server, "job", &token).await?, inactive(), "what ended stays ended");
        Ok(())
    })
    .await;
}
