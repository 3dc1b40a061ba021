//! TLS from outside: certificates made for a test, and clients that trust them.

use std::fs::{OpenOptions, Permissions, set_permissions};
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::server::TestServer;

/// A certificate and its key, in PEM.
#[derive(Debug, Clone)]
pub struct Issued {
    /// The certificate, self-signed.
    pub certificate: String,
    /// Its key.
    pub key: String,
}

/// A certificate for these names, on a P-256 key, valid for longer than any test's clock runs.
///
/// # Panics
/// Never: the names are constant.
pub fn issue(names: &[&str]) -> Issued {
    issue_with(names, &KeyPair::generate().expect("a key"), |_| {})
}

/// A certificate as `change` will have it, on this key.
///
/// # Panics
/// The names are none.
pub fn issue_with(names: &[&str], key: &KeyPair, change: impl FnOnce(&mut CertificateParams)) -> Issued {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).expect("names");
    change(&mut params);
    let certificate = params.self_signed(key).expect("a certificate").pem();
    Issued { certificate, key: key.serialize_pem() }
}

impl Issued {
    /// Writes both; the key for its owner alone.
    ///
    /// # Errors
    /// The folder cannot be written to.
    pub fn write(&self, certificate: &Path, key: &Path) -> anyhow::Result<()> {
        std::fs::write(certificate, &self.certificate)?;
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(key)?;
        file.write_all(self.key.as_bytes())?;
        Ok(set_permissions(key, Permissions::from_mode(0o600))?)
    }
}

/// A client that trusts this certificate and no other, and offers these protocols.
///
/// # Errors
/// It is no certificate.
pub fn client(certificate: &Path, protocols: &[&str]) -> anyhow::Result<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(certificate).context("no certificate")?)?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
    Ok(config)
}

/// Shakes hands with the server.
///
/// # Errors
/// It does not want to.
pub async fn connect(server: &TestServer, config: ClientConfig) -> anyhow::Result<TlsStream<TcpStream>> {
    let stream = TcpStream::connect(server.address).await?;
    let name = ServerName::try_from("localhost").context("a name")?;
    Ok(TlsConnector::from(Arc::new(config)).connect(name, stream).await?)
}

/// Shakes hands as a browser does, trusting the server's own certificate.
///
/// # Errors
/// It does not want to.
pub async fn connect_as_browser(
    server: &TestServer,
    protocols: &[&str],
) -> anyhow::Result<TlsStream<TcpStream>> {
    connect(server, client(&server.certificate().0, protocols)?).await
}
