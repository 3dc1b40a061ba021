//! The signature algorithms.

use std::borrow::Cow;
use std::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A JWS signature algorithm (RFC 7518 section 3.1, RFC 8037 section 3.1).
///
/// Only asymmetric ones: `none` and `HS*` have no name here, so nothing can accept them (attacks JWT-01 to JWT-03).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Alg {
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// Ed25519.
    EdDsa,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// RSASSA-PSS with SHA-256, a 32-byte salt.
    Ps256,
}

impl Alg {
    /// Every algorithm that this crate can verify.
    pub const ALL: &'static [Self] = &[Self::Es256, Self::EdDsa, Self::Rs256, Self::Ps256];

    /// The name in a JOSE header.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
            Self::Rs256 => "RS256",
            Self::Ps256 => "PS256",
        }
    }

    /// The algorithm of exactly this name: no trimming, no other case (attack JWT-05).
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|alg| alg.as_str() == name)
    }
}

impl Serialize for Alg {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Alg {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = Cow::<str>::deserialize(deserializer)?;
        Self::parse(&name).ok_or_else(|| D::Error::custom("no signature algorithm of ours"))
    }
}

impl fmt::Display for Alg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_parses_back_and_nothing_near_it_does() {
        for alg in Alg::ALL.iter().copied() {
            let name = alg.as_str();
            assert_eq!(Alg::parse(name), Some(alg));
            for near in [format!(" {name}"), format!("{name} "), format!("{name}\0"), name.to_lowercase()] {
                assert_eq!(Alg::parse(&near), None, "{near:?}");
            }
        }
        assert_eq!(Alg::parse(""), None);
    }
}
