//! Hosts that an operator named: they may be internal, and at any port.

use super::target::Target;

/// A host and its port, as `outbound.allow` names them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exception {
    host: String,
    port: u16,
}

impl Exception {
    /// Reads `host:port`, such as `localhost:9000` or `[::1]:9000`. A name is in lower case.
    pub fn parse(text: &str) -> Result<Self, InvalidException> {
        let (host, port) = text.rsplit_once(':').ok_or(InvalidException)?;
        let port: u16 = port.parse().ok().filter(|port| *port != 0).ok_or(InvalidException)?;
        if host.contains('*') {
            return Err(InvalidException);
        }
        let is_itself = url::Host::parse(host).is_ok_and(|parsed| parsed.to_string() == host);
        let exception = Self { host: host.to_owned(), port };
        (is_itself && exception.to_string() == text).then_some(exception).ok_or(InvalidException)
    }

    /// Whether the target is this host at this port.
    pub fn covers(&self, target: &Target) -> bool {
        self.host == target.host() && self.port == target.port()
    }
}

impl std::fmt::Display for Exception {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

/// The text is no host and port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a host in lower case and a port, such as localhost:9000 or [::1]:9000")]
pub struct InvalidException;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exception_is_one_host_at_one_port() {
        for text in ["localhost:9000", "127.0.0.1:1", "[::1]:9000", "rp.internal:443"] {
            assert_eq!(Exception::parse(text).map(|it| it.to_string()), Ok(text.to_owned()));
        }
        for text in [
            "",
            "localhost",
            "localhost:",
            "localhost:0",
            "localhost:080",
            "localhost:65536",
            "Localhost:1",
            "*:443",
            "*.internal:443",
            "https://localhost:1",
            "::1:9000",
            "127.1:80",
            "user@localhost:1",
            "localhost/:1",
        ] {
            assert_eq!(Exception::parse(text), Err(InvalidException), "{text}");
        }
        let allowed = Exception::parse("localhost:9000").unwrap();
        assert!(allowed.covers(&Target::parse("https://localhost:9000/x").unwrap()));
        assert!(!allowed.covers(&Target::parse("https://localhost/x").unwrap()));
        assert!(!allowed.covers(&Target::parse("https://localhost.evil.tld:9000/x").unwrap()));
    }
}
