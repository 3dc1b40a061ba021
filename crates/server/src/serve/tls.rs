//! TLS of our own: which versions and suites, and a certificate that is read again when its files change.

use std::sync::Arc;

use arc_swap::ArcSwap;
use aws_lc_rs::digest::{SHA256, digest};
use countersign_core::{Span, Time};
use parking_lot::Mutex;
use rustls::ServerConfig;
use rustls::crypto::{CryptoProvider, aws_lc_rs as provider};
use rustls::server::{ClientHello, NoServerSessionStorage, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio_rustls::TlsAcceptor;

use super::certificate::{Bytes, Certificate, Files, Pair, PairError};

/// The TLS of a listener.
#[derive(Debug)]
pub struct Tls {
    files: Files,
    shown: Arc<Shown>,
    provider: Arc<CryptoProvider>,
    known: Mutex<Known>,
    config: Arc<ServerConfig>,
}

/// What is known of the files. It is held from the first byte read to the certificate shown: of two who read them at once,
/// the one who read the older must not be the last to show it.
#[derive(Debug)]
struct Known {
    /// What was read last, good or not: it is judged once.
    seen: Option<[u8; 32]>,
    /// When the one that is shown ends.
    ends: Time,
    /// When it was said last that this is soon.
    said: Option<Time>,
}

/// The certificate that is shown.
#[derive(Debug)]
struct Shown(ArcSwap<CertifiedKey>);

impl Tls {
    /// From these files, and what their certificate says.
    pub fn open(files: Files, now: Time) -> Result<(Self, Certificate), PairError> {
        let provider = Arc::new(suites());
        let bytes = files.read()?;
        let Pair { certificate, certified } = files.pair_of(&bytes, &provider, now)?;
        let shown = Arc::new(Shown(ArcSwap::from_pointee(certified)));
        let mut config = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?
            .with_no_client_auth()
            .with_cert_resolver(shown.clone());
        config.alpn_protocols = vec![H2.to_vec(), b"http/1.1".to_vec()];
        // Sessions go on by tickets whose key changes every six hours: nothing is kept here, and no early data is read
        // (RFC 8446 section 8: it can be replayed).
        config.ticketer = provider::Ticketer::new()?;
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.max_early_data_size = 0;
        let tls = Self {
            files,
            shown,
            provider,
            known: Mutex::new(Known { seen: Some(fingerprint(&bytes)), ends: certificate.ends, said: None }),
            config: Arc::new(config),
        };
        Ok((tls, certificate))
    }

    /// What the certificate in these files says, if it could be shown at `now`.
    pub fn inspect(files: &Files, now: Time) -> Result<Certificate, PairError> {
        Ok(files.pair_of(&files.read()?, &suites(), now)?.certificate)
    }

    /// Shakes hands.
    pub(super) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(Arc::clone(&self.config))
    }

    /// Reads the files again. Where they have changed, the new certificate is shown from now on and returned; one that
    /// cannot be is an error once, and the old one stays.
    pub fn reload(&self, now: Time) -> Result<Option<Certificate>, PairError> {
        let mut known = self.known.lock();
        let bytes = match self.files.read() {
            Ok(bytes) => bytes,
            Err(error) => return if known.seen.take().is_some() { Err(error) } else { Ok(None) },
        };
        let new = fingerprint(&bytes);
        if known.seen.replace(new) == Some(new) {
            return Ok(None);
        }
        let pair = self.files.pair_of(&bytes, &self.provider, now)?;
        self.shown.0.store(Arc::new(pair.certified));
        *known = Known { ends: pair.certificate.ends, said: None, ..*known };
        Ok(Some(pair.certificate))
    }

    /// When the certificate that is shown ends.
    pub(super) fn ends(&self) -> Time {
        self.known.lock().ends
    }

    /// Whether it must be said now that it ends soon: from two weeks before on, once a day.
    pub(super) fn must_warn(&self, now: Time) -> bool {
        let mut known = self.known.lock();
        let said_lately = known.said.is_some_and(|said| now < said + Span::days(1));
        let warns = now >= known.ends - SOON && !said_lately;
        if warns {
            known.said = Some(now);
        }
        warns
    }
}

impl ResolvesServerCert for Shown {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.load_full())
    }
}

/// A certificate that ends within this time is one that nobody renews.
const SOON: Span = Span::days(14);

