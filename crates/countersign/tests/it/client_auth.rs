//! Clients prove themselves at the token endpoint (attacks OAU-27, OAU-32 to OAU-34, OAU-36, RACE-05).

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use countersign_core::Span;
use countersign_core::client::Profile;
use countersign_jose::{Alg, Header, SigningKey, digest};
use countersign_server::clock::Clock as _;
use countersign_testkit::peer::Peer;
use countersign_testkit::{Answer, Client, Options, StoreKind, TestServer, on_every_store, patiently};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::people::{at_once, percent};
use crate::support::*;

const SECRET: &str = "0123456789abcdef0123456789abcdef:%+ 한";
/// Of a form.
type Fields<'a> = &'a [(&'a str, &'a str)];

const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Whether a request got past the client's proof: the refresh token in it is none, and that is all that is wrong.
fn passed(answer: &Answer) -> bool {
    (answer.status, answer.json()["error"].as_str()) == (StatusCode::BAD_REQUEST, Some("invalid_grant"))
}

fn refused(answer: &Answer) -> bool {
    (answer.status, answer.json()["error"].as_str()) == (StatusCode::UNAUTHORIZED, Some("invalid_client"))
}

async fn ask(
    server: &TestServer,
    authorization: Option<&str>,
    fields: &[(&str, &str)],
) -> anyhow::Result<Answer> {
    let fields: Vec<_> =
        [("grant_type", "refresh_token"), ("refresh_token", "none")].iter().chain(fields).collect();
    let request = Client::tool(server).request(Method::POST, "/oauth2/token").form(&fields);
    let request =
        authorization.into_iter().fold(request, |request, value| request.header("authorization", value));
    Answer::read(request.send().await?).await
}

fn basic(id: &str, secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{}:{}", percent(id.as_bytes()), percent(secret.as_bytes()))))
}

async fn client(server: &TestServer, method: &str, more: Value) -> anyhow::Result<()> {
    let mut metadata = json!({ "token_endpoint_auth_method": method, "grant_types": ["refresh_token"] });
    metadata.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
    server.add_client(method, Profile::Oauth21, &metadata, Some(SECRET)).await
}

