//! Starting and stopping.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, ErrorKind};
use std::os::unix::fs::{MetadataExt as _, chown};
use std::process::Stdio;

use anyhow::Context as _;
use serde_json::{Value, json};

use super::program::{KIM, PASSWORD, Place, Running};

#[tokio::test]
async fn development_needs_no_settings_and_says_what_to_try() -> anyhow::Result<()> {
    let place = Place::new()?;
    let server = place.start()?;
    for part in [
        "development mode",
        &format!("{}/dev/inbox", server.url),
        "Data     data (sqlite:data/countersign.db)",
    ] {
        assert!(server.banner.contains(part), "{part}: {}", server.banner);
    }
    assert_eq!(reqwest::get(format!("{}/healthz", server.url)).await?.status().as_u16() / 100, 2);
    // The lines that it prints work as they are.
    let line = server.banner.lines().find(|line| line.contains("account create")).context("a line to try")?;
    let mut shell = std::process::Command::new("sh");
    let output = shell.args(["-c", line]).current_dir(place.path("")).output()?;
    assert!(output.status.success(), "{line}: {output:?}");
    let body =
        server.banner.split("-d '").nth(1).and_then(|rest| rest.split('\'').next()).context("a body")?;
    let body: Value = serde_json::from_str(body)?;
    let (email, password) =
        (body["identifier"].as_str().context("who")?, body["password"].as_str().context("it")?);
    let (status, tokens) = server.log_in(email, password).await?;
    assert_eq!((status, server.who(&tokens).await?), (200, 200));
    Ok(())
}

#[test]
fn what_it_makes_is_for_its_owner_alone() -> anyhow::Result<()> {
    let place = Place::new()?;
    let server = place.start()?;
    let mode = |name: &str| anyhow::Ok(fs::metadata(place.path(name))?.mode() & 0o777);
    assert_eq!(mode("data")?, 0o700);
    for name in ["data/master.key", "data/countersign.db", "data/admin.sock"] {
        assert_eq!(mode(name)?, 0o600, "{name}");
    }
    assert!(server.stop()?.success());
    assert!(!place.path("data/admin.sock").exists());
    Ok(())
}

#[tokio::test]
async fn i12_what_was_acknowledged_is_there_after_a_kill_and_after_a_stop() -> anyhow::Result<()> {
    let place = Place::new()?;
    let server = place.start()?;
    assert_eq!(place.create(KIM)?.code, Some(0));
    server.kill()?;
    assert!(place.path("data/admin.sock").exists(), "a stale one");
    let server = place.start()?;
    assert_eq!(server.log_in(KIM, PASSWORD).await?.0, 200);
    assert!(server.stop()?.success());
    assert_eq!(place.start()?.log_in(KIM, PASSWORD).await?.0, 200);
    Ok(())
}

#[test]
fn a_second_server_on_the_same_data_is_refused() -> anyhow::Result<()> {
    let on_file = Place::new()?;
    let _server = on_file.start()?;
    let second = on_file.run(&["--listen", "127.0.0.1:0"])?;
    assert!(
        second.code == Some(1) && second.err.contains("in use by another Countersign process"),
        "{second:?}"
    );

    let in_memory = Place::new()?.with("COUNTERSIGN_STORE_URL", "memory:");
    let _server = in_memory.start()?;
    let second = in_memory.run(&["--listen", "127.0.0.1:0"])?;
    assert!(
        second.code == Some(1) && second.err.contains("another Countersign answers at data/admin.sock"),
        "{second:?}"
    );
    Ok(())
}

