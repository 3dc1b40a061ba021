//! What arrives in a request before anybody is known: headers, forms, bodies.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::LazyLock;

use countersign_core::grant::Scopes;
use countersign_core::session::Device;
use countersign_core::url::PublicUrl;
use countersign_core::{Locale, secret::SECRET_TEXT_LEN};
use countersign_pages::negotiate;
use http::{HeaderMap, HeaderName, HeaderValue, Uri, header};
use serde::de::DeserializeOwned;

use crate::config::{Config, LoadArgs, Mode};
use crate::extract::client::{Authorization, HOPS, authorization, client_ip};
use crate::extract::cookies::{Cookies, LOGIN, SESSION};
use crate::extract::{body, form, json};
use crate::middleware::{csrf, host};
use crate::routes::api;

use super::text;

/// One header a line of the input, all of this name.
fn lines(name: &HeaderName, input: &[u8]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for line in input.split(|byte| *byte == b'\n').take(16) {
        if let Ok(value) = HeaderValue::from_bytes(line) {
            headers.append(name, value);
        }
    }
    headers
}

/// A cookie counts where it stands once; a second of its name, anywhere, and none counts (attack SES-19).
pub(super) fn cookies(input: &[u8]) {
    let headers = lines(&header::COOKIE, input);
    for name in [SESSION, LOGIN] {
        let Some(value) = Cookies::of(&headers).get(name) else { continue };
        let pair = format!("{name}={value}");
        let pairs = headers.values().flat_map(|header| header.as_bytes().split(|byte| *byte == b';'));
        let own = pairs.filter(|own| own.strip_prefix(b" ").unwrap_or(own) == pair.as_bytes());
        assert_eq!(own.count(), 1);
        assert!(!value.contains(';') && Cookies::of(&headers).any_of_ours());
        let secret = Cookies::of(&headers).secret(name);
        assert!(secret.is_none_or(|secret| secret.reveal() == value && value.len() == SECRET_TEXT_LEN));

        let with = |extra: String| {
            let mut headers = headers.clone();
            headers.extend(HeaderValue::from_str(&extra).ok().map(|value| (header::COOKIE, value)));
            Cookies::of(&headers).get(name).map(str::to_owned)
        };
        assert_eq!(
            with(format!("a=b; x{name}=c")).as_deref(),
            Some(value),
            "others' cookies are nothing to it"
        );
        assert_eq!(with(format!("a=b; {name}=c")), None, "two are none");
        assert_eq!(with(pair.clone()), None, "even two that agree");
    }
}

/// Each field once, bounded, and the same after it is written and read again (attacks LOG-10, LOG-28, HTTP-05).
pub(super) fn form(input: &[u8]) {
    let text = text(input);
    let Ok(fields) = form::parse(text) else { return };
    let names: BTreeSet<&str> = fields.iter().map(|(name, _)| name.as_str()).collect();
    assert!(names.len() == fields.len() && fields.len() <= 64);
    let written = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&fields).finish();
    assert_eq!(form::parse(&written).ok().as_ref(), Some(&fields));
    let read: Vec<(String, String)> = url::form_urlencoded::parse(text.as_bytes()).into_owned().collect();
    assert_eq!(read, fields, "others read the same fields");
    if let Some((name, _)) = fields.iter().find(|(name, _)| name.bytes().all(|b| b.is_ascii_alphanumeric())) {
        assert!(form::parse(&format!("{text}&{name}=twice")).is_err(), "a field came twice");
    }
}

/// No body of ours takes a field that it does not know, a field twice, or an array (attacks LOG-27, LOG-28).
pub(super) fn json_body(input: &[u8]) {
    strict::<api::accounts::Body>(input);
    strict::<api::login::Body>(input);
    strict::<api::password::Body>(input);
    strict::<api::recover::Body>(input);
    strict::<api::reset::Body>(input);
    strict::<api::verify::Body>(input);
}

