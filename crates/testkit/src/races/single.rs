//! Races for what counts once: a link, a code, an address, a password, the next refresh token.

use anyhow::{Context, ensure};
use countersign_core::Span;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::{AT_ONCE, all};
use crate::people::{
    KIM, OTHER_PASSWORD, PASSWORD, browser, by_cookie, by_token, refresh_is_refused, register, reset_token,
    tokens, tokens_of,
};
use crate::{Answer, Client, TestServer, Tokens, patiently};

const ACCOUNTS: &str = "/api/v1/accounts";
const VERIFY: &str = "/api/v1/accounts/verify";

/// Sends one body fifty times at once, each from another client.
async fn fifty(
    server: &TestServer,
    path: &'static str,
    body: impl Fn(usize) -> Value,
) -> anyhow::Result<Vec<Answer>> {
    let bare = Client::tool(server);
    let send = |number| {
        let (bare, body) = (bare.clone(), body(number));
        patiently(move || post(bare.clone(), path, body.clone()))
    };
    all((0..AT_ONCE).map(send).collect::<JoinSet<_>>()).await
}

async fn post(mut client: Client, path: &'static str, body: Value) -> anyhow::Result<Answer> {
    client.json(Method::POST, path, &body).await
}

/// Fails unless one of them worked and all others were refused.
fn one_worked(answers: &[Answer]) -> anyhow::Result<()> {
    let count = |status| answers.iter().filter(|answer| answer.status == status).count();
    let (done, refused) = (count(StatusCode::NO_CONTENT), count(StatusCode::UNAUTHORIZED));
    ensure!((done, refused) == (1, AT_ONCE - 1), "{done} worked, {refused} were refused");
    Ok(())
}

/// Registers a new address; the mail that it got.
async fn registered(server: &TestServer, round: usize) -> anyhow::Result<(String, Value)> {
    server.clock.advance(Span::seconds(1));
    let email = format!("person{round}@example.org");
    let mut client = Client::tool(server);
    let body = json!({ "email": email, "password": PASSWORD });
    let answer = client.json(Method::POST, ACCOUNTS, &body).await?;
    ensure!(answer.status == StatusCode::ACCEPTED, "register: {} {}", answer.status, answer.body);
    let mail = client.newest_mail(&email).await?;
    Ok((email, mail))
}

fn link_token(mail: &Value) -> anyhow::Result<String> {
    let link = mail["links"][0].as_str().context("no link in the mail")?;
    Ok(link.split_once("token=").context("no token in the link")?.1.to_owned())
}

/// A mailed link makes one account (I9, RACE-03).
pub async fn verification_links(server: &TestServer, rounds: usize) -> anyhow::Result<()> {
    for round in 0..rounds {
        let (_, mail) = registered(server, round).await?;
        let body = json!({ "token": link_token(&mail)?, "password": PASSWORD });
        let answers = fifty(server, VERIFY, |_| body.clone()).await?;
        one_worked(&answers).with_context(|| format!("round {round}"))?;
        ensure!(server.audited("account.created").await? == round + 1, "round {round}: too many accounts");
    }
    Ok(())
}

/// A mailed code makes one account, however many try it (I9, RACE-03). The others are refused as spent, or because the
/// tries of the address are.
pub async fn codes(server: &TestServer, rounds: usize) -> anyhow::Result<()> {
    for round in 0..rounds {
        let (email, mail) = registered(server, round).await?;
        let body = json!({ "email": email, "code": mail["code"], "password": PASSWORD });
        let answers = fifty(server, VERIFY, |_| body.clone()).await?;
        one_worked(&answers).with_context(|| format!("round {round}"))?;
        ensure!(server.audited("account.created").await? == round + 1, "round {round}: too many accounts");
    }
    Ok(())
}

/// An address registered fifty times at once, in three spellings, is one account (I9, RACE-06).
pub async fn registrations(server: &TestServer, rounds: usize) -> anyhow::Result<()> {
    for round in 0..rounds {
        server.clock.advance(Span::seconds(1));
        let spellings = [
            format!("p{round}@example.org"),
            format!("P{round}@EXAMPLE.ORG"),
            format!("p{round}＠example.org"),
        ];
        let body = |number: usize| json!({ "email": spellings[number % 3], "password": PASSWORD });
        let answers = fifty(server, ACCOUNTS, body).await?;
        ensure!(
            answers.iter().all(|answer| answer.status == StatusCode::ACCEPTED),
            "round {round}: not all 202"
        );
        let mails = Client::tool(server).mails().await?;
        let own = |mail: &&Value| mail["to"].as_str().is_some_and(|to| to.to_lowercase() == spellings[0]);
        let (mut verified, standing) = (0, mails.iter().filter(own).count());
        ensure!(standing == 3, "round {round}: {standing} registrations stand");
        for mail in mails.iter().filter(own) {
            let body = json!({ "token": link_token(mail)?, "password": PASSWORD });
            let answer = Client::tool(server).json(Method::POST, VERIFY, &body).await?;
            verified += usize::from(answer.status == StatusCode::NO_CONTENT);
        }
        let created = server.audited("account.created").await?;
        ensure!(verified == 1 && created == round + 1, "round {round}: {verified} accounts");
    }
    Ok(())
}

async fn refresh(client: Client, token: String) -> anyhow::Result<Answer> {
    client.refresh(&token).await
}

