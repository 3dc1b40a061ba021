//! The parameters of a request: each at most once (RFC 6749 section 3.1), but for `resource` (RFC 8707 section 2).

use serde::{Deserialize, Serialize};

/// What this server knows; whatever else comes is ignored (RFC 6749 section 3.1).
const KNOWN: [&str; 23] = [
    "acr_values",
    "claims",
    "claims_locales",
    "client_id",
    "code_challenge",
    "code_challenge_method",
    "display",
    "dpop_jkt",
    "id_token_hint",
    "login_hint",
    "max_age",
    "nonce",
    "prompt",
    "redirect_uri",
    "registration",
    "request",
    "request_uri",
    "resource",
    "response_mode",
    "response_type",
    "scope",
    "state",
    "ui_locales",
];

/// More resources than any request needs.
const MAX_RESOURCES: usize = 8;

/// In bytes: room for an ID token with many claims. What has a shorter limit has it in its own rule.
const MAX_BYTES: usize = 8 * 1024;

/// What only asks for something, with the most bytes that it makes sense with. A longer one is as good as none: the request needs
/// none of them, and what waits for a person must not be as large as a stranger likes (attack DOS-07).
const HINTS: [(&str, usize); 5] = [
    ("acr_values", 1024),
    ("claims_locales", 1024),
    ("display", 64),
    ("login_hint", 254),
    ("ui_locales", 1024),
];

/// The known parameters of a request, as they came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parameters(Vec<(String, String)>);

/// A parameter came twice (attacks OAU-04, OAU-09), or is longer than any needs to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed;

impl Parameters {
    /// From the decoded pairs of a query or form. One without a value is as good as none (RFC 6749 section 3.1).
    pub fn new(pairs: Vec<(String, String)>) -> Result<Self, Malformed> {
        for (place, (name, _)) in pairs.iter().enumerate() {
            let before = pairs[..place].iter().filter(|(other, _)| other == name).count();
            let allowed = if name == "resource" { MAX_RESOURCES } else { 1 };
            if before >= allowed {
                return Err(Malformed);
            }
        }
        let meant: Vec<_> = pairs.into_iter().filter(|(name, value)| is_meant(name, value)).collect();
        if meant.iter().any(|(_, value)| value.len() > MAX_BYTES) {
            return Err(Malformed);
        }
        Ok(Self(meant))
    }

    /// The value of a parameter, if it came with one.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(this, _)| this == name).map(|(_, value)| value.as_str())
    }

    /// Every value of one that may come more than once.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(this, _)| this == name).map(|(_, value)| value.as_str())
    }

    /// The same with another value, or none.
    #[must_use]
    pub fn with(mut self, name: &str, value: Option<String>) -> Self {
        self.0.retain(|(this, _)| this != name);
        self.0.extend(value.map(|value| (name.to_owned(), value)));
        self
    }
}

fn is_meant(name: &str, value: &str) -> bool {
    let short = HINTS.iter().find(|(hint, _)| *hint == name).is_none_or(|(_, most)| value.len() <= *most);
    KNOWN.contains(&name) && !value.is_empty() && short
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Parameters, Malformed> {
        Parameters::new(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn oau_04_oau_09_a_parameter_comes_once_and_unknown_ones_are_ignored() {
        let parameters =
            read(&[("state", "a"), ("nonce", ""), ("foo", "b"), ("resource", "x"), ("resource", "y")]);
        let parameters = parameters.unwrap();
        assert_eq!(parameters.get("state"), Some("a"));
        assert_eq!((parameters.get("nonce"), parameters.get("foo")), (None, None));
        assert_eq!(parameters.all("resource").collect::<Vec<_>>(), ["x", "y"]);
        for name in ["client_id", "redirect_uri", "response_type", "state", "scope", "foo"] {
            assert_eq!(read(&[(name, "a"), ("x", ""), (name, "a")]), Err(Malformed), "{name}");
            assert_eq!(read(&[(name, ""), (name, "a")]), Err(Malformed), "{name}");
        }
        assert_eq!(read(&[("resource", "x"); 9]), Err(Malformed));
        assert!(KNOWN.is_sorted());
    }
    #[test]
    fn dos_07_a_hint_that_is_too_long_is_none_and_anything_else_is_refused() {
        for (name, most) in HINTS {
            let of = |length| read(&[(name, &"x".repeat(length))]).unwrap().get(name).map(str::len);
            assert_eq!((of(most), of(most + 1), of(60_000)), (Some(most), None, None), "{name}");
        }
        let is_hint = |name: &str| HINTS.iter().any(|(hint, _)| *hint == name);
        for name in KNOWN.into_iter().filter(|name| !is_hint(name)) {
            assert!(read(&[(name, &"x".repeat(MAX_BYTES))]).is_ok(), "{name}");
            assert_eq!(read(&[(name, &"x".repeat(MAX_BYTES + 1))]), Err(Malformed), "{name}");
        }
        assert_eq!(read(&[("foo", &"x".repeat(60_000))]), read(&[]), "nobody keeps what is unknown");
    }
}
