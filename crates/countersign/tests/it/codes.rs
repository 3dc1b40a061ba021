//! Codes at the token endpoint (attacks OAU-07, OAU-15 to OAU-21, RACE-01), and what they turn into.

use std::collections::BTreeMap;

use countersign_core::Span;
use countersign_core::client::Profile;
use countersign_testkit::{Answer, Client, Options, StoreKind, TestServer, Tokens, on_every_store};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::authorize::{CALLBACK, request, told, visit};
use crate::people::at_once;
use crate::support::*;

const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const SECRET: &str = "0123456789abcdef0123456789abcdef0123456789ab";

/// A client of ours, for which nobody is asked for consent.
pub(crate) async fn own_client(server: &TestServer) -> anyhow::Result<()> {
    crate::authorize::add_client(server, |client| client.first_party = true).await?;
    Ok(())
}

/// A code that a signed-in browser got for the client `notes`.
pub(crate) async fn code(browser: &mut Client, more: &[(&str, &str)]) -> anyhow::Result<String> {
    let answer = visit(browser, &request(more)).await?;
    let told = told(&answer)?;
    told.get("code").cloned().ok_or_else(|| anyhow::anyhow!("no code: {told:?}"))
}

/// A redemption as it should be, with other or more fields; an empty value leaves one out.
pub(crate) fn fields<'a>(code: &'a str, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut all = vec![
        ("grant_type", "authorization_code"),
        ("client_id", "notes"),
        ("code", code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    all.retain(|(name, _)| !more.iter().any(|(other, _)| name == other));
    all.extend(more.iter().filter(|(_, value)| !value.is_empty()));
    all
}

pub(crate) async fn redeem(server: &TestServer, code: &str, more: &[(&str, &str)]) -> anyhow::Result<Answer> {
    Client::tool(server).form("/oauth2/token", &fields(code, more)).await
}

fn is_refused(answer: &Answer) -> bool {
    (answer.status, answer.json()["error"].as_str()) == (StatusCode::BAD_REQUEST, Some("invalid_grant"))
}

/// A refresh of the client `notes`.
pub(crate) async fn refresh(server: &TestServer, token: &str) -> anyhow::Result<Answer> {
    let fields = [("grant_type", "refresh_token"), ("client_id", "notes"), ("refresh_token", token)];
    Client::tool(server).form("/oauth2/token", &fields).await
}

#[tokio::test]
async fn oau_18_a_code_that_comes_twice_ends_all_that_it_minted() {
    on_every_store(async |server| {
        register(&server, KIM).await?;
        own_client(&server).await?;
        let mut browser = browser(&server, KIM).await?;
        let code = code(&mut browser, &[("scope", "openid account")]).await?;
        let answer = redeem(&server, &code, &[]).await?;
        let tokens = Tokens::of(&answer)?;
        assert_eq!(answer.json()["token_type"], "Bearer");
        assert_eq!(answer.header("cache-control"), "no-store");
        let said = claims(&tokens.access);
        assert_eq!((&said["client_id"], &said["aud"]), (&json!("notes"), &json!(server.url)));
        assert_eq!(by_token(&server, &tokens.access).await?, StatusCode::OK);
        server.clock.advance(Span::seconds(120));
        assert!(is_refused(&redeem(&server, &code, &[]).await?));
        assert_eq!(by_token(&server, &tokens.access).await?, StatusCode::UNAUTHORIZED);
        assert!(is_refused(&refresh(&server, &tokens.refresh).await?));
        assert_eq!(server.audited("code.reused").await?, 1);
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn oau_07_oau_15_oau_16_oau_20_whoever_brings_something_else_has_burned_the_code() {
    on_every_store(async |server| {
        register(&server, KIM).await?;
        own_client(&server).await?;
        let other = json!({ "token_endpoint_auth_method": "none", "redirect_uris": [CALLBACK],
            "grant_types": ["authorization_code"] });
        server.add_client("other", Profile::Oauth21, &other, None).await?;
        let mut browser = browser(&server, KIM).await?;
        let wrong: &[&[(&str, &str)]] = &[
            &[("redirect_uri", "https://notes.example/other")],
            &[("redirect_uri", "")],
            &[("code_verifier", "")],
            &[("code_verifier", "xBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")],
            &[("code_verifier", &VERIFIER[..42])],
            &[("client_id", "other")],
        ];
        for more in wrong {
            let code = code(&mut browser, &[]).await?;
            assert!(is_refused(&redeem(&server, &code, more).await?), "{more:?}");
            assert!(is_refused(&redeem(&server, &code, &[]).await?), "{more:?} did not burn it");
        }
        assert_eq!(server.audited("code.refused").await?, wrong.len());
        assert_eq!(server.audited("grant.opened").await?, 0);
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn oau_19_a_code_counts_for_a_minute_and_no_longer_than_what_it_came_from() {
    on_every_store(async |server| {
        own_client(&server).await?;
        for (number, end) in ["late", "logout", "disable", "password", "everything"].iter().enumerate() {
            let email = format!("person{number}@example.org");
            register(&server, &email).await?;
            let mut browser = browser(&server, &email).await?;
            let code = code(&mut browser, &[("scope", "openid offline_access")]).await?;
            match *end {
                "late" => server.clock.advance(Span::seconds(60)),
                "logout" => {
                    browser.json(Method::DELETE, "/api/v1/session", &Value::Null).await?;
                }
                "disable" => {
                    let change = countersign_core::account::change::Change::Disable;
                    server.change_account(&email, change).await?;
                }
                "password" => {
                    let body = json!({ "current": PASSWORD, "new": OTHER_PASSWORD });
                    let changed = browser.json(Method::PUT, "/api/v1/password", &body).await?;
                    assert_eq!(changed.status, StatusCode::NO_CONTENT);
                }
                _ => {
                    operate(&server, countersign_server::admin::Command::RevokeEverything).await?;
                }
            }
            assert!(is_refused(&redeem(&server, &code, &[]).await?), "{end}");
        }
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn oau_21_sto_12_a_code_is_a_code_and_nothing_else() {
    on_memory(async |server| {
        register(&server, KIM).await?;
        own_client(&server).await?;
        let mut browser = browser(&server, KIM).await?;
        let code = code(&mut browser, &[]).await?;
        for bad in [&code[..code.len() - 1], &format!("{code}A"), &code[6..], &code.to_uppercase(), "x"] {
            assert!(is_refused(&redeem(&server, bad, &[]).await?), "{bad}");
        }
        assert!(is_refused(&refresh(&server, &code).await?));
        assert_eq!(by_token(&server, &code).await?, StatusCode::UNAUTHORIZED);
        let tokens = Tokens::of(&redeem(&server, &code, &[]).await?)?;
        assert!(is_refused(&redeem(&server, &tokens.refresh, &[]).await?));
        assert!(is_refused(&redeem(&server, &tokens.access, &[]).await?));
        Ok(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn race_01_i9_fifty_redemptions_of_one_code_are_one_and_it_leaves_nothing_alive() {
    on_every_store(async |server| {
        register(&server, KIM).await?;
        own_client(&server).await?;
        let mut browser = browser(&server, KIM).await?;
        let code = code(&mut browser, &[("scope", "openid account")]).await?;
        let pool = Client::tool(&server);
        let send = |_| {
            let request = pool.request(Method::POST, "/oauth2/token").form(&fields(&code, &[]));
            async move { Answer::read(request.send().await?).await }
        };
        let answers = at_once(50, send).await?;
        let (won, lost): (Vec<_>, Vec<_>) =
            answers.into_iter().partition(|answer| answer.status == StatusCode::OK);
        assert_eq!(won.len(), 1);
        assert!(lost.iter().all(|answer| is_refused(answer) || answer.status.is_server_error()));
        let tokens = Tokens::of(&won[0])?;
        assert_eq!(by_token(&server, &tokens.access).await?, StatusCode::UNAUTHORIZED);
        assert!(is_refused(&refresh(&server, &tokens.refresh).await?));
        assert_eq!(server.audited("grant.opened").await?, 1);
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn i1_a_grant_without_offline_access_ends_with_its_session_and_one_with_it_does_not() {
    on_every_store(async |server| {
        register(&server, KIM).await?;
        own_client(&server).await?;
        let mut first = browser(&server, KIM).await?;
        let bound = code(&mut first, &[("scope", "openid")]).await?;
        let bound = Tokens::of(&redeem(&server, &bound, &[]).await?)?;
        let offline = code(&mut first, &[("scope", "openid offline_access")]).await?;
        let offline = Tokens::of(&redeem(&server, &offline, &[]).await?)?;
        first.json(Method::DELETE, "/api/v1/session", &Value::Null).await?;
        assert!(is_refused(&refresh(&server, &bound.refresh).await?));
        let again = Tokens::of(&refresh(&server, &offline.refresh).await?)?;
        let said = |token: &Tokens, name: &str| claims(&token.access)[name].clone();
        for name in ["sub", "auth_time", "sid", "aud", "acr"] {
            assert_eq!(said(&again, name), said(&offline, name), "{name}");
        }
        // It outlives what every session outlives.
        server.clock.advance(Span::days(29));
        let later = Tokens::of(&refresh(&server, &again.refresh).await?)?;
        // A password that was changed ends it.
        let mut second = browser(&server, KIM).await?;
        let body = json!({ "current": PASSWORD, "new": OTHER_PASSWORD });
        let changed = second.json(Method::PUT, "/api/v1/password", &body).await?;
        assert_eq!(changed.status, StatusCode::NO_CONTENT);
        assert!(is_refused(&refresh(&server, &later.refresh).await?));
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn oau_45_an_offline_grant_ends_unused_and_at_its_absolute_end() {
    let options = Options::on(StoreKind::Sqlite);
    let mut server = TestServer::start(options).await.unwrap();
    register(&server, KIM).await.unwrap();
    own_client(&server).await.unwrap();
    let mut browser = browser(&server, KIM).await.unwrap();
    let scope = ("scope", "openid offline_access");
    let mut open = async |server: &TestServer| {
        let code = code(&mut browser, &[scope]).await.unwrap();
        Tokens::of(&redeem(server, &code, &[]).await.unwrap()).unwrap()
    };
    let (unused, mut used) = (open(&server).await, open(&server).await);
    for _ in 0..3 {
        server.clock.advance(Span::days(29));
        used = Tokens::of(&refresh(&server, &used.refresh).await.unwrap()).unwrap();
    }
    assert!(is_refused(&refresh(&server, &unused.refresh).await.unwrap()));
    server = server.restart(BTreeMap::new()).await.unwrap();
    server.clock.advance(Span::seconds(3 * 86_400 - 1));
    let last = refresh(&server, &used.refresh).await.unwrap();
    assert_eq!(last.json()["expires_in"], 1);
    server.clock.advance(Span::seconds(1));
    assert!(is_refused(&refresh(&server, &Tokens::of(&last).unwrap().refresh).await.unwrap()));
}

#[tokio::test]
async fn oau_41_a_confidential_clients_token_stays_and_is_nobody_elses() {
    on_every_store(async |server| {
        register(&server, KIM).await?;
        let metadata = json!({ "token_endpoint_auth_method": "client_secret_post", "redirect_uris": [CALLBACK],
            "grant_types": ["authorization_code", "refresh_token"] });
        for id in ["notes", "other"] {
            server.add_client(id, Profile::Oidc, &metadata, Some(SECRET)).await?;
        }
        let mut browser = browser(&server, KIM).await?;
        let page = visit(&mut browser, &request(&[("scope", "openid offline_access")])).await?;
        let code = told(&crate::authorize::answer(&mut browser, &page, "allow").await?)?["code"].clone();
        let secret = ("client_secret", SECRET);
        let tokens = Tokens::of(&redeem(&server, &code, &[secret]).await?)?;
        let ask = async |id, more: &[(&str, &str)]| {
            let mut fields =
                vec![("grant_type", "refresh_token"), ("client_id", id), ("refresh_token", &*tokens.refresh)];
            fields.extend(more);
            Client::tool(&server).form("/oauth2/token", &fields).await
        };
        for _ in 0..3 {
            let again = Tokens::of(&ask("notes", &[secret]).await?)?;
            assert_eq!(again.refresh, tokens.refresh);
            assert_ne!(again.access, tokens.access);
            server.clock.advance(Span::hours(2));
        }
        assert!(is_refused(&ask("other", &[secret]).await?));
        assert_eq!(ask("notes", &[]).await?.status, StatusCode::UNAUTHORIZED);
        assert_eq!(ask("notes", &[("client_secret", "wrong")]).await?.status, StatusCode::UNAUTHORIZED);
        // OAU-40: never more than was granted, and nothing for an API that nobody consented to.
        let wider = ask("notes", &[secret, ("scope", "openid email")]).await?;
        assert_eq!(wider.json()["error"], "invalid_scope");
        let elsewhere = ask("notes", &[secret, ("resource", "http://localhost:9/api")]).await?;
        assert_eq!(elsewhere.json()["error"], "invalid_target");
        let less = ask("notes", &[secret, ("scope", "openid")]).await?;
        assert_eq!((less.status, &less.json()["scope"]), (StatusCode::OK, &json!("openid")));
        Ok(())
    })
    .await;
}
