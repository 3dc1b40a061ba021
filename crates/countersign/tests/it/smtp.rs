//! Mail as it really leaves: from the outbox through SMTP to a server that stands for the reader's own.

use countersign_core::Span;
use countersign_testkit::{Client, Letter, Options, Sink, StoreKind, TestServer};
use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::support::{KIM, LOGIN, PASSWORD, SESSION};

const FROM: &str = "계정 <login@example.com>";

async fn posted() -> anyhow::Result<(TestServer, Sink)> {
    let sink = Sink::start().await?;
    Ok((TestServer::start(through(&sink)).await?, sink))
}

/// Production, as an operator sets it up with a relay on the same machine.
fn through(sink: &Sink) -> Options {
    Options::on(StoreKind::Sqlite)
        .production()
        .with("COUNTERSIGN_MAIL_SMTP_URL", &sink.url)
        .with("COUNTERSIGN_MAIL_TLS", "none")
        .with("COUNTERSIGN_MAIL_FROM", FROM)
}

async fn register(browser: &mut Client, locale: &str) -> anyhow::Result<()> {
    let body = json!({ "email": KIM, "password": PASSWORD, "name": "김민지", "locale": locale });
    let answer = browser.json(Method::POST, "/api/v1/accounts", &body).await?;
    anyhow::ensure!(answer.status == StatusCode::ACCEPTED, "{} {}", answer.status, answer.body);
    Ok(())
}

fn only(sink: &Sink) -> Letter {
    let letters = sink.letters();
    assert_eq!(letters.len(), 1, "{letters:?}");
    letters[0].clone()
}

/// The plain text, after a look at the shape that every mail of ours has.
fn text_of(letter: &Letter) -> String {
    assert_eq!(letter.from, "login@example.com");
    assert_eq!(letter.to, [KIM], "one mail, one receiver");
    assert_eq!(letter.header("From"), "계정 <login@example.com>");
    assert_eq!(letter.header("To"), KIM);
    assert_eq!(letter.header("Auto-Submitted"), "auto-generated");
    assert!(letter.header("Message-ID").ends_with("@localhost>"), "{}", letter.header("Message-ID"));
    assert!(letter.header("Content-Type").starts_with("multipart/alternative"));
    let parts = letter.parts();
    let kinds: Vec<&str> = parts.iter().map(|(kind, _)| kind.as_str()).collect();
    assert_eq!(kinds, ["text/plain; charset=utf-8", "text/html; charset=utf-8"]);
    for forbidden in ["<img", "<script", "<style", "<link", "url(", "src="] {
        assert!(!parts[1].1.contains(forbidden), "mails load nothing: {forbidden}");
    }
    parts[0].1.clone()
}

/// The one link to a page of ours that a text names, and its token.
fn token(server: &TestServer, text: &str, page: &str) -> String {
    let start = format!("{}{page}?token=", server.url);
    let mut links = text.split_whitespace().filter_map(|word| word.strip_prefix(start.as_str()));
    let token = links.next().unwrap_or_else(|| panic!("no link to {page} in {text}"));
    assert_eq!(links.next(), None, "one link");
    token.to_owned()
}

fn code(text: &str) -> &str {
    let mut codes = text.lines().filter(|line| line.len() == 6 && line.bytes().all(|b| b.is_ascii_digit()));
    let code = codes.next().unwrap_or_else(|| panic!("no code in {text}"));
    assert_eq!(codes.next(), None, "one code");
    code
}

#[tokio::test]
async fn a_mailed_link_confirms_the_address_in_either_language() -> anyhow::Result<()> {
    for (locale, subject, greeting) in [
        ("en", "Confirm your email address · Countersign", "Hello 김민지,"),
        ("ko", "이메일 주소를 확인해 주세요 · Countersign", "김민지 님, 안녕하세요."),
    ] {
        let (server, sink) = posted().await?;
        let mut browser = Client::browser(&server);
        register(&mut browser, locale).await?;
        assert_eq!(sink.connections(), 0, "the answer waits for no mail server");
        server.run_jobs().await;
        let letter = only(&sink);
        assert_eq!(letter.header("Subject"), subject);
        let text = text_of(&letter);
        assert!(text.starts_with(greeting), "{text}");
        let html = &letter.parts()[1].1;
        let token = token(&server, &text, "/verify");
        assert!(html.contains(&format!("href=\"{}/verify?token={token}\"", server.url)), "{html}");
        assert!(html.contains(code(&text)), "{html}");
        let page = browser.get(&format!("/verify?token={token}")).await?;
        assert_eq!((page.status, page.body.contains("verify-submit")), (StatusCode::OK, true));
        let done = browser.form("/verify", &[("token", &token)]).await?;
        assert_eq!(done.status, StatusCode::OK, "{}", done.body);
        assert_eq!(browser.log_in(KIM, PASSWORD).await?.status, StatusCode::OK);
    }
    Ok(())
}

#[tokio::test]
async fn a_mailed_code_confirms_the_address() -> anyhow::Result<()> {
    let (server, sink) = posted().await?;
    let mut browser = Client::browser(&server);
    register(&mut browser, "ko").await?;
    assert!(browser.cookie(LOGIN).is_some());
    server.run_jobs().await;
    let text = text_of(&only(&sink));
    let body = json!({ "email": KIM, "code": code(&text) });
    let done = browser.json(Method::POST, "/api/v1/accounts/verify", &body).await?;
    assert_eq!(done.status, StatusCode::NO_CONTENT, "{}", done.body);
    Ok(())
}

