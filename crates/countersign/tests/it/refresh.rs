//! Refresh tokens at the token endpoint (invariant I10; RFC 6749 sections 5 and 6).

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_core::Span;
use countersign_testkit::{Answer, Client, Options, START, StoreKind, TestServer, Tokens, on_every_store};
use reqwest::StatusCode;

use crate::support::*;

async fn ask(server: &TestServer, fields: &[(&str, &str)]) -> anyhow::Result<Answer> {
    Client::tool(server).form("/oauth2/token", fields).await
}

async fn error(server: &TestServer, fields: &[(&str, &str)]) -> anyhow::Result<(u16, String)> {
    let answer = ask(server, fields).await?;
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("cache-control"), "no-store");
    let error = answer.json()["error"].as_str().unwrap_or_default().to_owned();
    Ok((answer.status.as_u16(), error))
}

#[tokio::test]
async fn i10_a_refresh_replaces_both_tokens_and_the_new_ones_work() {
    on_every_store(async |server| {
        register(&server, KIM).await?;
        let mut present = tokens(&server, KIM).await?;
        for _ in 0..5 {
            server.clock.advance(Span::minutes(1));
            let answer = Client::tool(&server).refresh(&present.refresh).await?;
            let json = answer.json();
            assert_eq!((&json["token_type"], &json["scope"]), (&"Bearer".into(), &"account".into()));
            assert_eq!(json["expires_in"], 300);
            assert_eq!(json.as_object().map(serde_json::Map::len), Some(5), "{json}");
            let next = Tokens::of(&answer)?;
            assert!(next.refresh != present.refresh && next.access != present.access);
            assert!(next.refresh.starts_with("cs_rt_"));
            assert_eq!(by_token(&server, &next.access).await?, StatusCode::OK);
            assert_eq!(by_token(&server, &present.access).await?, StatusCode::OK, "it lives its own life");
            present = next;
        }
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn i10_within_the_grace_the_token_before_gets_the_same_successor() {
    on_every_store(async |server| {
        register(&server, KIM).await?;
        let first = tokens(&server, KIM).await?;
        let second = tokens_of(&server, &first.refresh).await?;
        let audited = server.audited("grant.refreshed").await?;
        for seconds in [0, 10, 29] {
            server.clock.set(START + Span::seconds(seconds));
            let again = tokens_of(&server, &first.refresh).await?;
            assert_eq!(again.refresh, second.refresh);
            assert_eq!(by_token(&server, &again.access).await?, StatusCode::OK);
        }
        server.clock.set(START + Span::seconds(30) - Span::from_micros(1));
        assert_eq!(tokens_of(&server, &first.refresh).await?.refresh, second.refresh);
        assert_eq!(server.audited("grant.refreshed").await?, audited, "a repeat writes nothing");
        let third = tokens_of(&server, &second.refresh).await?;
        assert_eq!(by_token(&server, &third.access).await?, StatusCode::OK);
        Ok(())
    })
    .await;
}

/// The grant and all that it made is over, and the log says why.
async fn assert_reuse_ends_all(server: &TestServer, stolen: &str, all: &[&Tokens]) -> anyhow::Result<()> {
    let audited = server.audited("grant.reused").await?;
    refresh_is_refused(server, stolen).await?;
    assert_eq!(server.audited("grant.reused").await?, audited + 1);
    for tokens in all {
        refresh_is_refused(server, &tokens.refresh).await?;
        assert_eq!(by_token(server, &tokens.access).await?, StatusCode::UNAUTHORIZED);
    }
    Ok(())
}

#[tokio::test]
async fn i10_after_the_grace_the_token_before_ends_its_grant_and_its_access_tokens() {
    on_every_store(async |server| {
        register(&server, KIM).await?;
        let other = tokens(&server, KIM).await?;
        let first = tokens(&server, KIM).await?;
        let second = tokens_of(&server, &first.refresh).await?;
        server.clock.set(START + Span::seconds(30));
        assert_reuse_ends_all(&server, &first.refresh, &[&first, &second]).await?;
        assert_eq!(by_token(&server, &other.access).await?, StatusCode::OK, "another login goes on");
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn i10_an_older_ancestor_ends_the_grant_within_the_grace_too() {
    on_every_store(async |server| {
        register(&server, KIM).await?;
        let first = tokens(&server, KIM).await?;
        let second = tokens_of(&server, &first.refresh).await?;
        let third = tokens_of(&server, &second.refresh).await?;
        assert_reuse_ends_all(&server, &first.refresh, &[&first, &second, &third]).await
    })
    .await;
}

#[tokio::test]
async fn i10_a_token_of_a_future_generation_ends_the_grant() {
    on_every_store(async |server| {
        use countersign_core::grant::refresh_token::RefreshToken;
        register(&server, KIM).await?;
        let present = tokens(&server, KIM).await?;
        let (_, key) = server.app.keyring.refresh_key();
        let mut token = RefreshToken::verify(&present.refresh, |_| Some(key))?;
        token.generation = token.generation.next().next();
        assert_reuse_ends_all(&server, &token.encode(key), &[&present]).await
    })
    .await;
}

#[tokio::test]
async fn a_refresh_token_has_one_text_and_none_other_is_believed() {
    on_every_store(async |server| {
        register(&server, KIM).await?;
        let present = tokens(&server, KIM).await?;
        let token = &present.refresh;
        let body = token.strip_prefix("cs_rt_").unwrap();
        let bytes = URL_SAFE_NO_PAD.decode(body)?;
        let mut forged = vec![
            String::new(),
            body.to_owned(),
            format!("{token}="),
            format!("{token}A"),
            format!(" {token}"),
            token[..token.len() - 1].to_owned(),
            token.to_uppercase(),
            format!("cs_rt_{}", "A".repeat(body.len())),
            format!("cs_rt_cs_rt_{body}"),
        ];
        for place in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[place] ^= 1;
            forged.push(format!("cs_rt_{}", URL_SAFE_NO_PAD.encode(changed)));
        }
        for text in forged.iter().filter(|text| !text.is_empty()) {
            refresh_is_refused(&server, text).await?;
        }
        // Nothing of it was taken for a reuse.
        assert_eq!(server.audited("grant.reused").await?, 0);
        tokens_of(&server, token).await?;
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn a_refresh_is_asked_for_exactly_as_the_rfc_says() {
    on_every_store(async |server| {
        register(&server, KIM).await?;
        let token = tokens(&server, KIM).await?.refresh;
        let (grant, client) = (("grant_type", "refresh_token"), ("client_id", "countersign"));
        let refresh = ("refresh_token", &*token);
        let cases = [
            (&[client, refresh][..], 400, "invalid_request"),
            (&[("grant_type", ""), client, refresh], 400, "invalid_request"),
            (&[("grant_type", "password"), client, refresh], 400, "unsupported_grant_type"),
            (&[("grant_type", "authorization_code"), client], 400, "unauthorized_client"),
            (&[grant, refresh], 401, "invalid_client"),
            (&[grant, ("client_id", ""), refresh], 401, "invalid_client"),
            (&[grant, ("client_id", "other"), refresh], 401, "invalid_client"),
            (&[grant, client], 400, "invalid_request"),
            (&[grant, client, ("refresh_token", "")], 400, "invalid_request"),
            (&[grant, client, refresh, refresh], 400, "invalid_request"),
            (&[grant, client, refresh, ("scope", "account admin")], 400, "invalid_scope"),
            (&[grant, client, refresh, ("scope", "a\"b")], 400, "invalid_scope"),
        ];
        for (fields, status, code) in cases {
            assert_eq!(error(&server, fields).await?, (status, code.to_owned()), "{fields:?}");
        }
        let request = Client::tool(&server)
            .request(reqwest::Method::POST, "/oauth2/token")
            .basic_auth("countersign", Some("x"));
        let answer = Answer::read(request.form(&[grant, refresh]).send().await?).await?;
        assert!(answer.status.is_client_error());
        let less = ask(&server, &[grant, client, refresh, ("scope", "account")]).await?;
        assert_eq!(less.json()["scope"], "account");
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn i10_another_clients_use_of_a_token_burns_nothing() {
    on_every_store(async |server| {
        register(&server, KIM).await?;
        let present = tokens(&server, KIM).await?;
        let fields = [
            ("grant_type", "refresh_token"),
            ("client_id", "stranger"),
            ("refresh_token", &*present.refresh),
        ];
        for _ in 0..3 {
            assert_eq!(error(&server, &fields).await?, (401, "invalid_client".to_owned()));
        }
        assert_eq!(by_token(&server, &present.access).await?, StatusCode::OK);
        tokens_of(&server, &present.refresh).await?;
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn i12_i10_a_restart_forgets_no_generation() {
    let server = TestServer::start(Options::on(StoreKind::Sqlite)).await.unwrap();
    register(&server, KIM).await.unwrap();
    let first = tokens(&server, KIM).await.unwrap();
    let second = tokens_of(&server, &first.refresh).await.unwrap();
    let server = server.restart(BTreeMap::new()).await.unwrap();
    assert_eq!(tokens_of(&server, &first.refresh).await.unwrap().refresh, second.refresh);
    server.clock.advance(Span::seconds(30));
    refresh_is_refused(&server, &first.refresh).await.unwrap();
    refresh_is_refused(&server, &second.refresh).await.unwrap();
}
