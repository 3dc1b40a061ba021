//! Which redirect URIs a client may register (RFC 6749 section 3.1.2, RFC 8252 sections 7 and 8.4, `OpenID` Connect Dynamic
//! Client Registration section 2; attacks OAU-05, OAU-06). What is registered is later compared as a string.

use url::{Host, Url};

use crate::url::is_strict_uri;

use super::{ApplicationType, Profile};

/// What decides which ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Whether it runs on a server or at its user's.
    pub application: ApplicationType,
    /// It cannot keep a secret.
    pub public: bool,
    /// How strict the server is with it.
    pub profile: Profile,
    /// `http` on this machine is nobody's risk: in dev mode, or because an operator says so.
    pub loopback: bool,
}

/// In bytes.
const MAX_BYTES: usize = 2048;

/// What an authorization response carries: in the URI it would come twice, or be taken for ours (attack OAU-06).
const OURS: [&str; 12] = [
    "code",
    "state",
    "iss",
    "error",
    "error_description",
    "error_uri",
    "response",
    "access_token",
    "token_type",
    "expires_in",
    "id_token",
    "session_state",
];

/// Whether the client may register the URI; if not, why.
pub fn check(uri: &str, place: Place) -> Result<(), &'static str> {
    if uri.len() > MAX_BYTES {
        return Err("is longer than 2,048 bytes");
    }
    if !is_strict_uri(uri) || uri.contains('*') {
        return Err("has characters that no redirect URI has: no wildcards, no spaces, ASCII only");
    }
    let url = Url::parse(uri).map_err(|_| "is no absolute URI such as https://app.example.com/callback")?;
    if uri.contains('#') {
        return Err("must not have a fragment");
    }
    if url.query_pairs().any(|(name, _)| OURS.contains(&name.as_ref())) {
        return Err("must not have a parameter that an answer carries, such as code, state or iss");
    }
    match url.scheme() {
        "https" => web(uri, "https://", &url).and_then(|()| at_home(&url, place)),
        "http" => web(uri, "http://", &url).and_then(|()| loopback(&url, place)),
        scheme => private(scheme, place),
    }
}

/// The parser forgives `https:host`, `https:///host` and user names; nobody who means well writes them (attack OAU-02).
fn web(uri: &str, prefix: &str, url: &Url) -> Result<(), &'static str> {
    let authority = uri.strip_prefix(prefix).and_then(|rest| rest.split(['/', '?']).next());
    match authority {
        None | Some("") => Err("must be written as https://host/path"),
        Some(authority) if authority.contains('@') => Err("must not have a user name"),
        Some(_) if url.host().is_none() => Err("names no host"),
        Some(_) => Ok(()),
    }
}

/// A web application is not at home on its user's machine.
fn at_home(url: &Url, place: Place) -> Result<(), &'static str> {
    if is_loopback(url)
        && place.application == ApplicationType::Web
        && !may_be_native(place)
        && !place.loopback
    {
        return Err("names this machine, where no web application of others is: register as native");
    }
    Ok(())
}

/// In clear only where nobody is on the way (RFC 8252 section 7.3).
fn loopback(url: &Url, place: Place) -> Result<(), &'static str> {
    if !is_loopback(url) {
        return Err("must begin with https://");
    }
    if place.profile != Profile::Fapi2 && (place.loopback || may_be_native(place)) {
        return Ok(());
    }
    Err("must begin with https://: http://127.0.0.1 is for native applications (application_type)")
}

/// A scheme that an application claims on its user's machine: a domain of its maker, turned round (RFC 8252 section 7.1).
/// Schemes without a dot are the browser's own, `javascript` and `data` among them.
fn private(scheme: &str, place: Place) -> Result<(), &'static str> {
    if !scheme.contains('.') {
        return Err(
            "has a scheme that is not https, nor a domain of yours turned round, such as com.example.app",
        );
    }
    if place.profile == Profile::Fapi2 || !may_be_native(place) {
        return Err("has a scheme of its own, which is for native applications (application_type)");
    }
    Ok(())
}

/// Whether it may be an application of its user's machine. RFC 7591 knows no application type, so with OAuth alone a
/// client without a secret may be one whatever it says; `OpenID` Connect takes its word.
fn may_be_native(place: Place) -> bool {
    place.application == ApplicationType::Native || (place.public && place.profile == Profile::Oauth21)
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WEB: Place = Place {
        application: ApplicationType::Web,
        public: false,
        profile: Profile::Oauth21,
        loopback: false,
    };
    const NATIVE: Place = Place { application: ApplicationType::Native, public: true, ..WEB };
    const DEV: Place = Place { loopback: true, ..WEB };

    #[test]
    fn what_a_client_may_register_hangs_on_what_it_is() {
        let spa = Place { public: true, ..WEB };
        let oidc_spa = Place { profile: Profile::Oidc, ..spa };
        let fapi_native = Place { profile: Profile::Fapi2, ..NATIVE };
        let table = [
            ("https://app.example.com/cb", [true, true, true, true, true, true]),
            ("https://app.example.com:8443/cb?tenant=1", [true, true, true, true, true, true]),
            ("https://localhost/cb", [false, true, true, true, false, true]),
            ("http://localhost:3000/cb", [false, true, true, true, false, false]),
            ("http://127.0.0.1/cb", [false, true, true, true, false, false]),
            ("http://[::1]:3000/cb", [false, true, true, true, false, false]),
            ("com.example.app:/cb", [false, true, false, true, false, false]),
            ("com.example.app://cb", [false, true, false, true, false, false]),
        ];
        for (uri, expected) in table {
            let found = [WEB, NATIVE, DEV, spa, oidc_spa, fapi_native].map(|place| check(uri, place).is_ok());
            assert_eq!(found, expected, "{uri}");
        }
    }

    #[test]
    fn oau_05_oau_06_what_leads_astray_is_registered_by_nobody() {
        let long = format!("https://a.example/{}", "a".repeat(2048));
        let table = [
            "",
            "/cb",
            "//app.example.com/cb",
            "javascript:alert(1)",
            "javascript://app.example.com/%0aalert(1)",
            "data:text/html,x",
            "vbscript:x",
            "file:///etc/passwd",
            "myapp:/cb",
            "http://app.example.com/cb",
            "http://localhost.evil.tld/cb",
            "http://127.0.0.1@evil.tld/cb",
            "https://app.example.com/cb#",
            "https://app.example.com/cb#x",
            "https://*.example.com/cb",
            "https://app.example.com/*",
            "https://app.example.com/**",
            "https://user@app.example.com/cb",
            "https://a\\@evil.tld/cb",
            "https://a%zz.example/cb",
            "https:app.example.com/cb",
            "https:///app.example.com/cb",
            "https://",
            "https://app.example.com/cb?code=x&state=y&iss=z",
            "https://app.example.com/cb?%63ode=x",
            "https://app.example.com/cb?error=x",
            "https://app.example.com/a b",
            "https://app.example.com/\r\nSet-Cookie:x=1",
            "https://аpp.example.com/cb",
            " https://app.example.com/cb",
            &long,
        ];
        for uri in table {
            for place in [WEB, NATIVE, DEV] {
                assert!(check(uri, place).is_err(), "{uri:?} {place:?}");
            }
        }
    }
}
