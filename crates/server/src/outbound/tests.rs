use super::*;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use countersign_core::outbound::Reach;
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// A peer on this machine.
struct Peer {
    port: u16,
    connections: Arc<AtomicUsize>,
    /// The request that the last connection brought.
    heard: tokio::sync::watch::Receiver<String>,
}

/// How a peer answers.
#[derive(Clone, Copy)]
enum Manner {
    /// So, and then it hangs up.
    Says(&'static str),
    /// So, and then these bytes without end.
    Endless(&'static str, &'static str),
    /// So, and then nothing more.
    Hangs(&'static str),
}

async fn peer(manner: Manner, tls: Option<TlsAcceptor>) -> Peer {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let connections = Arc::new(AtomicUsize::new(0));
    let (tell, heard) = tokio::sync::watch::channel(String::new());
    let (count, tell) = (Arc::clone(&connections), Arc::new(tell));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::SeqCst);
            let (tls, tell) = (tls.clone(), Arc::clone(&tell));
            tokio::spawn(async move { answer(stream, tls, manner, &tell).await });
        }
    });
    Peer { port, connections, heard }
}

async fn answer(
    stream: TcpStream,
    tls: Option<TlsAcceptor>,
    manner: Manner,
    tell: &tokio::sync::watch::Sender<String>,
) {
    let Some(tls) = tls else { return converse(stream, manner, tell).await };
    if let Ok(stream) = tls.accept(stream).await {
        converse(stream, manner, tell).await;
    }
}

async fn converse(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    manner: Manner,
    tell: &tokio::sync::watch::Sender<String>,
) {
    let mut heard = Vec::new();
    let is_whole = |heard: &[u8]| {
        let text = String::from_utf8_lossy(heard).into_owned();
        text.split_once("\r\n\r\n").is_some_and(|(head, body)| {
            let declared = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            body.len() >= declared.map_or(0, |length| length.parse().unwrap())
        })
    };
    while !is_whole(&heard) {
        match stream.read_buf(&mut heard).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
    }
    tell.send_replace(String::from_utf8(heard).unwrap());
    let (Manner::Says(text) | Manner::Endless(text, _) | Manner::Hangs(text)) = manner;
    let _ = stream.write_all(text.as_bytes()).await;
    match manner {
        Manner::Says(_) => drop(stream.shutdown().await),
        Manner::Endless(_, more) => while stream.write_all(more.as_bytes()).await.is_ok() {},
        Manner::Hangs(_) => std::future::pending().await,
    }
}

fn outbound(allow: &[String], ca_file: Option<&Path>) -> Outbound {
    let exceptions: Vec<_> = allow.iter().map(|text| Exception::parse(text).unwrap()).collect();
    Outbound {
        trust: connect::trust(ca_file).unwrap(),
        operators: Lane::with(&exceptions),
        strangers: Lane::with(&exceptions),
        patience: PATIENCE,
    }
}

/// A client that may ask this peer, and its URL.
fn allowing(peer: &Peer) -> (Outbound, String) {
    let host = format!("127.0.0.1:{}", peer.port);
    (outbound(std::slice::from_ref(&host), None), format!("http://{host}/doc?x=1"))
}

const JSON: &str = "HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\n\
                    Cache-Control: public, max-age=60\r\nContent-Length: 9\r\n\r\n{\"a\":\"b\"}";

#[tokio::test]
async fn a_document_comes_back_with_what_is_said_of_it() {
    let peer = peer(Manner::Says(JSON), None).await;
    let (outbound, url) = allowing(&peer);
    let answer = outbound.get_json(Whose::Operators, &url).await.unwrap();
    assert_eq!(answer.json::<serde_json::Value>().unwrap(), serde_json::json!({"a": "b"}));
    assert_eq!(answer.max_age(), Some(Span::seconds(60)));
    let heard = peer.heard.borrow().clone();
    assert!(heard.starts_with("GET /doc?x=1 HTTP/1.1\r\n"), "{heard}");
    assert!(heard.contains(&format!("host: 127.0.0.1:{}\r\n", peer.port)), "{heard}");
    assert!(heard.contains("accept-encoding: identity\r\n"), "{heard}");
    let told = outbound.post_form(Whose::Operators, &url, &[("logout_token", "a.b&c")]).await.unwrap();
    assert_eq!(told.status, StatusCode::OK);
    let heard = peer.heard.borrow().clone();
    assert!(heard.starts_with("POST /doc?x=1 HTTP/1.1\r\n"), "{heard}");
    assert!(heard.ends_with("\r\n\r\nlogout_token=a.b%26c"), "{heard}");
}

