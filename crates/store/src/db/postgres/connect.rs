//! How a PostgreSQL connection is made: TLS, time limits, session settings.

use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::{ClientWrapper, Manager, ManagerConfig, Pool, PoolError, RecyclingMethod, Runtime};
use futures_util::future::BoxFuture;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres::{Client, Config, NoTls, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::super::url::{PostgresUrl, Tls};
use super::super::{Error, Result};
use super::wire::words;

/// From the first packet to a session ready for work.
pub(super) const CONNECT: Duration = Duration::from_secs(5);
/// For a session of a pool whose sessions are all at work.
const WAIT: Duration = Duration::from_secs(2);

/// No transaction of ours waits for anything between its statements, so one that is idle belongs
/// to a process that is paused or gone: the server ends it, and its locks block nobody.
/// The server asks after a process that lost its power too: what it held is free within seconds.
/// An acknowledged commit must be durable (I12) whatever the server's default says.
const SESSION: &str = "
    SET default_transaction_isolation = 'read committed';
    SET idle_in_transaction_session_timeout = '1s';
    SET lock_timeout = '2s';
    SET statement_timeout = '10s';
    SET tcp_user_timeout = '5s';
    SET tcp_keepalives_idle = 5;
    SET tcp_keepalives_interval = 2;
    SET tcp_keepalives_count = 3;
    SELECT set_config('synchronous_commit', 'on', false)
        WHERE current_setting('synchronous_commit') = 'off';";

/// What a session is for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Purpose {
    Read,
    Write,
    Schema,
}

impl Purpose {
    fn settings(self) -> &'static str {
        match self {
            Self::Read => "SET default_transaction_read_only = on",
            Self::Write => "",
            Self::Schema => "SET lock_timeout = '10s'; SET statement_timeout = 0",
        }
    }
}

/// Makes sessions to one database.
#[derive(Clone)]
pub(super) struct Connector {
    config: Config,
    tls: Option<MakeRustlsConnect>,
}

impl Connector {
    pub(super) fn new(url: &PostgresUrl) -> Result<Self> {
        let mut config = url.config.clone();
        if config.get_application_name().is_none() {
            config.application_name("countersign");
        }
        config.tcp_user_timeout(CONNECT).keepalives_idle(Duration::from_secs(10));
        let tls = match &url.tls {
            Tls::Off => None,
            tls => Some(MakeRustlsConnect::new(verifying(tls)?)),
        };
        Ok(Self { config, tls })
    }

    /// A session that remembers its prepared statements.
    pub(super) async fn session(&self, purpose: Purpose) -> Result<ClientWrapper> {
        let (client, task) = self.watched(purpose).await?;
        Ok(ClientWrapper::new(client, task))
    }

    /// A session, and the task that ends when its connection does.
    pub(super) async fn watched(&self, purpose: Purpose) -> Result<(Client, JoinHandle<()>)> {
        match timeout(CONNECT, self.connect(purpose)).await {
            Ok(Ok(session)) => Ok(session),
            Ok(Err(error)) => Err(Error::Unavailable(words(&error))),
            Err(_) => Err(Error::Unavailable("connecting took too long".to_owned())),
        }
    }

    async fn connect(
        &self,
        purpose: Purpose,
    ) -> std::result::Result<(Client, JoinHandle<()>), tokio_postgres::Error> {
        let (client, task) = match &self.tls {
            Some(tls) => dial(&self.config, tls.clone()).await?,
            None => dial(&self.config, NoTls).await?,
        };
        client.batch_execute(SESSION).await?;
        client.batch_execute(purpose.settings()).await?;
        Ok((client, task))
    }
}

/// A pool of at most `size` sessions, made when first needed.
pub(super) fn pool(connector: &Connector, purpose: Purpose, size: usize) -> Result<Pool> {
    struct Connect(Connector, Purpose);

    impl deadpool_postgres::Connect for Connect {
        fn connect(
            &self,
            _: &Config,
        ) -> BoxFuture<'_, std::result::Result<(Client, JoinHandle<()>), tokio_postgres::Error>> {
            Box::pin(self.0.connect(self.1))
        }
    }

    let connect = Connect(connector.clone(), purpose);
    let settings = ManagerConfig { recycling_method: RecyclingMethod::Fast };
    let manager = Manager::from_connect(connector.config.clone(), connect, settings);
    Pool::builder(manager)
        .max_size(size)
        .runtime(Runtime::Tokio1)
        .wait_timeout(Some(WAIT))
        .create_timeout(Some(CONNECT))
        .build()
        .map_err(|error| Error::Unavailable(error.to_string()))
}

pub(super) fn unavailable(error: &PoolError) -> Error {
    Error::Unavailable(match error {
        PoolError::Backend(error) => words(error),
        error => error.to_string(),
    })
}

async fn dial<T>(
    config: &Config,
    tls: T,
) -> std::result::Result<(Client, JoinHandle<()>), tokio_postgres::Error>
where
    T: MakeTlsConnect<Socket>,
    T::Stream: Send + 'static,
    <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
{
    let (client, connection) = config.connect(tls).await?;
    let task = tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::warn!(error = words(&error), "a database connection ended");
        }
    });
    Ok((client, task))
}

fn verifying(tls: &Tls) -> Result<ClientConfig> {
    let broken = |error: &dyn std::fmt::Display| Error::Unavailable(format!("TLS: {error}"));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| broken(&error))?;
    let Tls::Pinned(path) = tls else {
        let builder = builder.with_platform_verifier().map_err(|error| broken(&error))?;
        return Ok(builder.with_no_client_auth());
    };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(path).map_err(|error| broken(&error))? {
        let certificate = certificate.map_err(|error| broken(&error))?;
        roots.add(certificate).map_err(|error| broken(&error))?;
    }
    if roots.is_empty() {
        return Err(broken(&format_args!("no certificate in {}", path.display())));
    }
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}
