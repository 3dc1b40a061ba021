//! Access tokens at our own endpoints: what is not exactly one of ours opens nothing (invariant I8; attacks JWT-01 to
//! JWT-33). The rules themselves are tested in the JOSE crate; here it is that every one of them is asked.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};
use countersign_core::secret::MacKey;
use countersign_jose::{Alg, Header, SigningKey};
use countersign_testkit::{Answer, Client, Options, StoreKind, TestServer};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::*;

fn part(json: &Value) -> String {
    URL_SAFE_NO_PAD.encode(json.to_string())
}

/// A live token in its three parts.
async fn live(server: &TestServer) -> anyhow::Result<(String, [String; 3])> {
    register(server, KIM).await?;
    let token = tokens(server, KIM).await?.access;
    let parts: Vec<_> = token.split('.').map(str::to_owned).collect();
    assert_eq!(by_token(server, &token).await?, StatusCode::OK);
    Ok((token, parts.try_into().unwrap()))
}

fn header(parts: &[String; 3]) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(&parts[0]).unwrap()).unwrap()
}

/// Every route with a token face refuses the token alike.
async fn assert_refused(server: &TestServer, token: &str) -> anyhow::Result<()> {
    for path in ["/api/v1/session", "/api/v1/sessions"] {
        let answer = Client::tool(server).bearer(Method::GET, path, token).await?;
        let about = token.get(..200).unwrap_or(token);
        assert_eq!(
            (answer.status, &*answer.code()),
            (StatusCode::UNAUTHORIZED, "invalid_token"),
            "{path} {about}"
        );
        assert_eq!(answer.header("www-authenticate"), "Bearer error=\"invalid_token\"", "{about}");
    }
    Ok(())
}

async fn all_refused(server: &TestServer, tokens: &[String]) -> anyhow::Result<()> {
    for token in tokens {
        assert_refused(server, token).await?;
    }
    Ok(())
}

#[tokio::test]
async fn jwt_01_jwt_02_jwt_05_no_other_algorithm_is_believed() {
    on_memory(async |server| {
        let (_, parts) = live(&server).await?;
        let [_, payload, signature] = &parts;
        let algs = [
            json!("none"),
            json!("None"),
            json!("nOnE"),
            json!("NONE"),
            json!(" none"),
            json!("none\u{0}"),
            json!(""),
            json!(null),
            json!(["ES256"]),
            json!(0),
            json!("es256"),
            json!("Es256"),
            json!("ES256 "),
            json!("\u{415}S256"),
            json!("RS256"),
            json!("EdDSA"),
            json!("ES384"),
            json!("HS256"),
        ];
        for alg in algs {
            let mut changed = header(&parts);
            changed["alg"] = alg;
            let head = part(&changed);
            let forged = ["", ".", "..", &format!(".{signature}"), &format!(".{}", "A".repeat(86))];
            all_refused(&server, &forged.map(|end| format!("{head}.{payload}{end}"))).await?;
        }
        let mut missing = header(&parts);
        missing.as_object_mut().unwrap().remove("alg");
        all_refused(&server, &[format!("{}.{payload}.{signature}", part(&missing))]).await
    })
    .await;
}

