//! What may be asked for, as far as its URL says (attacks OAU-60, OAU-61): before a name is looked up.

use std::fmt;

use url::{Host, Url};

use super::Exception;
use crate::url::is_strict_uri;

/// Where a request of ours would go. Its addresses are checked when they are known
/// ([`is_public`](super::address::is_public)).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    url: Url,
    host: String,
    port: u16,
}

/// In bytes.
const MAX_BYTES: usize = 2048;
/// Where web servers of others are found. Others, such as those of mail or databases, are nobody's documents.
const PORTS: [u16; 2] = [443, 8443];
/// Names that no public server has (RFC 6761, RFC 6762, RFC 8375; `internal` is reserved for private use).
const LOCAL_NAMES: [&str; 6] = ["localhost", "local", "internal", "home.arpa", "onion", "test"];

impl Target {
    /// Reads a URL: `https://` or `http://`, a host, no user name, no fragment.
    pub fn parse(text: &str) -> Result<Self, TargetError> {
        if text.len() > MAX_BYTES {
            return Err(TargetError::TooLong);
        }
        let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
        let rest = rest.ok_or(TargetError::Scheme)?;
        if rest.starts_with('/') || !is_strict_uri(text) {
            return Err(TargetError::Malformed);
        }
        // Of the text itself: the parser drops an empty user name.
        if rest.split(['/', '?', '#']).next().is_some_and(|authority| authority.contains('@')) {
            return Err(TargetError::UserInfo);
        }
        let url = Url::parse(text).map_err(|_| TargetError::Malformed)?;
        if url.fragment().is_some() {
            return Err(TargetError::Fragment);
        }
        let host = url.host().ok_or(TargetError::Malformed)?.to_string();
        let port = url.port_or_known_default().filter(|port| *port != 0).ok_or(TargetError::Malformed)?;
        Ok(Self { url, host, port })
    }

    /// Whether a request may go there, once its addresses turn out to be public: `https`, a usual port, a name that a
    /// public server can have. What an operator named may be anything but `http` beyond this machine, which only its
    /// addresses tell.
    pub fn admit(&self, exceptions: &[Exception]) -> Result<Reach, TargetError> {
        if exceptions.iter().any(|exception| exception.covers(self)) {
            return Ok(if self.is_https() { Reach::Anywhere } else { Reach::Loopback });
        }
        if !self.is_https() {
            return Err(TargetError::Scheme);
        }
        if !PORTS.contains(&self.port) {
            return Err(TargetError::Port);
        }
        match self.url.host() {
            Some(Host::Domain(name)) if is_local(name) => Err(TargetError::LocalName),
            _ => Ok(Reach::Public),
        }
    }

    /// `https`, not `http`.
    pub fn is_https(&self) -> bool {
        self.url.scheme() == "https"
    }

    /// The host as it is asked for: a name in lower case, an address, one of IPv6 in brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port, the scheme's own where none was given.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// What stands in the `Host` header.
    pub fn authority(&self) -> &str {
        self.url.authority()
    }

    /// What stands in the request line.
    pub fn path_and_query(&self) -> &str {
        &self.url[url::Position::BeforePath..]
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.url.fmt(f)
    }
}

/// Which addresses a target may turn out to have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Public ones alone.
    Public,
    /// Any: an operator named the host.
    Anywhere,
    /// Those of this machine alone: an operator named the host, and nothing protects the way.
    Loopback,
}

impl Reach {
    /// Whether a request may go to this address.
    pub fn admits(self, address: std::net::IpAddr) -> bool {
        match self {
            Self::Public => super::address::is_public(address),
            Self::Anywhere => true,
            Self::Loopback => address.is_loopback(),
        }
    }
}

/// A name of one label, or under a domain that is local by decree. A dot at the end changes nothing.
fn is_local(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    !name.contains('.')
        || LOCAL_NAMES.iter().any(|local| {
            name.strip_suffix(local).is_some_and(|front| front.is_empty() || front.ends_with('.'))
        })
}

