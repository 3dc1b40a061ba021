//! Accounts and their mails, where a test needs more of them than `support` gives.

use std::sync::Arc;

use anyhow::{Context, ensure};
use countersign_core::Span;
use countersign_testkit::{Answer, Client, TestServer, patiently};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::sync::Barrier;

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

/// Asks for a reset, a second later than whatever was mailed before, and returns the secret in its link.
pub(crate) async fn mailed_reset(server: &TestServer, email: &str) -> anyhow::Result<String> {
    server.clock.advance(Span::seconds(1));
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

/// What two people can tell apart of an answer: status, headers and body without what differs in any two answers
/// (times, request ids, nonces, the secrets in cookies) and with `typed`, what they sent themselves, left out of the
/// body and so of its length.
pub(crate) fn likeness(answer: &Answer, typed: &str) -> String {
    let mut headers: Vec<String> = answer
        .headers
        .iter()
        .filter(|(name, _)| !["date", "x-request-id", "content-length"].contains(&name.as_str()))
        .map(|(name, value)| (name, value.to_str().unwrap_or("?")))
        .map(|(name, value)| match (name.as_str(), value.split_once('=')) {
            ("set-cookie", Some((cookie, rest))) => {
                let attributes = rest.split_once(';').map_or("", |(_, attributes)| attributes);
                format!("{name}: {cookie}=…;{attributes}")
            }
            _ => format!("{name}: {value}"),
        })
        .collect();
    headers.sort();
    let nonce = answer.header("content-security-policy").split("'nonce-").nth(1);
    let nonce = nonce.and_then(|rest| rest.split('\'').next()).unwrap_or("-no nonce-");
    let text = format!("{}\n{}\n\n{}", answer.status, headers.join("\n"), answer.body);
    [nonce, answer.header("x-request-id"), typed]
        .into_iter()
        .filter(|changing| !changing.is_empty())
        .fold(text, |text, changing| text.replace(changing, "…"))
}

/// Posts JSON fifty times at once, over one pool of connections; the answers' statuses by their numbers.
pub(crate) async fn fifty(
    server: &TestServer,
    path: &'static str,
    body: impl Fn(usize) -> Value,
) -> anyhow::Result<Vec<StatusCode>> {
    let pool = Client::tool(server);
    let post = |number| {
        let (pool, body) = (pool.clone(), body(number));
        let asked = patiently(move || post(pool.clone(), path, body.clone()));
        async move { Ok(asked.await?.status) }
    };
    at_once(50, post).await
}

async fn post(mut client: Client, path: &'static str, body: Value) -> anyhow::Result<Answer> {
    client.json(Method::POST, path, &body).await
}

/// Does the same `count` times at once, let off together.
pub(crate) async fn at_once<T, F>(count: usize, task: impl Fn(usize) -> F) -> anyhow::Result<Vec<T>>
where
    T: Send + 'static,
    F: Future<Output = anyhow::Result<T>> + Send + 'static,
{
    let barrier = Arc::new(Barrier::new(count));
    let tasks: Vec<_> = (0..count)
        .map(|number| {
            let (barrier, task) = (Arc::clone(&barrier), task(number));
            tokio::spawn(async move {
                barrier.wait().await;
                task.await
            })
        })
        .collect();
    let mut results = Vec::with_capacity(count);
    for task in tasks {
        results.push(task.await??);
    }
    Ok(results)
}

/// Every byte as a URL carries it: `%41`.
pub(crate) fn percent(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("%{byte:02X}"))
}
