//! Access tokens that our own key signed and that say something else than ours do: times, audience, subject, kind and
//! place in a status list (attacks JWT-13 to JWT-19, JWT-33).

use countersign_core::Span;
use countersign_jose::Header;
use countersign_server::admin::Command;
use countersign_testkit::{Client, START, TestServer, on_every_store};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::*;

/// Signs whatever it is, as a kind of token.
fn signed_as(server: &TestServer, typ: &'static str, claims: &Value) -> String {
    server.app.keyring.keys().signing().sign(&Header { typ }, claims).unwrap()
}

fn signed(server: &TestServer, claims: &Value) -> String {
    signed_as(server, "at+jwt", claims)
}

/// The claims with one of them changed; `None`: taken away.
fn with(claims: &Value, name: &str, value: Option<Value>) -> Value {
    let mut claims = claims.clone();
    let members = claims.as_object_mut().unwrap();
    match value {
        Some(value) => members.insert(name.to_owned(), value),
        None => members.remove(name),
    };
    claims
}

/// Claims of a live token; signed again as they are, they still count.
async fn live(server: &TestServer) -> anyhow::Result<Value> {
    register(server, KIM).await?;
    let claims = claims(&tokens(server, KIM).await?.access);
    assert_eq!(by_token(server, &signed(server, &claims)).await?, StatusCode::OK);
    Ok(claims)
}

/// None of these values of a claim is accepted, and with `missing` its absence neither.
async fn refused(
    server: &TestServer,
    live: &Value,
    name: &str,
    values: &[Value],
    missing: bool,
) -> anyhow::Result<()> {
    let absent = missing.then_some(None);
    for value in values.iter().cloned().map(Some).chain(absent) {
        let token = signed(server, &with(live, name, value.clone()));
        assert_eq!(by_token(server, &token).await?, StatusCode::UNAUTHORIZED, "{name} {value:?}");
    }
    Ok(())
}

fn no_numbers() -> Vec<Value> {
    vec![
        json!("9999999999"),
        json!(true),
        json!(null),
        json!([]),
        json!({}),
        json!(-1),
        json!(0),
        json!(1e300),
        json!(i64::MAX),
        json!(u64::MAX),
        json!(9e15),
        json!(1_795_510_800_000_u64),
    ]
}

