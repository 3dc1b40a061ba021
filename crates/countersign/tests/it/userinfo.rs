//! ID tokens and `UserInfo`, from an authorization on (attacks OAU-69, OAU-76), and the logout that an ID token makes (OAU-72).

use countersign_core::Span;
use countersign_core::client::SubjectType;
use countersign_core::key::Alg;
use countersign_testkit::{Answer, Client, TestServer, on_every_store, on_every_store_with};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::authorization::resigned;
use crate::authorize::add_client;
use crate::codes::{code, redeem};
use crate::support::*;

const PATH: &str = "/oauth2/userinfo";
const OUT: &str = "https://notes.example/out";

/// A client of ours with this algorithm.
async fn client(server: &TestServer, alg: Alg, subjects: SubjectType, signed: bool) -> anyhow::Result<()> {
    add_client(server, |client| {
        client.first_party = true;
        client.metadata.id_token_signed_response_alg = alg;
        client.metadata.userinfo_signed_response_alg = signed.then_some(alg);
        client.metadata.subject_type = subjects;
        client.metadata.post_logout_redirect_uris = vec![OUT.to_owned()];
    })
    .await?;
    Ok(())
}

/// The answer to a code of this browser.
async fn tokens_for(
    server: &TestServer,
    browser: &mut Client,
    more: &[(&str, &str)],
) -> anyhow::Result<Value> {
    let code = code(browser, more).await?;
    let answer = redeem(server, &code, &[]).await?;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    Ok(answer.json())
}

async fn ask(server: &TestServer, token: &str) -> anyhow::Result<Answer> {
    Client::tool(server).bearer(Method::GET, PATH, token).await
}