#[tokio::test]
async fn oau_60_nobody_is_asked_whose_address_is_not_public() {
    let peer = peer(Manner::Says(JSON), None).await;
    let outbound = outbound(&[], None);
    let table = [
        ("https://127.0.0.1:8443/", OutboundError::Address),
        ("https://[::1]/", OutboundError::Address),
        ("https://[::ffff:127.0.0.1]/", OutboundError::Address),
        ("https://0.0.0.0/", OutboundError::Address),
        ("https://10.0.0.1/", OutboundError::Address),
        ("https://169.254.169.254/latest/meta-data/", OutboundError::Address),
        ("https://2130706433/", OutboundError::Address),
        ("https://0177.0.0.1/", OutboundError::Address),
        ("https://[64:ff9b::7f00:1]/", OutboundError::Address),
        ("https://localhost./", OutboundError::Target(TargetError::LocalName)),
        ("https://metadata.google.internal/", OutboundError::Target(TargetError::LocalName)),
        ("https://example.com:6379/", OutboundError::Target(TargetError::Port)),
        ("file:///etc/passwd", OutboundError::Target(TargetError::Scheme)),
    ];
    for (url, error) in table {
        assert_eq!(outbound.get_json(Whose::Operators, url).await.unwrap_err(), error, "{url}");
    }
    let at_peer = format!("http://127.0.0.1:{}/", peer.port);
    assert_eq!(
        outbound.get_json(Whose::Operators, &at_peer).await.unwrap_err(),
        OutboundError::Target(TargetError::Scheme),
        "in clear only where an operator named the host"
    );
    assert_eq!(peer.connections.load(Ordering::SeqCst), 0);
}

#[test]
fn oau_61_one_address_that_is_not_public_spoils_the_host() {
    let address = |text: &str| SocketAddr::new(text.parse().unwrap(), 443);
    let (public, private) = (address("93.184.216.34"), address("169.254.169.254"));
    assert_eq!(connect::judge(vec![public], Reach::Public), Ok(vec![public]));
    for mixed in [vec![public, private], vec![private, public], vec![private]] {
        assert_eq!(connect::judge(mixed, Reach::Public), Err(OutboundError::Address));
    }
    assert_eq!(connect::judge(vec![private], Reach::Loopback), Err(OutboundError::Address));
    assert_eq!(connect::judge(vec![private], Reach::Anywhere), Ok(vec![private]));
    assert_eq!(connect::judge(vec![], Reach::Anywhere), Err(OutboundError::NotFound));
}

