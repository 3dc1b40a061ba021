//! A certificate and its key, from their files (settings `tls.certificate`, `tls.key`). What does not fit is refused in
//! words that say what to do.

use std::fs::File;
use std::io::{self, Read as _};
use std::net::IpAddr;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use countersign_core::Time;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use x509_cert::der::Decode as _;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;
use zeroize::Zeroizing;

/// A chain of certificates and a key are short; whatever is longer is another file.
const MAX_BYTES: u64 = 1024 * 1024;

/// Where a certificate and its key lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Files {
    /// The chain in PEM, the server's own certificate first.
    pub certificate: PathBuf,
    /// The key in PEM.
    pub key: PathBuf,
}

/// What a certificate says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// The names and addresses that it is for.
    pub names: Vec<String>,
    /// Not valid before.
    pub begins: Time,
    /// Not valid after.
    pub ends: Time,
}

/// A certificate that can be shown, with its key.
pub(super) struct Pair {
    /// What it says.
    pub(super) certificate: Certificate,
    pub(super) certified: CertifiedKey,
}

/// Why there is none.
#[derive(Debug, thiserror::Error)]
pub enum PairError {
    /// A file.
    #[error("{setting}: {path} cannot be read: {error}")]
    Unreadable {
        /// `tls.certificate` or `tls.key`
        setting: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// Its mode.
    #[error("tls.key: {0} is open to others: `chmod 600 {0}`")]
    Open(PathBuf),
    /// What is in it.
    #[error("tls.certificate: {0} holds no certificate in PEM (`-----BEGIN CERTIFICATE-----`): {1}")]
    NoCertificate(PathBuf, String),
    /// What is in it.
    #[error("tls.key: {0} holds no private key in PEM (PKCS #8, SEC1 or PKCS #1, not encrypted): {1}")]
    NoKey(PathBuf, String),
    /// They are not a pair.
    #[error(
        "tls.key: {key} is not the key of {certificate}: the chain must begin with the server's own certificate"
    )]
    Mismatch {
        /// `tls.certificate`
        certificate: PathBuf,
        /// `tls.key`
        key: PathBuf,
    },
    /// Its time is over.
    #[error("tls.certificate: {0} expired at {1}: renew it")]
    Expired(PathBuf, Time),
    /// Its time is to come.
    #[error("tls.certificate: {0} is not valid before {1}: is the clock of this machine right?")]
    Early(PathBuf, Time),
    /// The randomness or the ciphers of this machine.
    #[error("TLS: {0}")]
    Library(#[from] rustls::Error),
}

/// The bytes of both files.
pub(super) struct Bytes {
    pub(super) certificate: Vec<u8>,
    pub(super) key: Zeroizing<Vec<u8>>,
}

impl Files {
    /// Reads both; nothing is said about what is in them.
    pub(super) fn read(&self) -> Result<Bytes, PairError> {
        let certificate = read("tls.certificate", &self.certificate, false)?;
        Ok(Bytes { certificate: certificate.to_vec(), key: read("tls.key", &self.key, true)? })
    }

    /// Puts them together, to be shown at `now`.
    pub(super) fn pair_of(
        &self,
        bytes: &Bytes,
        provider: &CryptoProvider,
        now: Time,
    ) -> Result<Pair, PairError> {
        let no_certificate = |why: String| PairError::NoCertificate(self.certificate.clone(), why);
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes.certificate).collect();
        let chain = chain.map_err(|error| no_certificate(error.to_string()))?;
        let leaf = chain.first().ok_or_else(|| no_certificate("it is empty".to_owned()))?;
        let certificate = Certificate::parse(leaf).map_err(|error| no_certificate(error.to_string()))?;
        if now >= certificate.ends {
            return Err(PairError::Expired(self.certificate.clone(), certificate.ends));
        }
        if now < certificate.begins {
            return Err(PairError::Early(self.certificate.clone(), certificate.begins));
        }
        let no_key = |error: &dyn std::error::Error| PairError::NoKey(self.key.clone(), error.to_string());
        let key = PrivateKeyDer::from_pem_slice(&bytes.key).map_err(|error| no_key(&error))?;
        let key = provider.key_provider.load_private_key(key).map_err(|error| no_key(&error))?;
        let certified = CertifiedKey::new(chain, key);
        certified.keys_match().map_err(|_| PairError::Mismatch {
            certificate: self.certificate.clone(),
            key: self.key.clone(),
        })?;
        Ok(Pair { certificate, certified })
    }
}

impl Certificate {
    fn parse(der: &[u8]) -> x509_cert::der::Result<Self> {
        let parsed = x509_cert::Certificate::from_der(der)?.tbs_certificate;
        let time = |time: x509_cert::time::Time| {
            let micros = i64::try_from(time.to_unix_duration().as_micros()).unwrap_or(i64::MAX);
            Time::from_micros(micros)
        };
        let names = parsed.get::<SubjectAltName>()?.map(|(_, names)| names.0).unwrap_or_default();
        Ok(Self {
            names: names.iter().filter_map(text).collect(),
            begins: time(parsed.validity.not_before),
            ends: time(parsed.validity.not_after),
        })
    }

    /// Whether a client that asks for `host` accepts it (RFC 9525 section 6): the name itself, or one label under `*.`.
    pub fn covers(&self, host: &str) -> bool {
        self.names.iter().any(|name| {
            let wild =
                name.strip_prefix("*.").and_then(|parent| host.strip_suffix(parent)?.strip_suffix('.'));
            name.eq_ignore_ascii_case(host)
                || wild.is_some_and(|label| !label.is_empty() && !label.contains('.'))
        })
    }
}