fn header(token: &str) -> Value {
    use base64::Engine as _;
    let part = token.split('.').next().unwrap_or_default();
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(part).unwrap_or_default();
    serde_json::from_slice(&bytes).unwrap_or_default()
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

#[tokio::test]
async fn oau_76_an_id_token_says_who_logged_in_and_userinfo_the_rest() {
    on_every_store(async |server| {
        register(&server, KIM).await?;
        client(&server, Alg::EdDsa, SubjectType::Public, false).await?;
        let mut browser = browser(&server, KIM).await?;
        browser.json(Method::PUT, "/api/v1/profile", &json!({ "name": "Kim", "nickname": "K" })).await?;
        let asked = [("scope", "openid profile email"), ("nonce", "n-0S6 _WzA2Mj")];
        let tokens = tokens_for(&server, &mut browser, &asked).await?;
        let (access, id_token) = (text(&tokens, "access_token"), text(&tokens, "id_token"));
        let said = claims(id_token);
        assert_eq!((&header(id_token)["alg"], &header(id_token)["typ"]), (&json!("EdDSA"), &json!("JWT")));
        let jwks = Client::tool(&server).get("/.well-known/jwks.json").await?;
        assert!(jwks.body.contains(text(&header(id_token), "kid")), "its key is published");
        assert_eq!(
            (&said["iss"], &said["aud"], &said["azp"]),
            (&json!(server.url), &json!("notes"), &json!("notes"))
        );
        assert_eq!(
            (&said["nonce"], &said["acr"], &said["amr"]),
            (&json!("n-0S6 _WzA2Mj"), &json!("aal1"), &json!(["pwd"]))
        );
        assert_eq!(
            (&said["auth_time"], &said["sid"]),
            (&claims(access)["auth_time"], &claims(access)["sid"])
        );
        assert_eq!(said["at_hash"], countersign_jose::at_hash(Alg::EdDsa, access));
        assert!(said.get("name").is_none() && said.get("email").is_none(), "{said}");
        let info = ask(&server, access).await?;
        assert_eq!(info.header("content-type"), "application/json");
        let told = info.json();
        assert_eq!(
            (&told["sub"], &told["name"], &told["nickname"]),
            (&said["sub"], &json!("Kim"), &json!("K"))
        );
        assert_eq!((&told["email"], &told["email_verified"]), (&json!(KIM), &json!(true)));
        assert!(
            told["updated_at"].is_i64()
                && told.get("address").is_none()
                && told.get("phone_number").is_none()
        );
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn oau_69_userinfo_takes_a_token_in_one_way_and_only_with_openid() {
    on_every_store(async |server| {
        register(&server, KIM).await?;
        client(&server, Alg::EdDsa, SubjectType::Public, false).await?;
        let mut browser = browser(&server, KIM).await?;
        let tokens = tokens_for(&server, &mut browser, &[]).await?;
        let access = text(&tokens, "access_token");
        let mut tool = Client::tool(&server);
        let by_get = ask(&server, access).await?;
        let by_post = tool.bearer(Method::POST, PATH, access).await?;
        let by_form = tool.form(PATH, &[("access_token", access)]).await?;
        assert_eq!((by_get.status, &by_get.body), (StatusCode::OK, &by_post.body));
        assert_eq!((by_form.status, &by_get.body), (StatusCode::OK, &by_form.body));
        let both = tool.request(Method::POST, PATH).bearer_auth(access).form(&[("access_token", access)]);
        assert_eq!(tool.send(both).await?.status, StatusCode::BAD_REQUEST);
        assert_eq!(tool.get(&format!("{PATH}?access_token={access}")).await?.status, StatusCode::BAD_REQUEST);
        let nothing = tool.get(PATH).await?;
        assert_eq!(
            (nothing.status, nothing.header("www-authenticate")),
            (StatusCode::UNAUTHORIZED, "Bearer")
        );
        for bad in ["x", text(&tokens, "id_token"), text(&tokens, "refresh_token")] {
            let answer = ask(&server, bad).await?;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{bad}");
            assert!(answer.header("www-authenticate").contains("invalid_token"));
        }
        let other = tokens_for(&server, &mut browser, &[("scope", "email")]).await?;
        assert_eq!(other.get("id_token"), None);
        let answer = ask(&server, text(&other, "access_token")).await?;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
        assert!(answer.header("www-authenticate").contains("insufficient_scope"));
        server.clock.advance(Span::minutes(5));
        assert_eq!(ask(&server, access).await?.status, StatusCode::UNAUTHORIZED);
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn oau_69_oau_76_signed_answers_and_pairwise_names_are_the_clients_own() {
    on_every_store_with(&[("COUNTERSIGN_CLAIMS_CUSTOM", "team=staff")], async |server| {
        register(&server, KIM).await?;
        client(&server, Alg::Es256, SubjectType::Pairwise, true).await?;
        let mut browser = browser(&server, KIM).await?;
        let asked = r#"{"id_token":{"email":{"essential":true}},"userinfo":{"locale":null}}"#;
        let tokens = tokens_for(&server, &mut browser, &[("claims", asked)]).await?;
        let said = claims(text(&tokens, "id_token"));
        assert!(!text(&said, "sub").starts_with("acc_") && text(&said, "sub").len() == 43, "{said}");
        assert_eq!(claims(text(&tokens, "access_token"))["sub"], said["sub"]);
        assert_eq!(said["email"], KIM);
        let stranger = resigned(&server, text(&tokens, "access_token"), "sub", json!("A".repeat(43)))?;
        assert_eq!(ask(&server, &stranger).await?.status, StatusCode::UNAUTHORIZED, "a name of nobody");
        let answer = ask(&server, text(&tokens, "access_token")).await?;
        assert_eq!(answer.header("content-type"), "application/jwt");
        let told = claims(&answer.body);
        assert_eq!(
            (&told["sub"], &told["aud"], &told["iss"]),
            (&said["sub"], &json!("notes"), &json!(server.url))
        );
        assert!(told["locale"].is_string() && told.get("nonce").is_none(), "{told}");
        assert_eq!(header(&answer.body)["alg"], "ES256");
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn oau_72_an_id_token_of_this_session_ends_it_and_leads_back_even_when_expired() {
    on_every_store(async |server| {
        register(&server, KIM).await?;
        client(&server, Alg::EdDsa, SubjectType::Public, false).await?;
        let mut browser = browser(&server, KIM).await?;
        let tokens = tokens_for(&server, &mut browser, &[]).await?;
        let hint = text(&tokens, "id_token");
        server.clock.advance(Span::minutes(30));
        let state = "s".repeat(128);
        let path = |hint: &str, uri: &str| {
            format!("/oauth2/logout?id_token_hint={hint}&post_logout_redirect_uri={uri}&state={state}")
        };
        let mut signature = hint.to_owned();
        let last = signature.pop();
        signature.push(if last == Some('A') { 'Q' } else { 'A' });
        for (hint, uri) in [
            (hint, "https%3A%2F%2Fnotes.example%2Fout%3Fx%3D1"),
            (hint, "https%3A%2F%2Fevil.example%2Fout"),
            (&*signature, "https%3A%2F%2Fnotes.example%2Fout"),
            (text(&tokens, "access_token"), "https%3A%2F%2Fnotes.example%2Fout"),
        ] {
            let answer = browser.get(&path(hint, uri)).await?;
            assert_eq!((answer.status, answer.location()), (StatusCode::BAD_REQUEST, ""), "{uri}");
        }
        let other = browser
            .get(&format!("{}&client_id=other", path(hint, "https%3A%2F%2Fnotes.example%2Fout")))
            .await?;
        assert_eq!(other.status, StatusCode::BAD_REQUEST);
        assert_eq!(browser.get("/api/v1/session").await?.status, StatusCode::OK, "nothing ended so far");
        let done = browser.get(&path(hint, "https%3A%2F%2Fnotes.example%2Fout")).await?;
        assert_eq!((done.status, done.location()), (StatusCode::SEE_OTHER, &*format!("{OUT}?state={state}")));
        assert_eq!(browser.get("/api/v1/session").await?.status, StatusCode::UNAUTHORIZED);
        browser.log_in(KIM, PASSWORD).await?;
        let next = browser.get(&path(hint, "https%3A%2F%2Fnotes.example%2Fout")).await?;
        assert_eq!(
            (next.status, next.location()),
            (StatusCode::SEE_OTHER, "/logout"),
            "another session is asked about"
        );
        Ok(())
    })
    .await;
}
