//! I12: what was acknowledged is there, even if the process was killed the moment after.

use anyhow::{Context as _, ensure};
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};

use super::program::{KIM, PASSWORD, Place, Running};

const NEW_PASSWORD: &str = "granite.lantern.mosaic.58";
const LEE: &str = "lee@example.org";

/// A request to the server.
fn request(server: &Running, method: Method, path: &str) -> RequestBuilder {
    Client::new().request(method, format!("{}{path}", server.url))
}

async fn status(request: RequestBuilder) -> anyhow::Result<u16> {
    Ok(request.send().await?.status().as_u16())
}

async fn refresh(server: &Running, tokens: &Value) -> anyhow::Result<Value> {
    let token = tokens["refresh_token"].as_str().context("no refresh token")?;
    let fields = [("grant_type", "refresh_token"), ("client_id", "countersign"), ("refresh_token", token)];
    Ok(request(server, Method::POST, "/oauth2/token").form(&fields).send().await?.json().await?)
}

/// Ends the server as a power cut would, and starts it again under the same name.
fn killed(server: Running, place: &Place) -> anyhow::Result<Running> {
    server.kill()?;
    place.start()
}

fn bearer(tokens: &Value) -> anyhow::Result<&str> {
    tokens["access_token"].as_str().context("no access token")
}

#[tokio::test]
async fn i12_each_change_that_was_acknowledged_is_there_after_a_kill() -> anyhow::Result<()> {
    let place = Place::new()?;
    let mut server = place.start()?;
    ensure!(place.create(KIM)?.code == Some(0));
    let (_, first) = server.log_in(KIM, PASSWORD).await?;
    server = killed(server, &place)?;
    ensure!(server.who(&first).await? == 200, "the login is gone");

    let second = refresh(&server, &first).await?;
    server = killed(server, &place)?;
    ensure!(server.who(&second).await? == 200, "the refresh is gone");
    let repeated = refresh(&server, &first).await?;
    ensure!(
        repeated["refresh_token"] == second["refresh_token"],
        "the token has another successor: {repeated}"
    );

    let body = json!({ "current": PASSWORD, "new": NEW_PASSWORD });
    let change = request(&server, Method::PUT, "/api/v1/password").bearer_auth(bearer(&second)?).json(&body);
    ensure!(status(change).await? == 204);
    server = killed(server, &place)?;
    ensure!(server.log_in(KIM, PASSWORD).await?.0 == 401, "the old password opens again");
    let (answer, third) = server.log_in(KIM, NEW_PASSWORD).await?;
    ensure!(answer == 200, "the change of the password is gone");

    let logout = request(&server, Method::DELETE, "/api/v1/session").bearer_auth(bearer(&third)?);
    ensure!(status(logout).await? == 204);
    server = killed(server, &place)?;
    ensure!(server.who(&third).await? == 401, "the logout is gone");
    ensure!(refresh(&server, &third).await?["error"] == "invalid_grant", "the refresh token is alive");
    Ok(())
}

#[tokio::test]
async fn i12_a_registration_its_mail_and_a_disabled_account_are_there_after_a_kill() -> anyhow::Result<()> {
    let place = Place::new()?;
    let mut server = place.start()?;
    let register = request(&server, Method::POST, "/api/v1/accounts");
    ensure!(status(register.json(&json!({ "email": LEE, "password": PASSWORD }))).await? == 202);
    server = killed(server, &place)?;
    let inbox = request(&server, Method::GET, "/dev/inbox").header("accept", "application/json");
    let inbox: Value = inbox.send().await?.json().await?;
    let code = inbox["messages"][0]["code"].as_str().context("the mail is gone")?;

    let verify = request(&server, Method::POST, "/api/v1/accounts/verify");
    ensure!(status(verify.json(&json!({ "email": LEE, "code": code, "password": PASSWORD }))).await? == 204);
    server = killed(server, &place)?;
    let (answer, tokens) = server.log_in(LEE, PASSWORD).await?;
    ensure!(answer == 200, "the account is gone");

    ensure!(place.run(&["account", "disable", LEE])?.code == Some(0));
    server = killed(server, &place)?;
    ensure!(server.log_in(LEE, PASSWORD).await?.0 == 401, "the account is open again");
    ensure!(server.who(&tokens).await? == 401, "its token is alive");
    Ok(())
}
