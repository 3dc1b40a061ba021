//! Configuration, as the program takes and refuses it.

use countersign::config;
use countersign_server::openapi;

use super::program::Place;

const KEY: [u8; 32] = *b"an orderly key 0123456789 abcdef";

fn production(place: Place) -> anyhow::Result<Place> {
    let key = place.file("key", KEY, 0o600)?;
    Ok(place
        .with("COUNTERSIGN_SERVER_PUBLIC_URL", "https://login.example.com")
        .with("COUNTERSIGN_SERVER_MASTER_KEY_FILE", key.display().to_string()))
}

#[test]
fn adm_17_production_refuses_to_start_without_settings() -> anyhow::Result<()> {
    let ran = Place::new()?.run(&["serve"])?;
    assert_eq!(ran.code, Some(1));
    for part in ["server.public_url", "server.master_key_file", "/dev/urandom"] {
        assert!(ran.err.contains(part), "{part}: {}", ran.err);
    }
    assert_eq!(ran.out, "");
    Ok(())
}

#[test]
fn adm_17_production_refuses_a_weak_or_open_master_key() -> anyhow::Result<()> {
    for (bytes, mode, problem) in [
        (&KEY[..31], 0o600, "fewer than 32 bytes"),
        (&b"changemechangemechangemechangeme"[..], 0o600, "repeats itself"),
        (&KEY[..], 0o640, "chmod 600"),
    ] {
        let place = production(Place::new()?)?;
        place.file("key", bytes, mode)?;
        for args in [&["serve", "--listen", "127.0.0.1:0"][..], &["config", "check"]] {
            let ran = place.run(args)?;
            assert!(ran.code == Some(1) && ran.err.contains(problem), "{args:?}: {ran:?}");
        }
    }
    Ok(())
}

#[cfg(not(feature = "otel"))]
#[test]
fn traces_are_refused_by_a_program_that_cannot_send_them() -> anyhow::Result<()> {
    let place = Place::new()?.with("COUNTERSIGN_TELEMETRY_OTLP_ENDPOINT", "http://127.0.0.1:4318");
    let ran = place.run(&["--listen", "127.0.0.1:0"])?;
    assert!(ran.code == Some(1) && ran.err.contains("--features otel"), "{ran:?}");
    Ok(())
}

#[test]
fn everything_that_is_wrong_is_said_at_once() -> anyhow::Result<()> {
    let place = Place::new()?;
    place.file("c.toml", "[session]\nidle = 'soon'\n[token]\nlive = '1m'\n", 0o600)?;
    let ran = place.run(&["config", "check", "--config", "c.toml"])?;
    assert_eq!((ran.code, ran.out.as_str()), (Some(1), ""));
    for part in [
        "c.toml:2: session.idle: must be",
        "c.toml:4: there is no setting token.live; the nearest is token.life",
        "server.public_url (COUNTERSIGN_SERVER_PUBLIC_URL): is required",
    ] {
        assert!(ran.err.contains(part), "{part}: {}", ran.err);
    }
    Ok(())
}

#[test]
fn an_unknown_variable_refuses_every_start() -> anyhow::Result<()> {
    let place = Place::new()?.with("COUNTERSIGN_TOKEN_LIVE", "1m");
    for args in [&["--listen", "127.0.0.1:0"][..], &["serve"], &["config", "check"]] {
        let ran = place.run(args)?;
        assert_eq!(ran.code, Some(1), "{args:?}");
        let words =
            "COUNTERSIGN_TOKEN_LIVE: no setting has this variable; the nearest is COUNTERSIGN_TOKEN_LIFE";
        assert!(ran.err.contains(words), "{args:?}: {}", ran.err);
    }
    assert!(!place.path("data").exists(), "what does not start makes nothing");
    Ok(())
}

#[test]
fn i16_the_settings_that_hold_are_shown_without_secrets() -> anyhow::Result<()> {
    let place = production(Place::new()?)?
        .with("COUNTERSIGN_STORE_URL", "postgres://ann:hunter2@localhost/auth")
        .with("COUNTERSIGN_MAIL_SMTP_URL", "smtp://ann:hunter2@mail.example.com")
        .with("COUNTERSIGN_MAIL_FROM", "login@example.com")
        .with("COUNTERSIGN_TOKEN_LIFE", "2m");
    let ran = place.run(&["config", "check"])?;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    for line in [
        "ok, for production (countersign serve)",
        "server.public_url = https://login.example.com",
        "store.url = postgres://localhost/auth",
        "mail.smtp_url = smtp://…@mail.example.com:587",
        "token.life = 2m",
        "session.absolute = 1d",
    ] {
        assert!(ran.out.lines().any(|found| found == line), "{line}: {}", ran.out);
    }
    assert!(!ran.out.contains("hunter2"));
    assert_eq!(place.json(&["config", "check"])?["token.life"], "2m");
    Ok(())
}

#[test]
fn without_any_setting_it_is_development() -> anyhow::Result<()> {
    let place = Place::new()?;
    let ran = place.run(&["config", "check"])?;
    assert!(ran.code == Some(0) && ran.out.starts_with("ok, for development"), "{ran:?}");
    assert_eq!(place.run(&["config", "check", "--production"])?.code, Some(1));
    Ok(())
}

#[test]
fn documents_are_printed_as_the_code_has_them() -> anyhow::Result<()> {
    let place = Place::new()?;
    assert_eq!(place.run(&["config", "docs"])?.out, config::docs());
    assert_eq!(place.run(&["openapi"])?.out, openapi::document());
    Ok(())
}

#[test]
fn what_is_no_command_is_a_wrong_use() -> anyhow::Result<()> {
    let place = Place::new()?;
    for args in [
        &["nonsense"][..],
        &["account", "create"],
        &["revoke"],
        &["revoke", "--session", "ses_1", "--account", "kim"],
        &["audit", "--since", "yesterday"],
        &["keys", "list", "--listen", "127.0.0.1:1"],
        &["--listen", "127.0.0.1:1", "keys", "list"],
        &["--listen", "localhost"],
    ] {
        let ran = place.run(args)?;
        assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""), "{args:?}: {}", ran.err);
    }
    Ok(())
}