/// ALPN of HTTP/2.
pub(super) const H2: &[u8] = b"h2";

/// TLS 1.3 with all of its suites; of TLS 1.2 the four with ECDHE and AES-GCM. Key exchange begins with X25519MLKEM768.
pub(super) fn suites() -> CryptoProvider {
    use provider::cipher_suite::{
        TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
        TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
        TLS13_AES_128_GCM_SHA256, TLS13_AES_256_GCM_SHA384, TLS13_CHACHA20_POLY1305_SHA256,
    };
    CryptoProvider {
        cipher_suites: vec![
            TLS13_AES_128_GCM_SHA256,
            TLS13_AES_256_GCM_SHA384,
            TLS13_CHACHA20_POLY1305_SHA256,
            TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
            TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
            TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
            TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
        ],
        ..provider::default_provider()
    }
}

fn fingerprint(bytes: &Bytes) -> [u8; 32] {
    let both = [digest(&SHA256, &bytes.certificate), digest(&SHA256, &bytes.key)];
    let mut all = [0; 32];
    all.copy_from_slice(digest(&SHA256, &both.map(|half| half.as_ref().to_vec()).concat()).as_ref());
    all
}

#[cfg(test)]
mod tests {
    use super::super::certificate::tests::{NOW, issue, write};
    use super::*;
    use tempfile::TempDir;

    fn shown(tls: &Tls) -> Vec<u8> {
        tls.shown.0.load().cert[0].to_vec()
    }

    #[test]
    fn only_what_has_changed_and_fits_is_shown() {
        let folder = TempDir::new().unwrap();
        let ((certificate, key), (next, next_key)) = (issue("a.example"), issue("b.example"));
        let (tls, _) = Tls::open(write(&folder, &certificate, &key), NOW).unwrap();
        let first = shown(&tls);
        assert_eq!(tls.reload(NOW).unwrap(), None, "nothing has changed");
        // The certificate came, its key did not yet: said once.
        write(&folder, &next, &key);
        assert!(tls.reload(NOW).unwrap_err().to_string().contains("is not the key of"));
        assert_eq!(tls.reload(NOW).unwrap(), None);
        assert_eq!(shown(&tls), first);
        let files = write(&folder, &next, &next_key);
        assert_eq!(tls.reload(NOW).unwrap().unwrap().names[0], "b.example");
        let second = shown(&tls);
        assert_ne!(second, first);
        // Gone, and back again as it was.
        std::fs::remove_file(&files.certificate).unwrap();
        assert!(tls.reload(NOW).is_err());
        assert_eq!(tls.reload(NOW).unwrap(), None);
        write(&folder, &next, &next_key);
        assert!(tls.reload(NOW).is_ok());
        assert_eq!(shown(&tls), second);
        assert_eq!(tls.reload(NOW).unwrap(), None);
    }

    #[test]
    fn an_expired_certificate_never_replaces_one_that_is_shown() {
        let folder = TempDir::new().unwrap();
        let ((certificate, key), (next, next_key)) = (issue("a.example"), issue("b.example"));
        let (tls, first) = Tls::open(write(&folder, &certificate, &key), NOW).unwrap();
        let before = shown(&tls);
        write(&folder, &next, &next_key);
        assert!(tls.reload(first.ends).unwrap_err().to_string().contains("expired"));
        assert_eq!(shown(&tls), before);
    }

    #[test]
    fn a_certificate_that_nobody_renews_is_told_of_once_a_day() {
        let folder = TempDir::new().unwrap();
        let (certificate, key) = issue("a.example");
        let (tls, read) = Tls::open(write(&folder, &certificate, &key), NOW).unwrap();
        assert_eq!(tls.ends(), read.ends);
        let hours = |left: i64| read.ends - Span::hours(left);
        let said: Vec<i64> = (0..400).rev().filter(|left| tls.must_warn(hours(*left))).collect();
        assert_eq!(said, (0..=14).rev().map(|days| days * 24).collect::<Vec<_>>());
    }

    #[test]
    fn the_first_key_exchange_is_the_hybrid_one() {
        let names: Vec<_> = suites().kx_groups.iter().map(|group| group.name()).collect();
        assert_eq!(names.first(), Some(&rustls::NamedGroup::X25519MLKEM768));
    }
}
