//! URLs: ours, and those that others give us.

use countersign_core::url::{PublicUrl, ResourceId, ReturnTo, is_loopback_url};
use countersign_store::db::StoreUrl;
use http::HeaderValue;
use url::Url;

use super::text;

const OWN: &str = "https://login.example.com";

/// Wherever a browser goes from here with such a path, it stays on our own origin (attacks RED-01 to RED-04).
pub(super) fn return_to(input: &[u8]) {
    let text = text(input);
    let Some(path) = ReturnTo::parse(text) else { return };
    assert_eq!(path.as_str(), text);
    assert!(HeaderValue::from_str(text).is_ok() && text.is_ascii(), "a header of one line");
    for base in [format!("{OWN}/login"), format!("{OWN}/account/sessions?x=//y")] {
        let reached = Url::parse(&base).and_then(|base| base.join(text));
        let reached = reached.map(|url| (url.origin().ascii_serialization(), url.path().to_owned()));
        let path = text.split('?').next().unwrap_or_default();
        assert_eq!(reached, Ok((OWN.to_owned(), path.to_owned())), "nothing is rewritten on the way");
    }
}

/// An origin, in the one spelling that browsers use, that knows its own names and no others (attacks CSR-04, REC-02).
pub(super) fn public_url(input: &[u8]) {
    let text = text(input);
    let Ok(url) = PublicUrl::parse(text) else { return };
    assert_eq!(PublicUrl::parse(url.origin()).as_ref(), Ok(&url));
    assert!(url.is_https() || url.is_loopback());
    assert!(url.is_same_origin(url.origin()) && url.is_authority(url.authority()));
    assert!(!url.is_same_origin("null") && !url.is_authority(""));
    let parsed = Url::parse(url.origin()).map(|parsed| parsed.origin().ascii_serialization());
    assert_eq!(parsed.as_deref(), Ok(url.origin()));
    assert!(HeaderValue::from_str(url.origin()).is_ok());
    let joined = Url::parse(&url.join("/@evil.example/..//x")).map(|url| url.origin().ascii_serialization());
    assert_eq!(joined.as_deref(), Ok(url.origin()));
}

/// An absolute URI without a fragment, kept byte for byte (RFC 8707).
pub(super) fn resource_id(input: &[u8]) {
    let text = text(input);
    match ResourceId::parse(text) {
        Ok(resource) => {
            assert_eq!(resource.as_str(), text);
            assert!(text.len() <= 1024 && text.is_ascii() && !text.contains(['#', ' ', '"', '\\']));
            assert!(Url::parse(text).is_ok_and(|url| url.fragment().is_none()));
        }
        Err(_) => assert!(!is_loopback_url(text), "dev mode takes no text that is no resource"),
    }
    if is_loopback_url(text) {
        let host = Url::parse(text).ok().and_then(|url| url.host_str().map(str::to_owned));
        assert!(host.is_some_and(|host| ["localhost", "127.0.0.1", "[::1]"].contains(&host.as_str())));
    }
}

/// No form of it, good or bad, shows the password (invariant I16).
pub(super) fn store_url(input: &[u8]) {
    let text = text(input);
    let shown = match StoreUrl::parse(text) {
        Ok(url) => format!("{url} {url:?}"),
        Err(error) => format!("{error} {error:?}"),
    };
    assert!(!shown.contains("hunter2") || !has_password(text), "{shown}");
}

/// Whether `hunter2` stands in the text once, and as what is meant to be a password.
pub(crate) fn has_password(text: &str) -> bool {
    let parts: Vec<&str> = text.split("hunter2").collect();
    parts.len() == 2 && parts[0].contains("://") && parts[1].starts_with('@')
}
