//! Many at once (attacks SES-09, SES-24, RACE-03, RACE-07, RACE-08; invariants I7, I9, I10): 20 rounds with 50 requests
//! each, on every store.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::ensure;
use countersign_server::admin::{Command, Reply};
use countersign_testkit::{Answer, Client, TestServer, Tokens, on_every_store, on_every_store_with};
use reqwest::{Method, StatusCode};
use serde_json::json;
use tokio::task::JoinSet;

use crate::support::*;

const ROUNDS: usize = 20;
const AT_ONCE: usize = 50;

/// Waits for all of them.
async fn all<T: 'static>(mut tasks: JoinSet<anyhow::Result<T>>) -> anyhow::Result<Vec<T>> {
    let mut done = Vec::new();
    while let Some(joined) = tasks.join_next().await {
        done.push(joined??);
    }
    Ok(done)
}

/// What a request that began after the logout's answer must not get any more.
#[derive(Clone)]
struct Out(Arc<AtomicBool>);

impl Out {
    fn new() -> Self {
        Self(Arc::default())
    }

    fn answered(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    fn is(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

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

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn ses_09_i7_no_request_that_begins_after_the_logouts_answer_is_let_in() {
    on_every_store(async |server| {
        register(&server, KIM).await?;
        for round in 0..ROUNDS {
            let mut kim = both_faces(&server, KIM).await?;
            let (out, mut tasks, bare) = (Out::new(), JoinSet::new(), Client::tool(&server));
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
            assert_eq!(answer.status(), StatusCode::NO_CONTENT);
            out.answered();
            all(tasks).await?;
            kim.is_over(&server).await?;
        }
        Ok(())
    })
    .await;
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

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn race_07_i1_no_token_of_a_refresh_outlives_the_logout_that_it_raced() {
    on_every_store(async |server| {
        register(&server, KIM).await?;
        for _ in 0..ROUNDS {
            let mut kim = both_faces(&server, KIM).await?;
            let (out, mut tasks, bare) = (Out::new(), JoinSet::new(), Client::tool(&server));
            for _ in 0..AT_ONCE {
                tasks.spawn(refresh_on(bare.clone(), kim.tokens.refresh.clone(), out.clone()));
            }
            let answer = kim.browser.request(Method::DELETE, "/api/v1/session").send().await?;
            assert_eq!(answer.status(), StatusCode::NO_CONTENT);
            out.answered();
            for tokens in all(tasks).await?.iter().flatten() {
                assert_eq!(by_token(&server, &tokens.access).await?, StatusCode::UNAUTHORIZED);
            }
            kim.is_over(&server).await?;
        }
        Ok(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn race_07_i1_a_repeated_refresh_looks_once_more_before_its_bytes_leave() {
    on_every_store(async |server| {
        register(&server, KIM).await?;
        let kim = both_faces(&server, KIM).await?;
        // A repeat writes nothing, so nothing guards it: it is held up where its token is made, and the session ends.
        let held = server.random.hold_next();
        let repeat = tokio::spawn(refresh(Client::tool(&server), kim.replaced.clone()));
        held.until_somebody_waits();
        let answer = kim.browser.request(Method::DELETE, "/api/v1/session").send().await?;
        assert_eq!(answer.status(), StatusCode::NO_CONTENT);
        drop(held);
        let repeated = repeat.await??;
        assert_eq!(repeated.status, StatusCode::BAD_REQUEST, "{}", repeated.body);
        assert_eq!(repeated.json()["error"], "invalid_grant");
        Ok(())
    })
    .await;
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

async fn assert_dead(server: &TestServer, (mut client, tokens): Login) -> anyhow::Result<()> {
    let Some(tokens) = tokens else {
        assert_eq!(by_cookie(&mut client).await?, StatusCode::UNAUTHORIZED);
        return Ok(());
    };
    assert_eq!(by_token(server, &tokens.access).await?, StatusCode::UNAUTHORIZED);
    refresh_is_refused(server, &tokens.refresh).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn race_08_fifty_logins_and_refreshes_racing_a_disable_leave_nothing_alive() {
    on_every_store_with(&[UNLIMITED], async |server| {
        let mut let_in = 0;
        for round in 0..ROUNDS {
            let email = format!("kim{round}@example.org");
            register(&server, &email).await?;
            let mut before = both_faces(&server, &email).await?;
            let (mut logins, mut refreshes, bare) = (JoinSet::new(), JoinSet::new(), Client::tool(&server));
            for number in 0..AT_ONCE {
                logins.spawn(log_in(bare.clone(), email.clone(), number % 2 == 0));
            }
            let out = Out::new();
            refreshes.spawn(refresh_on(bare.clone(), before.tokens.refresh.clone(), out.clone()));
            // Some rounds disable at once, others in the midst of the logins.
            for _ in 0..round {
                by_cookie(&mut before.browser).await?;
            }
            operate(&server, Command::AccountDisable { account: email.clone() }).await?;
            out.answered();
            for login in all(logins).await?.into_iter().flatten() {
                let_in += 1;
                assert_dead(&server, login).await?;
            }
            for tokens in all(refreshes).await?.iter().flatten() {
                assert_eq!(by_token(&server, &tokens.access).await?, StatusCode::UNAUTHORIZED);
            }
            before.is_over(&server).await?;
            let shown = operate(&server, Command::AccountShow { account: email.clone() }).await?;
            let Reply::Shown { sessions, .. } = shown else { anyhow::bail!("no account") };
            assert!(sessions.is_empty());
            assert!(log_in(bare, email, true).await?.is_none());
        }
        assert!(let_in > 0, "no login was let in before the disable: nothing raced");
        Ok(())
    })
    .await;
}

async fn refresh(client: Client, token: String) -> anyhow::Result<Answer> {
    client.refresh(&token).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn i10_fifty_refreshes_of_one_token_name_one_successor_which_works() {
    on_every_store(async |server| {
        register(&server, KIM).await?;
        let bare = Client::tool(&server);
        for _ in 0..ROUNDS {
            let first = tokens(&server, KIM).await?;
            let audited = server.audited("grant.refreshed").await?;
            let tasks = (0..AT_ONCE).map(|_| refresh(bare.clone(), first.refresh.clone()));
            let answers = all(tasks.collect()).await?;
            let successors = answers.iter().map(Tokens::of).collect::<anyhow::Result<Vec<_>>>()?;
            assert!(successors.iter().all(|tokens| tokens.refresh == successors[0].refresh));
            assert_eq!(server.audited("grant.refreshed").await?, audited + 1, "one rotation");
            for tokens in &successors {
                assert_eq!(by_token(&server, &tokens.access).await?, StatusCode::OK);
            }
            let next = tokens_of(&server, &successors[0].refresh).await?;
            assert_ne!(next.refresh, successors[0].refresh);
            server.clock.advance(server.app.policy.token.refresh_grace);
            refresh_is_refused(&server, &successors[0].refresh).await?;
            assert_eq!(by_token(&server, &next.access).await?, StatusCode::UNAUTHORIZED);
        }
        Ok(())
    })
    .await;
}

fn password(number: usize) -> String {
    format!("{OTHER_PASSWORD}-{number}")
}

async fn reset(mut client: Client, token: String, number: usize) -> anyhow::Result<(usize, Answer)> {
    let body = json!({ "token": token, "password": password(number) });
    Ok((number, client.json(Method::POST, "/api/v1/reset", &body).await?))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn i9_race_03_fifty_uses_of_one_reset_set_one_password() {
    on_every_store(async |server| {
        for round in 0..ROUNDS {
            let email = format!("kim{round}@example.org");
            register(&server, &email).await?;
            let token = reset_token(&mut Client::browser(&server), &email).await?;
            let bare = Client::tool(&server);
            let tasks = (0..AT_ONCE).map(|number| reset(bare.clone(), token.clone(), number));
            let (won, lost): (Vec<_>, Vec<_>) = all(tasks.collect())
                .await?
                .into_iter()
                .partition(|(_, answer)| answer.status == StatusCode::NO_CONTENT);
            assert_eq!(won.len(), 1, "round {round}");
            assert!(lost.iter().all(|(_, answer)| answer.code() == "invalid_token"));
            let mut browser = Client::browser(&server);
            assert_eq!(browser.log_in(&email, &password(won[0].0)).await?.status, StatusCode::OK);
            assert_eq!(browser.log_in(&email, &password(lost[0].0)).await?.status, StatusCode::UNAUTHORIZED);
        }
        Ok(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn ses_24_fifty_logins_at_once_leave_no_session_more_than_allowed() {
    on_every_store_with(&[("COUNTERSIGN_SESSION_CONCURRENT", "3")], async |server| {
        for round in 0..ROUNDS {
            let email = format!("kim{round}@example.org");
            register(&server, &email).await?;
            let (mut tasks, bare) = (JoinSet::new(), Client::tool(&server));
            for number in 0..AT_ONCE {
                tasks.spawn(log_in(bare.clone(), email.clone(), number % 2 == 0));
            }
            let mut alive = 0;
            let let_in: Vec<_> = all(tasks).await?.into_iter().flatten().collect();
            for (mut client, tokens) in let_in {
                alive += usize::from(match tokens {
                    Some(tokens) => by_token(&server, &tokens.access).await? == StatusCode::OK,
                    None => by_cookie(&mut client).await? == StatusCode::OK,
                });
            }
            assert_eq!(alive, 3, "round {round}");
        }
        Ok(())
    })
    .await;
}