fn text(name: &GeneralName) -> Option<String> {
    match name {
        GeneralName::DnsName(name) => Some(name.as_str().to_ascii_lowercase()),
        GeneralName::IpAddress(octets) => {
            let four = <[u8; 4]>::try_from(octets.as_bytes()).map(IpAddr::from);
            four.or_else(|_| <[u8; 16]>::try_from(octets.as_bytes()).map(IpAddr::from))
                .ok()
                .map(|ip| ip.to_string())
        }
        _ => None,
    }
}

/// A file of ours, bounded. Of one that is `private` nobody but owner and group may know, and nobody but the owner may
/// write it: an attacker's own key is as bad as a stolen one.
fn read(setting: &'static str, path: &Path, private: bool) -> Result<Zeroizing<Vec<u8>>, PairError> {
    let unreadable = |error| PairError::Unreadable { setting, path: path.to_owned(), error };
    let file = File::open(path).map_err(unreadable)?;
    // Of the file that is open, not of the name: it cannot be changed in between.
    let metadata = file.metadata().map_err(unreadable)?;
    if !metadata.is_file() || metadata.len() > MAX_BYTES {
        return Err(unreadable(io::Error::other("it is no PEM file")));
    }
    if private && metadata.mode() & 0o027 != 0 {
        return Err(PairError::Open(path.to_owned()));
    }
    // Room for all of it from the start: a vector that grows leaves copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or(0) + 1));
    file.take(MAX_BYTES).read_to_end(&mut bytes).map_err(unreadable)?;
    Ok(bytes)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::serve::tls::suites;
    use countersign_core::Span;
    use rcgen::{CertificateParams, KeyPair};
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt as _;
    use tempfile::TempDir;

    pub(in crate::serve) const NOW: Time = Time::from_micros(1_795_510_800_000_000);

    /// A certificate for this name and its key, in PEM.
    pub(in crate::serve) fn issue(name: &str) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned(), "192.0.2.7".to_owned()]).unwrap();
        (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
    }

    pub(in crate::serve) fn write(folder: &TempDir, certificate: &str, key: &str) -> Files {
        let files = Files { certificate: folder.path().join("crt"), key: folder.path().join("key") };
        fs::write(&files.certificate, certificate).unwrap();
        fs::write(&files.key, key).unwrap();
        fs::set_permissions(&files.key, Permissions::from_mode(0o600)).unwrap();
        files
    }

    fn open(files: &Files, now: Time) -> Result<Certificate, PairError> {
        Ok(files.pair_of(&files.read()?, &suites(), now)?.certificate)
    }

    #[test]
    fn a_pair_says_what_it_is_for_and_until_when() {
        let folder = TempDir::new().unwrap();
        let (certificate, key) = issue("*.example.com");
        let found = open(&write(&folder, &certificate, &key), NOW).unwrap();
        assert_eq!(found.names, ["*.example.com", "192.0.2.7"]);
        assert!(found.begins < NOW && NOW < found.ends);
        for (host, covered) in [
            ("id.example.com", true),
            ("192.0.2.7", true),
            ("example.com", false),
            ("a.b.example.com", false),
            (".example.com", false),
            ("idexample.com", false),
            ("192.0.2.8", false),
        ] {
            assert_eq!(found.covers(host), covered, "{host}");
        }
    }

    #[test]
    fn i13_what_is_no_pair_is_refused_in_words_that_say_what_to_do() {
        let folder = TempDir::new().unwrap();
        let ((certificate, key), (other, _)) = (issue("a.example"), issue("b.example"));
        let problem = |files: &Files, now| open(files, now).unwrap_err().to_string();
        for (certificate, key, words) in [
            ("", &*key, "holds no certificate in PEM"),
            ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", &*key, "holds no certificate"),
            (&*certificate, "", "holds no private key"),
            (&*certificate, &*certificate, "holds no private key"),
            (&*key, &*certificate, "holds no certificate"),
            (&*other, &*key, "is not the key of"),
        ] {
            let said = problem(&write(&folder, certificate, key), NOW);
            assert!(said.contains(words), "{said}");
            assert!(!said.contains(key) || key.is_empty(), "{said}");
        }
        let files = write(&folder, &certificate, &key);
        let ends = open(&files, NOW).unwrap().ends;
        assert!(problem(&files, ends).contains("expired at 4096-01-01"), "{}", problem(&files, ends));
        assert!(problem(&files, Time::from_micros(0)).contains("is not valid before 1975-01-01"));
        assert!(open(&files, ends - Span::seconds(1)).is_ok());
        fs::remove_file(&files.key).unwrap();
        assert!(problem(&files, NOW).contains("tls.key: "), "{}", problem(&files, NOW));
    }

    #[test]
    fn i13_a_key_that_others_can_read_or_write_is_refused() {
        let folder = TempDir::new().unwrap();
        let (certificate, key) = issue("a.example");
        let files = write(&folder, &certificate, &key);
        for (mode, fine) in
            [(0o600, true), (0o400, true), (0o640, true), (0o644, false), (0o660, false), (0o602, false)]
        {
            fs::set_permissions(&files.key, Permissions::from_mode(mode)).unwrap();
            let opened = open(&files, NOW);
            assert_eq!(opened.is_ok(), fine, "{mode:o}: {opened:?}");
            assert!(fine || opened.unwrap_err().to_string().contains("chmod 600"));
        }
    }
}
