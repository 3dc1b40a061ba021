//! STO-13: somebody sets the machine's clock while the server runs, or while it does not.

use std::collections::BTreeMap;

use countersign_core::Span;
use countersign_testkit::logs::logs;
use countersign_testkit::{Client, Options, START, StoreKind, TestServer};
use reqwest::{Method, StatusCode};

use crate::people::member;
use crate::support::{KIM, browser, by_cookie, by_token, refresh_is_refused, tokens};

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
        let alarms = logs.text().matches("the clock jumped").count();
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
        assert!(logs.text().matches("the clock jumped").count() >= alarms + 2, "{jump:?}");
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
