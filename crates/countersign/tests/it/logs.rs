//! What the logs, the audit log and the database keep of an account's whole life: what happened, and no secret.

use anyhow::{Context, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_core::Span;
use countersign_testkit::logs::logs;
use countersign_testkit::{Answer, Client, Options, StoreKind, TestServer, Tokens};
use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::people::{mailed_token, percent};
use crate::support::{KIM, LOGIN, SESSION};

/// Passwords that nothing else here is called.
const FIRST: &str = "hazel quartz umbrella 1871";
const SECOND: &str = "amber falcon tunic 2903";
const THIRD: &str = "cobalt ledger pigeon 5520";
const WRONG: &str = "wrong magnolia guess 3317";

/// An account's life, with every secret that was part of it and every answer that it got.
struct Life {
    server: TestServer,
    browser: Client,
    secrets: Vec<String>,
    answers: Vec<Answer>,
}

impl Life {
    fn begin(server: TestServer) -> Self {
        let secrets = [FIRST, SECOND, THIRD, WRONG].map(str::to_owned).to_vec();
        Self { browser: Client::browser(&server), server, secrets, answers: Vec::new() }
    }

    /// Sends JSON and keeps the answer, and the secrets that it set.
    async fn json(
        &mut self,
        method: Method,
        path: &str,
        body: serde_json::Value,
    ) -> anyhow::Result<StatusCode> {
        let answer = self.browser.json(method, path, &body).await?;
        Ok(self.keep(answer))
    }

    fn keep(&mut self, answer: Answer) -> StatusCode {
        for cookie in [SESSION, LOGIN] {
            self.secrets.extend(self.browser.cookie(cookie).map(str::to_owned));
        }
        let status = answer.status;
        self.answers.push(answer);
        status
    }

    /// The secret of the newest mail, and its code.
    async fn mailed(&mut self) -> anyhow::Result<String> {
        let mail = self.browser.newest_mail(KIM).await?;
        self.secrets.extend(mail["code"].as_str().map(str::to_owned));
        let token = mailed_token(&self.server, KIM).await?;
        self.secrets.push(token.clone());
        Ok(token)
    }

    fn keep_tokens(&mut self, tokens: &Tokens) {
        self.secrets.extend([tokens.access.clone(), tokens.refresh.clone()]);
        // A part of a token is as good as the whole where somebody else has the rest.
        self.secrets.extend(tokens.access.rsplit('.').next().map(str::to_owned));
    }

    async fn register(&mut self) -> anyhow::Result<()> {
        let body = json!({ "email": KIM, "password": FIRST, "name": "Kim" });
        ensure!(self.json(Method::POST, "/api/v1/accounts", body.clone()).await? == StatusCode::ACCEPTED);
        let token = self.mailed().await?;
        let wrong = json!({ "email": KIM, "code": "000000", "password": WRONG });
        self.json(Method::POST, "/api/v1/accounts/verify", wrong).await?;
        let verify = json!({ "token": token });
        ensure!(self.json(Method::POST, "/api/v1/accounts/verify", verify).await? == StatusCode::NO_CONTENT);
        ensure!(self.json(Method::POST, "/api/v1/accounts", body).await? == StatusCode::ACCEPTED, "a notice");
        Ok(())
    }

    async fn use_both_faces(&mut self) -> anyhow::Result<()> {
        let login = |password: &str, deliver: &str| json!({ "identifier": KIM, "password": password, "deliver": deliver });
        ensure!(self.json(Method::POST, "/api/v1/login", login(WRONG, "cookie")).await? == 401);
        ensure!(self.json(Method::POST, "/api/v1/login", login(FIRST, "cookie")).await? == 200);
        let tokens = self.browser.tokens(KIM, FIRST).await?;
        self.keep_tokens(&tokens);
        let refreshed = self.browser.refresh(&tokens.refresh).await?;
        self.keep_tokens(&Tokens::of(&refreshed)?);
        self.server.clock.advance(Span::minutes(1));
        // After the grace it is reuse.
        let reused = self.browser.refresh(&tokens.refresh).await?;
        ensure!(self.keep(reused) == StatusCode::BAD_REQUEST);
        let dead = self.browser.bearer(Method::GET, "/api/v1/session", &tokens.access).await?;
        ensure!(self.keep(dead) == StatusCode::UNAUTHORIZED);
        let changed = json!({ "current": FIRST, "new": SECOND });
        ensure!(self.json(Method::PUT, "/api/v1/password", changed).await? == StatusCode::NO_CONTENT);
        let wrong = json!({ "current": WRONG, "new": THIRD });
        ensure!(self.json(Method::PUT, "/api/v1/password", wrong).await? == StatusCode::BAD_REQUEST);
        Ok(())
    }

    async fn recover(&mut self) -> anyhow::Result<()> {
        self.server.clock.advance(Span::minutes(1));
        ensure!(
            self.json(Method::POST, "/api/v1/recover", json!({ "email": KIM })).await?
                == StatusCode::ACCEPTED
        );
        let token = self.mailed().await?;
        let page = self.browser.get(&format!("/reset?token={token}")).await?;
        ensure!(page.status == StatusCode::OK);
        let weak = self
            .json(Method::POST, "/api/v1/reset", json!({ "token": token, "password": "password" }))
            .await?;
        ensure!(weak == StatusCode::BAD_REQUEST);
        let reset = json!({ "token": token, "password": THIRD });
        ensure!(self.json(Method::POST, "/api/v1/reset", reset.clone()).await? == StatusCode::NO_CONTENT);
        ensure!(self.json(Method::POST, "/api/v1/reset", reset).await? == StatusCode::UNAUTHORIZED);
        let form = [("username", KIM), ("password", THIRD), ("remember", "on")];
        let login = self.browser.form("/login", &form).await?;
        ensure!(self.keep(login) == StatusCode::SEE_OTHER);
        let logout = self.browser.form("/logout", &[]).await?;
        ensure!(self.keep(logout) == StatusCode::OK);
        Ok(())
    }

    /// Secrets where they do not belong, and in requests that cannot be read.
    async fn blunder(&mut self) -> anyhow::Result<()> {
        let secret = self
            .secrets
            .iter()
            .find(|secret| secret.starts_with("cs_rt_"))
            .context("no refresh token")?
            .clone();
        for path in [
            format!("/api/v1/{secret}"),
            format!("/api/v1/session?access_token={secret}"),
            format!("/login?password={}", WRONG.replace(' ', "+")),
            format!("/reset?token={secret}"),
            format!("/verify?token={secret}"),
            format!("/statuslists/{secret}"),
            format!("/static/{secret}"),
            format!("/{secret}"),
        ] {
            // A link that shows its own secret in its own form is what a link is for.
            let answer = self.browser.get(&path).await?;
            ensure!(!answer.status.is_server_error(), "{path}: {}", answer.status);
        }
        for body in [
            format!("{{\"identifier\":\"{KIM}\",\"password\":\"{WRONG}\",\"deliver\":\"{WRONG}\"}}"),
            format!("{{\"password\":{{\"{WRONG}\":1}}}}"),
            WRONG.to_owned(),
        ] {
            let request = self
                .browser
                .request(Method::POST, "/api/v1/login")
                .header("content-type", "application/json");
            let answer = self.browser.send(request.body(body)).await?;
            ensure!(self.keep(answer) == StatusCode::BAD_REQUEST);
        }
        for authorization in
            [format!("Bearer {secret}"), format!("Basic {secret}"), format!("DPoP {secret}"), secret.clone()]
        {
            let request =
                self.browser.request(Method::GET, "/api/v1/session").header("authorization", authorization);
            let answer = self.browser.send(request).await?;
            ensure!(self.keep(answer) == StatusCode::UNAUTHORIZED);
        }
        let bad = self.browser.refresh(&format!("{secret}x")).await?;
        ensure!(self.keep(bad) == StatusCode::BAD_REQUEST);
        self.server.random.break_it();
        let broken = json!({ "identifier": KIM, "password": THIRD, "deliver": "cookie" });
        ensure!(self.json(Method::POST, "/api/v1/login", broken).await? == StatusCode::INTERNAL_SERVER_ERROR);
        self.server.random.mend();
        self.server.run_jobs().await;
        Ok(())
    }
}

/// Bytes as a text with one character a byte: texts are searched fast.
fn latin(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).collect()
}

