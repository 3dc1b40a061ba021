use super::*;

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinHandle;

use crate::config::{LoadArgs, Mode};

const AT: Time = Time::from_micros(1_795_505_746_000_000);
const LINK: &str = "https://login.example.com/verify?token=3q2-7wABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhs&x=1=2";

/// What a mail server was told.
struct Heard {
    commands: Vec<String>,
    data: String,
}

/// A mail server for one connection, on this machine; `answers` replace those to commands that start so.
async fn server(answers: &'static [(&'static str, &'static str)]) -> (u16, JoinHandle<Heard>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let heard = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        converse(stream, answers).await
    });
    (port, heard)
}

async fn converse(stream: TcpStream, answers: &[(&str, &str)]) -> Heard {
    let mut stream = BufReader::new(stream);
    let mut heard = Heard { commands: Vec::new(), data: String::new() };
    let greeting =
        answers.iter().find(|(start, _)| start.is_empty()).map_or("220 ready", |(_, answer)| answer);
    stream.write_all(format!("{greeting}\r\n").as_bytes()).await.unwrap();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
            return heard;
        }
        let command = line.trim_end().to_owned();
        let replaced = answers.iter().find(|(start, _)| !start.is_empty() && command.starts_with(start));
        let usual = match command.split(' ').next() {
            Some("EHLO") => "250-test\r\n250-8BITMIME\r\n250 AUTH PLAIN",
            Some("DATA") => "354 go on",
            Some("QUIT") => "221 bye",
            _ => "250 ok",
        };
        let answer = replaced.map_or(usual, |(_, answer)| answer);
        heard.commands.push(command);
        stream.write_all(format!("{answer}\r\n").as_bytes()).await.unwrap();
        while answer.starts_with("354") && !heard.data.ends_with("\r\n.\r\n") {
            assert_ne!(stream.read_line(&mut heard.data).await.unwrap(), 0);
        }
        if answer.starts_with("354") {
            let end = answers.iter().find(|(start, _)| *start == ".").map_or("250 ok", |(_, answer)| answer);
            stream.write_all(format!("{end}\r\n").as_bytes()).await.unwrap();
        }
    }
}

fn mailer(url: &str, tls: &str) -> Mailer {
    let settings = [
        ("COUNTERSIGN_MAIL_SMTP_URL", url),
        ("COUNTERSIGN_MAIL_TLS", tls),
        ("COUNTERSIGN_MAIL_FROM", "로그인 <login@example.com>"),
        ("COUNTERSIGN_SERVER_PUBLIC_URL", "https://login.example.com"),
        ("COUNTERSIGN_SERVER_MASTER_KEY_FILE", "/none"),
    ];
    let env: BTreeMap<_, _> = settings.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
    let config = Config::load(Mode::Production, LoadArgs::default(), &env).unwrap();
    Mailer::new(&config).unwrap().unwrap()
}

fn plain(port: u16) -> Mailer {
    mailer(&format!("smtp://127.0.0.1:{port}"), "none")
}

fn envelope<'a>(to: &'a str, subject: &'a str, text: &'a str, html: &'a str) -> Envelope<'a> {
    Envelope { id: JobId::from_bytes([1; 16]), to, subject, text, html, date: AT }
}

/// Headers without folds, and the bodies of the two parts, decoded.
fn read(data: &str) -> (String, Vec<String>) {
    let (head, body) = data.split_once("\r\n\r\n").unwrap();
    let head = head.replace("\r\n ", " ");
    let boundary = head.split("boundary=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
    let delimiter = format!("--{boundary}");
    let parts = body.split(&delimiter).skip(1).filter(|part| part.starts_with("\r\n"));
    let bodies = parts.map(|part| {
        let (head, body) = part.split_once("\r\n\r\n").unwrap();
        let body = body.trim_end();
        if head.contains("base64") {
            String::from_utf8(STANDARD.decode(body.replace("\r\n", "")).unwrap()).unwrap()
        } else if head.contains("quoted-printable") {
            quoted_printable(body)
        } else {
            body.replace("\r\n..", "\r\n.")
        }
    });
    (head.clone(), bodies.collect())
}

fn quoted_printable(body: &str) -> String {
    let body = body.replace("\r\n..", "\r\n.").replace("=\r\n", "");
    let mut pieces = body.split('=');
    let mut bytes = pieces.next().unwrap_or_default().as_bytes().to_vec();
    for piece in pieces {
        bytes.push(u8::from_str_radix(&piece[..2], 16).unwrap());
        bytes.extend_from_slice(&piece.as_bytes()[2..]);
    }
    String::from_utf8(bytes).unwrap()
}

fn header<'a>(head: &'a str, name: &str) -> &'a str {
    let mut found = head.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    let value = found.next().unwrap();
    assert_eq!(found.next(), None, "{name} is there once");
    value
}

