//! Who is not let in, and why (attacks OAU-58, ADM-03, ADM-07, ADM-08).

use countersign_core::Span;
use countersign_core::client::Origin;
use countersign_testkit::{Client, TestServer};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{Proof, admin_token, administrator, console, own_token, refused, robot, robot_token};
use crate::authorization::resigned;
use crate::authorize::{add_client, error, request, visit};
use crate::codes;
use crate::support::*;

/// Every operation, each of which would do something to the client `robot` were it allowed.
fn operations() -> Vec<(Method, &'static str, Value)> {
    let metadata = json!({ "metadata": { "redirect_uris": ["https://evil.example/cb"] } });
    vec![
        (Method::GET, "/clients", Value::Null),
        (Method::POST, "/clients", metadata.clone()),
        (Method::GET, "/clients/robot", Value::Null),
        (Method::PUT, "/clients/robot", metadata),
        (Method::DELETE, "/clients/robot", Value::Null),
        (Method::POST, "/clients/robot/secret", json!({ "window": 0 })),
        (Method::POST, "/clients/robot/disable", Value::Null),
        (Method::POST, "/clients/robot/enable", Value::Null),
        (Method::GET, "/clients/robot/check", Value::Null),
        (Method::GET, "/resources", Value::Null),
        (Method::POST, "/resources", json!({ "resource": "https://evil.example" })),
        (Method::GET, "/grants", Value::Null),
        (Method::GET, "/grants/grt_x", Value::Null),
        (Method::DELETE, "/grants/grt_x", Value::Null),
    ]
}

/// Every operation is refused so, and nothing happened.
async fn all_refused(
    server: &TestServer,
    name: &str,
    proof: &mut Proof,
    (status, code): (StatusCode, &str),
) -> anyhow::Result<()> {
    for (method, path, body) in operations() {
        let body = Some(&body).filter(|body| !body.is_null());
        let answer = proof.ask(method.clone(), path, body).await?;
        refused(&answer, status, code).map_err(|error| error.context(format!("{name}: {method} {path}")))?;
    }
    assert!(own_token(server, "robot", &[]).await?.status == StatusCode::OK, "{name} changed the client");
    Ok(())
}

#[tokio::test]
async fn adm_03_oau_58_without_the_role_or_the_scope_nothing_opens() {
    on_memory(async |server| {
        let forbidden = (StatusCode::FORBIDDEN, "forbidden");
        let mut admin = administrator(&server).await?;
        console(&server).await?;
        robot(&server, "robot", "notes").await?;
        robot(&server, "master", "admin").await?;
        register(&server, KIM).await?;
        let mut kim = browser(&server, KIM).await?;

        all_refused(&server, "a session", &mut Proof::Cookie(kim.clone()), forbidden).await?;
        // Nobody without the role is given the scope; one that says it all the same opens nothing.
        let answer = visit(&mut kim, &request(&[("scope", "openid admin")])).await?;
        assert_eq!(error(&answer)?, "access_denied");
        let code = codes::code(&mut kim, &[("scope", "openid account")]).await?;
        let plain = codes::redeem(&server, &code, &[]).await?.json();
        let plain = plain["access_token"].as_str().unwrap();
        let forged = resigned(&server, plain, "scope", json!("openid admin"))?;
        all_refused(&server, "no role", &mut Proof::token(&server, forged), forbidden).await?;

        let built_in = tokens(&server, super::ADMIN).await?.access;
        let forged = resigned(&server, &built_in, "scope", json!("account admin"))?;
        let code = codes::code(&mut admin, &[("scope", "openid account")]).await?;
        let unscoped = codes::redeem(&server, &code, &[]).await?.json();
        let unscoped = unscoped["access_token"].as_str().unwrap().to_owned();
        let robots = own_token(&server, "robot", &[]).await?.json();
        let robots = robots["access_token"].as_str().unwrap().to_owned();
        let masters = own_token(&server, "master", &[]).await?.json();
        let masters = masters["access_token"].as_str().unwrap().to_owned();
        for (name, token) in [
            ("a password login's token", built_in),
            ("of a client that may not have the scope", forged),
            ("a token for something else", unscoped),
            ("another program", robots.clone()),
            ("another program that says it", resigned(&server, &robots, "scope", json!("admin"))?),
            ("a program that did not ask for it", masters),
        ] {
            all_refused(&server, name, &mut Proof::token(&server, token), forbidden).await?;
        }
        // A cookie does not help a token (I2).
        let mut both = Proof::Token(admin, plain.to_owned());
        all_refused(&server, "beside a cookie", &mut both, forbidden).await
    })
    .await;
}

