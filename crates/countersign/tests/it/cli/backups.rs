//! STO-16 with the program itself: a backup beside a running server, put back, and what that ends.

use std::os::unix::fs::PermissionsExt as _;

use anyhow::{Context as _, ensure};
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};

use super::program::{KIM, PASSWORD, Place, Running};

const LEE: &str = "lee@example.org";

/// What a browser and a program of the same person hold.
struct Held {
    cookie: String,
    tokens: Value,
}

async fn status(request: RequestBuilder) -> anyhow::Result<u16> {
    Ok(request.send().await?.status().as_u16())
}

impl Held {
    async fn by(server: &Running) -> anyhow::Result<Self> {
        let body = json!({ "identifier": KIM, "password": PASSWORD, "deliver": "cookie" });
        let login = Client::new().post(format!("{}/api/v1/login", server.url)).json(&body).send().await?;
        let cookie = login.headers().get("set-cookie").context("no cookie")?.to_str()?;
        let cookie = cookie.split(';').next().context("no value")?.to_owned();
        Ok(Self { cookie, tokens: server.log_in(KIM, PASSWORD).await?.1 })
    }

    fn ask(&self, server: &Running, path: &str) -> RequestBuilder {
        Client::new().get(format!("{}{path}", server.url)).header("cookie", &self.cookie)
    }

    /// What the cookie, the access token and the refresh token hear; the last is spent.
    async fn heard(&self, server: &Running) -> anyhow::Result<(u16, u16, u16)> {
        let refresh = self.tokens["refresh_token"].as_str().context("no refresh token")?;
        let fields =
            [("grant_type", "refresh_token"), ("client_id", "countersign"), ("refresh_token", refresh)];
        let refresh = Client::new().post(format!("{}/oauth2/token", server.url)).form(&fields);
        Ok((
            status(self.ask(server, "/api/v1/session")).await?,
            server.who(&self.tokens).await?,
            status(refresh).await?,
        ))
    }
}

/// A mailed reset, as the inbox has it.
async fn mailed_reset(server: &Running) -> anyhow::Result<String> {
    let recover = Client::new().post(format!("{}/api/v1/recover", server.url)).json(&json!({ "email": KIM }));
    ensure!(status(recover).await? == 202);
    let inbox = Client::new().get(format!("{}/dev/inbox", server.url)).header("accept", "application/json");
    let inbox: Value = inbox.send().await?.json().await?;
    let link = inbox["messages"][0]["links"][0].as_str().context("no link")?;
    Ok(link.split("token=").nth(1).context("no token")?.to_owned())
}

async fn reset(server: &Running, token: &str) -> anyhow::Result<u16> {
    let body = json!({ "token": token, "password": "granite.lantern.mosaic.58" });
    status(Client::new().post(format!("{}/api/v1/reset", server.url)).json(&body)).await
}

#[tokio::test]
async fn sto_16_a_backup_is_made_beside_the_server_and_put_back_without_it() -> anyhow::Result<()> {
    let place = Place::new()?;
    let server = place.start()?;
    place.create(KIM)?;
    let before = Held::by(&server).await?;
    let link = mailed_reset(&server).await?;
    let made = place.run(&["backup", "kim.db"])?;
    assert!(made.code == Some(0) && made.err.contains("verifying: 100 %"), "{made:?}");
    let sha256 = made.out.lines().find_map(|line| line.strip_prefix("sha256")).context("no digest")?.trim();
    assert_eq!(std::fs::metadata(place.path("kim.db"))?.permissions().mode() & 0o777, 0o600);
    let again = place.run(&["backup", "kim.db"])?;
    assert!(again.code == Some(1) && again.err.contains("--force"), "{again:?}");
    let last = place.json(&["backup", "kim.db", "--force"])?;
    assert_eq!(last["accounts"], 1);
    let lines = place.json(&["audit", "--kind", "store.backed_up"])?;
    assert_eq!(lines[1]["detail"]["sha256"], sha256);
    let lines_of_backups = [lines[0]["detail"]["sha256"].clone()];

    // What comes after the backup is lost, and what tokens it handed out with it.
    place.create(LEE)?;
    let after = Held::by(&server).await?;
    let refused = place.run(&["restore", "kim.db"])?;
    assert!(refused.code == Some(1) && refused.err.contains("stop it first"), "{refused:?}");
    assert!(server.stop()?.success());
    let restored = place.run(&["restore", "kim.db"])?;
    assert_eq!(restored.code, Some(0), "{restored:?}");
    let digest = last["sha256"].as_str().context("a digest")?;
    for words in [
        digest,
        "accounts  1",
        "Ended: every access and refresh token",
        "sessions of browsers (1)",
        "--epoch-bump",
    ] {
        assert!(restored.out.contains(words), "{words}: {}", restored.out);
    }
    let server = place.start()?;
    assert_eq!(before.heard(&server).await?, (200, 401, 400));
    assert_eq!(after.heard(&server).await?, (401, 401, 400));
    assert_eq!(reset(&server, &link).await?, 401);
    assert_eq!(server.log_in(LEE, PASSWORD).await?.0, 401);
    let (status, tokens) = server.log_in(KIM, PASSWORD).await?;
    assert_eq!((status, server.who(&tokens).await?), (200, 200));
    let told = place.json(&["audit", "--kind", "store.restored"])?;
    let digest = &told[0]["detail"]["backup"];
    assert!(lines_of_backups.contains(digest), "{digest}");
    assert_eq!((&told[0]["actor"], &told[0]["detail"]["epoch_bump"]), (&json!("operator"), &json!("no")));
    Ok(())
}