fn strict<T: DeserializeOwned>(input: &[u8]) {
    if json::parse::<T>(input).is_err() {
        return;
    }
    let text = text(input).trim_matches([' ', '\t', '\r', '\n']);
    let rest = text.strip_prefix('{').unwrap_or_default();
    assert!(rest.ends_with('}'), "an object");
    let refused = |body: String| json::parse::<T>(body.as_bytes()).is_err();
    assert!(refused(format!("[{text}]")) && refused(format!("{text}{{}}")));
    let comma = if rest.trim_start().starts_with('}') { "" } else { "," };
    assert!(refused(format!("{{\"is_admin\":true{comma}{rest}")), "an unknown field");
    let fields = serde_json::from_slice::<BTreeMap<String, serde_json::Value>>(input).unwrap_or_default();
    for (name, value) in fields {
        let (name, value) = (serde_json::Value::from(name), value);
        assert!(refused(format!("{{{name}:{value}{comma}{rest}")), "a field twice");
    }
}

#[expect(clippy::expect_used, reason = "fixed settings: the same result in every run")]
static BEHIND_PROXIES: LazyLock<Config> = LazyLock::new(|| {
    let proxies = ("COUNTERSIGN_SERVER_TRUSTED_PROXIES", "10.0.0.0/8, fd00::/8");
    let env = BTreeMap::from([(proxies.0.to_owned(), proxies.1.to_owned())]);
    Config::load(Mode::Dev, LoadArgs::default(), &env).expect("good settings")
});

/// The client's address is the peer's or one that our own proxies wrote down; nothing that a stranger can send moves it
/// (attack HTTP-10). One `X-Forwarded-For` a line.
pub(super) fn client_address(input: &[u8]) {
    let config = &*BEHIND_PROXIES;
    let headers = lines(&FORWARDED_FOR, input);
    let values = headers.get_all(&FORWARDED_FOR).iter().map(|value| value.to_str().map(str::to_owned));
    let hops: Option<Vec<IpAddr>> = values.collect::<Result<Vec<_>, _>>().ok().and_then(|lists| {
        let hops = lists.iter().flat_map(|list| list.split(',')).map(|hop| hop.trim().parse());
        hops.map(|hop| hop.map(|hop: IpAddr| hop.to_canonical())).collect::<Result<_, _>>().ok()
    });

    let stranger = IpAddr::from([203, 0, 113, 9]);
    assert_eq!(client_ip(stranger, &headers, config), stranger, "a stranger names nobody");

    let proxy = IpAddr::from([10, 0, 0, 1]);
    let client = client_ip(proxy, &headers, config);
    if let Some(hops) = hops {
        let mut near = hops.iter().rev().take(HOPS);
        let first_untrusted = near.clone().find(|hop| !config.trusts(**hop));
        let farthest = near.next_back().copied().unwrap_or(proxy);
        assert_eq!(client, first_untrusted.copied().unwrap_or(farthest), "the walk from the right");
    }
    let mut noisy = headers.clone();
    for name in ["forwarded", "x-real-ip", "cf-connecting-ip", "true-client-ip", "x-client-ip"] {
        noisy.insert(HeaderName::from_static(name), HeaderValue::from_static("for=198.51.100.7"));
    }
    assert_eq!(client_ip(proxy, &noisy, config), client, "no other header counts");
    if !config.trusts(client) {
        let mut spoofed = HeaderMap::new();
        spoofed.append(&FORWARDED_FOR, HeaderValue::from_static("198.51.100.7, 10.9.9.9"));
        spoofed.extend(
            headers.get_all(&FORWARDED_FOR).iter().map(|value| (FORWARDED_FOR.clone(), value.clone())),
        );
        assert_eq!(client_ip(proxy, &spoofed, config), client, "what stands to the left is hearsay");
    }
}

static FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

