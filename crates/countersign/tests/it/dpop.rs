//! `DPoP` (RFC 9449; attacks DPO-01 to DPO-10, OAU-46, RACE-05): tokens bound to a key, and the proofs of it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_core::Span;
use countersign_core::client::Profile;
use countersign_jose::{Alg, SigningKey, digest};
use countersign_server::clock::Clock as _;
use countersign_testkit::{Answer, Client, Options, StoreKind, TestServer, on_every_store};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::codes::{code, fields, own_client};
use crate::people::at_once;
use crate::support::*;

/// A key that makes proofs.
struct Prover(SigningKey);

impl Prover {
    fn new() -> Self {
        Self(SigningKey::generate(Alg::Es256).unwrap().0)
    }

    fn proof(&self, claims: &Value) -> String {
        self.0.prove(claims).unwrap()
    }

    fn thumbprint(&self) -> &str {
        self.0.kid()
    }
}

/// A proof's claims for a request now, named `jti`.
fn claims_of(server: &TestServer, method: &str, path: &str, jti: &str) -> Value {
    json!({ "jti": jti, "htm": method, "htu": server.at(path), "iat": server.clock.now().seconds() })
}

fn at_api(server: &TestServer, token: &str, jti: &str) -> Value {
    let mut claims = claims_of(server, "GET", "/api/v1/session", jti);
    claims["ath"] = json!(URL_SAFE_NO_PAD.encode(digest::sha256(token.as_bytes())));
    claims
}

async fn post(server: &TestServer, proof: Option<&str>, fields: &[(&str, &str)]) -> anyhow::Result<Answer> {
    let request = Client::tool(server).request(Method::POST, "/oauth2/token").form(fields);
    let request = proof.into_iter().fold(request, |request, proof| request.header("dpop", proof));
    Answer::read(request.send().await?).await
}

async fn get(server: &TestServer, token: &str, proofs: &[&str]) -> anyhow::Result<Answer> {
    let request = Client::tool(server).request(Method::GET, "/api/v1/session");
    let request = request.header("authorization", format!("DPoP {token}"));
    let request = proofs.iter().fold(request, |request, proof| request.header("dpop", *proof));
    Answer::read(request.send().await?).await
}

fn error(answer: &Answer) -> String {
    answer.json()["error"].as_str().unwrap_or_default().to_owned()
}

/// Tokens of the client `notes` that are bound to the key.
async fn bound(server: &TestServer, browser: &mut Client, key: &Prover) -> anyhow::Result<Value> {
    let code = code(browser, &[("scope", "openid account")]).await?;
    let proof = key.proof(&claims_of(server, "POST", "/oauth2/token", &code));
    let answer = post(server, Some(&proof), &fields(&code, &[])).await?;
    anyhow::ensure!(answer.status == StatusCode::OK, "{} {}", answer.status, answer.body);
    Ok(answer.json())
}

#[tokio::test]
async fn dpo_01_dpo_04_a_bound_token_opens_with_a_proof_of_its_own_key_that_counts_once() {
    on_every_store(async |server| {
        register(&server, KIM).await?;
        own_client(&server).await?;
        let (key, other) = (Prover::new(), Prover::new());
        let tokens = bound(&server, &mut browser(&server, KIM).await?, &key).await?;
        assert_eq!(tokens["token_type"], "DPoP");
        let token = tokens["access_token"].as_str().unwrap();
        assert_eq!(claims(token)["cnf"]["jkt"], key.thumbprint());
        let proof = key.proof(&at_api(&server, token, "1"));
        assert_eq!(get(&server, token, &[&proof]).await?.status, StatusCode::OK);
        let with = |name: &str, value: Value| {
            let mut claims = at_api(&server, token, "2");
            claims[name] = value;
            key.proof(&claims)
        };
        let now = server.clock.now().seconds();
        let good = key.proof(&at_api(&server, token, "3"));
        let refused: &[&[&str]] = &[
            &[&proof],
            &[],
            &["x"],
            &[&good, &good],
            &[&other.proof(&at_api(&server, token, "2"))],
            &[&with("ath", json!(null))],
            &[&with("ath", json!(URL_SAFE_NO_PAD.encode(digest::sha256(b"another"))))],
            &[&with("htm", json!("get"))],
            &[&with("htm", json!("POST"))],
            &[&with("htu", json!(server.at("/api/v1/sessions")))],
            &[&with("htu", json!("https://evil.example/api/v1/session"))],
            &[&with("htu", json!(7))],
            &[&with("iat", json!(now - 300))],
            &[&with("iat", json!(now + 300))],
            &[&with("iat", json!(now.to_string()))],
            &[&with("jti", json!(""))],
            &[&with("nonce", json!("made up"))],
        ];
        for proofs in refused {
            let answer = get(&server, token, proofs).await?;
            assert_eq!((answer.status, &*answer.code()), (StatusCode::UNAUTHORIZED, "invalid_token"));
            assert!(answer.header("www-authenticate").starts_with("DPoP error="), "{proofs:?}");
        }
        assert_eq!(get(&server, token, &[&with("iat", json!(now - 10))]).await?.status, StatusCode::OK);
        let bearer = Client::tool(&server).bearer(Method::GET, "/api/v1/session", token).await?;
        assert_eq!(bearer.status, StatusCode::UNAUTHORIZED);
        // A token that is bound to no key opens nothing this way.
        let plain = support_token(&server).await?;
        let proof = key.proof(&at_api(&server, &plain, "4"));
        assert_eq!(get(&server, &plain, &[&proof]).await?.status, StatusCode::UNAUTHORIZED);
        Ok(())
    })
    .await;
}