/// Whether a text holds a secret. Six digits occur by chance within longer numbers and after the point of a second.
fn holds(text: &str, secret: &str) -> bool {
    let digits = secret.len() == 6;
    text.match_indices(secret).any(|(at, _)| {
        let before = text[..at].chars().next_back().unwrap_or(' ');
        let after = text[at + secret.len()..].chars().next().unwrap_or(' ');
        !digits || !(before.is_ascii_alphanumeric() || before == '.' || after.is_ascii_alphanumeric())
    })
}

#[tokio::test]
async fn logg_02_i16_no_secret_of_a_whole_life_is_in_a_log_an_error_the_audit_log_or_the_database()
-> anyhow::Result<()> {
    let kept = logs();
    let server = TestServer::start(Options::on(StoreKind::Sqlite)).await?;
    let mut life = Life::begin(server);
    life.register().await?;
    life.use_both_faces().await?;
    life.recover().await?;
    life.blunder().await?;

    life.secrets.sort();
    life.secrets.dedup();
    ensure!(life.secrets.len() > 15, "secrets are missing: {}", life.secrets.len());
    let log = kept.text();
    ensure!(log.contains("access token issued") && log.contains("request refused"), "the log is not the log");
    let audit = format!("{:?}", life.server.audit().await?);
    ensure!(audit.contains("password.reset"), "the audit log is not the audit log");
    let files = latin(&life.server.files()?);
    ensure!(files.contains("grant.reused"), "the database is not the database");
    for secret in &life.secrets {
        let raw = URL_SAFE_NO_PAD.decode(secret).ok().filter(|raw| raw.len() >= 32).map(|raw| latin(&raw));
        for (name, text) in [("log", &log), ("audit log", &audit), ("database", &files)] {
            ensure!(!holds(text, secret), "{secret} is in the {name}");
            ensure!(
                !raw.as_ref().is_some_and(|raw| text.contains(raw)),
                "{secret} is in the {name}, decoded"
            );
        }
        for answer in life.answers.iter().filter(|answer| !answer.status.is_success()) {
            ensure!(!holds(&answer.body, secret), "an error repeats {secret}: {}", answer.body);
        }
    }
    Ok(())
}

