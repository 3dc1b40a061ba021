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

/// The known parameters of a request, as they came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parameters(Vec<(String, String)>);

/// A parameter came twice (attacks OAU-04, OAU-09).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Repeated;

impl Parameters {
    /// From the decoded pairs of a query or form. One without a value is as good as none (RFC 6749 section 3.1).
    pub fn new(pairs: Vec<(String, String)>) -> Result<Self, Repeated> {
        for (place, (name, _)) in pairs.iter().enumerate() {
            let before = pairs[..place].iter().filter(|(other, _)| other == name).count();
            let allowed = if name == "resource" { MAX_RESOURCES } else { 1 };
            if before >= allowed {
                return Err(Repeated);
            }
        }
        let known = |(name, value): &(String, String)| KNOWN.contains(&name.as_str()) && !value.is_empty();
        Ok(Self(pairs.into_iter().filter(known).collect()))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Parameters, Repeated> {
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
            assert_eq!(read(&[(name, "a"), ("x", ""), (name, "a")]), Err(Repeated), "{name}");
            assert_eq!(read(&[(name, ""), (name, "a")]), Err(Repeated), "{name}");
        }
        assert_eq!(read(&[("resource", "x"); 9]), Err(Repeated));
        assert!(KNOWN.is_sorted());
    }
}