#[tokio::test]
async fn oau_58_what_registered_itself_never_gets_the_scope() {
    on_memory(async |server| {
        let mut admin = administrator(&server).await?;
        let metadata = json!({ "redirect_uris": ["https://a.example/cb"], "scope": "openid admin" });
        let answer = Client::tool(&server).json(Method::POST, "/oauth2/register", &metadata).await?;
        assert_eq!(
            (answer.status, &answer.json()["error"]),
            (StatusCode::BAD_REQUEST, &json!("invalid_client_metadata"))
        );
        // Not even where an operator wrote it down later: its redirect URIs are still its own to change.
        add_client(&server, |client| {
            client.origin = Origin::Registered;
            client.metadata.scope = Some("openid admin".to_owned());
        })
        .await?;
        let answer = visit(&mut admin, &request(&[("scope", "openid admin")])).await?;
        assert_eq!(error(&answer)?, "invalid_scope");
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn oau_58_a_program_gets_the_scope_by_name_from_an_operator_and_for_this_server_alone() {
    on_memory(async |server| {
        robot(&server, "robot", "notes").await?;
        robot(&server, "master", "notes admin").await?;
        let refused = own_token(&server, "robot", &[("scope", "admin")]).await?;
        assert_eq!(refused.json()["error"], "invalid_scope");
        let all = own_token(&server, "master", &[]).await?.json();
        assert_eq!(all["scope"], "notes");
        let elsewhere = [("scope", "admin"), ("resource", "http://localhost:9/things")];
        assert_eq!(own_token(&server, "master", &elsewhere).await?.json()["error"], "invalid_scope");
        let token = robot_token(&server, "master").await?;
        assert_eq!(Proof::token(&server, token.clone()).get("/clients").await?.status, StatusCode::OK);
        // It is about no login, so the API of accounts stays closed to it.
        assert_ne!(by_token(&server, &token).await?, StatusCode::OK);
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn adm_08_what_makes_or_opens_or_deletes_asks_for_a_login_of_minutes_ago() {
    on_memory(async |server| {
        let mut admin = administrator(&server).await?;
        console(&server).await?;
        robot(&server, "robot", "notes").await?;
        server.clock.advance(Span::minutes(15));
        let token = admin_token(&server, &mut admin).await?;
        let stale = (StatusCode::FORBIDDEN, "reauthentication_required");
        for mut proof in [Proof::Cookie(admin.clone()), Proof::token(&server, token)] {
            let guarded = |(method, path, _): &(Method, &str, Value)| {
                *method != Method::GET && path.starts_with("/clients") && !path.ends_with("/disable")
            };
            for (method, path, body) in operations().into_iter().filter(guarded) {
                let answer = proof.ask(method, path, Some(&body).filter(|body| !body.is_null())).await?;
                refused(&answer, stale.0, stale.1)?;
                assert!(answer.header("www-authenticate").contains("max_age=\"900\""));
            }
            // To look and to close is possible at any time.
            assert_eq!(proof.get("/clients/robot").await?.json()["state"], "open");
            let closed = proof.ask(Method::POST, "/clients/robot/disable", None).await?;
            assert_eq!(closed.json()["state"], "disabled", "{}", closed.body);
            let mut again = Proof::Cookie(browser(&server, super::ADMIN).await?);
            let open = again.ask(Method::POST, "/clients/robot/enable", None).await?;
            assert_eq!(open.json()["state"], "open", "{}", open.body);
        }
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn adm_07_i4_another_site_administers_nothing() {
    on_memory(async |server| {
        let admin = administrator(&server).await?;
        robot(&server, "robot", "notes").await?;
        let mut tool = Client::tool(&server);
        tool.set_cookie(SESSION, admin.cookie(SESSION).unwrap());
        for (method, path, body) in operations().into_iter().filter(|(method, ..)| *method != Method::GET) {
            for site in ["cross-site", "same-site", "none", ""] {
                let request = tool.request(method.clone(), &format!("/api/v1/admin{path}"));
                let request = request.header("sec-fetch-site", site);
                let answer = tool.clone().send(request.json(&body)).await?;
                refused(&answer, StatusCode::FORBIDDEN, "csrf")?;
            }
        }
        let text = admin.request(Method::POST, "/api/v1/admin/clients");
        let text = text.header("content-type", "text/plain").body(r#"{"metadata":{}}"#);
        let answer = admin.clone().send(text).await?;
        refused(&answer, StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type")?;
        for verb in ["X-HTTP-Method-Override", "X-Method-Override"] {
            let request = admin.request(Method::GET, "/api/v1/admin/clients/robot").header(verb, "DELETE");
            assert_eq!(admin.clone().send(request).await?.status, StatusCode::OK);
        }
        let token = own_token(&server, "robot", &[]).await?;
        assert_eq!(token.status, StatusCode::OK, "{}", token.body);
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn a_disabled_administrator_and_a_closed_client_administer_no_more() {
    on_memory(async |server| {
        let mut admin = administrator(&server).await?;
        console(&server).await?;
        robot(&server, "master", "admin").await?;
        let mut by_token = Proof::token(&server, admin_token(&server, &mut admin).await?);
        let mut by_client = Proof::token(&server, robot_token(&server, "master").await?);
        let closed = Proof::Cookie(admin.clone()).ask(Method::POST, "/clients/master/disable", None).await?;
        assert_eq!(closed.status, StatusCode::OK);
        refused(&by_client.get("/clients").await?, StatusCode::UNAUTHORIZED, "invalid_token")?;
        assert_eq!(by_token.get("/clients").await?.status, StatusCode::OK);
        let disable = countersign_server::admin::Command::AccountDisable { account: super::ADMIN.to_owned() };
        operate(&server, disable).await?;
        refused(&by_token.get("/clients").await?, StatusCode::UNAUTHORIZED, "invalid_token")?;
        refused(&Proof::Cookie(admin).get("/clients").await?, StatusCode::UNAUTHORIZED, "invalid_token")
    })
    .await;
}
