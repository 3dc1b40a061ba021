//! Commands find the running server, or the database without one; and what else they do.

use std::fs::Permissions;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::UnixStream;
use std::process::Stdio;

use anyhow::Context as _;
use countersign_core::Time;
use countersign_store::db::{Db, MIGRATIONS, Settings, StoreUrl};
use countersign_testkit::Port;

use super::program::{KIM, Place};

#[test]
fn commands_work_beside_a_server_and_without_one() -> anyhow::Result<()> {
    let place = Place::new()?;
    let server = place.start()?;
    assert_eq!(place.create(KIM)?.err, "", "through the socket");
    assert!(server.stop()?.success());
    let ran = place.run(&["account", "list"])?;
    assert!(ran.code == Some(0) && ran.out.contains(KIM), "{ran:?}");
    assert!(
        ran.err.contains("no server answers at data/admin.sock: working on sqlite:data/countersign.db"),
        "{ran:?}"
    );
    // And another server finds the database free.
    assert!(place.start()?.stop()?.success());
    Ok(())
}

#[test]
fn a_database_in_use_is_not_opened_behind_its_server() -> anyhow::Result<()> {
    let place = Place::new()?;
    let _server = place.start()?;
    std::fs::remove_file(place.path("data/admin.sock"))?;
    let ran = place.run(&["account", "list"])?;
    assert!(ran.code == Some(1) && ran.err.contains("in use by another Countersign process"), "{ran:?}");
    let migrate = place.run(&["migrate"])?;
    assert!(migrate.code == Some(1) && migrate.err.contains("in use"), "{migrate:?}");
    Ok(())
}

#[test]
fn asking_for_what_is_not_there_makes_nothing() -> anyhow::Result<()> {
    let place = Place::new()?;
    let ran = place.run(&["account", "list", "--data", "elsewhere"])?;
    assert!(
        ran.code == Some(1) && ran.err.contains("there is no sqlite:elsewhere/countersign.db"),
        "{ran:?}"
    );
    assert!(!place.path("elsewhere").exists());
    let in_memory = Place::new()?.with("COUNTERSIGN_STORE_URL", "memory:");
    let ran = in_memory.run(&["account", "list"])?;
    assert!(ran.code == Some(1) && ran.err.contains("only a running server has"), "{ran:?}");
    Ok(())
}

#[test]
fn migrating_makes_the_schema_once() -> anyhow::Result<()> {
    let place = Place::new()?;
    let first = place.run(&["migrate"])?;
    assert!(first.code == Some(0) && first.out.starts_with("0001_"), "{first:?}");
    let second = place.run(&["migrate"])?;
    assert_eq!((second.code, second.out.as_str()), (Some(0), ""));
    assert!(second.err.contains("nothing to do"), "{}", second.err);
    Ok(())
}

#[tokio::test]
async fn sto_15_no_command_but_migrate_brings_a_database_up_to_date() -> anyhow::Result<()> {
    let place = Place::new()?;
    std::fs::create_dir(place.path("data"))?;
    std::fs::set_permissions(place.path("data"), Permissions::from_mode(0o700))?;
    // As the release before left it.
    let url = StoreUrl::Sqlite(place.path("data/countersign.db"));
    let database = Db::open(&url, &Settings::default()).await?;
    let (newest, before) = MIGRATIONS.split_last().context("a schema")?;
    database.migrate(before, Time::from_micros(1)).await?;
    database.close().await;
    for args in [&["account", "list"][..], &["backup", "kim.db"], &["keys", "rotate"], &["doctor"]] {
        let ran = place.run(args)?;
        assert_eq!(ran.code, Some(1), "{args:?}: {ran:?}");
        assert!(format!("{}{}", ran.out, ran.err).contains("`countersign migrate`"), "{args:?}: {ran:?}");
    }
    let migrated = place.run(&["migrate"])?;
    assert!(migrated.code == Some(0) && migrated.out.contains(newest.name), "{migrated:?}");
    assert_eq!(place.run(&["account", "list"])?.code, Some(0));
    Ok(())
}

#[test]
fn nobody_leaves_files_of_his_own_with_another_user_s_data() -> anyhow::Result<()> {
    let place = Place::new()?;
    place.create(KIM)?;
    let metadata = std::fs::metadata(place.path("data"))?;
    if std::os::unix::fs::chown(place.path("data"), Some(metadata.uid() + 4321), None).is_err() {
        // Only root gives files away; the rule is tested without in `cli::owner`.
        return Ok(());
    }
    for args in
        [&["account", "list"][..], &["backup", "kim.db"], &["migrate"], &["restore", "kim.db"], &["doctor"]]
    {
        let ran = place.run(args)?;
        assert!(format!("{}{}", ran.out, ran.err).contains("runuser -u"), "{args:?}: {ran:?}");
    }
    Ok(())
}

