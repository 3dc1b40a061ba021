//! Who asks, as far as can be known before anything is proved: the context of a request.

use std::net::{IpAddr, SocketAddr};

use axum::extract::Request;
use countersign_core::Locale;
use countersign_core::session::Device;
use countersign_pages::negotiate;
use http::{HeaderMap, header};

use crate::app::App;
use crate::config::Config;
use crate::ctx::Ctx;
use crate::middleware::{Access, Surface};

use super::cookies::{Cookies, LOCALE};

/// The address at the other end of the connection, put there by the accept loop.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) SocketAddr);

/// The context of a request. What only pages and logins ask for is not looked at for the many requests that do not: the
/// session check has no time for it.
pub(crate) fn context(app: &App, access: Access, request: &Request) -> Ctx {
    let now = app.clock.now();
    let headers = request.headers();
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let changes = !request.method().is_safe();
    let peer = request.extensions().get::<Peer>().map(|peer| peer.0.ip());
    Ctx {
        now,
        request: app.requests.next(now),
        ip: peer.map(|peer| client_ip(peer, headers, &app.config)),
        device: text(header::USER_AGENT).filter(|_| changes).map(Device::from_user_agent).unwrap_or_default(),
        locale: if changes || access.surface == Surface::Page {
            negotiate(Cookies::of(headers).get(LOCALE), text(header::ACCEPT_LANGUAGE))
        } else {
            Locale::default()
        },
        app: app.clone(),
    }
}

/// The client's address (attack HTTP-10): the peer's own, unless that is a configured proxy; then the rightmost address
/// in `X-Forwarded-For` that is no configured proxy. A value that is no list of addresses is not believed at all.
pub(crate) fn client_ip(peer: IpAddr, headers: &HeaderMap, config: &Config) -> IpAddr {
    let peer = peer.to_canonical();
    if !config.trusts(peer) {
        return peer;
    }
    let mut client = peer;
    for header in headers.get_all("x-forwarded-for").iter().rev() {
        let Ok(list) = header.to_str() else { return peer };
        for hop in list.rsplit(',') {
            let Ok(hop) = hop.trim().parse::<IpAddr>() else { return client };
            client = hop.to_canonical();
            if !config.trusts(client) {
                return client;
            }
        }
    }
    client
}

/// A token that came in the `Authorization` header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Authorization<'a> {
    /// `Bearer` and what follows (RFC 6750 section 2.1).
    Bearer(&'a str),
    /// `DPoP`, or a header that cannot be read: it decides, and it does not count.
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
        Some(Authorization::Unusable)
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
        assert_eq!(read(&["DPoP x"]), Some("Unusable".into()));
        assert_eq!(read(&["Bearer x", "Bearer x"]), Some("Unusable".into()));
        assert_eq!(read(&["Basic x"]), None);
        assert_eq!(read(&[]), None);
    }
}