async fn support_token(server: &TestServer) -> anyhow::Result<String> {
    Ok(tokens(server, KIM).await?.access)
}

#[tokio::test]
async fn oau_46_a_public_clients_refresh_token_is_bound_to_its_key() {
    on_every_store(async |server| {
        register(&server, KIM).await?;
        own_client(&server).await?;
        let (key, other) = (Prover::new(), Prover::new());
        let tokens = bound(&server, &mut browser(&server, KIM).await?, &key).await?;
        let refresh = tokens["refresh_token"].as_str().unwrap();
        let asked = [("grant_type", "refresh_token"), ("client_id", "notes"), ("refresh_token", refresh)];
        let proof = |key: &Prover, jti: &str| key.proof(&claims_of(&server, "POST", "/oauth2/token", jti));
        assert_eq!(error(&post(&server, None, &asked).await?), "invalid_dpop_proof");
        assert_eq!(error(&post(&server, Some(&proof(&other, "1")), &asked).await?), "invalid_grant");
        let once = proof(&key, "2");
        let answer = post(&server, Some(&once), &asked).await?;
        assert_eq!((answer.status, &answer.json()["token_type"]), (StatusCode::OK, &json!("DPoP")));
        // The proof was spent with the rotation; a repeat within the grace needs one of its own.
        assert_eq!(error(&post(&server, Some(&once), &asked).await?), "invalid_dpop_proof");
        let again = post(&server, Some(&proof(&key, "3")), &asked).await?;
        assert_eq!(again.json()["refresh_token"], answer.json()["refresh_token"]);
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn dpo_09_a_code_bound_to_a_key_is_redeemed_with_that_key() {
    on_memory(async |server| {
        register(&server, KIM).await?;
        own_client(&server).await?;
        let (key, other) = (Prover::new(), Prover::new());
        let mut browser = browser(&server, KIM).await?;
        let jkt = key.thumbprint().to_owned();
        for (number, prover) in [&other, &key].into_iter().enumerate() {
            let code = code(&mut browser, &[("dpop_jkt", &jkt)]).await?;
            let asked = fields(&code, &[]);
            assert_eq!(error(&post(&server, None, &asked).await?), "invalid_dpop_proof");
            let proof = prover.proof(&claims_of(&server, "POST", "/oauth2/token", &number.to_string()));
            let answer = post(&server, Some(&proof), &asked).await?;
            if number == 0 {
                assert_eq!(error(&answer), "invalid_grant");
                let proof = key.proof(&claims_of(&server, "POST", "/oauth2/token", "burned"));
                assert_eq!(error(&post(&server, Some(&proof), &asked).await?), "invalid_grant");
            } else {
                assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
            }
        }
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn dpo_09_a_proof_at_the_pushed_request_binds_the_code_and_contradicts_nothing() {
    on_every_store(async |server| {
        register(&server, KIM).await?;
        own_client(&server).await?;
        let mut browser = browser(&server, KIM).await?;
        let (key, other) = (Prover::new(), Prover::new());
        let push = async |jti: &str, named: &str| {
            let asked = crate::authorize::request(&[("dpop_jkt", named), ("scope", "openid account")]);
            let body = asked.split_once('?').unwrap_or_default().1.to_owned();
            let request = Client::tool(&server).request(Method::POST, "/oauth2/par");
            let request = request.header("content-type", "application/x-www-form-urlencoded").body(body);
            let proof = key.proof(&claims_of(&server, "POST", "/oauth2/par", jti));
            Answer::read(request.header("dpop", proof).send().await?).await
        };
        assert_eq!(error(&push("a", other.thumbprint()).await?), "invalid_request");
        let pushed = push("a", "").await?;
        assert_eq!(pushed.status, StatusCode::CREATED, "{}", pushed.body);
        assert_eq!(error(&push("a", "").await?), "invalid_dpop_proof", "it counts once");
        assert_eq!(push("b", key.thumbprint()).await?.status, StatusCode::CREATED);
        let reference = pushed.json()["request_uri"].as_str().unwrap().to_owned();
        let path = format!("/oauth2/authorize?client_id=notes&request_uri={reference}");
        let told = crate::authorize::told(&crate::authorize::visit(&mut browser, &path).await?)?;
        let code = told["code"].clone();
        let proof = |key: &Prover, jti: &str| key.proof(&claims_of(&server, "POST", "/oauth2/token", jti));
        let answer = post(&server, Some(&proof(&other, "c")), &fields(&code, &[])).await?;
        assert_eq!(error(&answer), "invalid_grant");
        let again = push("d", "").await?.json();
        let path = format!(
            "/oauth2/authorize?client_id=notes&request_uri={}",
            again["request_uri"].as_str().unwrap()
        );
        let told = crate::authorize::told(&crate::authorize::visit(&mut browser, &path).await?)?;
        let answer = post(&server, Some(&proof(&key, "e")), &fields(&told["code"], &[])).await?;
        assert_eq!(answer.json()["token_type"], "DPoP", "{}", answer.body);
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn dpo_06_where_a_nonce_is_demanded_only_a_fresh_one_of_ours_counts() {
    let options = Options::on(StoreKind::Memory).with("COUNTERSIGN_DPOP_NONCE", "true");
    let server = TestServer::start(options).await.unwrap();
    let secret = "0123456789abcdef0123456789abcdef0123456789ab";
    let metadata = json!({ "token_endpoint_auth_method": "client_secret_post",
        "grant_types": ["client_credentials"], "dpop_bound_access_tokens": true });
    for id in ["job", "other"] {
        server.add_client(id, Profile::Oauth21, &metadata, Some(secret)).await.unwrap();
    }
    let key = Prover::new();
    let ask = async |id: &str, jti: &str, nonce: Option<&str>| {
        let mut claims = claims_of(&server, "POST", "/oauth2/token", jti);
        if let Some(nonce) = nonce {
            claims["nonce"] = json!(nonce);
        }
        let asked = [("grant_type", "client_credentials"), ("client_id", id), ("client_secret", secret)];
        post(&server, Some(&key.proof(&claims)), &asked).await.unwrap()
    };
    let first = ask("job", "1", None).await;
    assert_eq!((first.status, &*error(&first)), (StatusCode::BAD_REQUEST, "use_dpop_nonce"));
    let nonce = first.header("dpop-nonce").to_owned();
    let second = ask("job", "2", Some(&nonce)).await;
    assert_eq!((second.status, &second.json()["token_type"]), (StatusCode::OK, &json!("DPoP")));
    assert!(!second.header("dpop-nonce").is_empty());
    assert_eq!(error(&ask("other", "3", Some(&nonce)).await), "use_dpop_nonce");
    assert_eq!(error(&ask("job", "4", Some("forged")).await), "use_dpop_nonce");
    server.clock.advance(Span::minutes(5));
    let late = ask("job", "5", Some(&nonce)).await;
    assert_eq!(error(&late), "use_dpop_nonce");
    assert_ne!(late.header("dpop-nonce"), nonce);
    let bare = [("grant_type", "client_credentials"), ("client_id", "job"), ("client_secret", secret)];
    assert_eq!(error(&post(&server, None, &bare).await.unwrap()), "invalid_dpop_proof");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dpo_01_race_05_fifty_uses_of_one_proof_are_one_wherever_it_is_used() {
    on_every_store(async |server| {
        register(&server, KIM).await?;
        own_client(&server).await?;
        let key = Prover::new();
        let tokens = bound(&server, &mut browser(&server, KIM).await?, &key).await?;
        let token = tokens["access_token"].as_str().unwrap();
        let proof = key.proof(&at_api(&server, token, "once"));
        let pool = Client::tool(&server);
        let send = |_| {
            let request = pool.request(Method::GET, "/api/v1/session");
            let request = request.header("authorization", format!("DPoP {token}")).header("dpop", &proof);
            async move { Ok(request.send().await?.status()) }
        };
        let statuses = at_once(50, send).await?;
        assert_eq!(statuses.iter().filter(|status| **status == StatusCode::OK).count(), 1);
        // And where it guards a rotation: one refresh of fifty with one proof.
        let refresh = tokens["refresh_token"].as_str().unwrap();
        let asked = [("grant_type", "refresh_token"), ("client_id", "notes"), ("refresh_token", refresh)];
        let proof = key.proof(&claims_of(&server, "POST", "/oauth2/token", "again"));
        let send = |_| {
            let request = pool.request(Method::POST, "/oauth2/token").header("dpop", &proof).form(&asked);
            async move { Ok(request.send().await?.status()) }
        };
        let statuses = at_once(50, send).await?;
        assert_eq!(statuses.iter().filter(|status| **status == StatusCode::OK).count(), 1);
        Ok(())
    })
    .await;
}
