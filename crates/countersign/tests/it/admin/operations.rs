//! Each operation, by each proof.

use countersign_testkit::{Client, TestServer, on_every_store};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{Proof, admin_token, administrator, console, own_token, robot, robot_token};
use crate::codes;
use crate::support::*;

#[tokio::test]
async fn each_operation_is_done_by_a_session_by_a_persons_token_and_by_a_clients() {
    on_every_store(async |server| {
        let mut admin = administrator(&server).await?;
        console(&server).await?;
        robot(&server, "robot", "admin").await?;
        let account = server.account(super::ADMIN).await?.id.to_string();
        let by_token = Proof::token(&server, admin_token(&server, &mut admin).await?);
        let by_client = Proof::token(&server, robot_token(&server, "robot").await?);
        for (name, mut proof, actor) in [
            ("cookie", Proof::Cookie(admin), account.clone()),
            ("token", by_token, account),
            ("robot", by_client, "client:robot".to_owned()),
        ] {
            let id = format!("app:{name}/1");
            let secret = make(&server, &mut proof, &id).await?;
            change(&server, &mut proof, (&id, secret)).await?;
            resources(&mut proof, name).await?;
            audited(&server, &id, &actor).await?;
        }
        Ok(())
    })
    .await;
}

/// A client is made, and found again without its secret.
async fn make(server: &TestServer, proof: &mut Proof, id: &str) -> anyhow::Result<String> {
    let body = json!({ "id": id, "metadata": { "client_name": "App", "grant_types": ["client_credentials"],
        "token_endpoint_auth_method": "client_secret_post" } });
    let made = proof.ask(Method::POST, "/clients", Some(&body)).await?;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
    assert_eq!(made.header("cache-control"), "no-store");
    let path = made.header("location").strip_prefix("/api/v1/admin").unwrap().to_owned();
    let secret = made.json()["secret"].as_str().unwrap().to_owned();
    let shown = proof.get(&path).await?;
    assert_eq!((shown.status, &shown.json()["id"]), (StatusCode::OK, &json!(id)), "{}", shown.body);
    let (listed, found) = (proof.get("/clients").await?, proof.get(&format!("{path}/check")).await?);
    assert!(found.json()["findings"].is_array(), "{}", found.body);
    for answer in [shown, listed, found] {
        assert!(answer.body.contains(id) || answer.json()["findings"].is_array());
        assert!(!answer.body.contains(&secret), "adm_04: it was shown once: {}", answer.body);
    }
    assert!(!String::from_utf8_lossy(&server.files()?).contains(&secret), "i16: only a hash is kept");
    assert_eq!(proof.ask(Method::POST, "/clients", Some(&body)).await?.code(), "conflict");
    Ok(secret)
}

/// It is described anew, gets another secret, is closed, opened and deleted.
async fn change(server: &TestServer, proof: &mut Proof, (id, secret): (&str, String)) -> anyhow::Result<()> {
    let path = format!("/clients/{}", id.replace(':', "%3A").replace('/', "%2F"));
    let body = json!({ "metadata": { "client_name": "Another", "grant_types": ["client_credentials"],
        "token_endpoint_auth_method": "client_secret_post" } });
    let changed = proof.ask(Method::PUT, &path, Some(&body)).await?.json();
    assert_eq!((&changed["metadata"]["client_name"], &changed["secret"]), (&json!("Another"), &Value::Null));

    let rotation = Some(json!({ "window": 0 }));
    let rotated = proof.ask(Method::POST, &format!("{path}/secret"), rotation.as_ref()).await?;
    let new = rotated.json()["secret"].as_str().unwrap().to_owned();
    assert_eq!(opens(server, id, &secret).await?, StatusCode::UNAUTHORIZED);
    assert_eq!(opens(server, id, &new).await?, StatusCode::OK);

    for _ in 0..2 {
        let closed = proof.ask(Method::POST, &format!("{path}/disable"), None).await?;
        assert_eq!((closed.status, &closed.json()["state"]), (StatusCode::OK, &json!("disabled")));
    }
    assert_eq!(opens(server, id, &new).await?, StatusCode::UNAUTHORIZED);
    for _ in 0..2 {
        let open = proof.ask(Method::POST, &format!("{path}/enable"), None).await?;
        assert_eq!((open.status, &open.json()["state"]), (StatusCode::OK, &json!("open")));
    }
    assert_eq!(opens(server, id, &new).await?, StatusCode::OK);
    assert_eq!(proof.ask(Method::DELETE, &path, None).await?.status, StatusCode::NO_CONTENT);
    for answer in [proof.ask(Method::DELETE, &path, None).await?, proof.get(&path).await?] {
        assert_eq!((answer.status, &*answer.code()), (StatusCode::NOT_FOUND, "not_found"));
    }
    Ok(())
}

/// Whether a client's secret opens the token endpoint.
async fn opens(server: &TestServer, id: &str, secret: &str) -> anyhow::Result<StatusCode> {
    let fields = [("grant_type", "client_credentials"), ("client_id", id), ("client_secret", secret)];
    Ok(Client::tool(server).form("/oauth2/token", &fields).await?.status)
}

async fn resources(proof: &mut Proof, name: &str) -> anyhow::Result<()> {
    let resource = format!("https://{name}.example");
    let body = json!({ "resource": resource });
    let added = proof.ask(Method::POST, "/resources", Some(&body)).await?;
    assert_eq!(added.status, StatusCode::CREATED, "{}", added.body);
    assert_eq!(proof.ask(Method::POST, "/resources", Some(&body)).await?.status, StatusCode::CONFLICT);
    assert!(proof.get("/resources").await?.body.contains(&resource));
    Ok(())
}

