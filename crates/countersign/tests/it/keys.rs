//! Signing keys: rotated without a failed verification, published without a secret (invariant I11; attacks JWT-34,
//! JWT-36).

use countersign_core::{Span, Time};
use countersign_jose::{Alg, Header, JwkSet};
use countersign_server::admin::Command;
use countersign_server::clock::Clock as _;
use countersign_server::jobs;
use countersign_server::keyring::system;
use countersign_testkit::{Answer, Client, START, TestServer, on_every_store, on_every_store_with};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::*;

/// The names of the published keys.
async fn published(server: &TestServer) -> anyhow::Result<Vec<String>> {
    let answer = Client::tool(server).get("/.well-known/jwks.json").await?;
    Ok(JwkSet::parse(answer.body.as_bytes())?.keys().iter().map(|key| key.kid().to_owned()).collect())
}

/// Time has passed until `now`, and the schedule had its turn.
async fn at(server: &TestServer, now: Time) {
    server.clock.advance(now - server.clock.now());
    jobs::keys::step(server.app.clone()).await;
}

fn kid(token: &str) -> String {
    use base64::Engine as _;
    let header =
        base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap();
    serde_json::from_slice::<Value>(&header).unwrap()["kid"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn jwt_34_i11_a_key_is_published_then_signs_then_verifies_and_then_is_gone() {
    let long = [("COUNTERSIGN_SESSION_IDLE", "30d"), ("COUNTERSIGN_SESSION_ABSOLUTE", "30d")];
    on_every_store_with(&long, async |server| {
        register(&server, KIM).await?;
        let first = kid(&tokens(&server, KIM).await?.access);
        assert_eq!(published(&server).await?, [first.as_str()]);
        at(&server, START).await;
        let both = published(&server).await?;
        let next = both.iter().find(|kid| **kid != first).unwrap().clone();
        assert_eq!(both.len(), 2, "the next one is published long before it signs");

        let rotation = START + Span::days(90);
        at(&server, rotation - Span::seconds(1)).await;
        let old = tokens(&server, KIM).await?;
        assert_eq!(kid(&old.access), first);
        // A token that outlives its key, as somebody with a copy of the key could make it.
        let mut forged = claims(&old.access);
        forged["exp"] = json!((rotation + Span::days(9)).seconds());
        let forged = server.app.keyring.keys().signing().sign(&Header { typ: "at+jwt" }, &forged)?;

        at(&server, rotation).await;
        assert_eq!(by_token(&server, &old.access).await?, StatusCode::OK, "no verification fails");
        let new = tokens_of(&server, &old.refresh).await?;
        assert_eq!(kid(&new.access), next);
        assert_eq!(by_token(&server, &new.access).await?, StatusCode::OK);
        assert_eq!(published(&server).await?.len(), 3, "retiring, active and next");

        at(&server, rotation + Span::hours(48) - Span::from_micros(1)).await;
        assert_eq!(by_token(&server, &forged).await?, StatusCode::OK, "a retiring key still verifies");
        at(&server, rotation + Span::hours(48)).await;
        assert_eq!(by_token(&server, &forged).await?, StatusCode::UNAUTHORIZED, "a retired one does not");
        assert!(!published(&server).await?.contains(&first));
        let later = tokens_of(&server, &new.refresh).await?;
        assert_eq!(by_token(&server, &later.access).await?, StatusCode::OK, "the session goes on");
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn jwt_34_i11_an_operator_does_not_rotate_to_a_key_that_nobody_knows_yet_unless_at_once() {
    on_every_store(async |server| {
        register(&server, KIM).await?;
        let login = tokens(&server, KIM).await?;
        let first = kid(&login.access);
        operate(&server, Command::KeysRotate { now: false }).await?;
        assert_eq!(kid(&tokens(&server, KIM).await?.access), first);
        server.clock.advance(Span::hours(24) + Span::seconds(-1));
        operate(&server, Command::KeysRotate { now: false }).await?;
        assert_eq!(kid(&tokens(&server, KIM).await?.access), first);
        server.clock.advance(Span::seconds(1));
        operate(&server, Command::KeysRotate { now: false }).await?;
        let second = kid(&tokens(&server, KIM).await?.access);
        assert_ne!(second, first);
        operate(&server, Command::KeysRotate { now: true }).await?;
        let third = tokens(&server, KIM).await?.access;
        assert!(kid(&third) != first && kid(&third) != second);
        assert_eq!(by_token(&server, &third).await?, StatusCode::OK);
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn i11_a_restart_and_an_unchanged_schedule_keep_the_keys() {
    on_every_store(async |server| {
        register(&server, KIM).await?;
        at(&server, START).await;
        let before = published(&server).await?;
        let token = tokens(&server, KIM).await?.access;
        let held = server.app.keyring.keys();
        for _ in 0..3 {
            jobs::keys::step(server.app.clone()).await;
        }
        assert!(
            std::sync::Arc::ptr_eq(&server.app.keyring.keys(), &held),
            "with the tokens that they verified"
        );
        assert_eq!(published(&server).await?, before);
        assert_eq!(kid(&tokens(&server, KIM).await?.access), kid(&token));
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn jwt_36_the_key_set_holds_public_members_only() {
    for (alg, members) in [
        ("ES256", &["alg", "crv", "kid", "kty", "use", "x", "y"][..]),
        ("EdDSA", &["alg", "crv", "kid", "kty", "use", "x"]),
        ("RS256", &["alg", "e", "kid", "kty", "n", "use"]),
    ] {
        on_every_store_with(&[("COUNTERSIGN_TOKEN_ALGORITHM", alg)], async |server| {
            // A next RSA key takes its time in a debug build: one key tells as much as two.
            if alg != "RS256" {
                at(&server, START).await;
            }
            register(&server, KIM).await?;
            let token = tokens(&server, KIM).await?.access;
            assert_eq!(by_token(&server, &token).await?, StatusCode::OK, "{alg}");
            let answer = Client::tool(&server).get("/.well-known/jwks.json").await?;
            let keys = answer.json()["keys"].as_array().cloned().unwrap_or_default();
            assert_eq!(keys.len(), if alg == "RS256" { 1 } else { 2 });
            for key in &keys {
                let mut names: Vec<_> = key.as_object().unwrap().keys().map(String::as_str).collect();
                names.sort_unstable();
                assert_eq!(names, members, "{alg}");
                assert_eq!((&key["alg"], &key["use"]), (&json!(alg), &json!("sig")));
            }
            Ok(())
        })
        .await;
    }
}

#[tokio::test]
async fn jwt_36_the_key_set_is_kept_for_minutes_and_known_by_its_tag() {
    on_every_store(async |server| {
        let mut reader = Client::tool(&server);
        let first = reader.get("/.well-known/jwks.json").await?;
        assert_eq!(first.header("content-type"), "application/jwk-set+json");
        assert_eq!(first.header("cache-control"), "public, max-age=300");
        let tag = first.header("etag").to_owned();
        assert!(tag.len() > 2 && tag.starts_with('"') && tag.ends_with('"'), "{tag}");
        for value in [tag.clone(), format!("W/{tag}"), format!("\"x\", {tag}"), "*".to_owned()] {
            let request =
                reader.request(Method::GET, "/.well-known/jwks.json").header("if-none-match", &value);
            let same = Answer::read(request.send().await?).await?;
            assert_eq!(
                (same.status, &*same.body, same.header("etag")),
                (StatusCode::NOT_MODIFIED, "", &*tag)
            );
        }
        at(&server, START).await;
        let request = reader.request(Method::GET, "/.well-known/jwks.json").header("if-none-match", &tag);
        let changed = reader.send(request).await?;
        assert_eq!(changed.status, StatusCode::OK, "a key came to it");
        assert_ne!(changed.header("etag"), tag);
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn i11_who_reads_the_key_set_at_the_first_start_waits_for_the_key_of_id_tokens() {
    on_every_store(async |server| {
        let made = jobs::keys::prepare(server.app.clone());
        let mut reader = Client::tool(&server);
        // Begun first, it is not done when the other is sent: an RSA key takes longer than a request.
        let ((), answer) = tokio::join!(made, reader.get("/.well-known/jwks.json"));
        let answer = answer?.json();
        let algs = answer["keys"].as_array().into_iter().flatten().map(|key| &key["alg"]);
        assert!(algs.clone().any(|alg| alg == "RS256"), "{answer}");
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn i11_dos_09_an_algorithm_that_is_asked_for_gets_one_key_which_rotates_like_the_others() {
    on_every_store(async |server| {
        at(&server, START).await;
        let (keyring, store) = (&server.app.keyring, &server.app.store);
        let stamp = || system(server.app.clock.now(), server.app.random.as_ref());
        let ask = async || {
            let keys = keyring.signing_with(store, Alg::EdDsa, &stamp()).await?;
            anyhow::Ok(keys.signing_by(Alg::EdDsa).map(|key| key.kid().to_owned()))
        };
        let (one, two, three, four) =
            tokio::try_join!(Box::pin(ask()), Box::pin(ask()), Box::pin(ask()), Box::pin(ask()))?;
        assert!(
            [&two, &three, &four].iter().all(|other| **other == one),
            "{one:?} {two:?} {three:?} {four:?}"
        );
        let first = &one.ok_or_else(|| anyhow::anyhow!("no key was made"))?;
        let rs256 = Box::pin(keyring.signing_with(store, Alg::Rs256, &stamp())).await?;
        assert_eq!(rs256.signing().alg(), Alg::Es256, "access tokens are signed as before");
        let mut published = published(&server).await?;
        published.sort();
        published.dedup();
        assert!(
            published.len() >= 4 && published.contains(first),
            "each has a name of its own: {published:?}"
        );
        for day in [1, 90] {
            at(&server, START + Span::days(day)).await;
        }
        let now = keyring.keys();
        let second = now.signing_by(Alg::EdDsa).map(|key| key.kid().to_owned());
        assert!(second.is_some() && second.as_ref() != Some(first), "{second:?}");
        let old = now.verifying().get(first);
        assert!(old.is_some() && now.hints().get(first).is_some(), "what it signed still verifies");
        at(&server, START + Span::days(93)).await;
        let later = keyring.keys();
        assert!(later.verifying().get(first).is_none() && later.hints().get(first).is_some());
        Ok(())
    })
    .await;
}
