//! What a pipeline that only has the log learns: every event of the audit log, with who, what, where and when.

use std::collections::BTreeMap;

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};

use super::program::{KIM, PASSWORD, Place, Running};

const NEW: &str = "granite.lantern.mosaic.58";

/// What an account and an operator do in a life: logins that succeed and fail, a new password, tokens, one of them used
/// twice, an end, and what an operator does.
async fn live(place: &Place, server: &Running) -> anyhow::Result<()> {
    ensure!(place.create(KIM)?.code == Some(0));
    ensure!(server.log_in(KIM, "not the password").await?.0 == 401);
    let (status, tokens) = server.log_in(KIM, PASSWORD).await?;
    ensure!(status == 200);
    let client = reqwest::Client::new();
    let refresh = async |token: &Value| {
        let token = token.as_str().unwrap_or_default();
        let form = [("grant_type", "refresh_token"), ("client_id", "countersign"), ("refresh_token", token)];
        let answer = client.post(format!("{}/oauth2/token", server.url)).form(&form).send().await?;
        anyhow::Ok((answer.status().as_u16(), answer.json::<Value>().await?))
    };
    let (_, second) = refresh(&tokens["refresh_token"]).await?;
    let (_, third) = refresh(&second["refresh_token"]).await?;
    // Two generations back: reuse.
    ensure!(refresh(&tokens["refresh_token"]).await?.0 == 400 && third["access_token"].is_string());
    let (_, tokens) = server.log_in(KIM, PASSWORD).await?;
    let bearer = tokens["access_token"].as_str().context("a token")?;
    let body = json!({ "current": PASSWORD, "new": NEW });
    let changed = client.put(format!("{}/api/v1/password", server.url)).bearer_auth(bearer).json(&body);
    ensure!(changed.send().await?.status() == 204);
    let (_, tokens) = server.log_in(KIM, NEW).await?;
    let bearer = tokens["access_token"].as_str().context("a token")?;
    let ended = client.delete(format!("{}/api/v1/session", server.url)).bearer_auth(bearer);
    ensure!(ended.send().await?.status() == 204);
    for command in [
        ["account", "disable", KIM],
        ["resource", "add", "https://api.example.com"],
        ["keys", "rotate", "--now"],
    ] {
        ensure!(place.run(&command)?.code == Some(0), "{command:?}");
    }
    Ok(())
}

#[tokio::test]
async fn logg_03_every_event_is_one_line_with_who_what_where_when_and_which_request() -> anyhow::Result<()> {
    let place = Place::new()?.with("COUNTERSIGN_LOG_FORMAT", "json");
    let server = place.start()?;
    live(&place, &server).await?;
    let audit = place.json(&["audit", "--limit", "500"])?;
    ensure!(server.stop()?.success());
    let log = std::fs::read_to_string(place.path("log"))?;
    let mut lines = BTreeMap::new();
    for line in log.lines() {
        let line: Value = serde_json::from_str(line)?;
        if line["message"] == "audit" {
            let id = line["event"].as_str().context("no id")?.to_owned();
            ensure!(lines.insert(id.clone(), line).is_none(), "{id} is there twice");
        }
    }
    let mut kinds = Vec::new();
    for event in audit.as_array().context("a list")? {
        let id = event["id"].as_str().context("no id")?;
        let line = lines.get(id).with_context(|| format!("{event} is not in the log"))?;
        for (name, as_logged) in [
            ("kind", "kind"),
            ("at", "at"),
            ("actor", "actor"),
            ("account", "account"),
            ("session", "session"),
            ("grant", "grant"),
            ("client", "client"),
            ("ip", "ip"),
            ("request", "request_id"),
        ] {
            ensure!(event[name] == line[as_logged], "{name}: {event} but {line}");
        }
        let detail = line["detail"].as_str().unwrap_or("{}");
        ensure!(serde_json::from_str::<Value>(detail)? == event["detail"], "{event} but {line}");
        ensure!(line["at"].as_str().is_some_and(|at| at.ends_with('Z')), "no UTC: {line}");
        ensure!(line["actor"] == "system" || line["request_id"].is_string(), "no request: {line}");
        ensure!(
            ["operator", "system"].contains(&line["actor"].as_str().unwrap_or_default())
                || line["ip"] == "127.0.0.1",
            "from nowhere: {line}"
        );
        kinds.push(event["kind"].as_str().unwrap_or_default());
    }
    for kind in [
        "account.created",
        "login.failed",
        "session.opened",
        "grant.opened",
        "grant.refreshed",
        "grant.reused",
        "password.changed",
        "session.ended",
        "account.disabled",
        "resource.added",
        "key.moved",
        "store.prepared",
    ] {
        ensure!(kinds.contains(&kind), "{kind} did not happen: {kinds:?}");
    }
    ensure!(log.matches("access token issued").count() == 5, "{log}");
    Ok(())
}

#[tokio::test]
async fn logg_03_whatever_is_logged_for_a_request_names_it() -> anyhow::Result<()> {
    let place = Place::new()?.with("COUNTERSIGN_LOG_FORMAT", "json").with("COUNTERSIGN_LOG_LEVEL", "debug");
    let server = place.start()?;
    place.create(KIM)?;
    let body = json!({ "identifier": KIM, "password": "wrong", "deliver": "token" });
    let answer =
        reqwest::Client::new().post(format!("{}/api/v1/login", server.url)).json(&body).send().await?;
    let request = answer.headers()["x-request-id"].to_str()?.to_owned();
    server.stop()?;
    let log = std::fs::read_to_string(place.path("log"))?;
    let of_it = |line: &&str| line.contains("login.failed") || line.contains("invalid_credentials");
    let lines: Vec<_> = log.lines().filter(of_it).collect();
    ensure!(lines.len() == 2 && lines.iter().all(|line| line.contains(&request)), "{request}: {lines:?}");
    Ok(())
}
