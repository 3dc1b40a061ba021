//! Guessing, and being kept out by the guesses of others (attacks LOG-12 to LOG-19).

use std::net::IpAddr;

use anyhow::{Context, ensure};
use countersign_core::Span;
use countersign_testkit::{
    Answer, Client, Options, StoreKind, TestServer, on_every_store, on_every_store_with,
};
use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::people::{at_once, likeness, member};
use crate::support::*;

pub(crate) const WRONG: StatusCode = StatusCode::UNAUTHORIZED;
pub(crate) const THROTTLED: StatusCode = StatusCode::TOO_MANY_REQUESTS;

/// The server believes what the test says of its address.
pub(crate) const PROXY: (&str, &str) = ("COUNTERSIGN_SERVER_TRUSTED_PROXIES", "127.0.0.1");
/// All at once is more than one address's share of the queue.
const ROOM: (&str, &str) = ("COUNTERSIGN_PASSWORD_QUEUE", "4096");

/// A login by API from an address.
pub(crate) async fn log_in_from(
    client: &mut Client,
    address: &str,
    (identifier, password): (&str, &str),
) -> anyhow::Result<Answer> {
    let body = json!({ "identifier": identifier, "password": password, "deliver": "cookie" });
    let request = client.request(Method::POST, "/api/v1/login").json(&body);
    client.send(request.header("x-forwarded-for", address)).await
}

/// A wrong guess.
async fn guess(mut client: Client, identifier: String) -> anyhow::Result<StatusCode> {
    Ok(client.log_in(&identifier, OTHER_PASSWORD).await?.status)
}

/// Wrong guesses at an account, each from another address.
pub(crate) async fn lock(server: &TestServer, identifier: &str) -> anyhow::Result<()> {
    lock_with(server, identifier, OTHER_PASSWORD).await
}

pub(crate) async fn lock_with(server: &TestServer, identifier: &str, password: &str) -> anyhow::Result<()> {
    for number in 0..10 {
        let address = format!("203.0.113.{number}");
        let mut stranger = Client::tool(server);
        let answer = log_in_from(&mut stranger, &address, (identifier, password)).await?;
        ensure!(answer.status == WRONG, "guess {number}: {}", answer.body);
    }
    Ok(())
}

