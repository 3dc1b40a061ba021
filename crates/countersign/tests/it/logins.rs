//! Logging in: what a stranger can learn from it, and what it reads.

use anyhow::{Context, ensure};
use countersign_core::account::change::Change;
use countersign_testkit::{
    Client, Options, StoreKind, TestServer, Tokens, on_every_store, on_every_store_with, patiently,
};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::people::{at_once, fifty, likeness, member, opens};
use crate::support::{self, KIM, LEE, OTHER_PASSWORD, PASSWORD, SESSION};

/// Fifty at once from one address are more than its share of the queue: what is tested here is another thing.
const ROOM: (&str, &str) = ("COUNTERSIGN_PASSWORD_QUEUE", "4096");

#[tokio::test]
async fn log_01_i14_a_wrong_password_and_no_such_account_get_the_same_answer() {
    on_every_store(async |server| {
        support::register(&server, KIM).await?;
        support::register(&server, LEE).await?;
        server.change_account(LEE, Change::Disable).await?;
        let api = async |identifier: &str, password: &str, deliver: &str| {
            let body = json!({ "identifier": identifier, "password": password, "deliver": deliver });
            let answer = Client::browser(&server).json(Method::POST, "/api/v1/login", &body).await?;
            ensure!(answer.code() == "invalid_credentials", "{identifier}: {}", answer.body);
            Ok(likeness(&answer, identifier))
        };
        let page = async |identifier: &str, password: &str| {
            let fields = [("username", identifier), ("password", password)];
            let answer = Client::browser(&server).form("/login", &fields).await?;
            ensure!(answer.status == StatusCode::UNAUTHORIZED && answer.cookies().is_empty());
            Ok(likeness(&answer, identifier))
        };
        let (by_api, by_page) = (api(KIM, OTHER_PASSWORD, "cookie").await?, page(KIM, OTHER_PASSWORD).await?);
        for (identifier, password) in [
            ("nobody@example.org", OTHER_PASSWORD),
            ("nobody", OTHER_PASSWORD),
            (LEE, PASSWORD), // disabled, and the right password
            (LEE, OTHER_PASSWORD),
            (KIM, " "),
            (KIM, ""),
            ("@", PASSWORD),
            ("acc_01890a5d-ac96-774b-bcce-b302099a8057", PASSWORD),
        ] {
            ensure!(api(identifier, password, "cookie").await? == by_api, "{identifier} {password:?}");
            ensure!(api(identifier, password, "token").await? == by_api, "{identifier} {password:?}");
            ensure!(page(identifier, password).await? == by_page, "{identifier} {password:?}");
        }
        ensure!(server.audited("session.opened").await? == 0);
        ensure!(server.audited("login.failed").await? >= 26, "a failure is not in the audit log");
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn log_09_a_password_is_the_same_in_every_form_of_its_characters_and_no_other_is() {
    on_every_store(async |server| {
        let table = [
            ("caf\u{e9} tandem oyster", "cafe\u{301} tandem oyster", true),
            ("１２ tandem oyster ９", "12 tandem oyster 9", true),
            ("🐎🔋📎🧷 oyster 🥨", "🐎🔋📎🧷 oyster 🥨", true),
            (" tandem oyster 41 ", "tandem oyster 41", false),
            ("tandem  oyster 41", "tandem oyster 41", false),
            ("Tandem Oyster 41", "tandem oyster 41", false),
        ];
        for (number, (chosen, typed, same)) in table.into_iter().enumerate() {
            let email = format!("person{number}@example.org");
            Client::browser(&server).register(&email, chosen).await?;
            ensure!(opens(&server, &email, chosen).await?, "{chosen:?} does not open its account");
            ensure!(opens(&server, &email, typed).await? == same, "{chosen:?} and {typed:?}");
        }
        let longest = format!("violet tandem {}", "x".repeat(1010));
        Client::browser(&server).register(KIM, &longest).await?;
        ensure!(opens(&server, KIM, &longest).await?);
        ensure!(!opens(&server, KIM, &longest[..1023]).await?, "a password was cut off");
        ensure!(!opens(&server, KIM, &format!("{longest}x")).await?, "a password was cut off");
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn log_10_log_28_what_is_no_text_or_comes_twice_is_refused_and_hurts_nobody() {
    on_every_store(async |server| {
        support::register(&server, KIM).await?;
        let raw = async |path: &str, content_type: &str, body: Vec<u8>| {
            let mut client = Client::browser(&server);
            let request = client.request(Method::POST, path).header("content-type", content_type).body(body);
            client.send(request).await
        };
        let (form, with_json) = ("application/x-www-form-urlencoded", "application/json");
        let password = PASSWORD;
        for body in [
            format!(r#"{{"identifier":"\ud800","password":"{password}","deliver":"cookie"}}"#).into_bytes(),
            [b"{\"identifier\":\"", &[0xff][..], b"\",\"password\":\"x\",\"deliver\":\"cookie\"}"].concat(),
            json!({ "identifier": [KIM, LEE], "password": password, "deliver": "cookie" }).to_string().into(),
            json!({ "identifier": { "$ne": "" }, "password": { "$ne": "" }, "deliver": "cookie" })
                .to_string()
                .into(),
            json!({ "identifier": KIM, "password": null, "deliver": "cookie" }).to_string().into(),
            json!({ "identifier": KIM, "password": password, "deliver": ["cookie"] }).to_string().into(),
            format!(
                r#"{{"identifier":"x@y.z","identifier":"{KIM}","password":"{password}","deliver":"cookie"}}"#
            )
            .into(),
            format!(r#"[{{"identifier":"{KIM}","password":"{password}","deliver":"cookie"}}]"#).into(),
        ] {
            let shown = String::from_utf8_lossy(&body).into_owned();
            let answer = raw("/api/v1/login", with_json, body).await?;
            ensure!(answer.status == 400 && answer.code() == "invalid_request", "{shown}: {}", answer.body);
        }
        for body in [
            "username=%ff&password=x".to_owned(),
            "username=%C0%AF&password=x".to_owned(),
            "username=%ED%A0%80&password=x".to_owned(),
            format!("username=nobody&username={KIM}&password={password}"),
            format!("username={KIM}&password=x&password={password}"),
            format!("username={KIM}&password=x&%70assword={password}"),
        ] {
            let answer = raw("/login", form, body.clone().into_bytes()).await?;
            ensure!(answer.status == 400 && answer.cookies().is_empty(), "{body}: {}", answer.status);
        }
        // A query is no part of the form.
        let query = format!("/login?username={KIM}&password={password}");
        ensure!(raw(&query, form, Vec::new()).await?.status == StatusCode::UNAUTHORIZED);
        let query = format!("/api/v1/login?identifier={KIM}&password={password}&deliver=cookie");
        ensure!(raw(&query, with_json, b"{}".to_vec()).await?.status == StatusCode::BAD_REQUEST);
        ensure!(opens(&server, KIM, PASSWORD).await?);
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn log_11_every_twin_of_an_identifier_names_the_one_account() {
    on_every_store(async |server| {
        let mut browser = member(&server, "Straße.Kim@example.org").await?;
        let account = browser.get("/api/v1/session").await?.json()["account"]["id"].clone();
        for twin in [
            "straße.kim@example.org",
            "STRASSE.KIM@EXAMPLE.ORG",
            "strasse.kim＠example.org",
            "ｓtraße.kim@example.org",
            "straße.kım@example.org",
            " straße.kim@example.org ",
        ] {
            let answer = Client::browser(&server).log_in(twin, PASSWORD).await?;
            let json = answer.json();
            ensure!(
                answer.status == StatusCode::OK && json["account"]["id"] == account,
                "{twin}: {}",
                answer.body
            );
        }
        for other in
            ["straße\u{200b}.kim@example.org", "\u{202e}straße.kim@example.org", "straße.kim@example.org."]
        {
            ensure!(!opens(&server, other, PASSWORD).await?, "{other:?}");
        }
        Ok(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn log_31_fifty_logins_at_once_hash_an_old_password_anew_exactly_once() -> anyhow::Result<()> {
    for kind in StoreKind::testable().into_iter().filter(|kind| *kind != StoreKind::Memory) {
        let server = TestServer::start(Options::on(kind)).await?;
        let people: Vec<String> = (0..20).map(|number| format!("person{number}@example.org")).collect();
        for email in &people {
            support::register(&server, email).await?;
        }
        let settings = [ROOM, ("COUNTERSIGN_PASSWORD_ITERATIONS", "2")];
        let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let server = server.restart(settings.into()).await?;
        for (round, email) in people.iter().enumerate() {
            let body = json!({ "identifier": email, "password": PASSWORD, "deliver": "token" });
            let answers = fifty(&server, "/api/v1/login", |_| body.clone()).await?;
            ensure!(answers.iter().all(|status| *status == StatusCode::OK), "{kind:?}: {answers:?}");
            ensure!(server.audited("password.upgraded").await? == round + 1, "{kind:?}: not once");
        }
        ensure!(!opens(&server, KIM, PASSWORD).await?);
        ensure!(
            opens(&server, &people[0], PASSWORD).await?
                && !opens(&server, &people[0], OTHER_PASSWORD).await?
        );
        ensure!(server.audited("password.upgraded").await? == people.len(), "{kind:?}: hashed anew again");
    }
    Ok(())
}

#[tokio::test]
async fn log_33_i13_a_fresh_server_has_no_account_and_no_way_to_set_one_up() {
    on_every_store(async |server| {
        let mut client = Client::browser(&server);
        for name in ["admin", "root", "administrator", "countersign", "admin@localhost", "admin@example.org"]
        {
            for password in [name, "admin", "password", "changeme", "countersign", ""] {
                ensure!(!opens(&server, name, password).await?, "{name} {password}");
            }
        }
        for path in [
            "/setup",
            "/install",
            "/admin",
            "/admin/setup",
            "/api/v1/setup",
            "/api/v1/admin/accounts",
            "/init",
        ] {
            for method in [Method::GET, Method::POST] {
                let answer = client.send(client.request(method, path).json(&json!({}))).await?;
                ensure!(answer.status == StatusCode::NOT_FOUND, "{path}: {}", answer.status);
            }
        }
        ensure!(server.audited("account.created").await? == 0);
        Ok(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn race_12_a_thousand_logins_over_shared_connections_never_mix_two_people_up() {
    on_every_store_with(&[ROOM], async |server| {
        let people: Vec<String> = (0..20).map(|number| format!("person{number}@example.org")).collect();
        for email in &people {
            support::register(&server, email).await?;
        }
        let pool = Client::tool(&server);
        let visit = |task: usize| {
            let (pool, people) = (pool.clone(), people.clone());
            visits(pool, people, task)
        };
        at_once(50, visit).await?;
        ensure!(server.audited("session.opened").await? == 1000);
        Ok(())
    })
    .await;
}

/// Twenty people's logins, one after the other.
async fn visits(pool: Client, people: Vec<String>, task: usize) -> anyhow::Result<()> {
    for turn in 0..20 {
        let email = &people[(task + turn * 7) % people.len()];
        visit(pool.clone(), email, task.is_multiple_of(2)).await.with_context(|| email.clone())?;
    }
    Ok(())
}

/// Logs in and asks who one is.
async fn visit(mut client: Client, email: &str, by_cookie: bool) -> anyhow::Result<()> {
    let deliver = if by_cookie { "cookie" } else { "token" };
    let body = json!({ "identifier": email, "password": PASSWORD, "deliver": deliver });
    let answer = patiently(|| {
        let (mut client, body) = (client.clone(), body.clone());
        async move { client.json(Method::POST, "/api/v1/login", &body).await }
    })
    .await?;
    let told: Value = if by_cookie {
        ensure!(answer.json()["account"]["email"] == email, "the login answers {}", answer.body);
        let own = |cookie: &str| Some(cookie.split_once(';')?.0.strip_prefix(SESSION)?[1..].to_owned());
        let secret = answer.cookies().into_iter().find_map(own).context("no cookie")?;
        client.set_cookie(SESSION, &secret);
        client.get("/api/v1/session").await?.json()
    } else {
        let tokens = Tokens::of(&answer)?;
        client.bearer(Method::GET, "/api/v1/session", &tokens.access).await?.json()
    };
    ensure!(told["account"]["email"] == email, "asked, the server says {told}");
    Ok(())
}
