//! Accounts and their mails, where a test needs more of them than `support` gives.

use anyhow::{Context, ensure};
use countersign_testkit::{Client, TestServer};
use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::support::{PASSWORD, browser};

/// A browser in which a new account is signed in.
pub(crate) async fn member(server: &TestServer, email: &str) -> anyhow::Result<Client> {
    Client::browser(server).register(email, PASSWORD).await?;
    browser(server, email).await
}

/// Whether a password opens an account.
pub(crate) async fn opens(server: &TestServer, email: &str, password: &str) -> anyhow::Result<bool> {
    let answer = Client::tool(server).log_in(email, password).await?;
    ensure!([200, 401].contains(&answer.status.as_u16()), "login: {} {}", answer.status, answer.body);
    Ok(answer.status == StatusCode::OK)
}

/// The secret in the link of the newest mail to an address.
pub(crate) async fn mailed_token(server: &TestServer, to: &str) -> anyhow::Result<String> {
    let mail = Client::tool(server).newest_mail(to).await?;
    let link = mail["links"][0].as_str().context("no link in the newest mail")?;
    Ok(link.split_once("token=").context("no token in the link")?.1.to_owned())
}

/// Asks for a reset and returns the secret in its link.
pub(crate) async fn mailed_reset(server: &TestServer, email: &str) -> anyhow::Result<String> {
    let answer = ask_reset(server, email).await?;
    ensure!(answer == StatusCode::ACCEPTED, "recover: {answer}");
    mailed_token(server, email).await
}

/// Asks for a reset.
pub(crate) async fn ask_reset(server: &TestServer, email: &str) -> anyhow::Result<StatusCode> {
    let body = json!({ "email": email });
    Ok(Client::tool(server).json(Method::POST, "/api/v1/recover", &body).await?.status)
}

/// Sets a password by the secret of a link.
pub(crate) async fn reset(server: &TestServer, token: &str, password: &str) -> anyhow::Result<StatusCode> {
    let body = json!({ "token": token, "password": password });
    Ok(Client::tool(server).json(Method::POST, "/api/v1/reset", &body).await?.status)
}

/// Whether the mailbox got a mail with these words in its subject.
pub(crate) async fn mails_about(server: &TestServer, to: &str, words: &str) -> anyhow::Result<usize> {
    let mails = Client::tool(server).mails().await?;
    let about = |mail: &&serde_json::Value| {
        mail["to"] == to && mail["subject"].as_str().is_some_and(|subject| subject.contains(words))
    };
    Ok(mails.iter().filter(about).count())
}
