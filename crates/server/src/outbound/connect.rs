//! A connection to an address that was judged: the name is looked up once, and what is connected to is what was looked
//! at, so that a name that changes its mind gains nothing (attack OAU-61).

use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use countersign_core::outbound::{Reach, Target};
use rustls::ClientConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls_platform_verifier::Verifier;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio_rustls::TlsConnector;

use super::OutboundError;

/// Names that are looked up at once: each takes a thread, however long the resolver takes.
const LOOKUPS: usize = 16;

/// A connection, in clear or not.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Seats for lookups.
#[derive(Debug)]
pub(super) struct Lookups(Arc<Semaphore>);

impl Default for Lookups {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(LOOKUPS)))
    }
}

/// Why the certificates that peers are held against cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// The file.
    #[error("{0} cannot be read as certificates in PEM (`-----BEGIN CERTIFICATE-----`): {1}")]
    File(PathBuf, String),
    /// What is in it.
    #[error("{0}")]
    Rejected(String),
}

/// How TLS is begun. None: this machine trusts no authority at all, so neither can we; a server that asks nobody runs
/// without.
pub(super) struct Trust(Option<TlsConnector>);

impl std::fmt::Debug for Trust {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Trust")
    }
}

/// TLS 1.3 and 1.2 with the certificates of this machine and those of the file.
pub(super) fn trust(ca_file: Option<&Path>) -> Result<Trust, TrustError> {
    let extra = ca_file.map(certificates).transpose()?;
    let provider = Arc::new(aws_lc_rs::default_provider());
    let is_extra = extra.is_some();
    let verifier = Verifier::new_with_extra_roots(extra.unwrap_or_default(), Arc::clone(&provider));
    let verifier = match verifier {
        Ok(verifier) => verifier,
        Err(error) if is_extra => return Err(TrustError::Rejected(error.to_string())),
        Err(_) => return Ok(Trust(None)),
    };
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| TrustError::Rejected(error.to_string()))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    Ok(Trust(Some(TlsConnector::from(Arc::new(config)))))
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, TrustError> {
    let refuse = |error: &dyn std::fmt::Display| TrustError::File(file.to_owned(), error.to_string());
    let read = CertificateDer::pem_file_iter(file).map_err(|error| refuse(&error))?;
    let read: Vec<_> = read.collect::<Result<_, _>>().map_err(|error| refuse(&error))?;
    if read.is_empty() { Err(refuse(&"there is none")) } else { Ok(read) }
}

/// Connects to the target, at an address that its reach admits.
pub(super) async fn connect(
    (trust, lookups): (&Trust, &Lookups),
    target: &Target,
    reach: Reach,
) -> Result<Box<dyn Stream>, OutboundError> {
    let addresses = judge(resolve(lookups, target).await?, reach)?;
    let tcp = dial(&addresses).await?;
    if !target.is_https() {
        return Ok(Box::new(tcp));
    }
    let name = target.host().trim_start_matches('[').trim_end_matches(']').to_owned();
    let name = ServerName::try_from(name).map_err(|_| OutboundError::Tls)?;
    let connector = trust.0.as_ref().ok_or(OutboundError::Tls)?;
    let stream = connector.connect(name, tcp).await.map_err(|_| OutboundError::Tls)?;
    Ok(Box::new(stream))
}

/// All addresses of the host. The thread keeps its seat until the resolver answers, even if nobody waits for it any more.
async fn resolve(lookups: &Lookups, target: &Target) -> Result<Vec<SocketAddr>, OutboundError> {
    let host = target.host().trim_start_matches('[').trim_end_matches(']');
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, target.port())]);
    }
    let named = (host.to_owned(), target.port());
    let seat = Arc::clone(&lookups.0).acquire_owned().await.map_err(|_| OutboundError::NotFound)?;
    let lookup = tokio::task::spawn_blocking(move || {
        let found = named.to_socket_addrs().map(Iterator::collect);
        drop(seat);
        found
    });
    match lookup.await {
        Ok(Ok(addresses)) => Ok(addresses),
        _ => Err(OutboundError::NotFound),
    }
}

/// Every address must be fit: a host with one that is not is nobody's business (attack OAU-61).
pub(super) fn judge(addresses: Vec<SocketAddr>, reach: Reach) -> Result<Vec<SocketAddr>, OutboundError> {
    match addresses.as_slice() {
        [] => Err(OutboundError::NotFound),
        all if all.iter().all(|address| reach.admits(address.ip())) => Ok(addresses),
        _ => Err(OutboundError::Address),
    }
}

/// The first that answers.
async fn dial(addresses: &[SocketAddr]) -> Result<TcpStream, OutboundError> {
    for address in addresses {
        if let Ok(stream) = TcpStream::connect(address).await {
            return Ok(stream);
        }
    }
    Err(OutboundError::Unreachable)
}