/// Only root can give a folder away; whoever else runs the tests has none that is another's.
#[test]
fn nobody_serves_what_is_another_users() -> anyhow::Result<()> {
    const SOMEBODY: u32 = 54_321;
    let place = Place::new()?;
    let key = place.file("key", *b"an orderly key 0123456789 abcdef", 0o600)?;
    let place = place
        .with("COUNTERSIGN_SERVER_PUBLIC_URL", "https://login.example.com")
        .with("COUNTERSIGN_SERVER_MASTER_KEY_FILE", key.display().to_string());
    for name in ["data", "data/countersign.db"] {
        if name == "data" {
            fs::create_dir(place.path(name))?;
        } else {
            chown(place.path("data"), Some(0), None)?;
            File::create(place.path(name))?;
        }
        match chown(place.path(name), Some(SOMEBODY), None) {
            Err(error) if error.kind() == ErrorKind::PermissionDenied => return Ok(()),
            changed => changed?,
        }
        let ran = place.run(&["serve", "--listen", "127.0.0.1:0"])?;
        let said = format!("{name} belongs to user {SOMEBODY}");
        assert!(ran.code == Some(1) && ran.err.contains(&said), "{ran:?}");
        assert!(!place.path("data/countersign.db.lock").exists(), "it touched {name}");
    }
    Ok(())
}

#[test]
fn a_port_that_is_taken_is_named_with_a_way_out() -> anyhow::Result<()> {
    let first = Place::new()?;
    let server = first.start()?;
    let address = server.url.replace("http://localhost", "127.0.0.1");
    let ran = Place::new()?.run(&["--listen", &address])?;
    assert_eq!(ran.code, Some(1));
    assert!(ran.err.contains(&format!("{address} is in use")) && ran.err.contains("--listen"), "{}", ran.err);
    Ok(())
}

/// A production server on a port of the system's choice, behind a proxy on this machine.
fn production(place: &Place) -> anyhow::Result<Running> {
    let key = place.file("key", *b"an orderly key 0123456789 abcdef", 0o600)?;
    let mut command = place.command(&["serve", "--listen", "127.0.0.1:0"]);
    command.env("COUNTERSIGN_SERVER_PUBLIC_URL", "http://localhost:9").env("COUNTERSIGN_LOG_FORMAT", "json");
    command.env("COUNTERSIGN_SERVER_MASTER_KEY_FILE", key);
    let mut child = command.stdout(File::create(place.path("out"))?).stderr(Stdio::piped()).spawn()?;
    let mut lines = BufReader::new(child.stderr.take().context("stderr")?).lines();
    let mut log = String::new();
    // The warning about mail is the last thing before it serves.
    while !log.contains("mail.smtp_url") {
        let line = lines.next().with_context(|| format!("it ended: {log}"))??;
        log.push_str(&line);
        log.push('\n');
    }
    fs::write(place.path("log"), &log)?;
    let entries = log.lines().map(serde_json::from_str).collect::<Result<Vec<Value>, _>>()?;
    let listen = entries.iter().find_map(|entry| entry["listen"].as_str()).context("where it listens")?;
    Ok(Running::new(child, format!("http://{listen}"), place.path("log")))
}

#[tokio::test]
async fn production_serves_its_one_name_has_no_inbox_and_says_that_mail_is_missing() -> anyhow::Result<()> {
    let place = Place::new()?;
    let server = production(&place)?;
    assert!(server.log().contains("nobody can register or recover"), "{}", server.log());
    let status = async |path: &str, host: &str| {
        let request = reqwest::Client::new().get(format!("{}{path}", server.url)).header("host", host);
        anyhow::Ok(request.send().await?.status().as_u16())
    };
    assert_eq!(status("/login", "localhost:9").await?, 200);
    assert_eq!(status("/dev/inbox", "localhost:9").await?, 404);
    assert_eq!(status("/login", "evil.example").await?, 421);
    for path in ["accounts", "recover"] {
        let body = json!({"email": KIM, "password": PASSWORD});
        let body = if path == "recover" { json!({"email": KIM}) } else { body };
        let request = reqwest::Client::new().post(format!("{}/api/v1/{path}", server.url)).json(&body);
        let answer = request.header("host", "localhost:9").send().await?;
        assert_eq!(answer.status().as_u16(), 403, "{path}: what needs mail is refused");
    }
    assert!(server.stop()?.success());
    assert_eq!(fs::read_to_string(place.path("out"))?, "", "nothing but the log");
    Ok(())
}