#[tokio::test]
async fn sto_16_an_epoch_bump_ends_all_that_was_ever_issued() -> anyhow::Result<()> {
    let place = Place::new()?;
    let server = place.start()?;
    place.create(KIM)?;
    let before = Held::by(&server).await?;
    assert_eq!(place.run(&["backup", "kim.db"])?.code, Some(0));
    let kids = place.json(&["keys", "list"])?;
    assert!(server.stop()?.success());
    let restored = place.run(&["restore", "kim.db", "--epoch-bump"])?;
    assert!(
        restored.code == Some(0) && restored.out.contains("Everybody has to log in again"),
        "{restored:?}"
    );
    let server = place.start()?;
    assert_eq!(before.heard(&server).await?, (401, 401, 400));
    let after = Held::by(&server).await?;
    assert_eq!(after.heard(&server).await?, (200, 200, 200));
    let keys = place.json(&["keys", "list"])?;
    let states = |kid: &Value| {
        let keys = keys.as_array().into_iter().flatten();
        keys.filter(|key| key["kid"] == *kid).map(|key| key["state"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(states(&kids[0]["kid"]), ["revoked"]);
    // The same without a file, for a database that was put back by other means.
    assert!(server.stop()?.success());
    let in_place = place.run(&["restore", "--in-place", "--epoch-bump"])?;
    assert_eq!(in_place.code, Some(0), "{in_place:?}");
    assert_eq!(after.heard(&place.start()?).await?, (401, 401, 400));
    Ok(())
}

#[tokio::test]
async fn sto_17_sto_18_what_is_damaged_or_sealed_by_another_key_is_not_put_back() -> anyhow::Result<()> {
    let place = Place::new()?;
    let server = place.start()?;
    place.create(KIM)?;
    let held = Held::by(&server).await?;
    assert_eq!(place.run(&["backup", "kim.db"])?.code, Some(0));
    assert!(server.stop()?.success());
    let mut bytes = std::fs::read(place.path("kim.db"))?;
    let half = bytes.len() / 2;
    bytes.truncate(half);
    place.file("half.db", bytes, 0o600)?;
    place.file("notes.txt", "notes ".repeat(999), 0o600)?;
    let key = std::fs::read(place.path("data/master.key"))?;
    for (file, words) in
        [("half.db", "no sound backup"), ("notes.txt", "no sound backup"), ("missing", "No such file")]
    {
        let refused = place.run(&["restore", file])?;
        assert!(refused.code == Some(1) && refused.err.contains(words), "{refused:?}");
    }
    place.file("data/master.key", *b"quite another key, 0123456789 ab", 0o600)?;
    let refused = place.run(&["restore", "kim.db"])?;
    assert!(refused.code == Some(1) && refused.err.contains("Put that file back"), "{refused:?}");
    place.file("data/master.key", key, 0o600)?;
    let server = place.start()?;
    assert_eq!(held.heard(&server).await?, (200, 200, 200), "nothing was touched");
    let left = std::fs::read_dir(place.path("data"))?.filter_map(Result::ok);
    let left: Vec<_> =
        left.map(|entry| entry.file_name()).filter(|name| name.to_string_lossy().contains("re")).collect();
    assert_eq!(left, Vec::<std::ffi::OsString>::new());
    Ok(())
}

#[test]
fn a_backup_without_a_server_and_of_postgresql() -> anyhow::Result<()> {
    let place = Place::new()?;
    place.create(KIM)?;
    let alone = place.run(&["backup", "kim.db"])?;
    assert!(alone.code == Some(0) && alone.out.contains("accounts  1"), "{alone:?}");
    let nowhere = place.run(&["backup", "nowhere/kim.db"])?;
    assert!(nowhere.code == Some(1) && nowhere.err.contains("its user may write to"), "{nowhere:?}");
    let own = place.run(&["backup", "data/countersign.db", "--force"])?;
    assert!(own.code == Some(1) && own.err.contains("belongs to the database itself"), "{own:?}");
    // To a machine that has nothing yet, but its key.
    let other = Place::new()?;
    std::fs::create_dir(other.path("data"))?;
    other.file("data/master.key", std::fs::read(place.path("data/master.key"))?, 0o600)?;
    let file = place.path("kim.db").display().to_string();
    assert_eq!(other.run(&["restore", &file])?.code, Some(0));
    assert!(other.run(&["account", "list"])?.out.contains(KIM));
    let postgres = Place::new()?.with("COUNTERSIGN_STORE_URL", "postgres://127.0.0.1:1/none");
    std::fs::create_dir(postgres.path("data"))?;
    postgres.file("data/master.key", std::fs::read(place.path("data/master.key"))?, 0o600)?;
    let refused = postgres.run(&["restore", &file])?;
    assert!(refused.code == Some(1) && refused.err.contains("--in-place"), "{refused:?}");
    Ok(())
}
