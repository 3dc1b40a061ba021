//! `store.url`: which database, and how it is reached.

use std::fmt;
use std::path::PathBuf;

use tokio_postgres::config::{Config, Host, SslMode};

/// A parsed `store.url`. Neither `Debug` nor `Display` ever shows a password (I16).
#[derive(Clone)]
pub enum StoreUrl {
    /// `memory:`: a private temporary file, gone at exit; for development and tests.
    Memory,
    /// `sqlite:PATH`.
    Sqlite(PathBuf),
    /// `postgres://USER:PASSWORD@HOST/DATABASE?sslmode=…`.
    Postgres(Box<PostgresUrl>),
}

/// Where a PostgreSQL database is, and what proves that it is that one.
#[derive(Clone)]
pub struct PostgresUrl {
    pub(super) config: Config,
    pub(super) tls: Tls,
}

/// With TLS the certificate is always verified, its name included: an unverified one stops nobody
/// who can read the wire (STO-19).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Tls {
    Off,
    /// Trust the platform's roots.
    Platform,
    /// Trust the certificates in this PEM file alone (`sslrootcert`).
    Pinned(PathBuf),
}

/// Why a `store.url` was refused. Never carries the URL.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreUrlError {
    /// Not one of the three schemes.
    #[error("expected memory:, sqlite:PATH or postgres://USER:PASSWORD@HOST/DATABASE")]
    Scheme,
    /// `sqlite:` without a path, or with SQLite's own name for memory.
    #[error("sqlite: needs the path of a file (a store that forgets is memory:)")]
    Path,
    /// PostgreSQL's part does not parse; the text is the driver's and quotes no value.
    #[error("the postgres:// URL is malformed: {0}")]
    Postgres(String),
    /// A second `@`, or one behind the hosts.
    #[error(
        "one @ ends user and password; in them write @ as %40, / as %2F, ? as %3F, # as %23, and elsewhere @ as %40"
    )]
    Unescaped,
    /// `sslmode` is unknown, or one that only looks safe.
    #[error(
        "sslmode must be disable, require, verify-ca or verify-full (the last three verify the certificate and its name)"
    )]
    SslMode,
    /// `sslrootcert` beside `sslmode=disable`.
    #[error("sslrootcert needs sslmode=verify-full")]
    RootCertificate,
}

impl StoreUrl {
    /// Reads `memory:`, `sqlite:PATH` or `postgres://…`.
    pub fn parse(url: &str) -> Result<Self, StoreUrlError> {
        if url == "memory:" {
            return Ok(Self::Memory);
        }
        if let Some(path) = url.strip_prefix("sqlite:") {
            return match path.strip_prefix("//").unwrap_or(path) {
                "" | ":memory:" => Err(StoreUrlError::Path),
                path => Ok(Self::Sqlite(path.into())),
            };
        }
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            return PostgresUrl::parse(url).map(|url| Self::Postgres(Box::new(url)));
        }
        Err(StoreUrlError::Scheme)
    }
}

impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory => f.write_str("memory:"),
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Self::Postgres(url) => url.fmt(f),
        }
    }
}

impl fmt::Debug for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The hosts and the database: no user, no password, no options.
impl fmt::Display for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hosts = self.config.get_hosts().iter().map(|host| match host {
            Host::Tcp(name) => name.clone(),
            Host::Unix(path) => path.display().to_string(),
        });
        let hosts = hosts.collect::<Vec<_>>().join(",");
        write!(f, "postgres://{hosts}/{}", self.config.get_dbname().unwrap_or_default())
    }
}

impl fmt::Debug for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl PostgresUrl {
    fn parse(url: &str) -> Result<Self, StoreUrlError> {
        // In a password an `@` begins the hosts and these end them: a part of it would be shown as a host, a database or an
        // option.
        let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        if rest.matches('@').count() > usize::from(authority.contains('@')) {
            return Err(StoreUrlError::Unescaped);
        }
        let (address, query) = url.split_once('?').unwrap_or((url, ""));
        let (ours, theirs) = query
            .split('&')
            .filter(|pair| !pair.is_empty())
            .partition::<Vec<_>, _>(|pair| pair.starts_with("sslmode=") || pair.starts_with("sslrootcert="));
        let address = format!("{address}?{}", theirs.join("&"));
        let mut config: Config =
            address.parse().map_err(|error| StoreUrlError::Postgres(without_values(&error)))?;
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            return Err(StoreUrlError::Postgres("it names no host".to_owned()));
        }
        let tls = tls(&ours.join("&"), &config)?;
        config.ssl_mode(if tls == Tls::Off { SslMode::Disable } else { SslMode::Require });
        Ok(Self { config, tls })
    }
}

/// The error's cause says which parameter is wrong, by name.
fn without_values(error: &tokio_postgres::Error) -> String {
    std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string)
}

