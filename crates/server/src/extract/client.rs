//! Who asks, as far as can be known before anything is proved: the context of a request.

use std::net::{IpAddr, SocketAddr};

use axum::extract::Request;
use countersign_core::Locale;
use countersign_core::session::Device;
use countersign_core::throttle::KnownDevice;
use countersign_pages::negotiate;
use http::{HeaderMap, header};

use crate::app::App;
use crate::config::Config;
use crate::ctx::Ctx;
use crate::middleware::{Access, Faces, Surface};

use super::cookies::{Cookies, DEVICE, LOCALE};

/// The address at the other end of the connection, put there by the accept loop.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) SocketAddr);

/// The context of a request. What only pages and logins ask for is not looked at for the many requests that do not: the
/// session check has no time for it.
pub(crate) fn context(app: &App, access: Access, request: &Request) -> Ctx {
    let now = app.now();
    let headers = request.headers();
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let changes = !request.method().is_safe();
    let peer = request.extensions().get::<Peer>().map(|peer| peer.0.ip());
    Ctx {
        now,
        request: app.requests.next(now),
        ip: peer.map(|peer| client_ip(peer, headers, &app.config)),
        device: text(header::USER_AGENT).filter(|_| changes).map(Device::from_user_agent).unwrap_or_default(),
        known_device: changes.then(|| known_device(access, headers)).flatten(),
        locale: if changes || access.surface == Surface::Page {
            negotiate(Cookies::of(headers).get(LOCALE), text(header::ACCEPT_LANGUAGE))
        } else {
            Locale::default()
        },
        app: app.clone(),
    }
}

/// Beside a token no cookie is read (I2).
fn known_device(access: Access, headers: &HeaderMap) -> Option<KnownDevice> {
    if access.faces == Faces::Either && authorization(headers).is_some() {
        return None;
    }
    Cookies::of(headers).get(DEVICE).and_then(KnownDevice::parse)
}

/// More proxies than stand before any server: what a header says beyond them is not looked at.
pub(crate) const HOPS: usize = 16;

/// The client's address (attack HTTP-10): the peer's own, unless that is a configured proxy; then the rightmost address
/// in `X-Forwarded-For` that is no configured proxy. What stands left of it, or of what is no address, was written by
/// whoever asks. Only this header counts: each proxy adds to it, while `Forwarded` and `X-Real-IP` pass through most.
pub(crate) fn client_ip(peer: IpAddr, headers: &HeaderMap, config: &Config) -> IpAddr {
    nearest_stranger(peer, headers, |address| config.trusts(address))
}

fn nearest_stranger(peer: IpAddr, headers: &HeaderMap, trusts: impl Fn(IpAddr) -> bool) -> IpAddr {
    let mut client = peer.to_canonical();
    let lists = headers.get_all("x-forwarded-for").iter().rev();
    let mut hops = lists.flat_map(|list| list.as_bytes().rsplit(|byte| *byte == b','));
    for _ in 0..HOPS {
        if !trusts(client) {
            break;
        }
        let Some(hop) = hops.next().and_then(address) else { break };
        client = hop;
    }
    client
}

/// Some proxies add the port.
fn address(hop: &[u8]) -> Option<IpAddr> {
    let text = str::from_utf8(hop).ok()?.trim();
    let address = text.parse().or_else(|_| text.parse::<SocketAddr>().map(|socket| socket.ip()));
    address.ok().map(|address: IpAddr| address.to_canonical())
}