#[tokio::test]
async fn oau_61_a_redirect_leads_nowhere() {
    let peer =
        peer(Manner::Says("HTTP/1.1 302 Found\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n"), None).await;
    let (outbound, url) = allowing(&peer);
    assert_eq!(outbound.get_json(Whose::Operators, &url).await.unwrap_err(), OutboundError::Redirect);
    assert_eq!(peer.connections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn oau_62_what_is_too_large_packed_or_something_else_is_refused() {
    let table = [
        (
            Manner::Endless(
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1073741824\r\n\r\n",
                "[[[[[[[[",
            ),
            OutboundError::TooLarge,
        ),
        (
            Manner::Endless("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "8\r\n[[[[[[[[\r\n"),
            OutboundError::TooLarge,
        ),
        (
            Manner::Endless("HTTP/1.1 200 OK\r\n", "x-more: and more of it without an end\r\n"),
            OutboundError::Protocol,
        ),
        (
            Manner::Says("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 0\r\n\r\n"),
            OutboundError::Encoded,
        ),
        (Manner::Says("SSH-2.0-OpenSSH_9.2\r\n"), OutboundError::Protocol),
        (Manner::Says(""), OutboundError::Protocol),
        (Manner::Says("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort"), OutboundError::Protocol),
    ];
    for (manner, error) in table {
        let peer = peer(manner, None).await;
        let (outbound, url) = allowing(&peer);
        let (Manner::Says(text) | Manner::Endless(text, _) | Manner::Hangs(text)) = manner;
        assert_eq!(outbound.get_json(Whose::Operators, &url).await.unwrap_err(), error, "{text}");
    }
}

#[tokio::test]
async fn oau_62_an_answer_that_is_no_json_by_its_own_word_is_none() {
    let table = [
        (
            "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\n{}",
            OutboundError::ContentType,
        ),
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", OutboundError::ContentType),
        (
            "HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
            OutboundError::Status(StatusCode::NOT_FOUND),
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{]",
            OutboundError::NotJson,
        ),
    ];
    for (text, error) in table {
        let peer = peer(Manner::Says(text), None).await;
        let (outbound, url) = allowing(&peer);
        let answer = outbound.get_json(Whose::Operators, &url).await.unwrap();
        assert_eq!(answer.json::<serde_json::Value>().unwrap_err(), error, "{text}");
    }
}

#[tokio::test]
async fn oau_62_a_peer_that_does_not_get_done_is_given_up_and_holds_nothing() {
    for text in ["", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"] {
        let peer = peer(Manner::Hangs(text), None).await;
        let (mut outbound, url) = allowing(&peer);
        outbound.patience = Duration::from_millis(100);
        // More than the host has seats: each gives its seat back.
        for _ in 0..6 {
            assert_eq!(
                outbound.get_json(Whose::Operators, &url).await.unwrap_err(),
                OutboundError::TooSlow,
                "{text}"
            );
        }
    }
}

fn acceptor(names: &[&str]) -> (TlsAcceptor, String) {
    let key = rcgen::KeyPair::generate().unwrap();
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let certificate = rcgen::CertificateParams::new(names).unwrap().self_signed(&key).unwrap();
    let chain = vec![certificate.der().clone()];
    let private = PrivateKeyDer::from_pem_slice(key.serialize_pem().as_bytes()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, private)
        .unwrap();
    (TlsAcceptor::from(Arc::new(config)), certificate.pem())
}

#[tokio::test]
async fn oau_62_over_tls_the_peer_must_be_who_its_name_says() {
    let folder = tempfile::TempDir::new().unwrap();
    let trusted = |name: &str, pem: &str| {
        let file = folder.path().join(name);
        std::fs::write(&file, pem).unwrap();
        Some(file)
    };
    let (known, pem) = acceptor(&["localhost"]);
    let (stranger, _) = acceptor(&["localhost"]);
    let (other, other_pem) = acceptor(&["other.example"]);
    let table = [
        (known, trusted("known", &pem), None),
        (stranger, trusted("stranger", &pem), Some(OutboundError::Tls)),
        (other, trusted("other", &other_pem), Some(OutboundError::Tls)),
    ];
    for (acceptor, ca_file, error) in table {
        let peer = peer(Manner::Says(JSON), Some(acceptor)).await;
        let host = format!("localhost:{}", peer.port);
        let outbound = outbound(std::slice::from_ref(&host), ca_file.as_deref());
        assert_eq!(outbound.get_json(Whose::Operators, &format!("https://{host}/")).await.err(), error);
    }
}

#[test]
fn a_file_without_certificates_is_refused_at_the_start() {
    let folder = tempfile::TempDir::new().unwrap();
    let file = folder.path().join("ca.pem");
    assert!(matches!(connect::trust(Some(&file)), Err(TrustError::File(..))));
    std::fs::write(&file, "no certificate").unwrap();
    assert!(matches!(connect::trust(Some(&file)), Err(TrustError::File(..))));
}

#[tokio::test]
async fn oau_62_strangers_hold_up_nobody_but_strangers() {
    use futures_util::FutureExt as _;
    let peer = peer(Manner::Says(JSON), None).await;
    let (outbound, url) = allowing(&peer);
    let mut hung = Vec::new();
    for number in 0.. {
        let Some(seat) = outbound.strangers.seats.take(&format!("{number}.example")).now_or_never() else {
            break;
        };
        hung.push(seat);
    }
    assert!(hung.len() > 1, "each of these waits for somebody who never answers");
    assert!(outbound.get_json(Whose::Operators, &url).await.is_ok());
    assert!(outbound.get_json(Whose::Strangers, &url).now_or_never().is_none());
    hung.pop();
    assert!(outbound.get_json(Whose::Strangers, &url).await.is_ok());
}

#[tokio::test]
async fn oau_60_what_an_operator_may_have_asked_no_stranger_may() {
    let peer = peer(Manner::Says(JSON), None).await;
    let (mut outbound, url) = allowing(&peer);
    outbound.strangers = Lane::default();
    assert!(outbound.get_json(Whose::Operators, &url).await.is_ok());
    let inside = "https://10.0.0.7:8443/x";
    assert_eq!(outbound.get_json(Whose::Strangers, inside).await.unwrap_err(), OutboundError::Address);
    let refused = outbound.get_json(Whose::Strangers, &url).await.unwrap_err();
    assert_eq!(refused, OutboundError::Target(TargetError::Scheme));
    assert_eq!(peer.connections.load(Ordering::SeqCst), 1);
}
