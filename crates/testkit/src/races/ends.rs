//! Races against an end: of a session, of an account, of the oldest of too many sessions.

use anyhow::ensure;
use countersign_server::admin::{Command, Reply};
use reqwest::{Method, StatusCode};
use serde_json::json;
use tokio::task::JoinSet;

use super::{AT_ONCE, Out, all};
use crate::people::{KIM, PASSWORD, both_faces, by_cookie, by_token, operate, refresh_is_refused, register};
use crate::{Client, TestServer, Tokens};

/// Of an operator, whom a busy database puts off.
const TRIES: u32 = 5;

/// Asks by one of the faces until it was asked once after the logout's answer.
async fn knock(client: Client, token: Option<String>, out: Out) -> anyhow::Result<()> {
    loop {
        let after = out.is();
        let request = match &token {
            Some(token) => Client::request(&client, Method::GET, "/api/v1/session").bearer_auth(token),
            None => client.request(Method::GET, "/api/v1/session"),
        };
        let status = request.send().await?.status();
        if after {
            ensure!(status == StatusCode::UNAUTHORIZED, "{status} after the logout was answered");
            return Ok(());
        }
        ensure!(matches!(status, StatusCode::OK | StatusCode::UNAUTHORIZED), "{status}");
    }
}

/// No request that begins after the logout's answer is let in, by either face (I7, SES-09).
pub async fn logout(server: &TestServer, rounds: usize) -> anyhow::Result<()> {
    register(server, KIM).await?;
    for round in 0..rounds {
        let mut kim = both_faces(server, KIM).await?;
        let (out, mut tasks, bare) = (Out::new(), JoinSet::new(), Client::tool(server));
        for _ in 0..AT_ONCE / 2 {
            tasks.spawn(knock(bare.clone(), Some(kim.tokens.access.clone()), out.clone()));
            tasks.spawn(knock(kim.browser.clone(), None, out.clone()));
        }
        let request = if round % 2 == 0 {
            kim.browser.request(Method::DELETE, "/api/v1/session")
        } else {
            bare.request(Method::DELETE, "/api/v1/session").bearer_auth(&kim.tokens.access)
        };
        let answer = request.send().await?;
        ensure!(answer.status() == StatusCode::NO_CONTENT, "round {round}: {}", answer.status());
        out.answered();
        all(tasks).await?;
        kim.is_over(server).await?;
    }
    Ok(())
}

/// Refreshes on and on until it was refused; every token that it got.
async fn refresh_on(client: Client, mut refresh: String, out: Out) -> anyhow::Result<Vec<Tokens>> {
    let mut got = Vec::new();
    loop {
        let after = out.is();
        let answer = client.refresh(&refresh).await?;
        if answer.status != StatusCode::OK {
            return Ok(got);
        }
        ensure!(!after, "a refresh that began after the logout was answered");
        let tokens = Tokens::of(&answer)?;
        refresh.clone_from(&tokens.refresh);
        got.push(tokens);
    }
}

/// No token of a refresh outlives the logout that it raced (I1, RACE-07).
pub async fn refresh_and_logout(server: &TestServer, rounds: usize) -> anyhow::Result<()> {
    register(server, KIM).await?;
    for round in 0..rounds {
        let mut kim = both_faces(server, KIM).await?;
        let (out, mut tasks, bare) = (Out::new(), JoinSet::new(), Client::tool(server));
        for _ in 0..AT_ONCE {
            tasks.spawn(refresh_on(bare.clone(), kim.tokens.refresh.clone(), out.clone()));
        }
        let answer = kim.browser.request(Method::DELETE, "/api/v1/session").send().await?;
        ensure!(answer.status() == StatusCode::NO_CONTENT, "round {round}: {}", answer.status());
        out.answered();
        for tokens in all(tasks).await?.iter().flatten() {
            is_dead(server, tokens).await?;
        }
        kim.is_over(server).await?;
    }
    Ok(())
}

/// What a login brought: a browser with a cookie, or tokens.
type Login = (Client, Option<Tokens>);

/// A login by one of the faces, if it was let in.
async fn log_in(mut client: Client, email: String, cookie: bool) -> anyhow::Result<Option<Login>> {
    let deliver = if cookie { "cookie" } else { "token" };
    let body = json!({ "identifier": email, "password": PASSWORD, "deliver": deliver });
    let answer = client.json(Method::POST, "/api/v1/login", &body).await?;
    match answer.status {
        StatusCode::OK => Ok(Some((client, (!cookie).then(|| Tokens::of(&answer)).transpose()?))),
        // Or the hashes' queue is full: nobody is let in either.
        StatusCode::UNAUTHORIZED | StatusCode::SERVICE_UNAVAILABLE => Ok(None),
        status => anyhow::bail!("{status}: {}", answer.body),
    }
}