/// The words of RFC 2047, joined.
fn words(value: &str) -> String {
    let words = value.split("=?utf-8?b?").skip(1).map(|word| word.split("?=").next().unwrap());
    String::from_utf8(words.flat_map(|word| STANDARD.decode(word).unwrap()).collect()).unwrap()
}

#[tokio::test]
async fn a_mail_arrives_whole_in_both_parts() {
    let (port, listening) = server(&[]).await;
    let subject = "이메일 주소를 확인하고 카운터사인 계정을 만들어 주세요 · 카운터사인";
    let text = format!("안녕하세요,\n\n.\n..\n{LINK}\n\n012345\n");
    let html = format!("<p>안녕하세요</p>\n<a href=\"{LINK}\">확인</a>\n");
    let sent = plain(port).send(&envelope("Kim@example.org", subject, &text, &html)).await;
    assert_eq!(sent, Ok(()));
    let told = listening.await.unwrap();
    let (head, bodies) = read(&told.data);
    assert_eq!(words(header(&head, "Subject")), subject);
    assert_eq!(header(&head, "To"), "Kim@example.org");
    assert!(header(&head, "From").ends_with("<login@example.com>"));
    assert_eq!(words(header(&head, "From")), "로그인");
    assert_eq!(header(&head, "Date"), "Tue, 24 Nov 2026 07:35:46 +0000");
    let id = format!("<{}@login.example.com>", JobId::from_bytes([1; 16]));
    assert_eq!(header(&head, "Message-ID"), id);
    assert_eq!(header(&head, "Auto-Submitted"), "auto-generated");
    assert_eq!(header(&head, "MIME-Version"), "1.0");
    assert!(header(&head, "Content-Type").starts_with("multipart/alternative;"));
    let unix: Vec<String> = bodies.iter().map(|body| body.replace("\r\n", "\n")).collect();
    assert_eq!(
        unix.iter().map(|body| body.trim_end()).collect::<Vec<_>>(),
        [text.trim_end(), html.trim_end()]
    );
    assert_eq!(
        told.commands,
        [
            "EHLO login.example.com",
            "MAIL FROM:<login@example.com>",
            "RCPT TO:<Kim@example.org>",
            "DATA",
            "QUIT"
        ]
    );
}

#[tokio::test]
async fn a_long_link_in_plain_ascii_stays_whole() {
    let (port, heard) = server(&[]).await;
    let link = format!("{LINK}&long={}", "a".repeat(1500));
    let (text, html) = (format!("Open this:\n{link}\n"), format!("<a href=\"{link}\">Open</a>"));
    assert_eq!(plain(port).send(&envelope("kim@example.org", "Open", &text, &html)).await, Ok(()));
    let data = heard.await.unwrap().data;
    assert!(data.lines().all(|line| line.len() <= 998), "RFC 5322 section 2.1.1");
    let (_, bodies) = read(&data);
    assert!(bodies.len() == 2 && bodies.iter().all(|body| body.contains(&link)), "{bodies:?}");
}

#[tokio::test]
async fn rec_12_nothing_can_be_injected_into_the_headers() {
    // No server: what is refused never gets that far.
    let mailer = plain(1);
    let addresses = [
        "a@b.tld\r\nBcc: x@example.org",
        "a@b.tld\nBcc: x@example.org",
        "a@b.tld\r\nRCPT TO:<x@example.org>",
        "\"a@b\"@c.tld",
        "a@b@c.tld",
        "<script>@x.tld",
        "a@b.tld, c@d.tld",
        "a@b.tld c@d.tld",
        "Name <a@b.tld>",
        "<a@b.tld>",
        "a@b.tld>",
        "a@b.tld\0",
        "",
        &format!("{}@b.tld", "a".repeat(10_000)),
    ];
    for to in addresses {
        let error = mailer.send(&envelope(to, "s", "t", "h")).await.unwrap_err();
        assert!(error.permanent && error.reason == "the address cannot be mailed to", "{to:?}: {error}");
    }
    for subject in ["s\r\nBcc: x@example.org", "s\nx", "s\rx", "s\0", "s\u{85}x"] {
        let error = mailer.send(&envelope("a@b.tld", subject, "t", "h")).await.unwrap_err();
        assert!(error.permanent && error.reason == "the subject is not one line", "{subject:?}: {error}");
    }
}

