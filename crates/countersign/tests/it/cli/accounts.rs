//! Accounts by the command line, beside a running server and without one.

use anyhow::Context as _;
use serde_json::Value;

use super::program::{KIM, PASSWORD, Place};

/// The id of the only account.
fn only_account(place: &Place) -> anyhow::Result<String> {
    let accounts = place.json(&["account", "list"])?;
    assert_eq!(accounts.as_array().map(Vec::len), Some(1));
    Ok(accounts[0]["id"].as_str().context("an id")?.to_owned())
}

#[test]
fn an_address_has_one_account() -> anyhow::Result<()> {
    let place = Place::new()?;
    let running = Place::new()?;
    let _server = running.start()?;
    for place in [place, running] {
        let first = place.create(KIM)?;
        assert!(first.code == Some(0) && first.out.ends_with(&format!(" {KIM} is active\n")), "{first:?}");
        for twin in [KIM, "KIM@EXAMPLE.ORG"] {
            let second = place.create(twin)?;
            assert_eq!((second.code, second.out.as_str()), (Some(1), ""), "{twin}");
            assert!(second.err.contains("has an account already"), "{}", second.err);
        }
        only_account(&place)?;
    }
    Ok(())
}

#[test]
fn an_operator_is_held_to_the_same_rules() -> anyhow::Result<()> {
    let place = Place::new()?;
    let create = |email: &str, more: &[&str], password: &str| {
        let args = [&["account", "create", "--password-stdin", "--email", email], more].concat();
        place.run_with(&args, password)
    };
    for (email, more, password, problem) in [
        (KIM, &[][..], "short", "at least 8 characters"),
        (KIM, &[], "password", "most used passwords"),
        (KIM, &[], "", "at least 8 characters"),
        (KIM, &[], "kim@example.org", "leave out your email address"),
        ("kim@", &[], PASSWORD, "--email: "),
        (KIM, &["--name", "\u{202e}"], PASSWORD, "--name: "),
    ] {
        let ran = create(email, more, password)?;
        assert!(ran.code == Some(1) && ran.err.contains(problem), "{problem}: {ran:?}");
    }
    assert_eq!(create(KIM, &["--admin", "--name", "김민지"], PASSWORD)?.code, Some(0));
    let shown = place.json(&["account", "show", KIM])?;
    assert_eq!(shown["account"]["roles"], serde_json::json!(["admin"]));
    assert_eq!(
        (&shown["account"]["name"], &shown["account"]["email_verified"]),
        (&"김민지".into(), &true.into())
    );
    Ok(())
}

#[test]
fn i16_no_output_and_no_log_holds_a_password() -> anyhow::Result<()> {
    let place = Place::new()?.with("COUNTERSIGN_LOG_LEVEL", "trace");
    let server = place.start()?;
    let (first, second) = (place.create(KIM)?, place.create(KIM)?);
    let audit = place.run(&["audit", "--json"])?;
    assert!(server.stop()?.success());
    let log = std::fs::read_to_string(place.path("log"))?;
    assert!(log.contains("ready") && log.contains("account.created"), "this is not the log: {log}");
    for text in [first.out, first.err, second.err, audit.out, log] {
        assert!(!text.contains(PASSWORD), "{text}");
    }
    Ok(())
}

#[tokio::test]
async fn i1_disabling_an_account_ends_all_it_has_before_the_command_returns() -> anyhow::Result<()> {
    let place = Place::new()?;
    let server = place.start()?;
    place.create(KIM)?;
    let (_, tokens) = server.log_in(KIM, PASSWORD).await?;
    assert_eq!(server.who(&tokens).await?, 200);
    let disabled = place.run(&["account", "disable", KIM])?;
    assert!(disabled.code == Some(0) && disabled.out.ends_with("is disabled\n"), "{disabled:?}");
    assert_eq!(server.who(&tokens).await?, 401);
    assert_eq!(server.log_in(KIM, PASSWORD).await?.0, 401);
    let enabled = place.run(&["account", "enable", KIM])?;
    assert!(enabled.code == Some(0) && enabled.out.ends_with("is active\n"), "{enabled:?}");
    assert_eq!(server.who(&tokens).await?, 401, "what ended stays ended");
    assert_eq!(server.log_in(KIM, PASSWORD).await?.0, 200);
    Ok(())
}

#[tokio::test]
async fn ses_12_a_deleted_account_is_gone_for_good_and_its_address_is_free() -> anyhow::Result<()> {
    let place = Place::new()?;
    let server = place.start()?;
    place.create(KIM)?;
    let id = only_account(&place)?;
    let (_, tokens) = server.log_in(KIM, PASSWORD).await?;
    assert_eq!(place.run(&["account", "delete", &id])?.code, Some(0));
    assert_eq!(server.who(&tokens).await?, 401);
    let enabled = place.run(&["account", "enable", &id])?;
    assert!(enabled.code == Some(1) && enabled.err.contains("for good"), "{enabled:?}");
    let unknown = place.run(&["account", "show", KIM])?;
    assert!(unknown.code == Some(1) && unknown.err.contains("there is no account"), "{unknown:?}");
    assert_eq!(place.create(KIM)?.code, Some(0));
    let accounts = place.json(&["account", "list"])?;
    let states: Vec<&Value> =
        accounts.as_array().context("a list")?.iter().map(|one| &one["state"]).collect();
    assert_eq!(states, ["deleted", "active"]);
    assert_ne!(accounts[1]["id"], id.as_str());
    Ok(())
}

#[tokio::test]
async fn revoking_ends_one_session_or_all_of_an_account() -> anyhow::Result<()> {
    let place = Place::new()?;
    let server = place.start()?;
    place.create(KIM)?;
    let (_, first) = server.log_in(KIM, PASSWORD).await?;
    let shown = place.json(&["account", "show", KIM])?;
    let session = shown["sessions"][0]["id"].as_str().context("a session")?.to_owned();
    let (_, second) = server.log_in(KIM, PASSWORD).await?;
    let (_, third) = server.log_in(KIM, PASSWORD).await?;

    let one = place.run(&["revoke", "--session", &session])?;
    assert_eq!((one.code, one.out), (Some(0), format!("{session}\n")));
    assert_eq!((server.who(&first).await?, server.who(&second).await?), (401, 200));
    let again = place.run(&["revoke", "--session", &session])?;
    assert_eq!((again.code, again.out.as_str()), (Some(0), ""), "it had ended");

    let all = place.run(&["revoke", "--account", KIM])?;
    assert_eq!((all.code, all.out.lines().count()), (Some(0), 2));
    assert_eq!((server.who(&second).await?, server.who(&third).await?), (401, 401));
    for wrong in ["ses_1", "acc_00000000000000000000000000"] {
        let ran = place.run(&["revoke", "--session", wrong])?;
        assert!(ran.code == Some(1) && ran.err.contains("there is no session"), "{ran:?}");
    }
    Ok(())
}
