//! Keys that are ready to verify.

use aws_lc_rs::signature::ParsedPublicKey;

use crate::public_key::is_small_order;
use crate::{Alg, Error, Jwk, JwkSet};

/// A public key in the library's form: parsed once, bound to one algorithm (invariant I8).
#[derive(Clone, Debug)]
pub struct VerifyingKey {
    kid: String,
    alg: Alg,
    parsed: ParsedPublicKey,
}

impl VerifyingKey {
    /// Prepares a key.
    pub fn new(jwk: &Jwk) -> Result<Self, Error> {
        Ok(Self { kid: jwk.kid().to_owned(), alg: jwk.alg(), parsed: jwk.public().parsed(jwk.alg())? })
    }

    /// The name of the key.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The one algorithm of the key.
    pub fn alg(&self) -> Alg {
        self.alg
    }

    /// Checks a signature over `message`.
    pub(crate) fn check(&self, message: &[u8], signature: &[u8]) -> Result<(), Error> {
        // The library compares R with an encoding that it computed, so R is canonical; its order is ours to check.
        if self.alg == Alg::EdDsa && signature.first_chunk().is_some_and(is_small_order) {
            return Err(Error::Signature);
        }
        self.parsed.verify_sig(message, signature).map_err(|_| Error::Signature)
    }
}

/// The keys that a verifier trusts for one issuer, by `kid`.
///
/// Two issuers have two sets: a token of one can then never verify under a key of the other (RFC 8725 section 3.8).
#[derive(Clone, Debug, Default)]
pub struct KeySet {
    keys: Vec<VerifyingKey>,
}

impl KeySet {
    /// Makes a set; two keys of one `kid` are refused (attack JWT-06).
    pub fn new(keys: impl IntoIterator<Item = VerifyingKey>) -> Result<Self, Error> {
        let mut set = Self::default();
        for key in keys {
            if set.get(&key.kid).is_some() {
                return Err(Error::DuplicateKid);
            }
            set.keys.push(key);
        }
        Ok(set)
    }

    /// Prepares every key of a published set.
    pub fn from_jwks(jwks: &JwkSet) -> Result<Self, Error> {
        Self::new(jwks.keys().iter().map(VerifyingKey::new).collect::<Result<Vec<_>, _>>()?)
    }

    /// The key of this `kid`, compared byte by byte: a name is looked up, never interpreted.
    pub fn get(&self, kid: &str) -> Option<&VerifyingKey> {
        self.keys.iter().find(|key| key.kid == kid)
    }

    /// The keys, in the order they were given.
    pub fn keys(&self) -> &[VerifyingKey] {
        &self.keys
    }
}
