//! Whoever guesses codes, or asks for many (attacks OAU-55, DOS-07; RFC 8628 section 5.1).

use anyhow::ensure;
use countersign_core::Span;
use countersign_testkit::logs::logs;
use countersign_testkit::{Client, Options, StoreKind, TestServer};
use reqwest::StatusCode;
use serde_json::json;

use super::*;
use crate::support::*;

/// Some code that nobody was given, most likely.
fn made_up(number: usize) -> String {
    let letters = b"BCDFGHJKLMNPQRSTVWXZ";
    let letter = |place: u32| char::from(letters[number / 20_usize.pow(place) % 20]);
    format!("ZZZZ-{}", (0..4).map(letter).collect::<String>())
}

#[tokio::test]
async fn oau_55_guesses_at_codes_run_out_and_keep_nobody_else_out() {
    on_memory(async |server| {
        register(&server, KIM).await?;
        register(&server, LEE).await?;
        tv(&server, json!({})).await?;
        let mut guesser = browser(&server, KIM).await?;
        let mut statuses = Vec::new();
        for number in 0..100 {
            let path = format!("/device?user_code={}", made_up(number));
            statuses.push(guesser.get(&path).await?.status);
        }
        let looked_at = statuses.iter().filter(|status| **status == StatusCode::BAD_REQUEST).count();
        assert!((1..=10).contains(&looked_at), "{looked_at} guesses");
        assert!(statuses[looked_at..].iter().all(|status| *status == StatusCode::TOO_MANY_REQUESTS));
        // The right one is one of them: not even that is looked at.
        let codes = codes(&server, &[]).await?;
        let answered = answer(&mut guesser, &codes.user, "allow").await?;
        assert_eq!(answered.status, StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(told(&server, &codes).await?, "authorization_pending");
        // Other sessions of the same account together have a few times as many, and no more.
        let mut more = 0;
        for _ in 0..8 {
            let mut other = browser(&server, KIM).await?;
            for number in 100..112 {
                let path = format!("/device?user_code={}", made_up(number));
                more += usize::from(other.get(&path).await?.status == StatusCode::BAD_REQUEST);
            }
        }
        assert!(looked_at + more <= 50, "{more} more guesses");
        // Somebody else, at the same address, is let through, and so is the guesser's own password.
        let mut lee = browser(&server, LEE).await?;
        allow(&mut lee, &codes.user).await?;
        browser(&server, KIM).await?;
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn oau_55_whoever_types_the_right_code_again_and_again_has_guessed_nothing() {
    on_memory(async |server| {
        register(&server, KIM).await?;
        tv(&server, json!({})).await?;
        let mut kim = browser(&server, KIM).await?;
        let codes = codes(&server, &[]).await?;
        for _ in 0..30 {
            let page = kim.get(&format!("/device?user_code={}", codes.user)).await?;
            assert_eq!(page.status, StatusCode::OK);
        }
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn dos_07_one_network_asks_for_so_many_devices_and_no_more() -> anyhow::Result<()> {
    let options = Options::on(StoreKind::Memory).with("COUNTERSIGN_THROTTLE_PREFIX", "12");
    let server = TestServer::start(options).await?;
    tv(&server, json!({})).await?;
    for _ in 0..12 {
        codes(&server, &[]).await?;
    }
    let refused = ask(&server, &[]).await?;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(!refused.header("retry-after").is_empty());
    assert_eq!(server.audited("device.asked").await?, 12);
    // A device that was let ask before goes on.
    server.clock.advance(Span::minutes(16));
    codes(&server, &[]).await?;
    Ok(())
}

#[tokio::test]
async fn i16_neither_code_is_in_a_log_the_audit_log_or_the_database() -> anyhow::Result<()> {
    let logs = logs();
    let server = TestServer::start(Options::on(StoreKind::Sqlite)).await?;
    register(&server, KIM).await?;
    tv(&server, json!({})).await?;
    let mut kim = browser(&server, KIM).await?;
    let codes = codes(&server, &[]).await?;
    let path = format!("/device?user_code={}", codes.user);
    Client::browser(&server).get(&path).await?;
    kim.get(&path).await?;
    kim.form("/device", &[("user_code", &codes.user)]).await?;
    allow(&mut kim, &codes.user).await?;
    poll(&server, &codes.device, &[]).await?;
    poll(&server, &codes.device, &[]).await?;
    kim.get(&path).await?;
    let log = logs.text();
    ensure!(log.contains("access token issued") && log.contains("request refused"), "the log is not the log");
    let audit = format!("{:?}", server.audit().await?);
    ensure!(audit.contains("device.answered"), "the audit log is not the audit log");
    let files: String = server.files()?.iter().map(|byte| char::from(*byte)).collect();
    ensure!(files.contains("device.answered"), "the database is not the database");
    for secret in [&codes.user, &codes.user.replace('-', ""), &codes.device] {
        for (name, text) in [("log", &log), ("audit log", &audit), ("database", &files)] {
            ensure!(!text.contains(secret), "{secret} is in the {name}");
        }
    }
    Ok(())
}
