//! TLS: versions, suites, protocols, and a certificate that changes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use countersign_testkit::http2::Http2;
use countersign_testkit::{Options, StoreKind, TestServer, raw, tls};
use rcgen::{KeyPair, PKCS_RSA_SHA256};
use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs::{ALL_CIPHER_SUITES, default_provider};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, HandshakeKind, NamedGroup, RootCertStore};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::host;

async fn server() -> anyhow::Result<TestServer> {
    TestServer::start(Options::on(StoreKind::Memory).tls()).await
}

/// Whether a client with this suite alone gets a connection.
async fn takes(server: &TestServer, suite: rustls::SupportedCipherSuite) -> anyhow::Result<bool> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(server.certificate().0)?)?;
    let provider = CryptoProvider { cipher_suites: vec![suite], ..default_provider() };
    let version = suite.version();
    let config =
        ClientConfig::builder_with_provider(Arc::new(provider)).with_protocol_versions(&[version])?;
    Ok(tls::connect(server, config.with_root_certificates(roots).with_no_client_auth()).await.is_ok())
}

#[tokio::test]
async fn tls_has_the_suites_of_1_3_and_the_four_of_1_2_with_forward_secrecy_and_gcm() -> anyhow::Result<()> {
    let mut server = server().await?;
    for key in ["ECDSA", "RSA"] {
        for suite in ALL_CIPHER_SUITES {
            let name = format!("{:?}", suite.suite());
            let expected =
                name.starts_with("TLS13_") || name.starts_with(&format!("TLS_ECDHE_{key}_WITH_AES_"));
            ensure!(takes(&server, *suite).await? == expected, "{key}: {name}");
        }
        let (certificate, file) = server.certificate();
        tls::issue_with(&["localhost"], &KeyPair::generate_for(&PKCS_RSA_SHA256)?, |_| {})
            .write(&certificate, &file)?;
        server = server.restart(BTreeMap::new()).await?;
    }
    Ok(())
}

/// What the server says to a hello of this version and these suites: a handshake record, or an alert's number.
async fn answer_to(server: &TestServer, version: [u8; 2], suites: &[u16]) -> anyhow::Result<Result<(), u8>> {
    let suites: Vec<u8> = suites.iter().flat_map(|suite| suite.to_be_bytes()).collect();
    let mut body = [&version[..], &[7; 32], &[0]].concat();
    body.extend(u16::try_from(suites.len())?.to_be_bytes());
    body.extend(&suites);
    // No compression; the curve P-256 and ECDSA with SHA-256.
    body.extend([1, 0]);
    let extensions =
        [&[0, 10, 0, 4, 0, 2, 0, 23][..], &[0, 11, 0, 2, 1, 0], &[0, 13, 0, 4, 0, 2, 4, 3]].concat();
    body.extend(u16::try_from(extensions.len())?.to_be_bytes());
    body.extend(extensions);
    let length = u32::try_from(body.len())?.to_be_bytes();
    let message = [&[1][..], &length[1..], &body].concat();
    let record = [&[22, 3, 1][..], &u16::try_from(message.len())?.to_be_bytes(), &message].concat();
    let mut stream = TcpStream::connect(server.address).await?;
    stream.write_all(&record).await?;
    let mut head = [0; 7];
    stream.read_exact(&mut head).await?;
    Ok(if head[0] == 21 { Err(head[6]) } else { Ok(()) })
}

#[tokio::test]
async fn tls_before_1_2_and_suites_without_forward_secrecy_are_refused() -> anyhow::Result<()> {
    const ECDHE_ECDSA_AES128_GCM: u16 = 0xc02b;
    let server = server().await?;
    ensure!(answer_to(&server, [3, 3], &[ECDHE_ECDSA_AES128_GCM]).await? == Ok(()), "a good hello");
    for version in [[3, 0], [3, 1], [3, 2]] {
        let answer = answer_to(&server, version, &[ECDHE_ECDSA_AES128_GCM]).await?;
        ensure!(answer == Err(70), "{version:?}: {answer:?} is no protocol_version");
    }
    // RSA key exchange, CBC, RC4, 3DES, NULL, DHE, anonymous.
    for suite in [0x002f, 0x009c, 0xc009, 0xc013, 0x0005, 0x000a, 0x0001, 0x009e, 0xc018, 0xcca9] {
        let answer = answer_to(&server, [3, 3], &[suite]).await?;
        ensure!(answer == Err(40), "{suite:#06x}: {answer:?} is no handshake_failure");
    }
    Ok(())
}