async fn is_dead(server: &TestServer, tokens: &Tokens) -> anyhow::Result<()> {
    let status = by_token(server, &tokens.access).await?;
    ensure!(status == StatusCode::UNAUTHORIZED, "a token of a dead session: {status}");
    Ok(())
}

async fn login_is_dead(server: &TestServer, (mut client, tokens): Login) -> anyhow::Result<()> {
    let Some(tokens) = tokens else {
        let status = by_cookie(&mut client).await?;
        ensure!(status == StatusCode::UNAUTHORIZED, "a cookie of a disabled account: {status}");
        return Ok(());
    };
    is_dead(server, &tokens).await?;
    refresh_is_refused(server, &tokens.refresh).await
}

/// Disables an account, whatever it takes: so many logins at once may keep a slow machine's database busy.
async fn disabled(server: &TestServer, email: &str) -> anyhow::Result<()> {
    for _ in 0..TRIES {
        if operate(server, Command::AccountDisable { account: email.to_owned() }).await.is_ok() {
            return Ok(());
        }
    }
    operate(server, Command::AccountDisable { account: email.to_owned() }).await.map(drop)
}

/// Logins and refreshes racing a disable leave nothing alive (RACE-08).
pub async fn disable(server: &TestServer, rounds: usize) -> anyhow::Result<()> {
    let mut let_in = 0;
    for round in 0..rounds {
        let email = format!("kim{round}@example.org");
        register(server, &email).await?;
        let mut before = both_faces(server, &email).await?;
        let (mut logins, mut refreshes, bare) = (JoinSet::new(), JoinSet::new(), Client::tool(server));
        for number in 0..AT_ONCE {
            logins.spawn(log_in(bare.clone(), email.clone(), number % 2 == 0));
        }
        let out = Out::new();
        refreshes.spawn(refresh_on(bare.clone(), before.tokens.refresh.clone(), out.clone()));
        // Some rounds disable at once, others in the midst of the logins.
        for _ in 0..(round * 7 + 10) % 20 {
            by_cookie(&mut before.browser).await?;
        }
        disabled(server, &email).await?;
        out.answered();
        for login in all(logins).await?.into_iter().flatten() {
            let_in += 1;
            login_is_dead(server, login).await?;
        }
        for tokens in all(refreshes).await?.iter().flatten() {
            is_dead(server, tokens).await?;
        }
        before.is_over(server).await?;
        let shown = operate(server, Command::AccountShow { account: email.clone() }).await?;
        let Reply::Shown { sessions, .. } = shown else { anyhow::bail!("no account") };
        ensure!(sessions.is_empty(), "round {round}: {} sessions live", sessions.len());
        ensure!(log_in(bare, email, true).await?.is_none(), "round {round}: a disabled account was let in");
    }
    ensure!(let_in > 0, "no login was let in before the disable: nothing raced");
    Ok(())
}

/// The setting of a server for [`session_limit`].
pub const THREE_SESSIONS: (&str, &str) = ("COUNTERSIGN_SESSION_CONCURRENT", "3");

/// Logins at once leave no session more than allowed (SES-24): for a server with [`THREE_SESSIONS`].
pub async fn session_limit(server: &TestServer, rounds: usize) -> anyhow::Result<()> {
    for round in 0..rounds {
        let email = format!("kim{round}@example.org");
        register(server, &email).await?;
        let (mut tasks, bare) = (JoinSet::new(), Client::tool(server));
        for number in 0..AT_ONCE {
            tasks.spawn(log_in(bare.clone(), email.clone(), number % 2 == 0));
        }
        let mut alive = 0;
        let let_in: Vec<_> = all(tasks).await?.into_iter().flatten().collect();
        for (mut client, tokens) in let_in {
            alive += usize::from(match tokens {
                Some(tokens) => by_token(server, &tokens.access).await? == StatusCode::OK,
                None => by_cookie(&mut client).await? == StatusCode::OK,
            });
        }
        ensure!(alive == 3, "round {round}: {alive} sessions live");
    }
    Ok(())
}
