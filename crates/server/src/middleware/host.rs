//! The name that the server was asked by (invariant I15; attack REC-02): it never reaches a link, and a name that is not
//! ours is refused.

use countersign_core::url::PublicUrl;
use http::{HeaderMap, Uri, header};

/// What to do with a request by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Our name.
    Ours,
    /// Another name of this machine, in dev mode: pages redirect to ours.
    Loopback,
    /// Not ours.
    Wrong,
}

/// Decides by the one name in the request: the Host header, or the authority of an absolute-form target, which then
/// must agree (RFC 9112 section 3.2.2).
pub(crate) fn decide(uri: &Uri, headers: &HeaderMap, own: &PublicUrl, dev: bool) -> Verdict {
    let mut hosts = headers.get_all(header::HOST).iter();
    let (host, extra) = (hosts.next().and_then(|host| host.to_str().ok()), hosts.next());
    let named = match (uri.authority().map(http::uri::Authority::as_str), host) {
        (Some(target), Some(host)) if target == host => host,
        (None, Some(host)) => host,
        _ => return Verdict::Wrong,
    };
    if extra.is_some() {
        Verdict::Wrong
    } else if own.is_authority(named) {
        Verdict::Ours
    } else if dev && is_loopback(named) {
        Verdict::Loopback
    } else {
        Verdict::Wrong
    }
}

/// `localhost`, `127.0.0.1` or `[::1]`, with or without a port: names that no other machine can be meant by.
fn is_loopback(authority: &str) -> bool {
    ["localhost", "127.0.0.1", "[::1]"].iter().any(|name| match authority.strip_prefix(name) {
        Some("") => true,
        Some(rest) => rest.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok()),
        None => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(uri: &str, hosts: &[&str], dev: bool) -> Verdict {
        let own = PublicUrl::parse(if dev { "http://localhost:8080" } else { "https://id.example" }).unwrap();
        let mut headers = HeaderMap::new();
        for host in hosts {
            headers.append(header::HOST, host.parse().unwrap());
        }
        decide(&uri.parse().unwrap(), &headers, &own, dev)
    }

    #[test]
    fn rec_02_only_our_own_name_is_ours() {
        assert_eq!(verdict("/", &["id.example"], false), Verdict::Ours);
        assert_eq!(verdict("/", &["id.example:443"], false), Verdict::Ours);
        assert_eq!(verdict("https://id.example/", &["id.example"], false), Verdict::Ours);
        for hosts in [
            &["evil.tld"][..],
            &["id.example:8443"],
            &["id.example:@evil"],
            &["id.example", "evil.tld"],
            &["id.example", "id.example"],
            &["localhost"],
            &[""],
            &[],
        ] {
            assert_eq!(verdict("/", hosts, false), Verdict::Wrong, "{hosts:?}");
        }
        assert_eq!(verdict("http://evil.tld/", &["id.example"], false), Verdict::Wrong);
        assert_eq!(verdict("http://id.example/", &["evil.tld"], false), Verdict::Wrong);
    }

    #[test]
    fn in_dev_mode_other_names_of_this_machine_are_told_apart_from_strangers() {
        assert_eq!(verdict("/", &["localhost:8080"], true), Verdict::Ours);
        for host in ["127.0.0.1:8080", "[::1]:8080", "localhost", "localhost:9"] {
            assert_eq!(verdict("/", &[host], true), Verdict::Loopback, "{host}");
        }
        for host in ["localhost.evil", "127.0.0.1.evil", "localhost:", "localhost:99999", "evil.tld"] {
            assert_eq!(verdict("/", &[host], true), Verdict::Wrong, "{host}");
        }
    }
}
