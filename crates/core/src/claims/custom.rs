//! Claims of an operator's own: which scope gives them.

use std::fmt;

use crate::account::profile::Field;

use super::{SCOPES, standard};

/// A claim that the configuration names. Its value is a line of the account's profile that an operator wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomClaim {
    name: String,
    scope: String,
}

/// Names that mean something else in a token, or are the provider's to say.
const TAKEN: [&str; 22] = [
    "iss",
    "sub",
    "aud",
    "exp",
    "nbf",
    "iat",
    "jti",
    "auth_time",
    "nonce",
    "acr",
    "amr",
    "azp",
    "at_hash",
    "c_hash",
    "sid",
    "events",
    "cnf",
    "status",
    "client_id",
    "scope",
    "act",
    "_claim_names",
];

impl CustomClaim {
    /// Reads `NAME=SCOPE`: a name of letters, digits, `_`, `-`, `.`, `:` and `/` that no standard claim has, and the scope
    /// that gives it.
    pub fn parse(text: &str) -> Option<Self> {
        let (name, scope) = text.split_once('=')?;
        let letter =
            |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b':' | b'/');
        let fits = |word: &str| (1..=128).contains(&word.len()) && word.bytes().all(letter);
        let part = Field::parse(name).is_some();
        let free = !TAKEN.contains(&name) && !part && standard().all(|standard| standard != name);
        (fits(name) && fits(scope) && free).then(|| Self { name: name.to_owned(), scope: scope.to_owned() })
    }

    /// The claim.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The scope that gives it.
    pub fn scope(&self) -> &str {
        &self.scope
    }

    /// The scope, unless it is a standard one: a scope that has to be offered.
    pub fn own_scope(&self) -> Option<&str> {
        let standard = SCOPES.iter().any(|(scope, _)| *scope == self.scope) || self.scope == super::OPENID;
        (!standard).then_some(&self.scope)
    }
}

impl fmt::Display for CustomClaim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.name, self.scope)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_of_ones_own_takes_no_name_that_means_something() {
        let claim = CustomClaim::parse("department=profile").unwrap();
        assert_eq!((claim.name(), claim.scope(), claim.own_scope()), ("department", "profile", None));
        assert_eq!(CustomClaim::parse("team=staff").unwrap().own_scope(), Some("staff"));
        assert!(CustomClaim::parse("https://acme.example/team=staff").is_some());
        for bad in
            ["", "team", "team=", "=staff", "sub=profile", "email=staff", "nonce=x", "te am=x", "team=a b"]
        {
            assert_eq!(CustomClaim::parse(bad), None, "{bad}");
        }
    }
}
