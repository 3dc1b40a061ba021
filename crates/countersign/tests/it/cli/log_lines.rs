//! The log as an operator's collector reads it, at its finest.

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};

use super::program::{KIM, PASSWORD, Place, Running};

const MARKER: &str = "forged-7f3a91";

/// Lines in disguise, in every place that a request has.
async fn send(server: &Running) -> anyhow::Result<()> {
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build()?;
    for text in [
        format!("\n{{\"level\":\"INFO\",\"message\":\"{MARKER}\"}}"),
        format!("\u{1b}[31m{MARKER}\u{2028}%s{{}}"),
        format!("{MARKER}{}", "A".repeat(8000)),
    ] {
        let header: String = text.chars().filter(char::is_ascii_graphic).collect();
        let body = json!({ "identifier": text, "password": text, "deliver": "cookie" });
        let login =
            client.post(format!("{}/api/v1/login", server.url)).header("user-agent", &header).json(&body);
        ensure!(login.send().await?.status() == 401);
        let asked = client.get(format!("{}/{header}", server.url)).bearer_auth(&header).send().await?;
        ensure!(asked.status().is_client_error());
        let fields = [("grant_type", "refresh_token"), ("client_id", &*text), ("refresh_token", &*text)];
        ensure!(
            client.post(format!("{}/oauth2/token", server.url)).form(&fields).send().await?.status() == 401
        );
    }
    Ok(())
}

#[tokio::test]
async fn logg_01_logg_02_each_line_of_the_log_is_one_event_of_ours_and_holds_nothing_that_was_sent()
-> anyhow::Result<()> {
    let place = Place::new()?.with("COUNTERSIGN_LOG_FORMAT", "json").with("COUNTERSIGN_LOG_LEVEL", "trace");
    let server = place.start()?;
    ensure!(place.create(KIM)?.code == Some(0));
    let (_, tokens) = server.log_in(KIM, PASSWORD).await?;
    send(&server).await?;
    ensure!(server.stop()?.success());
    let log = std::fs::read_to_string(place.path("log"))?;
    let secrets =
        ["access_token", "refresh_token"].map(|name| tokens[name].as_str().unwrap_or("?").to_owned());
    for line in log.lines() {
        let event: Value = serde_json::from_str(line).with_context(|| format!("no event: {line}"))?;
        let target = event["target"].as_str().context("no target")?;
        ensure!(target.starts_with("countersign") && event["timestamp"].is_string(), "{line}");
    }
    ensure!(
        log.contains("access token issued") && log.contains("request refused"),
        "this is not the log: {log}"
    );
    for sent in secrets.iter().map(String::as_str).chain([MARKER, PASSWORD, KIM]) {
        ensure!(!log.contains(sent), "{sent} is in the log");
    }
    Ok(())
}

#[tokio::test]
async fn logg_01_a_line_of_text_is_one_event_too() -> anyhow::Result<()> {
    let place = Place::new()?.with("COUNTERSIGN_LOG_LEVEL", "trace");
    let server = place.start()?;
    send(&server).await?;
    server.stop()?;
    let log = std::fs::read_to_string(place.path("log"))?;
    ensure!(log.contains("request refused") && !log.contains(MARKER), "{log}");
    for line in log.lines() {
        let mut words = line.split_whitespace();
        let (when, level, target) = (words.next(), words.next(), words.next());
        ensure!(when.is_some_and(|when| when.starts_with("20") && when.ends_with('Z')), "{line:?}");
        ensure!(level.is_some_and(|level| level.bytes().all(|byte| byte.is_ascii_uppercase())), "{line:?}");
        ensure!(target.is_some_and(|target| target.starts_with("countersign")), "{line:?}");
        ensure!(!line.chars().any(char::is_control), "{line:?}");
    }
    Ok(())
}

#[tokio::test]
async fn logg_01_a_flood_of_frames_is_none_of_lines() -> anyhow::Result<()> {
    let place = Place::new()?.with("COUNTERSIGN_LOG_LEVEL", "warn");
    let server = place.start()?;
    let host = server.url.trim_start_matches("http://").to_owned();
    let address = host.replace("localhost", "127.0.0.1").parse()?;
    let resets = countersign_testkit::flood::resets(address, "127.0.0.5".parse()?, &host);
    // Many connections were ended for it by then.
    resets.reaches(2000).await?;
    resets.stop().await;
    ensure!(server.stop()?.success());
    let log = std::fs::read_to_string(place.path("log"))?;
    assert!(!log.contains("h2::") && log.lines().count() < 20, "{log}");
    Ok(())
}