#[expect(clippy::expect_used, reason = "a fixed text: the same result in every run")]
static OWN: LazyLock<PublicUrl> =
    LazyLock::new(|| PublicUrl::parse("https://login.example.com").expect("an origin"));

/// Each single header that decides something is taken in its one spelling (attacks CSR-02, CSR-04, JWT-21, REC-02).
pub(super) fn headers(input: &[u8]) {
    let tokens = lines(&header::AUTHORIZATION, input);
    if let Some(Authorization::Bearer(token)) = authorization(&tokens) {
        assert_eq!(tokens.len(), 1, "the header comes once");
        let value = tokens.values().next().and_then(|value| value.to_str().ok()).unwrap_or_default();
        assert!(value.ends_with(token) && value.to_ascii_lowercase().starts_with("bearer"));
        assert!(value.len() <= "bearer ".len() + token.len());
    }

    let hosts = lines(&header::HOST, input);
    if host::decide(&Uri::from_static("/"), &hosts, &OWN, false) == host::Verdict::Ours {
        let named = text(hosts.values().next().map_or(b"", HeaderValue::as_bytes)).to_ascii_lowercase();
        assert!(hosts.len() == 1 && ["login.example.com", "login.example.com:443"].contains(&named.as_str()));
    }

    let types = lines(&header::CONTENT_TYPE, input);
    if body::has_type(&types, "application/json") {
        let plain = text(types.values().next().map_or(b"", HeaderValue::as_bytes)).to_ascii_lowercase();
        let plain = plain.replace([' ', '\t', '"'], "");
        assert!(["application/json", "application/json;charset=utf-8"].contains(&plain.as_str()));
    }

    let origin = Some(text(input));
    for (site, cookie) in [(None, true), (None, false), (Some("same-origin"), true)] {
        let allowed = csrf::decide(csrf::Facts { site, origin, cookie }, &OWN) == csrf::Verdict::Allow;
        assert_eq!(allowed, text(input) == "https://login.example.com", "one origin is ours");
    }
    let site = Some(text(input)).filter(|site| *site != "same-origin");
    let facts = csrf::Facts { site, origin: Some("https://login.example.com"), cookie: true };
    assert!(site.is_none() || csrf::decide(facts, &OWN) == csrf::Verdict::Foreign);
}

/// What is kept of it are two words of our own (attack LOGG-01).
pub(super) fn user_agent(input: &[u8]) {
    let device = Device::from_user_agent(text(input));
    assert_eq!(Device::stored(device.browser, device.system), device);
    let names = device.browser.into_iter().chain(device.system);
    assert!(names.flat_map(str::chars).all(|c| c.is_ascii_alphanumeric() || c == ' '));
    let typed = Device::stored(Some(text(input)), Some(text(input)));
    assert!(typed.browser.is_none_or(|name| name == text(input)));
}

/// Korean is spoken to those who ask for it, and a choice made before decides alone.
pub(super) fn accept_language(input: &[u8]) {
    let text = text(input);
    let asked = negotiate(None, Some(text));
    assert!(asked == Locale::En || text.to_ascii_lowercase().contains("ko"));
    assert_eq!(negotiate(Some("ko"), Some(text)), Locale::Ko);
    assert_eq!(negotiate(Some("en"), Some(text)), Locale::En);
    let cookie = negotiate(Some(text), None);
    assert_eq!(cookie == Locale::Ko, text == "ko");
}

/// A bounded set of words that reads back as itself.
pub(super) fn scope(input: &[u8]) {
    let Some(scopes) = Scopes::parse(text(input)) else { return };
    let written = scopes.to_string();
    assert!(written.len() <= 1024 && written.is_ascii());
    assert_eq!(Scopes::parse(&written).as_ref(), Some(&scopes));
    assert!(scopes.covers(&scopes));
    let words: Vec<&str> = written.split(' ').filter(|word| !word.is_empty()).collect();
    assert!(words.len() <= 32 && words.iter().all(|word| scopes.contains(word)));
}