#[tokio::test]
async fn log_12_an_account_has_one_counter_over_all_its_spellings_and_paths() {
    on_every_store(async |server| {
        register(&server, KIM).await?;
        let spellings = [KIM, "KIM@EXAMPLE.ORG", "kim＠example.org", " Kim@Example.org "];
        let mut compared = 0;
        for number in 0..100 {
            let name = spellings[number % spellings.len()];
            let mut client = Client::browser(&server);
            let answer = if number % 2 == 0 {
                client.log_in(name, OTHER_PASSWORD).await?
            } else {
                client.form("/login", &[("username", name), ("password", OTHER_PASSWORD)]).await?
            };
            compared += usize::from(answer.status == WRONG);
            ensure!([WRONG, THROTTLED].contains(&answer.status), "{}", answer.status);
        }
        assert_eq!(compared, 10);
        // The right password is not even looked at, until the window is over.
        let refused = Client::tool(&server).log_in(KIM, PASSWORD).await?;
        assert_eq!((refused.status, &*refused.code()), (THROTTLED, "throttled"));
        let wait: i64 = refused.header("retry-after").parse()?;
        assert!((900..=960).contains(&wait), "{wait}");
        server.clock.advance(Span::seconds(wait));
        assert_eq!(Client::tool(&server).log_in(KIM, PASSWORD).await?.status, StatusCode::OK);
        Ok(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn log_13_of_five_hundred_wrong_tries_at_once_ten_are_compared() -> anyhow::Result<()> {
    let (room, places) = ROOM;
    // What is counted lies in memory, whatever the store.
    let options = Options::on(StoreKind::Memory).with(room, places);
    // The connections of a round may still be open in the next.
    let options = options.with("COUNTERSIGN_SERVER_CONNECTIONS_PER_ADDRESS", "5000");
    let server = TestServer::start(options).await?;
    for round in 0..3 {
        let email = format!("person{round}@example.org");
        register(&server, &email).await?;
        let failed = server.audited("login.failed").await?;
        let pool = Client::tool(&server);
        let answers = at_once(500, |_| guess(pool.clone(), email.clone())).await?;
        let compared = answers.iter().filter(|status| **status == WRONG).count();
        let refused = answers.iter().filter(|status| **status == THROTTLED).count();
        assert_eq!((compared, refused), (10, 490));
        assert_eq!(server.audited("login.failed").await?, failed + 10);
        assert_eq!(server.audited("limit.hit").await?, round + 1, "a line for each refused request");
    }
    Ok(())
}

#[tokio::test]
async fn log_15_dos_11_a_known_device_gets_in_whoever_locks_the_account() {
    on_every_store_with(&[PROXY], async |server| {
        // Many accounts, locked by a script.
        for number in 0..10 {
            let email = format!("person{number}@example.org");
            register(&server, &email).await?;
            let mut own = browser(&server, &email).await?;
            own.json(Method::DELETE, "/api/v1/session", &json!({})).await?;
            lock(&server, &email).await?;
            let right = (&*email, PASSWORD);
            let stranger = log_in_from(&mut Client::browser(&server), "198.51.100.7", right).await?;
            ensure!(stranger.status == THROTTLED, "{}", stranger.body);
            let owner = log_in_from(&mut own, "198.51.100.7", right).await?;
            ensure!(owner.status == StatusCode::OK, "{}", owner.body);
            let owner = own.form("/login", &[("username", &*email), ("password", PASSWORD)]).await?;
            ensure!(owner.status == StatusCode::SEE_OTHER);
            let stranger = log_in_from(&mut Client::browser(&server), "203.0.113.1", right).await?;
            ensure!(stranger.status == THROTTLED, "the owner's login unlocked the account for others");
        }
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn log_15_a_device_cookie_is_worth_nothing_but_for_its_own_account_and_not_without_end() {
    on_every_store_with(&[PROXY], async |server| {
        register(&server, KIM).await?;
        register(&server, LEE).await?;
        let (kim, mut lee) = (browser(&server, KIM).await?, browser(&server, LEE).await?);
        let of_kim = kim.cookie(DEVICE).context("no cookie")?.to_owned();
        lock(&server, KIM).await?;
        // Another account's, none that is one, one that was changed.
        let mut forged = of_kim.clone();
        forged.replace_range(30..31, if &forged[30..31] == "A" { "B" } else { "A" });
        for cookie in
            [lee.cookie(DEVICE).context("no cookie")?, "AQ", "", &forged, &of_kim[..of_kim.len() - 1]]
        {
            let mut thief = Client::browser(&server);
            thief.set_cookie(DEVICE, cookie);
            let answer = log_in_from(&mut thief, "198.51.100.7", (KIM, PASSWORD)).await?;
            ensure!(answer.status == THROTTLED, "{cookie}: {}", answer.status);
        }
        let mut thief = Client::browser(&server);
        thief.set_cookie(DEVICE, &of_kim);
        ensure!(by_cookie(&mut thief).await? == StatusCode::UNAUTHORIZED);
        // Its own guesses are counted, wherever they come from, and then it is as unknown as any.
        for number in 0..10 {
            let address = format!("198.51.100.{number}");
            let answer = log_in_from(&mut thief, &address, (KIM, OTHER_PASSWORD)).await?;
            ensure!(answer.status == WRONG, "{number}: {}", answer.status);
        }
        let answer = log_in_from(&mut thief, "198.51.100.99", (KIM, PASSWORD)).await?;
        ensure!(answer.status == THROTTLED, "a device guesses without end");
        let lees = log_in_from(&mut lee, "198.51.100.99", (LEE, PASSWORD)).await?;
        ensure!(lees.status == StatusCode::OK, "one account's guesses lock another's device");
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn log_15_i14_a_refusal_is_the_same_for_every_name_and_says_what_to_do() {
    on_every_store_with(&[PROXY], async |server| {
        register(&server, KIM).await?;
        let mut likenesses = Vec::new();
        for name in [KIM, "nobody@example.org", "nobody", "@"] {
            lock(&server, name).await?;
            let api = log_in_from(&mut Client::browser(&server), "198.51.100.7", (name, PASSWORD)).await?;
            let fields = [("username", name), ("password", PASSWORD)];
            let page = Client::browser(&server).form("/login", &fields).await?;
            assert_eq!((api.status, page.status), (THROTTLED, THROTTLED), "{name}");
            assert_eq!(api.header("retry-after"), page.header("retry-after"), "{name}");
            assert!(page.body.contains("min, then try again") && page.body.contains("href=\"/recover\""));
            likenesses.push((likeness(&api, name), likeness(&page, name)));
        }
        assert!(likenesses.iter().all(|other| *other == likenesses[0]), "{likenesses:#?}");
        let mut korean = Client::browser(&server);
        korean.set_cookie("__Host-Http-locale", "ko");
        let page = korean.form("/login", &[("username", KIM), ("password", PASSWORD)]).await?;
        assert!(page.body.contains("분 뒤에 다시 시도해 주세요"));
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn log_16_a_locked_account_is_locked_on_every_path_and_its_owner_is_not() {
    on_every_store_with(&[PROXY], async |server| {
        let mut owner = member(&server, KIM).await?;
        let tokens = tokens(&server, KIM).await?;
        lock(&server, KIM).await?;
        let body = json!({ "identifier": KIM, "password": PASSWORD, "deliver": "token" });
        let by_token = Client::tool(&server).json(Method::POST, "/api/v1/login", &body).await?;
        assert_eq!(by_token.status, THROTTLED);
        let page =
            Client::browser(&server).form("/login", &[("username", KIM), ("password", PASSWORD)]).await?;
        assert_eq!(page.status, THROTTLED);
        // No guess: a refresh, a session that lives, and a new password by mail.
        assert_eq!(Client::tool(&server).refresh(&tokens.refresh).await?.status, StatusCode::OK);
        assert_eq!(by_cookie(&mut owner).await?, StatusCode::OK);
        let change = json!({ "current": PASSWORD, "new": OTHER_PASSWORD });
        let changed = owner.json(Method::PUT, "/api/v1/password", &change).await?;
        assert_eq!(changed.status, StatusCode::NO_CONTENT, "{}", changed.body);
        let mut elsewhere = Client::browser(&server);
        let token = reset_token(&mut elsewhere, KIM).await?;
        let reset = json!({ "token": token, "password": PASSWORD });
        let reset = elsewhere.json(Method::POST, "/api/v1/reset", &reset).await?;
        assert_eq!(reset.status, StatusCode::NO_CONTENT, "{}", reset.body);
        // Whoever reads the account's mail is no stranger to it: the new password can be used at once.
        assert_eq!(elsewhere.log_in(KIM, PASSWORD).await?.status, StatusCode::OK);
        assert_eq!(Client::browser(&server).log_in(KIM, PASSWORD).await?.status, THROTTLED);
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn log_16_log_30_a_session_has_ten_guesses_at_its_own_password() {
    on_every_store(async |server| {
        let mut thief = member(&server, KIM).await?;
        let mut compared = 0;
        for number in 0..20 {
            let answer = if number % 2 == 0 {
                let body = json!({ "current": OTHER_PASSWORD, "new": "granite.lantern.mosaic.59" });
                thief.json(Method::PUT, "/api/v1/password", &body).await?
            } else {
                let fields = [("current", OTHER_PASSWORD), ("new", "granite.lantern.mosaic.59")];
                thief.form("/account/security", &fields).await?
            };
            compared += usize::from(answer.status == StatusCode::BAD_REQUEST);
            ensure!([StatusCode::BAD_REQUEST, THROTTLED].contains(&answer.status), "{}", answer.status);
        }
        assert_eq!(compared, 10);
        // They are guesses at the account like any other.
        assert_eq!(Client::tool(&server).log_in(KIM, PASSWORD).await?.status, THROTTLED);
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn log_17_the_attackers_own_login_between_his_guesses_resets_nothing() {
    on_every_store(async |server| {
        register(&server, KIM).await?;
        register(&server, LEE).await?;
        for number in 0..10 {
            let guess = Client::tool(&server).log_in(KIM, OTHER_PASSWORD).await?;
            ensure!(guess.status == WRONG, "{number}");
            ensure!(Client::tool(&server).log_in(LEE, PASSWORD).await?.status == StatusCode::OK);
        }
        ensure!(Client::tool(&server).log_in(KIM, OTHER_PASSWORD).await?.status == THROTTLED);
        for number in 0..90 {
            let name = format!("name{number}@example.org");
            ensure!(Client::tool(&server).log_in(&name, OTHER_PASSWORD).await?.status == WRONG, "{number}");
        }
        ensure!(
            Client::tool(&server).log_in(LEE, PASSWORD).await?.status == THROTTLED,
            "the address is free"
        );
        ensure!(server.audited("limit.hit").await? == 2);
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn log_18_a_new_code_is_no_new_guess() {
    on_every_store(async |server| {
        let mut browser = Client::browser(&server);
        let body = json!({ "email": KIM, "password": PASSWORD });
        browser.json(Method::POST, "/api/v1/accounts", &body).await?;
        let mut answers = Vec::new();
        for number in 0..20 {
            if number % 5 == 0 {
                browser.form("/verify/resend", &[("email", KIM)]).await?;
            }
            let code = format!("{number:06}");
            let body = json!({ "email": KIM, "code": code });
            answers.push(browser.json(Method::POST, "/api/v1/accounts/verify", &body).await?.status);
        }
        let refused = answers.iter().filter(|status| **status == THROTTLED).count();
        ensure!(refused == 10 && answers[..10].iter().all(|status| *status == WRONG), "{answers:?}");
        let kept = server.audit().await?;
        let compared = kept.iter().filter(|line| line.kind == "verification.tried");
        ensure!(compared.clone().count() == 10);
        ensure!(compared.filter(|line| line.detail.contains_key("compared")).count() == 5);
        // The link that was mailed works all the same.
        let link = browser.newest_mail(KIM).await?["links"][0].as_str().context("no link")?.to_owned();
        let token = link.split_once("token=").context("no token")?.1;
        let body = json!({ "token": token, "password": PASSWORD });
        let verified = browser.json(Method::POST, "/api/v1/accounts/verify", &body).await?;
        ensure!(verified.status == StatusCode::NO_CONTENT, "{}", verified.body);
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn dos_03_an_address_that_is_full_of_guesses_keeps_no_other_out() -> anyhow::Result<()> {
    let (name, value) = PROXY;
    let server = TestServer::start(Options::on(StoreKind::Memory).with(name, value)).await?;
    register(&server, KIM).await?;
    let pool = Client::tool(&server);
    let flood = |number: usize| {
        let mut client = pool.clone();
        async move {
            let name = format!("name{number}@example.org");
            Ok(log_in_from(&mut client, "203.0.113.1", (&name, OTHER_PASSWORD)).await?.status)
        }
    };
    let (flooded, other) = tokio::join!(at_once(300, flood), async {
        let mut answers = Vec::new();
        for _ in 0..5 {
            answers
                .push(log_in_from(&mut Client::tool(&server), "198.51.100.7", (KIM, PASSWORD)).await?.status);
        }
        anyhow::Ok(answers)
    });
    assert_eq!(other?, [StatusCode::OK; 5]);
    let flooded = flooded?;
    assert!(flooded.iter().filter(|status| **status == WRONG).count() <= 100);
    assert!(flooded.contains(&StatusCode::SERVICE_UNAVAILABLE) || flooded.contains(&THROTTLED));
    Ok(())
}

#[tokio::test]
async fn dos_08_one_address_asks_for_mails_to_a_hundred_people_and_not_to_one_more() {
    on_every_store_with(&[PROXY], async |server| {
        let mut tool = Client::browser(&server);
        let ask = async |client: &mut Client, number: u32, address: &str| {
            let email = format!("person{number}@example.org");
            let (path, body) = if number.is_multiple_of(2) {
                ("/api/v1/recover", json!({ "email": email }))
            } else {
                ("/api/v1/accounts", json!({ "email": email, "password": PASSWORD }))
            };
            let request = client.request(Method::POST, path).json(&body).header("x-forwarded-for", address);
            client.send(request).await
        };
        for number in 0..100 {
            let answer = ask(&mut tool, number, "2001:db8::1").await?;
            ensure!(answer.status == StatusCode::ACCEPTED, "{number}: {}", answer.body);
        }
        for number in [100, 101] {
            let answer = ask(&mut tool, number, "2001:db8::ffff").await?;
            ensure!(answer.status == THROTTLED && answer.code() == "throttled", "{}", answer.body);
            ensure!(ask(&mut tool, number, "2001:db8:0:1::1").await?.status == StatusCode::ACCEPTED);
        }
        // Those who were written to may be written to again, as often as an address may be.
        ensure!(ask(&mut tool, 7, "2001:db8::1").await?.status == StatusCode::ACCEPTED);
        ensure!(server.audited("limit.hit").await? == 1);
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn logg_03_a_limit_that_is_hit_is_in_the_audit_log_once_without_what_was_typed() -> anyhow::Result<()> {
    let (name, value) = PROXY;
    let options = Options::on(StoreKind::Sqlite).with(name, value);
    let server = TestServer::start(options.with("COUNTERSIGN_THROTTLE_GLOBAL", "100")).await?;
    register(&server, KIM).await?;
    for number in 0..10 {
        lock(&server, &format!("typed-{number}@example.org")).await?;
    }
    lock(&server, KIM).await.unwrap_err();
    for _ in 0..20 {
        let answer = log_in_from(&mut Client::tool(&server), "198.51.100.7", (KIM, PASSWORD)).await?;
        assert_eq!(answer.status, StatusCode::OK, "a stranger from elsewhere is let in in unusual times");
    }
    let lines = server.audit().await?;
    let hits: Vec<_> = lines.iter().filter(|line| line.kind == "limit.hit").collect();
    let with = |limit: &str| hits.iter().filter(|line| line.detail["limit"] == limit).count();
    assert_eq!(with("global"), 1, "{hits:?}");
    assert!(with("prefix") >= 1, "in unusual times an address has a tenth");
    assert!(hits.iter().all(|line| line.ip.as_deref().is_some_and(|ip| ip.parse::<IpAddr>().is_ok())));
    assert!(hits.iter().all(|line| !format!("{line:?}").contains("typed")));
    Ok(())
}

#[tokio::test]
async fn without_limits_nobody_is_refused() -> anyhow::Result<()> {
    let (name, value) = UNLIMITED;
    let server = TestServer::start(Options::on(StoreKind::Memory).with(name, value)).await?;
    register(&server, KIM).await?;
    for _ in 0..120 {
        assert_eq!(Client::tool(&server).log_in(KIM, OTHER_PASSWORD).await?.status, WRONG);
    }
    assert_eq!(server.audited("limit.hit").await?, 0);
    Ok(())
}
