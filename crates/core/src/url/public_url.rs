//! The origin that this deployment is reached at.

use std::fmt;

use url::{Host, Url};

/// Our origin (RFC 6454): what links, cookies and the issuer are made from (I15), and what an `Origin` header is
/// compared with (CSR-04).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl {
    origin: String,
    host: String,
    port: u16,
    is_loopback: bool,
}

impl PublicUrl {
    /// Reads an origin: `https://` and a host, or `http://` and a loopback host, with a port where it is not the
    /// scheme's own. One slash at the end is forgiven.
    pub fn parse(text: &str) -> Result<Self, PublicUrlError> {
        let url = Self::parse_allowing_http(text)?;
        if url.is_https() || url.is_loopback { Ok(url) } else { Err(PublicUrlError::PlainHttp) }
    }

    /// The same for a caller who has been told that plain `http://` is what it will be, on any host.
    pub fn parse_allowing_http(text: &str) -> Result<Self, PublicUrlError> {
        // The parser below forgives what browsers do (tabs, backslashes, `https:host`); a setting need not.
        let (scheme, rest) = text.split_once("://").ok_or(PublicUrlError::NotAnOrigin)?;
        if !["http", "https"].iter().any(|known| known.eq_ignore_ascii_case(scheme)) {
            return Err(PublicUrlError::Scheme);
        }
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        let is_strange = |c: char| c.is_whitespace() || c.is_control() || "/\\@?#%".contains(c);
        if authority.is_empty() || authority.contains(is_strange) {
            return Err(PublicUrlError::NotAnOrigin);
        }
        let url = Url::parse(text).map_err(|_| PublicUrlError::NotAnOrigin)?;
        let (Some(host), Some(port)) = (url.host(), url.port_or_known_default()) else {
            return Err(PublicUrlError::NotAnOrigin);
        };
        // `example.com.` is another host to a browser than `example.com`.
        if port == 0 || matches!(host, Host::Domain(name) if name.ends_with('.')) {
            return Err(PublicUrlError::NotAnOrigin);
        }
        let is_loopback = is_loopback(&host);
        Ok(Self { origin: url.origin().ascii_serialization(), host: host.to_string(), port, is_loopback })
    }

    /// As browsers write it in `Origin`: lower case, `xn--` where needed, no default port, no slash at the end.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The host: `example.com`, `127.0.0.1`, `[::1]`.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port, the scheme's own where none was given.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Host and port as browsers write them in `Host`: `example.com`, `localhost:8080`.
    pub fn authority(&self) -> &str {
        self.origin.split_once("://").map_or("", |(_, authority)| authority)
    }

    /// Whether a `Host` header names us: in any case, with or without a port that is the scheme's own (RFC 9110 section
    /// 7.2). No other spelling is ours (REC-02).
    pub fn is_authority(&self, host_header: &str) -> bool {
        let with_port = format!("{}:{}", self.host, self.port);
        host_header.eq_ignore_ascii_case(self.authority()) || host_header.eq_ignore_ascii_case(&with_port)
    }

    /// Whether it is `https://`.
    pub fn is_https(&self) -> bool {
        self.origin.starts_with("https://")
    }

    /// Whether the host is this machine itself.
    pub const fn is_loopback(&self) -> bool {
        self.is_loopback
    }

    /// The URL of a path of ours, which starts with `/`.
    pub fn join(&self, path: &str) -> String {
        // A path without its slash would lengthen the host name.
        let slash = if path.starts_with('/') { "" } else { "/" };
        format!("{}{slash}{path}", self.origin)
    }

    /// Whether an `Origin` header is ours, byte for byte: browsers write an origin in one way only, and whatever is
    /// written in another was not sent by a page of ours (CSR-04).
    pub fn is_same_origin(&self, origin_header: &str) -> bool {
        self.origin == origin_header
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.origin)
    }
}

/// Why a text is no origin to be reached at. The operator is to blame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PublicUrlError {
    /// Not scheme, host and port, or more than that.
    #[error("not an origin such as https://login.example.com: a scheme, a host and at most a port")]
    NotAnOrigin,
    /// Neither `http` nor `https`.
    #[error("the scheme is neither https nor http")]
    Scheme,
    /// `http` beyond this machine.
    #[error("http:// is for loopback hosts only: anyone on the way could read the passwords")]
    PlainHttp,
}