#[tokio::test]
async fn jwt_13_jwt_14_a_token_ends_at_its_end_to_the_second() {
    on_memory(async |server| {
        let live = live(&server).await?;
        refused(&server, &live, "exp", &no_numbers(), true).await?;
        let now = START.seconds();
        refused(
            &server,
            &live,
            "exp",
            &[json!(now), json!(now - 1), json!(now - 30), json!(now - 31)],
            false,
        )
        .await?;
        for (exp, status) in [(now + 1, 200), (now + 60, 200)] {
            let token =
                signed(&server, &with(&with(&live, "iat", Some(json!(now - 5))), "exp", Some(json!(exp))));
            server.clock.set(START);
            assert_eq!(by_token(&server, &token).await?, status);
            server.clock.set(START + Span::seconds(exp - now) - Span::from_micros(1));
            assert_eq!(by_token(&server, &token).await?, StatusCode::OK);
            server.clock.set(START + Span::seconds(exp - now));
            assert_eq!(by_token(&server, &token).await?, StatusCode::UNAUTHORIZED);
        }
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn jwt_15_a_token_from_the_future_does_not_count_yet() {
    on_memory(async |server| {
        let live = live(&server).await?;
        let now = START.seconds();
        let later = [json!(now + 1), json!(now + 60), json!(now + 100_000)];
        for name in ["nbf", "iat"] {
            refused(&server, &live, name, &later, name == "iat").await?;
            let malformed: Vec<_> = no_numbers().into_iter().filter(|value| *value != 0).collect();
            refused(&server, &live, name, &malformed, false).await?;
            let token = signed(&server, &with(&live, name, Some(json!(now))));
            assert_eq!(by_token(&server, &token).await?, StatusCode::OK, "{name}");
        }
        let token = signed(&server, &with(&live, "nbf", Some(json!(now + 60))));
        server.clock.advance(Span::seconds(60));
        assert_eq!(by_token(&server, &token).await?, StatusCode::OK);
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn jwt_17_a_token_for_somebody_else_or_from_somebody_else_is_refused() {
    on_memory(async |server| {
        let live = live(&server).await?;
        let (own, upper) = (server.url.clone(), server.url.to_uppercase());
        let (slash, port) = (format!("{own}/"), format!("{own}0"));
        let wrong = ["", "countersign", "https://api.example", &slash, &port, &upper, &own[1..], "localhost"];
        let mut audiences: Vec<_> = wrong.iter().map(|text| json!(text)).collect();
        audiences.extend([
            json!([]),
            json!(["https://api.example"]),
            json!([[own]]),
            json!(7),
            json!(null),
            json!({}),
        ]);
        refused(&server, &live, "aud", &audiences, true).await?;
        let issuers: Vec<_> =
            wrong.iter().map(|text| json!(text)).chain([json!([own]), json!(null), json!(1)]).collect();
        refused(&server, &live, "iss", &issuers, true).await?;
        let several = signed(&server, &with(&live, "aud", Some(json!(["https://api.example", own]))));
        assert_eq!(by_token(&server, &several).await?, StatusCode::OK);
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn jwt_18_jwt_33_the_subject_is_the_grants_account_and_nothing_else() {
    on_every_store(async |server| {
        let live = live(&server).await?;
        register(&server, LEE).await?;
        let lee = server.account(LEE).await?.id.to_string();
        let id = live["sub"].as_str().unwrap();
        let subjects = [
            json!(lee),
            json!(""),
            json!(null),
            json!(1),
            json!([id]),
            json!("countersign"),
            json!(KIM),
            json!("x".repeat(10_000)),
            json!(id.to_uppercase()),
            json!(format!(" {id}")),
            json!("' OR 1=1--"),
            json!("*)(uid=*"),
            json!("${jndi:ldap://x}"),
            json!("\r\nSet-Cookie: a=b"),
            json!("<script>"),
            json!("\u{0}"),
        ];
        refused(&server, &live, "sub", &subjects, true).await?;
        refused(&server, &live, "jti", &[json!(""), json!(null), json!(5)], true).await?;
        for client in ["", "other", "Countersign", "countersign "] {
            let token = signed(&server, &with(&live, "client_id", Some(json!(client))));
            assert!(by_token(&server, &token).await?.is_client_error(), "{client}");
        }
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn jwt_18_a_token_without_the_scope_is_forbidden_what_the_api_holds() {
    on_memory(async |server| {
        let live = live(&server).await?;
        for scope in [
            None,
            Some(json!("")),
            Some(json!("accounts")),
            Some(json!("openid Account")),
            Some(json!("acc ount")),
        ] {
            let token = signed(&server, &with(&live, "scope", scope.clone()));
            let answer = Client::tool(&server).bearer(Method::GET, "/api/v1/session", &token).await?;
            assert_eq!((answer.status, &*answer.code()), (StatusCode::FORBIDDEN, "forbidden"), "{scope:?}");
            let challenge = answer.header("www-authenticate");
            assert_eq!(challenge, "Bearer error=\"insufficient_scope\", scope=\"account\"");
        }
        refused(&server, &live, "scope", &[json!(["account"]), json!(null), json!(1)], false).await
    })
    .await;
}

#[tokio::test]
async fn jwt_19_the_claims_of_an_access_token_under_another_kind_are_none() {
    on_memory(async |server| {
        let live = live(&server).await?;
        for typ in [
            "JWT",
            "jwt",
            "statuslist+jwt",
            "logout+jwt",
            "dpop+jwt",
            "rt+jwt",
            "at",
            "",
            "at+jwt ",
            "text/at+jwt",
        ] {
            let token = signed_as(&server, typ, &live);
            assert_eq!(by_token(&server, &token).await?, StatusCode::UNAUTHORIZED, "{typ}");
        }
        for typ in ["application/at+jwt", "AT+JWT"] {
            assert_eq!(by_token(&server, &signed_as(&server, typ, &live)).await?, StatusCode::OK, "{typ}");
        }
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn jwt_19_no_secret_of_one_kind_opens_the_door_of_another() {
    on_every_store(async |server| {
        register(&server, KIM).await?;
        let mut kim = both_faces(&server, KIM).await?;
        let reset = reset_token(&mut Client::browser(&server), KIM).await?;
        let uri = claims(&kim.tokens.access)["status"]["status_list"]["uri"].as_str().unwrap().to_owned();
        let list = Client::tool(&server).get(uri.strip_prefix(&server.url).unwrap()).await?.body;
        let secret = kim.browser.cookie(SESSION).unwrap().to_owned();
        let (access, refresh) = (kim.tokens.access.clone(), kim.tokens.refresh.clone());
        for token in [&refresh, &list, &secret, &reset, &kim.id] {
            assert_eq!(by_token(&server, token).await?, StatusCode::UNAUTHORIZED, "{token}");
        }
        for token in [&access, &list, &secret, &reset, &kim.id] {
            refresh_is_refused(&server, token).await?;
        }
        for value in [&access, &refresh, &list, &reset] {
            let mut browser = Client::browser(&server);
            browser.set_cookie(SESSION, value);
            assert_eq!(by_cookie(&mut browser).await?, StatusCode::UNAUTHORIZED, "{value}");
        }
        for token in [&access, &refresh, &secret] {
            for path in ["/api/v1/reset", "/api/v1/accounts/verify"] {
                let body = json!({ "token": token, "password": OTHER_PASSWORD });
                let answer = Client::browser(&server).json(Method::POST, path, &body).await?;
                assert_eq!(
                    (answer.status, &*answer.code()),
                    (StatusCode::UNAUTHORIZED, "invalid_token"),
                    "{path}"
                );
            }
        }
        kim.lives(&server).await
    })
    .await;
}

#[tokio::test]
async fn jwt_19_a_token_is_bound_to_its_own_grants_place_in_a_list_of_ours() {
    on_every_store(async |server| {
        let live = live(&server).await?;
        register(&server, LEE).await?;
        let lee = claims(&tokens(&server, LEE).await?.access)["status"].clone();
        let place = |name: &str, value: Value| {
            let mut status = live["status"].clone();
            status["status_list"][name] = value;
            status
        };
        let uri = live["status"]["status_list"]["uri"].as_str().unwrap();
        let values = [
            lee,
            json!(null),
            json!({}),
            json!("x"),
            json!({ "status_list": {} }),
            place("idx", json!(-1)),
            place("idx", json!("0")),
            place("idx", json!(131_072)),
            place("idx", json!(u64::MAX)),
            place("idx", json!(4_294_967_296_u64)),
            place("uri", json!("")),
            place("uri", json!(format!("{}/statuslists/00000000000000000000000000000000", server.url))),
            place("uri", json!(uri.replace("http://", "https://"))),
            place("uri", json!(format!("{uri}/"))),
            place("uri", json!(uri.replace(&server.url, "https://evil.example"))),
            place("uri", json!(uri.to_uppercase())),
        ];
        refused(&server, &live, "status", &values, true).await
    })
    .await;
}

#[tokio::test]
async fn a_token_that_is_bound_to_a_key_is_no_bearer_token() {
    on_memory(async |server| {
        let live = live(&server).await?;
        let bound = json!({ "jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I" });
        refused(&server, &live, "cnf", &[bound, json!({}), json!(null)], false).await
    })
    .await;
}

#[tokio::test]
async fn i1_a_token_with_a_long_life_of_its_own_still_ends_with_its_session() {
    on_every_store(async |server| {
        let live = live(&server).await?;
        let token = signed(&server, &with(&live, "exp", Some(json!(START.seconds() + 1_000_000))));
        assert_eq!(by_token(&server, &token).await?, StatusCode::OK);
        server.clock.advance(Span::hours(2));
        assert_eq!(by_token(&server, &token).await?, StatusCode::UNAUTHORIZED);
        server.clock.set(START);
        assert_eq!(by_token(&server, &token).await?, StatusCode::OK);
        operate(&server, Command::RevokeAccount { account: KIM.to_owned() }).await?;
        assert_eq!(by_token(&server, &token).await?, StatusCode::UNAUTHORIZED);
        Ok(())
    })
    .await;
}
