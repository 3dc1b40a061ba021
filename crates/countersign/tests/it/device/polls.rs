//! What a device gets, and when (RFC 8628 sections 3.2, 3.4 and 3.5).

use countersign_core::Span;
use countersign_testkit::{Answer, Client, Tokens, on_every_store};
use reqwest::{Method, StatusCode};
use serde_json::json;

use super::*;
use crate::people::at_once;
use crate::support::*;

const SECRET: &str = "0123456789abcdef0123456789abcdef0123456789ab";

#[tokio::test]
async fn a_device_asks_a_person_allows_and_the_device_gets_tokens_of_that_person() {
    on_every_store(async |server| {
        register(&server, KIM).await?;
        tv(&server, json!({})).await?;
        let asked = ask(&server, &[("scope", "openid email")]).await?;
        assert_eq!((asked.status, asked.header("cache-control")), (StatusCode::OK, "no-store"));
        assert_eq!(asked.header("access-control-allow-origin"), "*");
        let told_first = asked.json();
        assert_eq!((&told_first["expires_in"], &told_first["interval"]), (&json!(600), &json!(5)));
        let page = format!("{}/device", server.url);
        assert_eq!(told_first["verification_uri"], page);
        let codes = Codes {
            device: told_first["device_code"].as_str().unwrap().to_owned(),
            user: told_first["user_code"].as_str().unwrap().to_owned(),
        };
        let complete = format!("{page}?user_code={}", codes.user);
        assert_eq!(told_first["verification_uri_complete"], complete);
        assert_eq!(told(&server, &codes).await?, "authorization_pending");
        let mut browser = browser(&server, KIM).await?;
        allow(&mut browser, &codes.user).await?;
        server.clock.advance(Span::seconds(5));
        let answer = poll(&server, &codes.device, &[]).await?;
        let (tokens, json) = (Tokens::of(&answer)?, answer.json());
        assert_eq!((&json["token_type"], &json["scope"]), (&json!("Bearer"), &json!("openid email")));
        let who = browser.get("/api/v1/session").await?.json();
        let (said, id_token) = (claims(&tokens.access), claims(json["id_token"].as_str().unwrap()));
        assert_eq!((&said["client_id"], &said["sub"]), (&json!("tv"), &who["account"]["id"]));
        assert_eq!((&id_token["aud"], &id_token["sub"]), (&json!("tv"), &who["account"]["id"]));
        for name in ["auth_time", "amr", "acr"] {
            assert!(!said[name].is_null() && said[name] == id_token[name], "{name}: {said} {id_token}");
        }
        let refresh =
            [("grant_type", "refresh_token"), ("client_id", "tv"), ("refresh_token", &tokens.refresh)];
        let again = Client::tool(&server).form("/oauth2/token", &refresh).await?;
        let next = Tokens::of(&again)?;
        // Without offline_access it hangs from the session of who allowed it.
        browser.send(browser.request(Method::DELETE, "/api/v1/session")).await?;
        let refresh =
            [("grant_type", "refresh_token"), ("client_id", "tv"), ("refresh_token", &next.refresh)];
        assert_eq!(error(&Client::tool(&server).form("/oauth2/token", &refresh).await?)?, "invalid_grant");
        for kind in ["device.asked", "device.polled", "device.answered", "grant.opened", "consent.given"] {
            assert_eq!(server.audited(kind).await?, 1, "{kind}");
        }
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn oau_55_a_device_that_asks_too_often_is_slowed_down_and_stays_so() {
    on_every_store(async |server| {
        tv(&server, json!({})).await?;
        let codes = codes(&server, &[]).await?;
        assert_eq!(told(&server, &codes).await?, "authorization_pending");
        assert_eq!(told(&server, &codes).await?, "slow_down");
        server.clock.advance(Span::seconds(5));
        assert_eq!(told(&server, &codes).await?, "slow_down");
        server.clock.advance(Span::seconds(10));
        assert_eq!(told(&server, &codes).await?, "slow_down");
        server.clock.advance(Span::seconds(20));
        assert_eq!(told(&server, &codes).await?, "authorization_pending");
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn oau_55_oau_57_a_code_counts_for_its_client_in_time_and_once() {
    on_every_store(async |server| {
        register(&server, KIM).await?;
        tv(&server, json!({})).await?;
        client(&server, "other", json!({}), None).await?;
        let mut kim = browser(&server, KIM).await?;
        // Another client's, and what is no device code at all.
        let first = codes(&server, &[]).await?;
        allow(&mut kim, &first.user).await?;
        let foreign = poll(&server, &first.device, &[("client_id", "other")]).await?;
        assert_eq!(error(&foreign)?, "invalid_grant");
        let text = &first.device;
        for bad in ["x", &first.user, &text[..text.len() - 1], &format!("{text}A"), &text.replace("dc", "ac")]
        {
            assert_eq!(error(&poll(&server, bad, &[]).await?)?, "invalid_grant", "{bad}");
        }
        assert_eq!(error(&poll(&server, "", &[]).await?)?, "invalid_request");
        // Once: whoever comes again ends what the first use minted.
        let tokens = Tokens::of(&poll(&server, &first.device, &[]).await?)?;
        assert_eq!(told(&server, &first).await?, "invalid_grant");
        let refresh =
            [("grant_type", "refresh_token"), ("client_id", "tv"), ("refresh_token", &tokens.refresh)];
        assert_eq!(error(&Client::tool(&server).form("/oauth2/token", &refresh).await?)?, "invalid_grant");
        assert_eq!(server.audited("code.reused").await?, 1);
        // A no is a no.
        let second = codes(&server, &[]).await?;
        assert_eq!(answer(&mut kim, &second.user, "deny").await?.location(), "/device?done=deny");
        assert_eq!(told(&server, &second).await?, "access_denied");
        assert_eq!(answer(&mut kim, &second.user, "allow").await?.status, StatusCode::BAD_REQUEST);
        assert_eq!(told(&server, &second).await?, "access_denied");
        // Ten minutes, allowed or not.
        let (third, fourth) = (codes(&server, &[]).await?, codes(&server, &[]).await?);
        allow(&mut kim, &third.user).await?;
        server.clock.advance(Span::minutes(10));
        assert_eq!(told(&server, &third).await?, "expired_token");
        assert_eq!(told(&server, &fourth).await?, "expired_token");
        assert_eq!(answer(&mut kim, &fourth.user, "allow").await?.status, StatusCode::BAD_REQUEST);
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn what_a_client_may_not_ask_for_in_a_browser_it_may_not_ask_for_on_a_device() {
    on_every_store(async |server| {
        tv(&server, json!({ "scope": "openid email" })).await?;
        client(&server, "web", json!({ "grant_types": ["refresh_token"] }), None).await?;
        let method = json!({ "token_endpoint_auth_method": "client_secret_post" });
        client(&server, "box", method, Some(SECRET)).await?;
        let table: &[(&[(&str, &str)], &str)] = &[
            (&[("client_id", "web")], "unauthorized_client"),
            (&[("scope", "openid phone")], "invalid_scope"),
            (&[("scope", "openid account")], "invalid_scope"),
            (&[("scope", "openid"), ("resource", "https://nobody.example")], "invalid_target"),
            (&[("scope", "openid"), ("dpop_jkt", "x")], "invalid_request"),
        ];
        for (more, expected) in table {
            assert_eq!(&error(&ask(&server, more).await?)?, expected, "{more:?}");
        }
        for more in [
            &[("client_id", "nobody")][..],
            &[("client_id", "box")],
            &[("client_id", "box"), ("client_secret", "x")],
        ] {
            let answer = ask(&server, more).await?;
            assert_eq!(
                (answer.status, &answer.json()["error"]),
                (StatusCode::UNAUTHORIZED, &json!("invalid_client"))
            );
        }
        let proved =
            ask(&server, &[("client_id", "box"), ("client_secret", SECRET), ("scope", "openid")]).await?;
        assert_eq!(proved.status, StatusCode::OK);
        // The token endpoint asks for the same proof.
        let device = proved.json()["device_code"].as_str().unwrap().to_owned();
        let bare = poll(&server, &device, &[("client_id", "box")]).await?;
        assert_eq!(bare.status, StatusCode::UNAUTHORIZED);
        let pending = poll(&server, &device, &[("client_id", "box"), ("client_secret", SECRET)]).await?;
        assert_eq!(error(&pending)?, "authorization_pending");
        let fields = [("client_id", "tv"), ("scope", "openid"), ("scope", "email")];
        let twice = Client::tool(&server).form("/oauth2/device_authorization", &fields).await?;
        assert_eq!(error(&twice)?, "invalid_request");
        let in_url = Client::tool(&server).form("/oauth2/device_authorization?client_id=tv", &[]).await?;
        assert_eq!(error(&in_url)?, "invalid_request");
        Ok(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn race_05_oau_57_i9_fifty_polls_of_one_yes_are_one_set_of_tokens() {
    on_every_store(async |server| {
        register(&server, KIM).await?;
        tv(&server, json!({})).await?;
        let mut kim = browser(&server, KIM).await?;
        let codes = codes(&server, &[]).await?;
        allow(&mut kim, &codes.user).await?;
        let pool = Client::tool(&server);
        let fields = [("grant_type", GRANT), ("client_id", "tv"), ("device_code", &codes.device)];
        let send = |_| {
            let request = pool.request(Method::POST, "/oauth2/token").form(&fields);
            async move { Answer::read(request.send().await?).await }
        };
        let answers = at_once(50, send).await?;
        let (won, lost): (Vec<_>, Vec<_>) =
            answers.into_iter().partition(|answer| answer.status == StatusCode::OK);
        assert_eq!(won.len(), 1);
        for answer in lost {
            assert!(answer.status.is_server_error() || error(&answer)? == "invalid_grant", "{}", answer.body);
        }
        assert_eq!(server.audited("grant.opened").await?, 1);
        Ok(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn race_05_i9_fifty_answers_to_one_device_are_one() {
    on_every_store(async |server| {
        register(&server, KIM).await?;
        tv(&server, json!({})).await?;
        let kim = browser(&server, KIM).await?;
        let codes = codes(&server, &[]).await?;
        let send = |number| {
            let choice = if number % 2 == 0 { "allow" } else { "deny" };
            let fields = [("user_code", codes.user.as_str()), ("choice", choice)];
            let request = kim.request(Method::POST, "/device").form(&fields);
            async move { Answer::read(request.send().await?).await }
        };
        let answers = at_once(50, send).await?;
        let won: Vec<_> = answers.iter().filter(|answer| answer.status == StatusCode::SEE_OTHER).collect();
        assert_eq!((won.len(), server.audited("device.answered").await?), (1, 1));
        let answer = poll(&server, &codes.device, &[]).await?;
        let expected =
            if won[0].location() == "/device?done=allow" { StatusCode::OK } else { StatusCode::BAD_REQUEST };
        assert_eq!(answer.status, expected, "{}", answer.body);
        Ok(())
    })
    .await;
}