/// A token that came in the `Authorization` header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Authorization<'a> {
    /// `Bearer` and what follows (RFC 6750 section 2.1).
    Bearer(&'a str),
    /// `DPoP` and what follows (RFC 9449 section 7.1).
    Dpop(&'a str),
    /// A header that cannot be read: it decides, and it does not count.
    Unusable,
}

/// The `Authorization` header, if its scheme is one of a token face. The scheme's case does not matter (RFC 9110 section
/// 11.1), everything else does (attack JWT-21).
pub(crate) fn authorization(headers: &HeaderMap) -> Option<Authorization<'_>> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let first = values.next()?;
    if values.next().is_some() {
        return Some(Authorization::Unusable);
    }
    let Ok(text) = first.to_str() else { return Some(Authorization::Unusable) };
    let (scheme, token) = text.split_once(' ').unwrap_or((text, ""));
    if scheme.eq_ignore_ascii_case("bearer") {
        Some(Authorization::Bearer(token))
    } else if scheme.eq_ignore_ascii_case("dpop") {
        Some(Authorization::Dpop(token))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(values: &[&str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::AUTHORIZATION, value.parse().unwrap());
        }
        authorization(&headers).map(|found| format!("{found:?}"))
    }

    #[test]
    fn jwt_21_the_scheme_has_any_case_and_the_rest_is_exact() {
        assert_eq!(read(&["Bearer x"]), Some("Bearer(\"x\")".into()));
        assert_eq!(read(&["bEARER x"]), Some("Bearer(\"x\")".into()));
        assert_eq!(read(&["Bearer  x"]), Some("Bearer(\" x\")".into()));
        assert_eq!(read(&["Bearer"]), Some("Bearer(\"\")".into()));
        assert_eq!(read(&["dPoP x"]), Some("Dpop(\"x\")".into()));
        assert_eq!(read(&["Bearer x", "Bearer x"]), Some("Unusable".into()));
        assert_eq!(read(&["Basic x"]), None);
        assert_eq!(read(&[]), None);
    }
    type Headers<'a> = &'a [(&'static str, &'a str)];

    /// As seen behind proxies in 10.0.0.0/8 and at `2001:db8::1`.
    fn client(peer: &str, headers: Headers<'_>) -> String {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, http::HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        let proxy = |address: IpAddr| match address {
            IpAddr::V4(address) => address.octets()[0] == 10,
            IpAddr::V6(address) => address.to_string() == "2001:db8::1",
        };
        nearest_stranger(peer.parse().unwrap(), &map, proxy).to_string()
    }

    #[test]
    fn http_10_only_what_our_own_proxies_saw_is_believed() {
        const XFF: &str = "x-forwarded-for";
        let thousand = vec!["10.0.0.9"; 1000].join(", ");
        let table: &[(&str, Headers<'_>, &str)] = &[
            // A peer that is no proxy of ours is itself, whatever it says.
            ("198.51.100.7", &[(XFF, "6.6.6.6")], "198.51.100.7"),
            ("198.51.100.7", &[(XFF, "10.0.0.1"), ("x-real-ip", "6.6.6.6")], "198.51.100.7"),
            ("198.51.100.7", &[("forwarded", "for=6.6.6.6")], "198.51.100.7"),
            ("::ffff:198.51.100.7", &[(XFF, "6.6.6.6")], "198.51.100.7"),
            // Behind ours: the rightmost that is none of ours.
            ("10.0.0.1", &[(XFF, "198.51.100.7")], "198.51.100.7"),
            ("::ffff:10.0.0.1", &[(XFF, "198.51.100.7")], "198.51.100.7"),
            ("2001:db8::1", &[(XFF, "2001:db8::2")], "2001:db8::2"),
            ("10.0.0.1", &[(XFF, "6.6.6.6, 198.51.100.7")], "198.51.100.7"),
            ("10.0.0.1", &[(XFF, "6.6.6.6,198.51.100.7 , 10.1.1.1")], "198.51.100.7"),
            ("10.0.0.1", &[(XFF, "127.0.0.1, 192.168.0.1")], "192.168.0.1"),
            ("10.0.0.1", &[(XFF, "::ffff:198.51.100.7")], "198.51.100.7"),
            ("10.0.0.1", &[(XFF, "198.51.100.7:4711")], "198.51.100.7"),
            ("10.0.0.1", &[(XFF, "[2001:db8::2]:4711")], "2001:db8::2"),
            // Two headers are one list.
            ("10.0.0.1", &[(XFF, "6.6.6.6"), (XFF, "198.51.100.7")], "198.51.100.7"),
            ("10.0.0.1", &[(XFF, "6.6.6.6, 198.51.100.7"), (XFF, "10.0.0.2")], "198.51.100.7"),
            // Nothing is believed beyond what is no address.
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", &[(XFF, "")], "10.0.0.1"),
            ("10.0.0.1", &[(XFF, "6.6.6.6, unknown")], "10.0.0.1"),
            ("10.0.0.1", &[(XFF, "6.6.6.6, unknown, 10.0.0.2")], "10.0.0.2"),
            ("10.0.0.1", &[(XFF, "6.6.6.6, fe80::1%eth0")], "10.0.0.1"),
            ("10.0.0.1", &[(XFF, "6.6.6.6,")], "10.0.0.1"),
            ("10.0.0.1", &[(XFF, "6.6.6.6, \u{fc}")], "10.0.0.1"),
            ("10.0.0.1", &[(XFF, "6.6.6.6, 0x7f.1")], "10.0.0.1"),
            ("10.0.0.1", &[(XFF, "for=6.6.6.6")], "10.0.0.1"),
            ("10.0.0.1", &[("x-real-ip", "6.6.6.6"), ("forwarded", "for=6.6.6.6")], "10.0.0.1"),
            // However long the list is.
            ("10.0.0.1", &[(XFF, &format!("6.6.6.6, {thousand}"))], "10.0.0.9"),
            ("10.0.0.1", &[(XFF, &format!("{thousand}, 198.51.100.7"))], "198.51.100.7"),
        ];
        for (peer, headers, expected) in table {
            assert_eq!(client(peer, headers), *expected, "{peer} {headers:?}");
        }
    }
}
