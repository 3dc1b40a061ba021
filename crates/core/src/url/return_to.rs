//! Where to go after a login: a path of ours and nothing else (RED-01 to RED-05).

use std::fmt;

/// A path on our own origin, perhaps with a query. Safe as a `Location` and as the `action` or `href` of a page.
///
/// A text is judged by what it is made of, never by what some parser makes of it: none of our paths needs an escape, a
/// semicolon, an `@` or a dot segment, so a path with one is none of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReturnTo(String);

/// In bytes.
const MAX_BYTES: usize = 2048;

/// First segments that lead back to a login, away from it, or to what is no page (RED-05).
const NO_PAGES: [&str; 6] = ["login", "logout", "register", "locale", "static", "api"];

impl ReturnTo {
    /// Reads a path; `None` means the default page.
    pub fn parse(text: &str) -> Option<Self> {
        let (path, query) = text.split_once('?').unwrap_or((text, ""));
        let is_ours = text.len() <= MAX_BYTES && is_plain_path(path) && is_plain_query(query);
        is_ours.then(|| Self(text.to_owned()))
    }

    /// The path and its query.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ReturnTo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// `/`, or segments of letters, digits and a few harmless marks. An empty segment would make `//evil.tld`, which is
/// another host; an escape could hide anything above, from one decoder or the next.
fn is_plain_path(path: &str) -> bool {
    let Some(path) = path.strip_prefix('/') else { return false };
    let inner = path.strip_suffix('/').unwrap_or(path);
    let first = path.split('/').next().unwrap_or_default();
    let is_plain = |segment: &str| {
        !matches!(segment, "" | "." | "..")
            && segment.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~!$&'()*+,=:".contains(&b))
    };
    path.is_empty() || (inner.split('/').all(is_plain) && !NO_PAGES.contains(&first))
}

/// RFC 3986 section 3.4, whole escapes only. What the escapes hold is UTF-8 in its shortest form without control
/// characters: nothing that a careless reader of the query could put into a header (RED-02).
fn is_plain_query(query: &str) -> bool {
    let is_query_byte = |b: u8| b.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/?%".contains(&b);
    query.bytes().all(is_query_byte) && decode(query).is_some_and(|text| !text.contains(char::is_control))
}

/// Percent-decodes once; `None` for a broken escape or for what is not UTF-8.
fn decode(text: &str) -> Option<String> {
    let mut pieces = text.split('%');
    let mut bytes = pieces.next()?.as_bytes().to_vec();
    for piece in pieces {
        let (high, low) = (*piece.as_bytes().first()?, *piece.as_bytes().get(1)?);
        bytes.push(hex(high)? << 4 | hex(low)?);
        bytes.extend_from_slice(&piece.as_bytes()[2..]);
    }
    String::from_utf8(bytes).ok()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all_refused(texts: &[&str]) {
        for text in texts {
            assert_eq!(ReturnTo::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn paths_of_ours_are_kept_as_they_are() {
        let longest = format!("/account?x={}", "a".repeat(MAX_BYTES - 11));
        let table = [
            "/",
            "/account",
            "/account/",
            "/account/sessions",
            "/account?tab=apps",
            "/?x",
            "/loginx",
            "/device?user_code=ABCD",
            "/oauth2/authorize?client_id=x&redirect_uri=https%3A%2F%2Fapp.example.com%2Fcb%3Fa%3Db&state=a%2520b;c@d//e",
            "/account?q=%EA%B0%80+%5C",
            &longest,
        ];
        for text in table {
            assert_eq!(ReturnTo::parse(text).as_ref().map(ReturnTo::as_str), Some(text));
        }
        all_refused(&[
            &format!("{longest}a"),
            "",
            "account",
            "?x",
            " /account",
            "/account ",
            "/account#top",
            "/계정",
        ]);
    }

    #[test]
    fn red_01_another_host_in_disguise_is_refused() {
        all_refused(&[
            "//evil.tld",
            "/\\evil.tld",
            "\\/evil",
            "\\\\evil.tld",
            "/%2f%2fevil",
            "/%2Fevil.tld",
            "/%5cevil.tld",
            "https:evil",
            "https:/evil",
            "https://evil.tld",
            "///evil",
            "////evil.tld",
            "/account//evil.tld",
            "/@evil.tld",
            "@evil.tld",
            "/\t/evil.tld",
            "/\n/evil.tld",
            "\u{2f}\u{2044}evil.tld",
            "／／evil.tld",
            "/／evil.tld",
        ]);
    }

    #[test]
    fn red_02_our_host_as_bait_and_header_injection_are_refused() {
        all_refused(&[
            "https://app.example.com@evil.tld",
            "https://app.example.com.evil.tld",
            "https://app.example.com%00.evil",
            "/%0d%0aSet-Cookie:x=1",
            "/account%0d%0aSet-Cookie:x=1",
            "/account?x=%0d%0aSet-Cookie:x=1",
            "/account?%00",
            "/account?%7f",
            "/account?x=%c2%85",
            "/account\r\nSet-Cookie: x=1",
            "/account?x\r\n",
            "ht\ntps://evil.tld",
            "ht\ttps://evil.tld",
            "/acc\0ount",
        ]);
    }

    #[test]
    fn red_03_other_schemes_are_refused() {
        all_refused(&[
            "javascript:alert(1)",
            "JavaScript:alert(1)",
            " javascript:alert(1)",
            "java\nscript:alert(1)",
            "data:text/html,x",
            "vbscript:x",
            "/javascript:alert(1)//",
            "blob:x",
            "mailto:x",
        ]);
    }

    #[test]
    fn red_04_encodings_and_dot_segments_are_refused() {
        all_refused(&[
            "/%252f%252fevil.tld",
            "/%25252f%25252fevil.tld",
            "/%255cevil.tld",
            "/%c0%af%c0%afevil.tld",
            "/%e0%80%afevil.tld",
            "/account?%c0%af",
            "/account?%",
            "/account?%4",
            "/account?%zz",
            "/account?%+1",
            "/account;/..//evil.tld",
            "/;/..",
            "/..;/",
            "/..;/evil",
            "/..",
            "/../evil",
            "/.",
            "/./evil",
            "/account/..",
            "/account/../login",
            "/..//evil.tld",
            "/%2e%2e/evil",
            "/.%2e/evil",
            "/account/%2e%2e%2flogin",
        ]);
    }

    #[test]
    fn red_05_loops_and_what_is_no_page_are_cut() {
        let deep = "/login?return_to=".repeat(1000);
        all_refused(&[
            "/login",
            "/login/",
            "/login?return_to=/login",
            "/login?return_to=%2Flogin%3Freturn_to%3D%2Flogin",
            &deep,
            "/logout",
            "/logout?id_token_hint=x",
            "/register",
            "/locale",
            "/static/app.css",
            "/static",
            "/api/v1/session",
            "/api",
            "/%6cogin",
        ]);
    }

    proptest! {
        #[test]
        fn red_04_a_browser_never_leaves_our_origin(text in "[/\\\\a-z.;@%25fc?#: \t]{1,16}|/\\PC{0,12}") {
            let base = url::Url::parse("https://login.example.com/login").unwrap();
            if let Some(path) = ReturnTo::parse(&text) {
                let landed = base.join(path.as_str()).unwrap();
                prop_assert_eq!(landed.origin(), base.origin());
                prop_assert_eq!(landed.as_str(), format!("https://login.example.com{path}"));
            }
        }
    }
}
