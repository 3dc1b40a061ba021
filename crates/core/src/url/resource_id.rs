//! Resources: the APIs that tokens are for (RFC 8707).

use std::fmt;

use url::Url;

/// A resource's identifier, and so the audience of its tokens: an absolute URI without a fragment (RFC 8707 section 2).
/// It is the exact string that was given, compared byte for byte and never normalised.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ResourceId(String);

/// In bytes.
const MAX_BYTES: usize = 1024;

impl ResourceId {
    /// Reads an identifier; nothing is trimmed.
    pub fn parse(text: &str) -> Result<Self, ResourceIdError> {
        if text.len() > MAX_BYTES {
            return Err(ResourceIdError::TooLong);
        }
        let (_, rest) = text.split_once(':').ok_or(ResourceIdError::NotAbsolute)?;
        // The URL parser forgives much; the grammar (RFC 3986) does not.
        if rest.is_empty() || !is_strict_uri(text) {
            return Err(ResourceIdError::NotAbsolute);
        }
        let url = Url::parse(text).map_err(|_| ResourceIdError::NotAbsolute)?;
        if url.fragment().is_some() {
            return Err(ResourceIdError::Fragment);
        }
        // It would read `https:host` and `https:///host` as URLs with a host.
        let is_web = matches!(url.scheme(), "http" | "https");
        if is_web && (!rest.starts_with("//") || rest.starts_with("///") || has_userinfo(&url)) {
            return Err(ResourceIdError::NotAbsolute);
        }
        Ok(Self(text.to_owned()))
    }

    /// The identifier.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ResourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a text identifies no resource. The client is to blame (`invalid_target`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ResourceIdError {
    /// No scheme, no rest, or characters that no URI has.
    #[error("a resource is an absolute URI, such as https://api.example.com")]
    NotAbsolute,
    /// It has a `#`.
    #[error("a resource has no fragment")]
    Fragment,
    /// Over 1,024 bytes.
    #[error("a resource has at most 1,024 bytes")]
    TooLong,
}

/// Whether the text is a URL on this machine, which dev mode accepts as a resource unasked: `http` or `https`, then
/// `localhost`, `127.0.0.1` or `[::1]`, perhaps a port and a path; no query, no fragment, no user name.
pub fn is_loopback_url(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://")) else {
        return false;
    };
    let (authority, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
    let after_host = ["localhost", "127.0.0.1", "[::1]"].iter().find_map(|host| authority.strip_prefix(host));
    let has_port_at_most = after_host.is_some_and(|port| port.is_empty() || is_port(port));
    has_port_at_most && !path.contains(['?', '#']) && ResourceId::parse(text).is_ok()
}

/// `:` and a number from 1 to 65535 in its one spelling.
fn is_port(text: &str) -> bool {
    text.strip_prefix(':')
        .is_some_and(|digits| digits.parse().is_ok_and(|port: u16| port != 0 && port.to_string() == digits))
}

fn has_userinfo(url: &Url) -> bool {
    url.authority().contains('@')
}

/// Whether the text has only characters that a URI may have, and whole escapes (RFC 3986 section 2): what URL parsers
/// forgive, each in its own way, is no part of an identifier (attack OAU-02).
pub fn is_strict_uri(text: &str) -> bool {
    text.bytes().all(is_uri_byte) && has_whole_escapes(text)
}

/// RFC 3986 section 2: unreserved, reserved and the percent sign.
fn is_uri_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=%".contains(&byte)
}

fn has_whole_escapes(text: &str) -> bool {
    text.split('%').skip(1).all(|escape| {
        let bytes = escape.as_bytes();
        bytes.len() >= 2 && bytes[..2].iter().all(u8::is_ascii_hexdigit)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resource_is_kept_as_it_was_given() {
        let table = [
            "https://api.example.com",
            "https://API.Example.com:443/",
            "https://api.example.com/a/../b?tenant=1",
            "http://localhost:9000/api",
            "urn:example:api",
            "https://api.example.com/%41",
            "com.example.app:/x",
        ];
        for text in table {
            assert_eq!(ResourceId::parse(text).map(|id| id.0), Ok(text.to_owned()));
        }
        assert_ne!(
            ResourceId::parse("https://api.example.com"),
            ResourceId::parse("https://api.example.com/")
        );
    }

    #[test]
    fn what_identifies_no_resource_is_refused_with_its_reason() {
        let long = format!("https://example.com/{}", "a".repeat(1024));
        let table = [
            ("", ResourceIdError::NotAbsolute),
            ("api", ResourceIdError::NotAbsolute),
            ("/api", ResourceIdError::NotAbsolute),
            ("//api.example.com", ResourceIdError::NotAbsolute),
            ("https:", ResourceIdError::NotAbsolute),
            ("https://", ResourceIdError::NotAbsolute),
            ("https:api.example.com", ResourceIdError::NotAbsolute),
            ("https:///api.example.com", ResourceIdError::NotAbsolute),
            ("https://user@api.example.com", ResourceIdError::NotAbsolute),
            ("https://api.example.com/a b", ResourceIdError::NotAbsolute),
            (" https://api.example.com", ResourceIdError::NotAbsolute),
            ("https://api.example.com\n", ResourceIdError::NotAbsolute),
            ("https://api.example.com\\x", ResourceIdError::NotAbsolute),
            ("https://예시.한국", ResourceIdError::NotAbsolute),
            ("https://api.example.com/%4", ResourceIdError::NotAbsolute),
            ("https://api.example.com/%zz", ResourceIdError::NotAbsolute),
            ("https://api.example.com/#", ResourceIdError::Fragment),
            ("urn:example:api#x", ResourceIdError::Fragment),
            (&long, ResourceIdError::TooLong),
        ];
        for (text, error) in table {
            assert_eq!(ResourceId::parse(text), Err(error), "{text:?}");
        }
    }

    #[test]
    fn only_urls_on_this_machine_are_loopback_urls() {
        let table = [
            "http://localhost",
            "https://localhost/",
            "http://localhost:3000",
            "http://127.0.0.1:3000/api/v1",
            "https://[::1]:8443/x",
            "http://[::1]",
        ];
        for text in table {
            assert!(is_loopback_url(text), "{text}");
        }
        let table = [
            "",
            "localhost",
            "ftp://localhost",
            "HTTP://localhost",
            "http:localhost",
            "http:///localhost",
            "http://localhost.evil.tld",
            "http://localhostevil.tld",
            "http://localhost@evil.tld",
            "http://localhost:3000@evil.tld",
            "http://user@localhost",
            "http://evil.tld/localhost",
            "http://127.0.0.2",
            "http://127.1",
            "http://2130706433",
            "http://0.0.0.0",
            "http://[::]",
            "http://[::1",
            "http://[::ffff:127.0.0.1]",
            "http://localhost:",
            "http://localhost:0",
            "http://localhost:080",
            "http://localhost:+80",
            "http://localhost:65536",
            "http://localhost/#x",
            "http://localhost/?q",
            "http://localhost?q",
            "http://localhost/a b",
            "http://localhost\\.evil.tld",
            "http://localhost\t",
            "http://localhost.",
        ];
        for text in table {
            assert!(!is_loopback_url(text), "{text:?}");
        }
    }
}
