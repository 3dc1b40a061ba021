//! STO-13: somebody sets the machine's clock while the server runs, or while it does not.

use std::collections::BTreeMap;

use countersign_core::Span;
use countersign_server::admin::{AdminError, Command, Level, Reply, execute};
use countersign_testkit::logs::logs;
use countersign_testkit::{Client, Options, START, StoreKind, TestServer, Tokens, on_every_store};
use reqwest::{Method, StatusCode};

use crate::people::member;
use crate::support::{
    KIM, PASSWORD, browser, by_cookie, by_token, operate, refresh_is_refused, register, tokens, tokens_of,
};

#[tokio::test]
async fn sto_13_whatever_the_clock_does_nothing_ended_lives_again_and_everybody_can_log_in()
-> anyhow::Result<()> {
    let logs = logs();
    for jump in [Span::hours(1), Span::days(3652), Span::hours(-1), Span::days(-3652)] {
        let server = TestServer::start(Options::on(StoreKind::Sqlite)).await?;
        let (mut ended, mut live) = (member(&server, KIM).await?, browser(&server, KIM).await?);
        let dead = tokens(&server, KIM).await?;
        ended.json(Method::DELETE, "/api/v1/session", &serde_json::json!({})).await?;
        Client::tool(&server).bearer(Method::DELETE, "/api/v1/session", &dead.access).await?;
        let events = server.audit().await?.len();
        let alarms = logs.own("the clock jumped");
        for time in [START + jump, START] {
            server.clock.set(time);
            server.run_jobs().await;
            assert_eq!(by_cookie(&mut ended).await?, StatusCode::UNAUTHORIZED, "{jump:?}");
            assert_eq!(by_token(&server, &dead.access).await?, StatusCode::UNAUTHORIZED, "{jump:?}");
            refresh_is_refused(&server, &dead.refresh).await?;
            let mut new = browser(&server, KIM).await?;
            assert_eq!(by_cookie(&mut new).await?, StatusCode::OK, "{jump:?}");
            let new = tokens(&server, KIM).await?;
            assert_eq!(by_token(&server, &new.access).await?, StatusCode::OK, "{jump:?}");
            assert_eq!(Client::tool(&server).refresh(&new.refresh).await?.status, StatusCode::OK, "{jump:?}");
        }
        assert!(logs.own("the clock jumped") >= alarms + 2, "{jump:?}");
        // Nothing was deleted for its age, and what only looked old for a while goes on.
        assert!(server.audit().await?.len() > events, "{jump:?}");
        assert_eq!(by_cookie(&mut live).await?, StatusCode::OK, "{jump:?}");
    }
    Ok(())
}

#[tokio::test]
async fn sto_13_a_clock_that_is_wrong_at_the_start_deletes_nothing_and_replaces_no_key_until_somebody_had_a_day()
-> anyhow::Result<()> {
    let server = TestServer::start(Options::on(StoreKind::Sqlite)).await?;
    member(&server, KIM).await?;
    server.run_jobs().await;
    let events = server.audit().await?;
    let keys = server.app.keyring.keys().jwks().0;
    server.clock.set(START + Span::days(3652));
    // Not even where it is started again and again: by then the clock is where it was seen last.
    let mut server = server;
    for _ in 0..3 {
        server = server.restart(BTreeMap::new()).await?;
        server.clock.advance(Span::hours(1));
        server.run_jobs().await;
        assert_eq!(server.audit().await?, events);
        assert_eq!(server.app.keyring.keys().jwks().0, keys);
    }
    // Nor for ever: it may be right after all.
    server.clock.advance(Span::hours(21));
    server.run_jobs().await;
    assert!(!server.audit().await?.starts_with(&events[..1]), "what is too old is deleted");
    assert_ne!(server.app.keyring.keys().jwks().0, keys, "and a new key signs");
    Ok(())
}

#[tokio::test]
async fn sto_16_after_everything_was_ended_a_login_counts_at_once_and_ends_with_the_next_time()
-> anyhow::Result<()> {
    on_every_store(async |server| {
        register(&server, KIM).await?;
        let mut lived = Vec::new();
        // No time passes in between.
        for round in 0..3 {
            for (browser, tokens) in &mut lived {
                assert_eq!(by_cookie(browser).await?, StatusCode::UNAUTHORIZED, "{round}");
                let tokens: &Tokens = tokens;
                assert_eq!(by_token(&server, &tokens.access).await?, StatusCode::UNAUTHORIZED, "{round}");
                refresh_is_refused(&server, &tokens.refresh).await?;
            }
            let (mut browser, tokens) = (browser(&server, KIM).await?, tokens(&server, KIM).await?);
            assert_eq!(by_cookie(&mut browser).await?, StatusCode::OK, "{round}");
            assert_eq!(by_token(&server, &tokens.access).await?, StatusCode::OK, "{round}");
            let tokens = tokens_of(&server, &tokens.refresh).await?;
            lived.push((browser, tokens));
            operate(&server, Command::RevokeEverything).await?;
        }
        Ok(())
    })
    .await;
    Ok(())
}

#[tokio::test]
async fn sto_16_sto_13_everything_cannot_be_ended_twice_by_a_clock_that_was_ahead_and_nobody_is_told_that_it_was()
-> anyhow::Result<()> {
    let server = TestServer::start(Options::on(StoreKind::Sqlite)).await?;
    let mut live = member(&server, KIM).await?;
    server.clock.set(START + Span::days(3652));
    operate(&server, Command::RevokeEverything).await?;
    server.clock.set(START);
    assert_eq!(by_cookie(&mut live).await?, StatusCode::UNAUTHORIZED);
    let refused =
        execute(&server.app, Command::RevokeEverything).await.expect_err("an epoch that is to come");
    assert!(matches!(&refused, AdminError::EpochAhead(_)), "{refused}");
    assert!(refused.to_string().contains("restore --in-place --epoch-bump"), "{refused}");
    let Reply::Checked(found) = operate(&server, Command::Check).await? else { panic!("findings") };
    assert!(found.iter().any(|found| found.what == "epoch" && found.level == Level::Broken), "{found:?}");
    Ok(())
}

#[tokio::test]
async fn sto_13_log_13_a_limit_that_was_hit_neither_opens_nor_stays_shut_when_the_clock_is_set()
-> anyhow::Result<()> {
    for jump in [Span::days(3652), Span::days(-3652)] {
        let server = TestServer::start(Options::on(StoreKind::Sqlite)).await?;
        register(&server, KIM).await?;
        let mut stranger = Client::tool(&server);
        let mut guess = async |password: &str| {
            let body = serde_json::json!({ "identifier": KIM, "password": password, "deliver": "token" });
            anyhow::Ok(stranger.json(Method::POST, "/api/v1/login", &body).await?.status)
        };
        for _ in 0..10 {
            assert_eq!(guess("not-the-right-one").await?, StatusCode::UNAUTHORIZED);
        }
        for time in [START, START + jump, START] {
            server.clock.set(time);
            server.run_jobs().await;
            assert_eq!(guess(PASSWORD).await?, StatusCode::TOO_MANY_REQUESTS, "{time}");
        }
        server.clock.set(START + jump);
        server.clock.advance(Span::minutes(17));
        server.run_jobs().await;
        assert_eq!(guess(PASSWORD).await?, StatusCode::OK, "{jump:?}");
    }
    Ok(())
}