/// Every change is in the log with who did it.
async fn audited(server: &TestServer, id: &str, actor: &str) -> anyhow::Result<()> {
    let lines = server.audit().await?;
    let kinds: Vec<_> = lines.iter().filter(|line| line.client.as_deref() == Some(id)).collect();
    for kind in ["client.created", "client.changed", "client.disabled", "client.enabled", "client.deleted"] {
        let line = kinds.iter().find(|line| line.kind == kind).unwrap_or_else(|| panic!("no {kind}"));
        assert_eq!(line.actor, actor, "{kind}");
    }
    Ok(())
}

#[tokio::test]
async fn a_grant_is_found_by_account_and_client_and_ended() {
    on_every_store(async |server| {
        let mut proof = Proof::Cookie(administrator(&server).await?);
        register(&server, KIM).await?;
        codes::own_client(&server).await?;
        let code = codes::code(&mut browser(&server, KIM).await?, &[("scope", "openid account")]).await?;
        let tokens = countersign_testkit::Tokens::of(&codes::redeem(&server, &code, &[]).await?)?;
        let by_account = proof.get(&format!("/grants?account={KIM}")).await?.json();
        let by_client = proof.get("/grants?client=notes").await?.json();
        assert_eq!(by_account["grants"], by_client["grants"]);
        let grant = by_client["grants"][0]["id"].as_str().unwrap().to_owned();
        let path = format!("/grants/{grant}");
        assert_eq!(proof.get(&path).await?.json()["client"], "notes");
        assert_eq!(proof.get("/grants").await?.json()["grants"].as_array().unwrap().len(), 1);
        assert_eq!(proof.ask(Method::DELETE, &path, None).await?.status, StatusCode::NO_CONTENT);
        assert_eq!(by_token(&server, &tokens.access).await?, StatusCode::UNAUTHORIZED);
        for answer in [proof.ask(Method::DELETE, &path, None).await?, proof.get(&path).await?] {
            assert_eq!(answer.code(), "not_found");
        }
        assert_eq!(proof.get("/grants").await?.json()["grants"], json!([]));
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn adm_10_a_list_comes_in_pages_and_only_as_it_is_asked_for() {
    on_memory(async |server| {
        let mut proof = Proof::Cookie(administrator(&server).await?);
        for id in ["a", "b", "c"] {
            robot(&server, id, "notes").await?;
        }
        let (mut ids, mut after) = (Vec::new(), String::new());
        loop {
            let page = proof.get(&format!("/clients?limit=2{after}")).await?.json();
            let clients = page["clients"].as_array().unwrap().clone();
            assert!(clients.len() <= 2);
            ids.extend(clients.iter().map(|client| client["id"].as_str().unwrap().to_owned()));
            let Some(next) = page["next"].as_str() else { break };
            after = format!("&after={next}");
        }
        assert_eq!(ids, ["a", "b", "c", "countersign"]);
        for bad in [
            "/clients?limit=1000000000",
            "/clients?limit=501",
            "/clients?limit=0",
            "/clients?limit=-1",
            "/clients?limit=x",
            "/clients?limit=1&limit=2",
            "/clients?sort=secret",
            "/clients?after=%20",
            "/clients?after=%ff",
            "/grants?after=x",
            "/grants?after='%20OR%201=1--",
            "/grants?account=a@b.example&client=notes",
        ] {
            let answer = proof.get(bad).await?;
            super::refused(&answer, StatusCode::BAD_REQUEST, "invalid_request")?;
        }
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn what_is_wrong_with_a_client_is_said_with_its_field_and_a_stable_code() {
    on_memory(async |server| {
        let mut proof = Proof::Cookie(administrator(&server).await?);
        robot(&server, "robot", "notes").await?;
        let uris = json!({ "redirect_uris": ["javascript:alert(1)"] });
        let table = [
            (Method::POST, "/clients", json!({ "metadata": uris }), 400, "redirect_uris"),
            (Method::PUT, "/clients/robot", json!({ "metadata": uris }), 400, "redirect_uris"),
            (Method::POST, "/clients", json!({ "metadata": {}, "profile": "x" }), 400, "profile"),
            (Method::POST, "/clients", json!({ "metadata": {}, "id": "acc_x" }), 400, "id"),
            (Method::POST, "/clients", json!({ "metadata": {}, "origin": "built_in" }), 400, "origin"),
            (Method::POST, "/clients", json!({}), 400, ""),
            (Method::POST, "/clients/robot/secret", json!({ "window": -1 }), 400, "window"),
            (Method::POST, "/clients/robot/secret", json!({ "window": i64::MAX }), 400, "window"),
            (Method::POST, "/clients/countersign/disable", json!({}), 403, ""),
            (Method::DELETE, "/clients/countersign", json!({}), 403, ""),
            (Method::POST, "/clients/nobody/enable", json!({}), 404, ""),
            (Method::PUT, "/clients/a%20b", json!({ "metadata": {} }), 404, ""),
            (Method::POST, "/resources", json!({ "resource": "no URI" }), 400, "resource"),
            (Method::POST, "/resources", json!({ "resource": "https://a.example/#x" }), 400, "resource"),
            (Method::DELETE, "/grants/x", json!({}), 404, ""),
        ];
        for (method, path, body, status, field) in table {
            let answer = proof.ask(method.clone(), path, Some(&body)).await?;
            assert_eq!(answer.status, status, "{method} {path} {body}: {}", answer.body);
            assert_eq!(answer.header("content-type"), "application/problem+json");
            let named = answer.json()["errors"][0]["field"].as_str().unwrap_or_default().to_owned();
            assert_eq!(named, field, "{method} {path} {body}: {}", answer.body);
        }
        let token = own_token(&server, "robot", &[]).await?;
        assert_eq!(token.status, StatusCode::OK, "nothing of it was done: {}", token.body);
        Ok(())
    })
    .await;
}