#[tokio::test]
async fn oau_32_a_client_proves_itself_in_its_own_way_and_only_in_that() {
    on_every_store(async |server| {
        for method in ["client_secret_basic", "client_secret_post", "none"] {
            client(&server, method, json!({})).await?;
        }
        let (header, form) = (basic("client_secret_basic", SECRET), ("client_secret", SECRET));
        let named = |id| ("client_id", id);
        assert!(passed(&ask(&server, Some(&header), &[]).await?));
        assert!(passed(&ask(&server, Some(&header), &[named("client_secret_basic")]).await?));
        assert!(passed(&ask(&server, None, &[named("client_secret_post"), form]).await?));
        assert!(passed(&ask(&server, None, &[named("none")]).await?));
        assert!(passed(&ask(&server, None, &[named("none"), ("client_secret", "")]).await?));
        let raw = format!("Basic {}", STANDARD.encode(format!("client_secret_basic:{SECRET}")));
        let none = basic("none", SECRET);
        let post = basic("client_secret_post", SECRET);
        let wrong = basic("client_secret_basic", "wrong");
        let twice: &[_] = &[named("client_secret_basic"), form];
        let cases: &[(Option<&str>, Fields<'_>)] = &[
            (None, &[]),
            (None, &[named("")]),
            (None, &[named("client_secret_basic")]),
            (None, &[named("client_secret_basic"), form]),
            (None, &[named("client_secret_post")]),
            (None, &[named("client_secret_post"), ("client_secret", "wrong")]),
            (None, &[named("none"), form]),
            (None, &[named("nobody")]),
            (None, &[named("nobody"), form]),
            (Some(&header), twice),
            (Some(&header), &[named("none")]),
            (Some(&wrong), &[]),
            (Some(&raw), &[]),
            (Some(&none), &[]),
            (Some(&post), &[]),
            (Some("Basic"), &[named("none")]),
            (Some("Bearer x"), &[named("none")]),
            (Some("Digest x"), &[named("none")]),
        ];
        for (authorization, fields) in cases {
            let answer = ask(&server, *authorization, fields).await?;
            assert!(refused(&answer), "{authorization:?} {fields:?}: {} {}", answer.status, answer.body);
            let challenge = answer.header("www-authenticate");
            assert_eq!(challenge.starts_with("Basic "), authorization.is_some(), "{challenge}");
        }
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn oau_27_nothing_is_read_from_a_url_or_another_kind_of_body() {
    on_memory(async |server| {
        client(&server, "client_secret_post", json!({})).await?;
        let http = Client::tool(&server);
        let fields = [
            ("grant_type", "refresh_token"),
            ("refresh_token", "none"),
            ("client_id", "client_secret_post"),
            ("client_secret", SECRET),
        ];
        let body: BTreeMap<_, _> = fields.into_iter().collect();
        let pairs = fields.map(|(name, value)| format!("{name}={}", percent(value.as_bytes())));
        let query = pairs.join("&");
        let post = |path: &str| http.request(Method::POST, path);
        let requests = [
            (http.request(Method::GET, &format!("/oauth2/token?{query}")), 405),
            (post(&format!("/oauth2/token?{query}")), 400),
            (post("/oauth2/token?client_secret=x").form(&fields), 400),
            (post("/oauth2/token").json(&body), 400),
            (
                post("/oauth2/token").header("content-type", "multipart/form-data; boundary=x").body("--x--"),
                400,
            ),
            (post("/oauth2/token"), 400),
        ];
        for (request, status) in requests {
            let answer = Answer::read(request.send().await?).await?;
            assert_eq!(
                (answer.status.as_u16(), answer.json()["error"].as_str()),
                (status, Some("invalid_request"))
            );
        }
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn oau_33_who_is_unknown_and_who_is_wrong_get_one_answer() {
    on_memory(async |server| {
        client(&server, "client_secret_basic", json!({})).await?;
        let mut heard = Vec::new();
        for (id, secret) in
            [("nobody", SECRET), ("client_secret_basic", "x"), ("client_secret_basic", &SECRET[..9])]
        {
            let answer = ask(&server, Some(&basic(id, secret)), &[]).await?;
            heard.push((answer.status, answer.header("www-authenticate").to_owned(), answer.body));
        }
        assert_eq!(heard[0], heard[1]);
        assert_eq!(heard[0], heard[2]);
        Ok(())
    })
    .await;
}

fn assertion(server: &TestServer, id: &str, jti: &str) -> Value {
    let now = server.clock.now().seconds();
    json!({ "iss": id, "sub": id, "aud": server.url, "jti": jti, "iat": now, "exp": now + 60 })
}

async fn assert_by(server: &TestServer, assertion: &str) -> anyhow::Result<Answer> {
    ask(server, None, &[("client_assertion_type", TYPE), ("client_assertion", assertion)]).await
}

#[tokio::test]
async fn oau_34_an_assertion_counts_once_even_after_a_restart() {
    let mut server = TestServer::start(Options::on(StoreKind::Sqlite)).await.unwrap();
    let (key, _) = SigningKey::generate(Alg::Es256).unwrap();
    let id = "private_key_jwt";
    client(&server, id, json!({ "jwks": { "keys": [key.public()] } })).await.unwrap();
    let sign = |claims: &Value| key.sign(&Header { typ: "JWT" }, claims).unwrap();
    let once = sign(&assertion(&server, id, "once"));
    assert!(passed(&assert_by(&server, &once).await.unwrap()));
    assert!(refused(&assert_by(&server, &once).await.unwrap()));
    server = server.restart(BTreeMap::new()).await.unwrap();
    assert!(refused(&assert_by(&server, &once).await.unwrap()));
    // The name of another client, which has a name space of its own.
    let other = SigningKey::generate(Alg::Es256).unwrap().0;
    let metadata = json!({ "token_endpoint_auth_method": id, "grant_types": ["refresh_token"],
        "jwks": { "keys": [other.public()] } });
    server.add_client("other", Profile::Oauth21, &metadata, None).await.unwrap();
    let named = assertion(&server, "other", "once");
    let named = other.sign(&Header { typ: "JWT" }, &named).unwrap();
    assert!(passed(&assert_by(&server, &named).await.unwrap()));
}

#[tokio::test]
async fn oau_34_the_audience_is_the_issuer_and_for_some_profiles_the_endpoint() {
    on_memory(async |server| {
        let (key, _) = SigningKey::generate(Alg::Es256)?;
        let metadata = json!({ "token_endpoint_auth_method": "private_key_jwt",
            "grant_types": ["refresh_token"], "jwks": { "keys": [key.public()] } });
        server.add_client("loose", Profile::Oidc, &metadata, None).await?;
        server.add_client("strict", Profile::Fapi2, &metadata, None).await?;
        let endpoint = json!(server.at("/oauth2/token"));
        let cases = [
            ("loose", json!(server.url), true),
            ("loose", endpoint.clone(), true),
            ("loose", json!([server.url]), true),
            ("loose", json!("https://else.example"), false),
            ("strict", json!(server.url), true),
            ("strict", endpoint, false),
            ("strict", json!(server.at("/oauth2/par")), false),
            ("strict", json!([server.url]), false),
        ];
        for (number, (id, audience, counts)) in cases.into_iter().enumerate() {
            let mut claims = assertion(&server, id, &number.to_string());
            claims["aud"] = audience;
            let answer = assert_by(&server, &key.sign(&Header { typ: "JWT" }, &claims)?).await?;
            assert_eq!((passed(&answer), refused(&answer)), (counts, !counts), "{claims}");
        }
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn oau_34_only_the_keys_method_and_algorithm_of_the_client_count() {
    on_memory(async |server| {
        let (key, _) = SigningKey::generate(Alg::Es256)?;
        let (other, _) = SigningKey::generate(Alg::Es256)?;
        let jwks = json!({ "keys": [key.public()] });
        client(&server, "private_key_jwt", json!({ "jwks": jwks })).await?;
        client(&server, "client_secret_jwt", json!({ "jwks": jwks })).await?;
        let pinned = json!({ "token_endpoint_auth_method": "private_key_jwt", "jwks": jwks,
            "grant_types": ["refresh_token"], "token_endpoint_auth_signing_alg": "EdDSA" });
        server.add_client("pinned", Profile::Oauth21, &pinned, None).await?;
        let sign = |key: &SigningKey, id, jti| {
            key.sign(&Header { typ: "JWT" }, &assertion(&server, id, jti)).unwrap()
        };
        let mac = |id, jti| {
            let part = |json: &Value| URL_SAFE_NO_PAD.encode(json.to_string());
            let input =
                format!("{}.{}", part(&json!({ "alg": "HS256" })), part(&assertion(&server, id, jti)));
            let code = digest::hmac_sha256(SECRET.as_bytes(), input.as_bytes());
            format!("{input}.{}", URL_SAFE_NO_PAD.encode(code))
        };
        assert!(passed(&assert_by(&server, &sign(&key, "private_key_jwt", "1")).await?));
        assert!(passed(&assert_by(&server, &mac("client_secret_jwt", "1")).await?));
        let wrong = [
            sign(&other, "private_key_jwt", "2"),
            mac("private_key_jwt", "2"),
            sign(&key, "client_secret_jwt", "2"),
            sign(&key, "pinned", "2"),
            sign(&key, "nobody", "2"),
            "x".to_owned(),
        ];
        for assertion in wrong {
            assert!(refused(&assert_by(&server, &assertion).await?), "{assertion}");
        }
        let untyped =
            ask(&server, None, &[("client_assertion", &sign(&key, "private_key_jwt", "3"))]).await?;
        assert!(refused(&untyped));
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn jwt_06_dos_09_keys_that_lie_elsewhere_are_asked_for_again_once_a_minute_at_most()
-> anyhow::Result<()> {
    let peer = Peer::start().await?;
    let options = Options::on(StoreKind::Memory).with("COUNTERSIGN_OUTBOUND_ALLOW", &peer.host);
    let server = TestServer::start(options).await?;
    let id = "private_key_jwt";
    client(&server, id, json!({ "jwks_uri": peer.at("/jwks") })).await?;
    let [old, new, made_up] = [0; 3].map(|_| SigningKey::generate(Alg::Es256).unwrap().0);
    let publish = |key: &SigningKey| peer.tell("/jwks", &json!({ "keys": [key.public()] }));
    let by = async |key: &SigningKey, jti: &str| {
        assert_by(&server, &key.sign(&Header { typ: "JWT" }, &assertion(&server, id, jti))?).await
    };
    assert!(refused(&by(&old, "1").await?), "there are no keys yet");
    publish(&old);
    assert!(refused(&by(&old, "2").await?), "and they are not asked for again so soon");
    server.clock.advance(Span::minutes(1));
    assert!(passed(&by(&old, "3").await?));
    let asked = peer.asked().len();
    for number in 0..20 {
        assert!(refused(&by(&made_up, &format!("made up {number}")).await?));
    }
    assert_eq!(peer.asked().len(), asked, "a flood of strange keys asks nothing within the minute");
    publish(&new);
    server.clock.advance(Span::minutes(1));
    assert!(passed(&by(&new, "4").await?), "a key that is not known is asked for");
    assert_eq!(peer.asked().len(), asked + 1);
    assert!(refused(&by(&old, "5").await?), "and the one that it replaced is over");
    peer.forget("/jwks");
    server.clock.advance(Span::hours(23));
    assert!(passed(&by(&new, "6").await?), "a fault of a day is forgiven");
    server.clock.advance(Span::hours(1));
    assert!(refused(&by(&new, "7").await?));
    Ok(())
}

/// A request that the assertion proves, and that comes to nothing by itself.
async fn use_once(pool: Client, assertion: String) -> anyhow::Result<Answer> {
    let fields = [
        ("grant_type", "refresh_token"),
        ("refresh_token", "none"),
        ("client_assertion_type", TYPE),
        ("client_assertion", &assertion),
    ];
    Answer::read(pool.request(Method::POST, "/oauth2/token").form(&fields).send().await?).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn race_05_fifty_uses_of_one_assertion_are_one() {
    on_every_store(async |server| {
        let (key, _) = SigningKey::generate(Alg::Es256)?;
        let id = "private_key_jwt";
        client(&server, id, json!({ "jwks": { "keys": [key.public()] } })).await?;
        let assertion = key.sign(&Header { typ: "JWT" }, &assertion(&server, id, "once"))?;
        let pool = Client::tool(&server);
        let send = |_| {
            let (pool, assertion) = (pool.clone(), assertion.clone());
            patiently(move || use_once(pool.clone(), assertion.clone()))
        };
        let answers = at_once(50, send).await?;
        assert_eq!(answers.iter().filter(|answer| passed(answer)).count(), 1);
        assert_eq!(answers.iter().filter(|answer| refused(answer)).count(), 49);
        Ok(())
    })
    .await;
}