#[tokio::test]
async fn rec_12_a_body_cannot_end_the_mail_and_begin_another() {
    let (port, heard) = server(&[]).await;
    let text = "x\r\n.\r\nMAIL FROM:<evil@example.org>\r\n";
    assert_eq!(plain(port).send(&envelope("kim@example.org", "s", text, text)).await, Ok(()));
    let heard = heard.await.unwrap();
    assert_eq!(heard.commands.iter().filter(|command| command.starts_with("MAIL")).count(), 1);
    assert!(heard.data.contains("evil"));
}

#[tokio::test]
async fn only_what_is_the_mails_own_fault_is_permanent() {
    type Row = (&'static [(&'static str, &'static str)], bool, &'static str);
    let table: [Row; 8] = [
        (
            &[("RCPT", "550 5.1.1 no such user kim: https://login")],
            true,
            "the mail server answered 550 5.1.1",
        ),
        (&[("RCPT", "450 4.2.1 busy")], false, "the mail server answered 450 4.2.1"),
        (&[(".", "554 spam, I read https://login")], true, "the mail server answered 554"),
        (&[(".", "451 later")], false, "the mail server answered 451"),
        (&[("MAIL", "530 5.7.0 who are you")], false, "the mail server answered 530 5.7.0"),
        (&[("", "554 go away")], false, "the mail server answered 554"),
        (&[("RCPT", "kim: https://login")], false, "the mail server's answer is malformed"),
        (&[("EHLO", "502 5.5.1 what?")], false, "the mail server answered 502 5.5.1"),
    ];
    for (answers, permanent, reason) in table {
        let (port, heard) = server(answers).await;
        let error = plain(port).send(&envelope("kim@example.org", "s", LINK, LINK)).await.unwrap_err();
        assert_eq!((error.permanent, error.to_string().as_str()), (permanent, reason));
        heard.await.unwrap();
    }
}

#[tokio::test]
async fn a_refused_login_is_not_the_mails_fault_and_shows_no_password() {
    let (port, heard) = server(&[("AUTH", "535 5.7.8 wrong")]).await;
    let mailer = mailer(&format!("smtp://u:hunter2@127.0.0.1:{port}"), "none");
    let error = mailer.send(&envelope("kim@example.org", "s", "t", "h")).await.unwrap_err();
    assert_eq!(error, SendError::temporary("the mail server answered 535 5.7.8"));
    let commands = heard.await.unwrap().commands;
    assert!(commands.iter().any(|command| command.starts_with("AUTH PLAIN ")));
    assert!(!commands.iter().any(|command| command.starts_with("MAIL")));
}

#[tokio::test]
async fn sto_19_a_server_without_starttls_gets_no_mail_and_no_password() {
    let (port, heard) = server(&[]).await;
    let mailer = mailer(&format!("smtp://u:hunter2@127.0.0.1:{port}"), "required");
    let error = mailer.send(&envelope("kim@example.org", "s", "t", "h")).await.unwrap_err();
    assert!(!error.permanent && error.reason.contains("STARTTLS"), "{error}");
    assert_eq!(heard.await.unwrap().commands, ["EHLO login.example.com"]);
}

#[tokio::test]
async fn a_silent_server_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut mailer = plain(listener.local_addr().unwrap().port());
    mailer.patience = Duration::from_millis(20);
    let error = mailer.send(&envelope("kim@example.org", "s", "t", "h")).await;
    assert_eq!(error, Err(SendError::temporary("the mail server takes too long")));
}

#[tokio::test]
async fn nobody_at_the_port_is_a_matter_of_time() {
    // Bound, so that nobody else gets the port, and not listened on.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let mailer = plain(socket.local_addr().unwrap().port());
    let error = mailer.send(&envelope("kim@example.org", "s", "t", "h")).await.unwrap_err();
    assert!(!error.permanent && error.reason.starts_with("the mail server cannot be used: "), "{error}");
}

#[test]
fn we_introduce_ourselves_by_name_or_literal() {
    for (host, expected) in
        [("a.example", "a.example"), ("127.0.0.1", "[127.0.0.1]"), ("[::1]", "[IPv6:::1]")]
    {
        assert_eq!(client_id(host).to_string(), expected);
    }
}