#[tokio::test]
async fn jwt_03_our_public_key_is_no_shared_secret() {
    on_memory(async |server| {
        let (_, parts) = live(&server).await?;
        let keys = Client::tool(&server).get("/.well-known/jwks.json").await?.json();
        for coordinate in ["x", "y"] {
            let bytes = URL_SAFE_NO_PAD.decode(keys["keys"][0][coordinate].as_str().unwrap())?;
            let secret = MacKey::new(&bytes.try_into().unwrap());
            let mut head = header(&parts);
            head["alg"] = json!("HS256");
            let signed = format!("{}.{}", part(&head), parts[1]);
            let code = URL_SAFE_NO_PAD.encode(secret.sign(signed.as_bytes()));
            assert_refused(&server, &format!("{signed}.{code}")).await?;
        }
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn jwt_06_jwt_07_jwt_08_jwt_09_jwt_10_nothing_in_the_header_names_a_key_or_a_rule() {
    on_memory(async |server| {
        let (token, parts) = live(&server).await?;
        let (stranger, _) = SigningKey::generate(Alg::Es256)?;
        let own = json!(stranger.public());
        let url = json!("https://evil.example/keys");
        let changes = [
            ("kid", json!("unknown")),
            ("kid", json!("../../dev/null")),
            ("kid", json!("' OR 1=1--")),
            ("kid", json!(7)),
            ("kid", json!("k".repeat(5000))),
            ("kid", json!(null)),
            ("jwk", own),
            ("jku", url.clone()),
            ("x5u", url),
            ("x5c", json!(["MIIB"])),
            ("crit", json!(["exp"])),
            ("crit", json!([])),
            ("crit", json!("exp")),
            ("b64", json!(false)),
            ("zip", json!("DEF")),
            ("cty", json!("JWT")),
            ("typ", json!("JWT")),
        ];
        for (name, value) in changes {
            let mut head = header(&parts);
            head[name] = value;
            assert_refused(&server, &format!("{}.{}.{}", part(&head), parts[1], parts[2])).await?;
        }
        // Signed well, by somebody else.
        let forged = stranger.sign(&Header { typ: "at+jwt" }, &claims(&token))?;
        assert_refused(&server, &forged).await?;
        let mut spliced: Vec<_> = forged.split('.').map(str::to_owned).collect();
        spliced[0].clone_from(&parts[0]);
        assert_refused(&server, &spliced.join(".")).await
    })
    .await;
}

#[tokio::test]
async fn jwt_06_a_token_of_another_server_is_none_of_ours() {
    let start = || TestServer::start(Options::on(StoreKind::Memory));
    let (ours, theirs) = (start().await.unwrap(), start().await.unwrap());
    for server in [&ours, &theirs] {
        register(server, KIM).await.unwrap();
    }
    let token = tokens(&theirs, KIM).await.unwrap();
    assert_refused(&ours, &token.access).await.unwrap();
    refresh_is_refused(&ours, &token.refresh).await.unwrap();
    let cookie = browser(&theirs, KIM).await.unwrap();
    let mut here = Client::browser(&ours);
    here.set_cookie(SESSION, cookie.cookie(SESSION).unwrap());
    assert_eq!(by_cookie(&mut here).await.unwrap(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn jwt_21_jwt_22_a_token_has_three_parts_and_nothing_around_them() {
    on_memory(async |server| {
        let (token, [head, payload, signature]) = live(&server).await?;
        let flat = json!({ "protected": head, "payload": payload, "signature": signature });
        let general =
            json!({ "payload": payload, "signatures": [{ "protected": head, "signature": signature }] });
        let mut shapes = vec![
            String::new(),
            ".".into(),
            "..".into(),
            "...".into(),
            head.clone(),
            format!("{head}.{payload}"),
            format!("{head}.{payload}."),
            format!(".{payload}.{signature}"),
            format!("{head}..{signature}"),
            format!("{token}."),
            format!(".{token}"),
            format!("{token}.x"),
            format!("{token}.{signature}.x"),
            format!(" {token}"),
            format!("\t{token}"),
            format!("\"{token}\""),
            format!("{token},{token}"),
            format!("{token} {token}"),
            format!("{token};x"),
            ".".repeat(10_000),
            flat.to_string(),
            general.to_string(),
        ];
        shapes.push(json!({ "payload": payload, "x": format!(".{payload}.{signature}") }).to_string());
        all_refused(&server, &shapes).await
    })
    .await;
}

/// The answer to a request with these `Authorization` headers.
async fn authorized(server: &TestServer, values: &[&str]) -> anyhow::Result<StatusCode> {
    let request = Client::tool(server).request(Method::GET, "/api/v1/session");
    let request = values.iter().fold(request, |request, value| request.header("authorization", *value));
    Ok(Answer::read(request.send().await?).await?.status)
}

#[tokio::test]
async fn jwt_21_the_scheme_has_any_case_and_the_header_comes_once() {
    on_memory(async |server| {
        let (token, _) = live(&server).await?;
        for scheme in ["Bearer", "bearer", "BEARER", "bEaReR"] {
            assert_eq!(
                authorized(&server, &[&format!("{scheme} {token}")]).await?,
                StatusCode::OK,
                "{scheme}"
            );
        }
        let good = format!("Bearer {token}");
        for other in [&good, "Bearer x", "Basic x", "DPoP x", ""] {
            for values in [[&*good, other], [other, &*good]] {
                assert_eq!(authorized(&server, &values).await?, StatusCode::UNAUTHORIZED, "{other}");
            }
        }
        for value in [
            format!("Bearer  {token}"),
            format!("Bearer\t{token}"),
            format!("Bearer{token}"),
            format!("Bearer: {token}"),
            format!("DPoP {token}"),
            format!("Token {token}"),
            format!("Bearer {good}"),
            token.clone(),
        ] {
            assert_eq!(authorized(&server, &[&value]).await?, StatusCode::UNAUTHORIZED, "{}", &value[..20]);
        }
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn jwt_23_a_token_has_one_encoding() {
    on_memory(async |server| {
        let (token, [head, payload, signature]) = live(&server).await?;
        let bytes = URL_SAFE_NO_PAD.decode(&signature)?;
        let mut others = vec![
            format!("{token}="),
            format!("{token}=="),
            format!("{token}%3d"),
            format!("{head}={}", &token[head.len()..]),
            format!("{head}.{payload}.{}", URL_SAFE.encode(&bytes)),
            format!("{head}.{}%0a{}.{signature}", &payload[..8], &payload[8..]),
            format!("{head}.{} {}.{signature}", &payload[..8], &payload[8..]),
        ];
        let standard = STANDARD.encode(&bytes);
        others.push(format!("{head}.{payload}.{}", standard.trim_end_matches('=')).replace('-', "+"));
        // The last of 86 characters carries two bits of the 64 bytes, and four that must be zero.
        let (rest, last) = signature.split_at(85);
        let siblings = (b'0'..=b'z').map(char::from).filter(char::is_ascii_alphanumeric);
        others.extend(
            siblings
                .filter(|c| *c != last.chars().next().unwrap())
                .map(|c| format!("{head}.{payload}.{rest}{c}")),
        );
        others.retain(|other| *other != token);
        all_refused(&server, &others).await
    })
    .await;
}

#[tokio::test]
async fn jwt_24_jwt_25_a_signature_fits_its_own_token_only() {
    on_memory(async |server| {
        let (token, [head, payload, signature]) = live(&server).await?;
        register(&server, LEE).await?;
        let lee = tokens(&server, LEE).await?.access;
        let (rest, other) = lee.rsplit_once('.').unwrap();
        let bytes = URL_SAFE_NO_PAD.decode(&signature)?;
        let mut forged = vec![format!("{head}.{payload}.{other}"), format!("{rest}.{signature}")];
        let order = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
        let order: Vec<u8> =
            (0..32).map(|at| u8::from_str_radix(&order[2 * at..2 * at + 2], 16).unwrap()).collect();
        let der = [&[0x30, 68, 2, 32][..], &bytes[..32], &[2, 32], &bytes[32..]].concat();
        for signature in [
            vec![],
            vec![0; 64],
            vec![0xff; 64],
            vec![0; 63],
            vec![0; 65],
            vec![0; 128],
            bytes[..63].to_vec(),
            [&bytes[..], &[0]].concat(),
            [&[0; 32], &bytes[32..]].concat(),
            [&bytes[..32], &[0; 32]].concat(),
            [&order, &bytes[32..]].concat(),
            [&bytes[..32], &order].concat(),
            [&order[..], &order].concat(),
            der,
        ] {
            forged.push(format!("{head}.{payload}.{}", URL_SAFE_NO_PAD.encode(signature)));
        }
        for place in (0..token.len()).step_by(7).filter(|place| token.as_bytes()[*place] != b'.') {
            let mut bytes = token.clone().into_bytes();
            bytes[place] = if bytes[place] == b'x' { b'y' } else { b'x' };
            forged.push(String::from_utf8(bytes)?);
        }
        all_refused(&server, &forged).await
    })
    .await;
}
