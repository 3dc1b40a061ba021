//! Cross-site request forgery (invariant I4; attacks CSR-02 to CSR-06): an unsafe method on the cookie face must come
//! from our own pages. Browsers say where a request comes from in `Sec-Fetch-Site`, older ones in `Origin`.

use countersign_core::url::PublicUrl;

/// What the request says of its origin. A header that came twice or is no text counts as foreign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Facts<'a> {
    /// `Sec-Fetch-Site`.
    pub(crate) site: Option<&'a str>,
    /// `Origin`.
    pub(crate) origin: Option<&'a str>,
    /// Our session or login cookie came along.
    pub(crate) cookie: bool,
}

/// Whether the request may change anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// From our own pages, or from no browser and without a cookie.
    Allow,
    /// From another site.
    Foreign,
    /// A cookie of ours, and nothing that says where it comes from.
    Unsaid,
}

/// Decides whether a request with an unsafe method may change anything. Neither header ever *grants* anything by itself:
/// who may do what is decided by the proof that came along.
pub(crate) fn decide(facts: Facts<'_>, own: &PublicUrl) -> Verdict {
    match facts {
        Facts { site: Some("same-origin"), origin: Some(origin), .. } if !own.is_same_origin(origin) => {
            Verdict::Foreign
        }
        Facts { site: Some("same-origin"), .. } => Verdict::Allow,
        Facts { site: Some(_), .. } => Verdict::Foreign,
        Facts { origin: Some(origin), .. } if own.is_same_origin(origin) => Verdict::Allow,
        Facts { origin: Some(_), .. } => Verdict::Foreign,
        Facts { cookie: true, .. } => Verdict::Unsaid,
        Facts { cookie: false, .. } => Verdict::Allow,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(site: Option<&str>, origin: Option<&str>, cookie: bool) -> Verdict {
        let own = PublicUrl::parse("https://app.example.com").unwrap();
        decide(Facts { site, origin, cookie }, &own)
    }

    #[test]
    fn i4_only_our_own_pages_and_cookieless_tools_change_anything() {
        let own = Some("https://app.example.com");
        let table = [
            (Some("same-origin"), own, true, Verdict::Allow),
            (Some("same-origin"), None, true, Verdict::Allow),
            (Some("same-origin"), Some("https://evil.example"), true, Verdict::Foreign),
            (Some("same-site"), own, true, Verdict::Foreign),
            (Some("cross-site"), own, true, Verdict::Foreign),
            (Some("cross-site"), None, false, Verdict::Foreign),
            (Some("none"), None, true, Verdict::Foreign),
            (Some("Same-Origin"), None, true, Verdict::Foreign),
            (Some(""), own, true, Verdict::Foreign),
            (None, own, true, Verdict::Allow),
            (None, Some("null"), true, Verdict::Foreign),
            (None, Some("null"), false, Verdict::Foreign),
            (None, Some("https://evil.example"), false, Verdict::Foreign),
            (None, None, true, Verdict::Unsaid),
            (None, None, false, Verdict::Allow),
        ];
        for (site, origin, cookie, expected) in table {
            assert_eq!(verdict(site, origin, cookie), expected, "{site:?} {origin:?} {cookie}");
        }
    }

    #[test]
    fn csr_04_origins_are_compared_byte_by_byte() {
        for origin in [
            "https://app.example.com.evil.tld",
            "https://evilexample.com",
            "http://app.example.com",
            "https://app.example.com:8443",
            "https://app.example.com:443",
            "https://user@app.example.com",
            "https://app.example.com.",
            "https://APP.example.com",
            "HTTPS://app.example.com",
            "https://app.example.com/",
            "https://app.xn--example-.com",
            "",
        ] {
            assert_eq!(verdict(None, Some(origin), true), Verdict::Foreign, "{origin}");
        }
    }
}