#[test]
fn sto_15_of_two_that_start_at_once_one_makes_the_schema_and_the_other_one_says_why_not() -> anyhow::Result<()>
{
    let place = Place::new()?;
    let start = || place.command(&["migrate"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let both = [start()?, start()?];
    let (mut made, mut told) = (0, 0);
    for child in both {
        let output = child.wait_with_output()?;
        let (out, err) = (String::from_utf8(output.stdout)?, String::from_utf8(output.stderr)?);
        made += usize::from(output.status.success() && out.starts_with("0001_"));
        told += usize::from(
            err.contains("in use by another Countersign process") || err.contains("nothing to do"),
        );
    }
    assert_eq!((made, told), (1, 1));
    assert!(place.run(&["migrate"])?.err.contains("nothing to do"));
    Ok(())
}

#[tokio::test]
async fn i11_keys_rotate_when_verifiers_know_the_next_one_or_at_once() -> anyhow::Result<()> {
    let place = Place::new()?;
    let server = place.start()?;
    place.create(KIM)?;
    let active = || {
        let keys = place.json(&["keys", "list"])?;
        let keys = keys.as_array().context("a list")?.clone();
        let active = keys.iter().find(|key| key["state"] == "active").context("an active key")?;
        anyhow::Ok(active["kid"].as_str().context("its name")?.to_owned())
    };
    let first = active()?;
    let (_, tokens) = server.log_in(KIM, super::program::PASSWORD).await?;
    let patient = place.run(&["keys", "rotate"])?;
    assert!(
        patient.code == Some(0) && patient.out.contains("the present key goes on signing"),
        "{patient:?}"
    );
    assert_eq!(active()?, first);
    let at_once = place.run(&["keys", "rotate", "--now"])?;
    assert!(at_once.code == Some(0) && at_once.out.contains("signs from now on"), "{at_once:?}");
    assert_ne!(active()?, first);
    assert_eq!(server.who(&tokens).await?, 401, "what the stolen key signed is refused");
    let url = format!("{}/.well-known/jwks.json", server.url);
    let jwks: serde_json::Value = reqwest::get(url).await?.json().await?;
    let published = jwks["keys"].as_array().context("keys")?;
    // ID tokens have keys of their own.
    let published: Vec<_> = published.iter().filter(|key| key["alg"] == "ES256").collect();
    assert!(published.len() == 2 && published.iter().all(|key| key["kid"] != first), "{published:?}");
    Ok(())
}

#[test]
fn i17_the_audit_log_says_what_the_operator_did() -> anyhow::Result<()> {
    let place = Place::new()?;
    let _server = place.start()?;
    place.create(KIM)?;
    place.run(&["account", "disable", KIM])?;
    let lines = place.json(&["audit", "--account", KIM])?;
    let told: Vec<_> = lines
        .as_array()
        .context("a list")?
        .iter()
        .map(|line| (line["kind"].as_str().unwrap_or_default(), line["actor"].as_str().unwrap_or_default()))
        .collect();
    assert_eq!(told, [("account.disabled", "operator"), ("account.created", "operator")]);
    assert_eq!(place.json(&["audit", "--limit", "1"])?.as_array().map(Vec::len), Some(1));
    assert_eq!(
        place.json(&["audit", "--kind", "account.created", "--since", "1h"])?.as_array().map(Vec::len),
        Some(1)
    );
    assert_eq!(place.json(&["audit", "--since", "0s"])?, serde_json::json!([]));
    let text = place.run(&["audit", "--kind", "account.created"])?.out;
    assert!(text.starts_with("TIME") && text.contains("by=operator"), "{text}");
    let wrong = place.run(&["audit", "--kind", "account.made"])?;
    assert!(wrong.code == Some(1) && wrong.err.contains("login.failed"), "{wrong:?}");
    Ok(())
}

#[test]
fn resources_are_added_once_and_listed_with_those_of_the_settings() -> anyhow::Result<()> {
    let place = Place::new()?.with("COUNTERSIGN_RESOURCES_ALLOWED", "https://files.example.com");
    let _server = place.start()?;
    assert_eq!(place.run(&["resource", "add", "https://api.example.com"])?.code, Some(0));
    for (resource, problem) in [
        ("https://api.example.com", "is there already"),
        ("https://files.example.com", "is there already"),
        ("api.example.com", "absolute URI"),
    ] {
        let ran = place.run(&["resource", "add", resource])?;
        assert!(ran.code == Some(1) && ran.err.contains(problem), "{ran:?}");
    }
    let listed = place.json(&["resource", "list"])?;
    let of = |at: usize| (listed[at]["resource"].as_str(), listed[at]["configured"].as_bool());
    assert_eq!(of(0), (Some("https://files.example.com"), Some(true)));
    assert_eq!(of(1), (Some("https://api.example.com"), Some(false)));
    Ok(())
}

#[test]
fn the_doctor_finds_what_is_broken_and_makes_nothing() -> anyhow::Result<()> {
    let place = Place::new()?;
    assert_eq!(place.run(&["doctor"])?.code, Some(0));
    assert!(!place.path("data").exists());
    let server = place.start()?;
    let beside = place.run(&["doctor"])?;
    assert!(beside.code == Some(0) && beside.out.contains("answers at data/admin.sock"), "{beside:?}");
    server.stop()?;
    let alone = place.run(&["doctor"])?;
    assert!(alone.code == Some(0) && alone.out.contains("signs with ES256"), "{alone:?}");
    for found in
        ["no fault", "MiB are left", "0 mails wait", "metrics.listen is not set", "throttling", "proxies"]
    {
        assert!(alone.out.contains(found), "{found}: {alone:?}");
    }
    std::fs::set_permissions(place.path("data/countersign.db"), Permissions::from_mode(0o644))?;
    let readable = place.run(&["doctor"])?;
    assert!(
        readable.code == Some(1) && readable.out.contains("chmod 600 data/countersign.db"),
        "{readable:?}"
    );
    std::fs::set_permissions(place.path("data/countersign.db"), Permissions::from_mode(0o600))?;
    std::fs::remove_file(place.path("data/master.key"))?;
    let lost = place.run(&["doctor"])?;
    assert!(lost.code == Some(1) && lost.out.contains("master.key is gone"), "{lost:?}");
    assert!(!place.path("data/master.key").exists(), "it made a key");
    place.file("data/master.key", *b"quite another key, 0123456789 ab", 0o600)?;
    let another = place.run(&["doctor"])?;
    assert!(another.code == Some(1) && another.out.contains("server.master_key_file"), "{another:?}");
    place.file("data/master.key", *b"quite another key, 0123456789 ab", 0o644)?;
    let open = place.run(&["doctor"])?;
    assert!(open.code == Some(1) && open.out.contains("chmod 600"), "{open:?}");
    Ok(())
}

#[test]
fn the_doctor_asks_for_the_metrics_and_warns_of_what_is_lifted() -> anyhow::Result<()> {
    let port = Port::reserve()?;
    let address = port.address();
    let place = Place::new()?
        .with("COUNTERSIGN_METRICS_LISTEN", address.to_string())
        .with("COUNTERSIGN_THROTTLE_ENABLED", "false")
        .with("COUNTERSIGN_SERVER_TRUSTED_PROXIES", "0.0.0.0/0");
    let _server = place.start()?;
    let ran = place.run(&["doctor"])?;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    for found in [
        &format!("http://{address}/metrics answers"),
        "without a limit",
        "server.trusted_proxies has 0.0.0.0/0",
    ] {
        assert!(ran.out.contains(found), "{found}: {ran:?}");
    }
    Ok(())
}

#[test]
fn the_admin_socket_takes_one_line_of_its_own_language() -> anyhow::Result<()> {
    let place = Place::new()?;
    let _server = place.start()?;
    let ask = |line: &[u8]| {
        let mut stream = UnixStream::connect(place.path("data/admin.sock"))?;
        // It may be told off before it has said everything.
        stream.write_all(line).ok();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok();
        anyhow::Ok(answer)
    };
    assert!(ask(b"\"ping\"\n")?.starts_with(r#"{"Ok":{"pong":{"version":"#));
    for line in [
        &b"{}\n"[..],
        b"GET / HTTP/1.1\n",
        b"\"pong\"\n",
        b"{\"account_show\":{\"account\":\"a\",\"b\":1}}\n",
    ] {
        assert_eq!(ask(line)?, "{\"Err\":\"unknown\"}\n", "{}", String::from_utf8_lossy(line));
    }
    assert_eq!(ask(&vec![b'x'; 70_000])?, "");
    assert!(ask(b"\"ping\"\n")?.contains("pong"), "and it still answers");
    Ok(())
}