#[tokio::test]
async fn i17_every_change_of_a_whole_life_is_in_the_audit_log_with_who_where_and_which_request()
-> anyhow::Result<()> {
    let server = TestServer::start(Options::on(StoreKind::Memory)).await?;
    let mut life = Life::begin(server);
    life.register().await?;
    life.use_both_faces().await?;
    life.recover().await?;
    let account = life.server.account(KIM).await?.id;
    let lines = life.server.audit().await?;
    let told: Vec<&str> = lines
        .iter()
        .map(|line| line.kind.as_str())
        .filter(|kind| !["store.prepared", "key.created", "status_list.leased"].contains(kind))
        .collect();
    let expected = [
        "registration.opened",
        "verification.tried",
        "account.created",
        "registration.noticed",
        "login.failed",
        "session.opened",
        "session.opened",
        "grant.opened",
        "grant.refreshed",
        "grant.reused",
        "password.changed",
        "login.failed",
        "reset.requested",
        "password.reset",
        "session.opened",
        "session.ended",
    ];
    // What one transaction writes has one time, and no order within it.
    let sorted = |kinds: &[&str]| {
        let mut kinds = kinds.to_vec();
        kinds.sort_unstable();
        kinds.join(" ")
    };
    assert_eq!(sorted(&told), sorted(&expected));
    for line in lines.iter().filter(|line| expected.contains(&line.kind.as_str())) {
        ensure!(line.ip.as_deref() == Some("127.0.0.1") && line.request.is_some(), "{line:?}");
        let nobodys = ["registration.opened", "verification.tried"].contains(&line.kind.as_str());
        ensure!(nobodys || line.account == Some(account), "{line:?}");
        let own = ["session.opened", "session.ended", "password.changed", "password.reset", "grant.opened"];
        ensure!(!own.contains(&line.kind.as_str()) || line.actor == account.to_string(), "{line:?}");
    }
    Ok(())
}

#[tokio::test]
async fn logg_01_what_a_stranger_sends_forges_no_line_of_any_log() -> anyhow::Result<()> {
    let kept = logs();
    let server = TestServer::start(Options::on(StoreKind::Sqlite)).await?;
    crate::support::register(&server, KIM).await?;
    let marker = "forged-7f3a91";
    let mut browser = Client::browser(&server);
    for text in [
        format!("\n{{\"level\":\"info\",\"event\":\"{marker}\"}}"),
        format!("\r\n2026-01-01T00:00:00Z INFO {marker}"),
        format!("\u{1b}[31m{marker}\u{1b}[0m"),
        format!("\u{2028}{marker}\u{85}"),
        format!("%s%n%x{{}}{{0}}${{jndi:ldap://{marker}}}"),
        format!("{marker}{}", "A".repeat(12_000)),
    ] {
        let header: String = text.chars().filter(|c| !c.is_control() && c.is_ascii()).collect();
        let encoded = percent(&text.as_bytes()[..text.len().min(3000)]);
        let body = json!({ "identifier": text, "password": text, "deliver": "cookie" });
        let request = browser.request(Method::POST, "/api/v1/login").header("user-agent", &header);
        let request = request.header("x-request-id", "x").header("accept-language", "en").json(&body);
        browser.send(request).await?;
        let request = browser
            .request(Method::GET, "/api/v1/session")
            .header("authorization", format!("Bearer {header}"));
        browser.send(request).await?;
        for path in ["/", "/api/v1/", "/oauth2/", "/statuslists/", "/login?return_to=", "/reset?token="] {
            browser.get(&format!("{path}{encoded}")).await?;
        }
        for path in ["/register", "/recover", "/verify/resend", "/login"] {
            let fields = [("email", text.as_str()), ("username", &text), ("name", &text), ("password", "x")];
            browser.form(path, &fields).await?;
        }
        let body = json!({ "email": KIM, "password": FIRST, "name": text });
        browser.json(Method::POST, "/api/v1/accounts", &body).await?;
    }
    // A real browser's header, so that the login is written down with what was read of it.
    let body = json!({ "identifier": KIM, "password": crate::support::PASSWORD, "deliver": "cookie" });
    let agent = format!("Mozilla/5.0 (X11; Linux x86_64) {marker} Firefox/150.0");
    let request = browser.request(Method::POST, "/api/v1/login").header("user-agent", agent).json(&body);
    ensure!(browser.send(request).await?.json()["session"]["browser"] == "Firefox");
    let log = kept.text();
    ensure!(!log.contains(marker), "it is in the log");
    ensure!(!log.contains('\u{1b}') && !log.contains('\u{2028}'), "the log has control characters");
    ensure!(!format!("{:?}", server.audit().await?).contains(marker), "it is in the audit log");
    Ok(())
}
