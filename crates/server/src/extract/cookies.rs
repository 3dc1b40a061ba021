//! Our cookies in a request. Two of one name, in one header or two: none counts (design section 7; attack SES-19).

use countersign_core::secret::Secret;
use http::{HeaderMap, header};

/// The session's secret.
pub(crate) const SESSION: &str = "__Host-Http-session";
/// What this browser began: a registration or a login.
pub(crate) const LOGIN: &str = "__Host-Http-login";
/// The accounts that logged in on this device.
pub(crate) const DEVICE: &str = "__Host-Http-device";
/// The chosen language.
pub(crate) const LOCALE: &str = "__Host-Http-locale";

/// The cookies of one request, unread until asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cookies<'a>(&'a HeaderMap);

impl<'a> Cookies<'a> {
    /// Those of these headers.
    pub(crate) const fn of(headers: &'a HeaderMap) -> Self {
        Self(headers)
    }

    /// The value of the one cookie with exactly this name (RFC 6265 section 4.2.1: pairs separated by `; `). No quotes, no
    /// trimming of anything but that space, no `$Version`.
    pub(crate) fn get(self, name: &str) -> Option<&'a str> {
        let mut found = None;
        for header in self.0.get_all(header::COOKIE) {
            // As bytes: what another application on this host keeps in its cookies need not be ASCII.
            for pair in header.as_bytes().split(|byte| *byte == b';') {
                let pair = pair.strip_prefix(b" ").unwrap_or(pair);
                let value = pair.strip_prefix(name.as_bytes()).and_then(|rest| rest.strip_prefix(b"="));
                if value.is_some_and(|value| found.replace(value).is_some()) {
                    return None;
                }
            }
        }
        found.and_then(|value| str::from_utf8(value).ok())
    }

    /// The secret in a cookie; one that is no secret of ours is as good as none (attack SES-21).
    pub(crate) fn secret(self, name: &str) -> Option<Secret> {
        self.get(name).and_then(|value| Secret::parse(value).ok())
    }

    /// Whether a cookie came that can open anything, readable or not (I4).
    pub(crate) fn any_of_ours(self) -> bool {
        self.0.get_all(header::COOKIE).iter().any(|header| {
            let bytes = header.as_bytes();
            [SESSION, LOGIN].iter().any(|name| bytes.windows(name.len()).any(|part| part == name.as_bytes()))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(cookies: &[&str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for cookie in cookies {
            headers.append(header::COOKIE, http::HeaderValue::from_bytes(cookie.as_bytes()).unwrap());
        }
        Cookies::of(&headers).get(SESSION).map(str::to_owned)
    }

    #[test]
    fn the_cookie_is_found_among_others() {
        assert_eq!(session(&["a=b; __Host-Http-session=x; c=d"]), Some("x".into()));
        assert_eq!(session(&["a=b", "__Host-Http-session=x"]), Some("x".into()));
        assert_eq!(session(&["a=b;__Host-Http-session=x=y"]), Some("x=y".into()));
        assert_eq!(session(&["app=\u{d55c}; __Host-Http-session=x"]), Some("x".into()));
        assert_eq!(session(&[]), None);
    }

    #[test]
    fn two_of_one_name_are_none() {
        assert_eq!(session(&["__Host-Http-session=x; __Host-Http-session=x"]), None);
        assert_eq!(session(&["__Host-Http-session=x", "__Host-Http-session=y"]), None);
    }

    #[test]
    fn ses_19_nothing_that_only_looks_like_the_name_is_it() {
        for cookie in [
            "__host-http-session=x",
            "__HOST-HTTP-SESSION=x",
            "  __Host-Http-session=x",
            "\u{a0}__Host-Http-session=x",
            "\u{2003}__Host-Http-session=x",
            "__Host-Http-session%00=x",
            "__Host-Http-session =x",
            "\"__Host-Http-session\"=x",
            "__Host-Http-sessio=x",
        ] {
            assert_eq!(session(&[cookie]), None, "{cookie}");
        }
        assert_eq!(session(&["$Version=1; __Host-Http-session=\"x\"; $Path=/"]), Some("\"x\"".into()));
    }
}