#[tokio::test]
async fn tls_begins_with_a_key_exchange_that_outlives_quantum_computers_and_reads_no_early_data()
-> anyhow::Result<()> {
    let server = server().await?;
    let config = tls::client(&server.certificate().0, &["http/1.1"])?;
    let request = format!("GET /healthz HTTP/1.1\r\nHost: {}\r\n\r\n", host(&server));
    for expected in [HandshakeKind::Full, HandshakeKind::Resumed] {
        let mut stream = tls::connect(&server, config.clone()).await?;
        // The tickets come with the first answer.
        ensure!(raw::send_on(&mut stream, request.as_bytes()).await?.status == 204);
        let connection = stream.get_mut().1;
        let group = connection.negotiated_key_exchange_group().context("no key exchange")?.name();
        ensure!(group == NamedGroup::X25519MLKEM768, "{group:?}");
        ensure!(connection.handshake_kind() == Some(expected), "{:?}", connection.handshake_kind());
        ensure!(connection.early_data().is_none(), "early data is offered");
    }
    Ok(())
}

#[tokio::test]
async fn the_protocol_is_what_both_agree_on() -> anyhow::Result<()> {
    let server = server().await?;
    for (offered, chosen) in [
        (&["h2", "http/1.1"][..], Some(&b"h2"[..])),
        (&["http/1.1", "h2"], Some(b"h2")),
        (&["http/1.1"], Some(b"http/1.1")),
        (&[], None),
    ] {
        let mut stream = tls::connect_as_browser(&server, offered).await?;
        ensure!(stream.get_ref().1.alpn_protocol() == chosen, "{offered:?}");
        let status = if chosen == Some(b"h2") {
            Http2::on(&server, stream).await?.get("/healthz").await?.status.as_u16()
        } else {
            let request = format!("GET /healthz HTTP/1.1\r\nHost: {}\r\n\r\n", host(&server));
            raw::send_on(&mut stream, request.as_bytes()).await?.status
        };
        ensure!(status == 204, "{offered:?}: {status}");
    }
    ensure!(tls::connect_as_browser(&server, &["spdy/3"]).await.is_err(), "a protocol of nobody's");
    // Over TLS every answer says so (HSTS), and clear HTTP on the same port is no request.
    let page =
        Http2::on(&server, tls::connect_as_browser(&server, &["h2"]).await?).await?.get("/login").await?;
    ensure!(page.headers.contains_key("strict-transport-security"));
    let clear = format!("GET /healthz HTTP/1.1\r\nHost: {}\r\n\r\n", host(&server));
    ensure!(raw::send(&server, clear.as_bytes()).await.is_err(), "clear HTTP was answered");
    Ok(())
}

#[tokio::test]
async fn a_certificate_that_changes_is_shown_without_a_restart() -> anyhow::Result<()> {
    let options = Options::on(StoreKind::Memory).tls().tick(Duration::from_millis(20));
    let server = TestServer::start(options).await?;
    let mut before = Http2::on(&server, tls::connect_as_browser(&server, &["h2"]).await?).await?;
    let (certificate, key) = server.certificate();
    let old = tls::client(&certificate, &[])?;
    let new = tls::issue(&["localhost"]);
    new.write(&certificate, &key)?;
    let shown = async {
        while tls::connect_as_browser(&server, &[]).await.is_err() {
            // Whoever was connected already notices nothing.
            ensure!(before.get("/healthz").await?.status == 204);
        }
        Ok(())
    };
    tokio::time::timeout(Duration::from_secs(30), shown).await.context("the old one is still shown")??;
    ensure!(tls::connect(&server, old).await.is_err(), "both are shown");
    Ok(())
}