/// Why nothing is asked of a URL. Whoever registered it is to blame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// Over 2,048 bytes.
    #[error("is longer than 2,048 bytes")]
    TooLong,
    /// Not `https://`.
    #[error("must begin with https://")]
    Scheme,
    /// No URL by the letter of RFC 3986, or without a host.
    #[error("is no URL such as https://app.example.com/path")]
    Malformed,
    /// A user name or password before the host.
    #[error("must not have a user name or password before its host")]
    UserInfo,
    /// A `#`.
    #[error("must not have a fragment")]
    Fragment,
    /// Neither 443 nor 8443.
    #[error("must be at port 443 or 8443")]
    Port,
    /// `localhost`, `intranet` and the like.
    #[error("names a host that only a private network knows")]
    LocalName,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn oau_60_oau_61_what_a_url_says_against_itself_is_heard_before_a_name_is_looked_up() {
        let long = format!("https://example.com/{}", "a".repeat(2048));
        let table = [
            ("https://app.example.com/jwks.json", Ok(Reach::Public)),
            ("https://app.example.com:8443/jwks?x=1", Ok(Reach::Public)),
            ("https://1.1.1.1/", Ok(Reach::Public)),
            ("https://localhost:9000/jwks", Ok(Reach::Anywhere)),
            ("http://localhost:9000/jwks", Ok(Reach::Loopback)),
            ("http://app.example.com/jwks", Err(TargetError::Scheme)),
            ("file:///etc/passwd", Err(TargetError::Scheme)),
            ("gopher://example.com/", Err(TargetError::Scheme)),
            ("data:application/json,{}", Err(TargetError::Scheme)),
            ("HTTPS://app.example.com/", Err(TargetError::Scheme)),
            (" https://app.example.com/", Err(TargetError::Scheme)),
            ("https:app.example.com", Err(TargetError::Scheme)),
            ("https:///app.example.com", Err(TargetError::Malformed)),
            ("https://", Err(TargetError::Malformed)),
            ("https://a b/", Err(TargetError::Malformed)),
            ("https://app.example.com\\@evil.tld/", Err(TargetError::Malformed)),
            ("https://예시.한국/", Err(TargetError::Malformed)),
            ("https://app.example.com/\r\nHost: x", Err(TargetError::Malformed)),
            ("https://app.example.com:0/", Err(TargetError::Malformed)),
            ("https://user@app.example.com/", Err(TargetError::UserInfo)),
            ("https://@app.example.com/", Err(TargetError::UserInfo)),
            ("https://localhost:9000@evil.tld/", Err(TargetError::UserInfo)),
            ("https://app.example.com/#x", Err(TargetError::Fragment)),
            ("https://app.example.com:22/", Err(TargetError::Port)),
            ("https://app.example.com:6379/", Err(TargetError::Port)),
            ("https://localhost/", Err(TargetError::LocalName)),
            ("https://LOCALHOST./", Err(TargetError::LocalName)),
            ("https://x.localhost/", Err(TargetError::LocalName)),
            ("https://metadata/", Err(TargetError::LocalName)),
            ("https://metadata.google.internal/", Err(TargetError::LocalName)),
            ("https://printer.local/", Err(TargetError::LocalName)),
            (&long, Err(TargetError::TooLong)),
        ];
        let exceptions = [Exception::parse("localhost:9000").unwrap()];
        for (text, expected) in table {
            let verdict = Target::parse(text).and_then(|target| target.admit(&exceptions));
            assert_eq!(verdict, expected, "{text:?}");
        }
    }

    #[test]
    fn oau_60_every_spelling_of_an_address_is_the_address() {
        for text in ["https://127.1/", "https://2130706433/", "https://0x7f.1/", "https://0177.0.0.1/"] {
            let target = Target::parse(text).unwrap();
            assert_eq!(target.host(), "127.0.0.1", "{text}");
            let address = target.host().parse().unwrap();
            assert!(!target.admit(&[]).unwrap().admits(address), "{text}");
        }
        assert!(!Reach::Public.admits("::1".parse().unwrap()));
        assert!(!Reach::Loopback.admits("10.0.0.1".parse().unwrap()));
        assert!(Reach::Anywhere.admits("10.0.0.1".parse().unwrap()));
    }

    #[test]
    fn a_target_is_asked_for_by_its_parts() {
        let target = Target::parse("https://App.example.com:443/a/b?c=d").unwrap();
        assert_eq!((target.host(), target.port()), ("app.example.com", 443));
        assert_eq!((target.authority(), target.path_and_query()), ("app.example.com", "/a/b?c=d"));
        assert_eq!(Target::parse("https://[2606:4700::1]").unwrap().host(), "[2606:4700::1]");
    }
}