/// RFC 6761 section 6.3 (`localhost` and names under it), RFC 1122 section 3.2.1.3, RFC 4291 section 2.5.3.
fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => *name == "localhost" || name.ends_with(".localhost"),
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_written_as_browsers_write_it() {
        let table = [
            ("https://login.example.com", "https://login.example.com", "login.example.com", 443),
            ("HTTPS://Login.Example.COM:443/", "https://login.example.com", "login.example.com", 443),
            ("https://example.com:8443", "https://example.com:8443", "example.com", 8443),
            ("http://localhost:8080", "http://localhost:8080", "localhost", 8080),
            ("http://app.localhost", "http://app.localhost", "app.localhost", 80),
            ("http://127.0.0.1:80/", "http://127.0.0.1", "127.0.0.1", 80),
            ("http://[::1]:8080", "http://[::1]:8080", "[::1]", 8080),
            ("https://예시.한국", "https://xn--vv4b11d.xn--3e0b707e", "xn--vv4b11d.xn--3e0b707e", 443),
        ];
        for (text, origin, host, port) in table {
            let url = PublicUrl::parse(text).unwrap();
            assert_eq!((url.origin(), url.host(), url.port()), (origin, host, port), "{text}");
            assert_eq!(PublicUrl::parse(origin), Ok(url.clone()));
            assert_eq!(origin, format!("{}://{}", origin.split(':').next().unwrap(), url.authority()));
        }
    }

    #[test]
    fn what_is_more_or_less_than_an_origin_is_refused() {
        let table = [
            "",
            "example.com",
            "https:example.com",
            "https:/example.com",
            "https://",
            "https:///example.com",
            "https://example.com/path",
            "https://example.com//",
            "https://example.com?q",
            "https://example.com#f",
            "https://user@example.com",
            "https://@example.com",
            "https://example.com:0",
            "https://example.com:99999",
            "https://example.com.",
            " https://example.com",
            "https://exa\tmple.com",
            "https://example.com\\",
            "https://example.com\n",
            "https://ex%61mple.com",
            "https://exa mple.com",
            "https://[::1",
        ];
        for text in table {
            assert!(PublicUrl::parse_allowing_http(text).is_err(), "{text:?}");
        }
        for text in ["ftp://example.com", "javascript://example.com", "file:///etc", " https://x.com"] {
            assert_eq!(PublicUrl::parse(text), Err(PublicUrlError::Scheme), "{text:?}");
        }
    }

    #[test]
    fn plain_http_is_for_loopback_hosts_unless_allowed() {
        for text in
            ["http://example.com", "http://10.0.0.1:8080", "http://localhost.example.com", "http://[::2]"]
        {
            assert_eq!(PublicUrl::parse(text), Err(PublicUrlError::PlainHttp), "{text}");
            assert!(
                PublicUrl::parse_allowing_http(text).is_ok_and(|url| !url.is_https() && !url.is_loopback())
            );
        }
        assert!(PublicUrl::parse("http://localhost:8080").is_ok_and(|url| url.is_loopback()));
        assert!(PublicUrl::parse("https://localhost").is_ok_and(|url| url.is_loopback() && url.is_https()));
    }

    #[test]
    fn rec_02_only_our_own_host_names_us() {
        let ours = PublicUrl::parse("https://app.example.com").unwrap();
        for host in ["app.example.com", "app.example.com:443", "APP.example.com"] {
            assert!(ours.is_authority(host), "{host}");
        }
        let local = PublicUrl::parse("http://localhost:8080").unwrap();
        assert!(local.is_authority("localhost:8080"));
        for host in
            ["", "app.example.com:8443", "app.example.com:0443", "app.example.com.", "app.example.com:", "x"]
        {
            assert!(!ours.is_authority(host), "{host}");
        }
        assert!(!local.is_authority("localhost") && !local.is_authority("127.0.0.1:8080"));
    }

    #[test]
    fn csr_04_only_our_very_origin_is_the_same_origin() {
        let ours = PublicUrl::parse("https://app.example.com").unwrap();
        assert!(ours.is_same_origin("https://app.example.com"));
        let table = [
            "",
            "null",
            "https://app.example.com.evil.tld",
            "https://evilexample.com",
            "http://app.example.com",
            "https://app.example.com:443",
            "https://app.example.com:8443",
            "https://user@app.example.com",
            "https://app.example.com@evil.tld",
            "https://app.example.com.",
            "https://APP.example.com",
            "HTTPS://app.example.com",
            "https://app.example.com/",
            "https://xn--app-xyz.example.com",
            "https://app.example.co",
            " https://app.example.com",
            "https://app.example.com https://evil.tld",
        ];
        for origin in table {
            assert!(!ours.is_same_origin(origin), "{origin:?}");
        }
    }

    #[test]
    fn a_joined_path_never_reaches_into_the_host() {
        let ours = PublicUrl::parse("https://app.example.com").unwrap();
        assert_eq!(ours.join("/oauth2/token"), "https://app.example.com/oauth2/token");
        assert_eq!(ours.join(".evil.tld"), "https://app.example.com/.evil.tld");
        assert_eq!(ours.join("@evil.tld"), "https://app.example.com/@evil.tld");
        assert_eq!(ours.join(""), "https://app.example.com/");
    }
}