#[tokio::test]
async fn a_mailed_link_sets_a_new_password_and_its_owner_is_told() -> anyhow::Result<()> {
    let (server, sink) = posted().await?;
    let mut browser = Client::browser(&server);
    register(&mut browser, "en").await?;
    server.run_jobs().await;
    let verify = token(&server, &text_of(&only(&sink)), "/verify");
    browser.form("/verify", &[("token", &verify)]).await?;
    assert_eq!(browser.log_in(KIM, PASSWORD).await?.status, StatusCode::OK);

    browser.form("/recover", &[("email", KIM)]).await?;
    server.run_jobs().await;
    let letters = sink.letters();
    let reset = letters.last().filter(|_| letters.len() == 2).unwrap();
    assert_eq!(reset.header("Subject"), "Choose a new password · Countersign");
    let token = token(&server, &text_of(reset), "/reset");
    let fields = [("token", token.as_str()), ("password", "granite lantern mosaic fifty")];
    let done = browser.form("/reset", &fields).await?;
    assert_eq!((done.status, done.location()), (StatusCode::SEE_OTHER, "/login?changed=1"));
    assert_eq!(browser.get("/api/v1/session").await?.status, StatusCode::UNAUTHORIZED);
    assert!(browser.cookie(SESSION).is_some(), "the old cookie is there, and opens nothing");

    server.run_jobs().await;
    let notice = sink.letters()[2].clone();
    assert_eq!(notice.header("Subject"), "Your password was changed · Countersign");
    assert!(text_of(&notice).contains(&format!("{}/recover", server.url)));
    Ok(())
}

#[tokio::test]
async fn a_known_address_gets_a_notice_with_no_link_that_opens_anything() -> anyhow::Result<()> {
    let (server, sink) = posted().await?;
    let mut browser = Client::browser(&server);
    register(&mut browser, "ko").await?;
    server.run_jobs().await;
    let verify = token(&server, &text_of(&only(&sink)), "/verify");
    browser.form("/verify", &[("token", &verify)]).await?;

    register(&mut Client::browser(&server), "en").await?;
    server.run_jobs().await;
    let notice = sink.letters()[1].clone();
    assert_eq!(notice.header("Subject"), "이미 계정이 있습니다 · Countersign", "in its owner's language");
    let text = text_of(&notice);
    assert!(text.contains(&format!("{}/login", server.url)) && !text.contains("token="), "{text}");
    Ok(())
}

#[tokio::test]
async fn what_is_put_off_is_tried_again_in_its_time_and_sent_once() -> anyhow::Result<()> {
    for (command, answer) in [
        ("", "421 too busy"),
        ("MAIL", "451 later"),
        ("RCPT", "450 4.2.1 greylisted"),
        ("DATA", "451 no room"),
        (".", "452 no room"),
    ] {
        let (server, sink) = posted().await?;
        register(&mut Client::browser(&server), "en").await?;
        sink.refuse(command, answer);
        server.run_jobs().await;
        assert_eq!((sink.connections(), sink.letters().len()), (1, 0), "{command} {answer}");
        sink.take();
        server.run_jobs().await;
        server.clock.advance(Span::seconds(179));
        server.run_jobs().await;
        assert_eq!(sink.connections(), 1, "not before its time: {command} {answer}");
        server.clock.advance(Span::seconds(1));
        server.run_jobs().await;
        text_of(&only(&sink));
        server.clock.advance(Span::hours(1));
        server.run_jobs().await;
        assert_eq!(sink.letters().len(), 1, "once is enough: {command} {answer}");
    }
    Ok(())
}

#[tokio::test]
async fn a_mail_that_is_refused_for_good_is_given_up() -> anyhow::Result<()> {
    let (server, sink) = posted().await?;
    register(&mut Client::browser(&server), "en").await?;
    sink.refuse("RCPT", "550 5.1.1 no such mailbox");
    server.run_jobs().await;
    sink.take();
    for _ in 0..12 {
        server.clock.advance(Span::hours(6));
        server.run_jobs().await;
    }
    assert_eq!((sink.connections(), sink.letters().len()), (1, 0));
    let sent = server.audit().await?.into_iter().find(|line| line.kind == "mail.sent").unwrap();
    assert!(format!("{:?}", sent.detail).contains("failed"), "{:?}", sent.detail);
    Ok(())
}

#[tokio::test]
async fn a_mail_server_that_never_takes_it_is_tried_ten_times() -> anyhow::Result<()> {
    let (server, sink) = posted().await?;
    register(&mut Client::browser(&server), "en").await?;
    sink.refuse("MAIL", "451 later");
    for _ in 0..20 {
        server.run_jobs().await;
        server.clock.advance(Span::hours(24));
    }
    assert_eq!(sink.connections(), 10);
    Ok(())
}

#[tokio::test]
async fn a_mail_waits_for_its_server_through_a_restart() -> anyhow::Result<()> {
    for store in StoreKind::testable().into_iter().filter(|store| *store != StoreKind::Memory) {
        let sink = Sink::start().await?;
        let mut options = through(&sink);
        options.store = store;
        let settings = options.settings.clone();
        let server = TestServer::start(options).await?;
        register(&mut Client::browser(&server), "en").await?;
        sink.refuse("", "421 too busy");
        server.run_jobs().await;
        let server = server.restart(settings).await?;
        sink.take();
        server.clock.advance(Span::minutes(3));
        server.run_jobs().await;
        text_of(&only(&sink));
    }
    Ok(())
}