fn tls(query: &str, config: &Config) -> Result<Tls, StoreUrlError> {
    let mut mode = None;
    let mut root = None;
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        *(if name == "sslmode" { &mut mode } else { &mut root }) = Some(value.into_owned());
    }
    let on = match mode.as_deref() {
        None => root.is_some() || !stays_on_this_machine(config),
        Some("disable") => false,
        Some("require" | "verify-ca" | "verify-full") => true,
        // `prefer` and `allow` would let whoever owns the network turn TLS off.
        Some(_) => return Err(StoreUrlError::SslMode),
    };
    match (on, root) {
        (true, Some(path)) => Ok(Tls::Pinned(path.into())),
        (true, None) => Ok(Tls::Platform),
        (false, None) => Ok(Tls::Off),
        (false, Some(_)) => Err(StoreUrlError::RootCertificate),
    }
}

fn stays_on_this_machine(config: &Config) -> bool {
    let local = |host: &Host| match host {
        Host::Unix(_) => true,
        Host::Tcp(name) if name == "localhost" => true,
        Host::Tcp(name) => name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback()),
    };
    config.get_hosts().iter().all(local) && config.get_hostaddrs().iter().all(std::net::IpAddr::is_loopback)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tls_of(url: &str) -> Result<Tls, StoreUrlError> {
        match StoreUrl::parse(url)? {
            StoreUrl::Postgres(url) => Ok(url.tls),
            other => panic!("{other} is not PostgreSQL"),
        }
    }

    #[test]
    fn the_three_schemes_are_told_apart() {
        assert!(matches!(StoreUrl::parse("memory:"), Ok(StoreUrl::Memory)));
        for (url, path) in [
            ("sqlite:data/store.db", "data/store.db"),
            ("sqlite:/var/lib/store.db", "/var/lib/store.db"),
            ("sqlite:///var/lib/store.db", "/var/lib/store.db"),
        ] {
            assert!(
                matches!(StoreUrl::parse(url), Ok(StoreUrl::Sqlite(found)) if found == std::path::Path::new(path))
            );
        }
        for (url, error) in [
            ("", StoreUrlError::Scheme),
            ("mysql://localhost/x", StoreUrlError::Scheme),
            ("memory:x", StoreUrlError::Scheme),
            ("sqlite:", StoreUrlError::Path),
            ("sqlite::memory:", StoreUrlError::Path),
            ("postgres://ann:5/hunter2@db.example.com/x", StoreUrlError::Unescaped),
            ("postgres:///database", StoreUrlError::Postgres("it names no host".to_owned())),
        ] {
            assert_eq!(StoreUrl::parse(url).err(), Some(error), "{url}");
        }
    }

    #[test]
    fn tls_is_the_default_unless_the_connection_stays_on_this_machine() {
        let remote = "postgres://u:p@db.example.com/x";
        for (url, tls) in [
            (remote.to_owned(), Ok(Tls::Platform)),
            ("postgres://u@localhost/x".to_owned(), Ok(Tls::Off)),
            ("postgres://u@127.0.0.1:5433/x".to_owned(), Ok(Tls::Off)),
            ("postgres://u@%2Frun%2Fpostgresql/x".to_owned(), Ok(Tls::Off)),
            ("postgres://u@localhost,db.example.com/x".to_owned(), Ok(Tls::Platform)),
            (format!("{remote}?sslmode=disable"), Ok(Tls::Off)),
            (format!("{remote}?sslmode=require"), Ok(Tls::Platform)),
            (format!("{remote}?sslmode=prefer"), Err(StoreUrlError::SslMode)),
            (format!("{remote}?sslmode="), Err(StoreUrlError::SslMode)),
            (
                format!("{remote}?sslrootcert=%2Fetc%2Fca.pem&application_name=a"),
                Ok(Tls::Pinned("/etc/ca.pem".into())),
            ),
            (
                format!("{remote}?sslmode=disable&sslrootcert=/etc/ca.pem"),
                Err(StoreUrlError::RootCertificate),
            ),
        ] {
            assert_eq!(tls_of(&url), tls, "{url}");
        }
    }

    #[test]
    fn nothing_printed_shows_the_password() {
        let url = StoreUrl::parse("postgres://ann:hunter2@db.example.com/auth?application_name=x");
        let url = url.expect("a good URL");
        assert_eq!(url.to_string(), "postgres://db.example.com/auth");
        assert_eq!(format!("{url:?}"), "postgres://db.example.com/auth");
        for broken in [
            "postgres://ann:hunter2@host:port/x",
            "postgres://ann:hunter2@host/x?nonsense=hunter2",
            "postgres://ann:hunter2@",
            "postgres://ann:5/hunter2@host/x",
            "postgres://ann:p@hunter2@host/x",
            "postgres://ann:5?hunter2@host/x",
            "postgres://ann:5#hunter2@host/x",
            "mysql://ann:hunter2@host/x",
        ] {
            let error = StoreUrl::parse(broken).expect_err("refused");
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
        }
    }
}