/// Refreshes of one token name one successor, which works (I10).
pub async fn refreshes(server: &TestServer, rounds: usize) -> anyhow::Result<()> {
    register(server, KIM).await?;
    let bare = Client::tool(server);
    for round in 0..rounds {
        let first = tokens(server, KIM).await?;
        let audited = server.audited("grant.refreshed").await?;
        let ask = || {
            let (bare, token) = (bare.clone(), first.refresh.clone());
            patiently(move || refresh(bare.clone(), token.clone()))
        };
        let tasks = (0..AT_ONCE).map(|_| ask());
        let answers = all(tasks.collect()).await?;
        let successors = answers.iter().map(Tokens::of).collect::<anyhow::Result<Vec<_>>>()?;
        let one = successors.iter().all(|tokens| tokens.refresh == successors[0].refresh);
        ensure!(one, "round {round}: two successors");
        ensure!(server.audited("grant.refreshed").await? == audited + 1, "round {round}: not one rotation");
        for tokens in &successors {
            ensure!(by_token(server, &tokens.access).await? == StatusCode::OK, "round {round}: a dead token");
        }
        let next = tokens_of(server, &successors[0].refresh).await?;
        ensure!(next.refresh != successors[0].refresh, "round {round}: no rotation");
        server.clock.advance(server.app.policy.token.refresh_grace);
        refresh_is_refused(server, &successors[0].refresh).await?;
        ensure!(by_token(server, &next.access).await? == StatusCode::UNAUTHORIZED, "round {round}: reuse");
    }
    Ok(())
}

fn password(number: usize) -> String {
    format!("{OTHER_PASSWORD}-{number}")
}

/// A mailed reset sets one password (I9, RACE-03).
pub async fn reset_links(server: &TestServer, rounds: usize) -> anyhow::Result<()> {
    for round in 0..rounds {
        let email = format!("kim{round}@example.org");
        register(server, &email).await?;
        let token = reset_token(&mut Client::browser(server), &email).await?;
        let numbered = |number: usize| json!({ "token": token, "password": password(number) });
        let bare = Client::tool(server);
        let reset = |number: usize| {
            let (bare, body) = (bare.clone(), numbered(number));
            let asked = patiently(move || post(bare.clone(), "/api/v1/reset", body.clone()));
            async move { Ok((number, asked.await?)) }
        };
        let tasks = (0..AT_ONCE).map(reset).collect::<JoinSet<_>>();
        let (won, lost): (Vec<_>, Vec<_>) =
            all(tasks).await?.into_iter().partition(|(_, answer)| answer.status == StatusCode::NO_CONTENT);
        ensure!(won.len() == 1, "round {round}: {} resets worked", won.len());
        ensure!(
            lost.iter().all(|(_, answer)| answer.code() == "invalid_token"),
            "round {round}: not refused"
        );
        opens_alone(server, &email, (won[0].0, lost[0].0)).await?;
    }
    Ok(())
}

/// Fails unless the first of two passwords opens the account, and the second does not.
async fn opens_alone(server: &TestServer, email: &str, (won, lost): (usize, usize)) -> anyhow::Result<()> {
    let mut browser = Client::browser(server);
    let (won, lost) =
        (browser.log_in(email, &password(won)).await?, browser.log_in(email, &password(lost)).await?);
    ensure!(won.status == StatusCode::OK, "the password that was set: {}", won.status);
    ensure!(lost.status == StatusCode::UNAUTHORIZED, "one that was not: {}", lost.status);
    Ok(())
}

/// Changes the password from this browser, which comes back with the answer.
async fn change((number, mut own): (usize, Client)) -> anyhow::Result<(usize, Client, Answer)> {
    let body = json!({ "current": PASSWORD, "new": password(number) });
    let answer = own.json(Method::PUT, "/api/v1/password", &body).await?;
    Ok((number, own, answer))
}

/// Changes of one password from as many sessions: one counts, and its session is the only one that is left (I1).
pub async fn password_changes(server: &TestServer, rounds: usize) -> anyhow::Result<()> {
    for round in 0..rounds {
        let email = format!("kim{round}@example.org");
        register(server, &email).await?;
        let mut browsers = Vec::new();
        for _ in 0..AT_ONCE {
            browsers.push(browser(server, &email).await?);
        }
        let tasks: JoinSet<_> = browsers.into_iter().enumerate().map(change).collect();
        let (mut won, mut alive) = (Vec::new(), 0);
        let mut lost = 0;
        for (number, mut own, answer) in all(tasks).await? {
            match answer.status {
                StatusCode::NO_CONTENT => won.push(number),
                // Its session ended with the change that was first, its password is not the current one any more, or the
                // machine is too slow for so many.
                StatusCode::UNAUTHORIZED | StatusCode::BAD_REQUEST | StatusCode::SERVICE_UNAVAILABLE => {
                    lost = number;
                }
                status => anyhow::bail!("round {round}: {status} {}", answer.body),
            }
            alive += usize::from(by_cookie(&mut own).await? == StatusCode::OK);
        }
        ensure!(won.len() == 1, "round {round}: {} changes counted", won.len());
        ensure!(alive == 1, "round {round}: {alive} sessions live");
        opens_alone(server, &email, (won[0], lost)).await?;
    }
    Ok(())
}
