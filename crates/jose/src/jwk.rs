//! Public keys as JSON (RFC 7517), and sets of them.

use serde::ser::{Serialize, SerializeMap as _, SerializeStruct as _, Serializer};

use crate::json::{Object, Value};
use crate::public_key::PublicKey;
use crate::rsa::RsaPublic;
use crate::{Alg, Error, base64, digest};

/// The longest `kid`, in bytes.
pub(crate) const MAX_KID: usize = 256;

/// How many keys one set may have.
const MAX_KEYS: usize = 64;

/// Members that make a key private or symmetric (RFC 7518 sections 6.2.2, 6.3.2, 6.4; RFC 9964).
const PRIVATE: [&str; 9] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"];

/// A public key for verifying signatures with one algorithm.
///
/// Every value has been checked: the point is on its curve and not of small order, the modulus has 2048 to 8192
/// bits, the exponent is odd and above 1. There is no way to hold a private key in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Jwk {
    kid: String,
    alg: Alg,
    public: PublicKey,
}

impl Jwk {
    /// Reads a key from its JSON object.
    ///
    /// A key without `alg` gets the only one of its curve, an RSA key `RS256`. A key without `kid` is known by its
    /// thumbprint. Members that are not needed to verify are ignored, unless they are private (`PrivateKey`).
    pub fn parse(json: &[u8]) -> Result<Self, Error> {
        Self::read(&Object::parse(json)?)
    }

    /// Names a key by its thumbprint.
    pub(crate) fn named_by_thumbprint(alg: Alg, public: PublicKey) -> Self {
        Self { kid: thumbprint(&public), alg, public }
    }

    /// Reads a key that is used with this algorithm: an RSA key that names none is of any that fits.
    pub(crate) fn read_for(members: &Object<'_>, alg: Alg) -> Result<Self, Error> {
        let mut key = Self::read(members)?;
        if members.get("alg").is_none() {
            key.public.parsed(alg)?;
            key.alg = alg;
        }
        if key.alg == alg { Ok(key) } else { Err(Error::Algorithm) }
    }

    fn read(members: &Object<'_>) -> Result<Self, Error> {
        let kty = required(members, "kty")?;
        if kty == "oct" || PRIVATE.iter().any(|name| members.get(name).is_some()) {
            return Err(Error::PrivateKey);
        }
        require_use(members)?;
        let named = match text(members, "alg")? {
            Some(name) => Some(Alg::parse(name).ok_or(Error::UnsupportedKey)?),
            None => None,
        };
        let (usual, public) = match (kty, text(members, "crv")?) {
            ("EC", Some("P-256")) => {
                (Alg::Es256, PublicKey::p256(coordinate(members, "x")?, coordinate(members, "y")?)?)
            }
            ("OKP", Some("Ed25519")) => (Alg::EdDsa, PublicKey::ed25519(coordinate(members, "x")?)?),
            ("RSA", _) => {
                let key = RsaPublic::new(number(members, "n")?, number(members, "e")?)?;
                (Alg::Rs256, PublicKey::rsa(key)?)
            }
            _ => return Err(Error::UnsupportedKey),
        };
        let alg = named.unwrap_or(usual);
        public.parsed(alg)?;
        match text(members, "kid")? {
            Some(kid) if kid.is_empty() || kid.len() > MAX_KID => Err(Error::MalformedKey),
            Some(kid) => Ok(Self { kid: kid.to_owned(), alg, public }),
            None => Ok(Self::named_by_thumbprint(alg, public)),
        }
    }

    /// The name by which a token's header refers to this key.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The one algorithm of this key (invariant I8).
    pub fn alg(&self) -> Alg {
        self.alg
    }

    /// The RFC 7638 thumbprint with SHA-256, base64url. It covers the key alone, neither `kid` nor `alg`.
    pub fn thumbprint(&self) -> String {
        thumbprint(&self.public)
    }

    pub(crate) fn public(&self) -> &PublicKey {
        &self.public
    }
}

impl Serialize for Jwk {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let members = self.public.members();
        let mut map = serializer.serialize_map(Some(members.len() + 3))?;
        map.serialize_entry("kid", &self.kid)?;
        map.serialize_entry("use", "sig")?;
        map.serialize_entry("alg", self.alg.as_str())?;
        for (name, value) in &members {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

/// A key set as published at `jwks_uri`: each `kid` once, public keys only.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JwkSet {
    keys: Vec<Jwk>,
}

impl JwkSet {
    /// Makes a set; two keys of one `kid` are refused.
    pub fn new(keys: Vec<Jwk>) -> Result<Self, Error> {
        let twice = |(at, key): (usize, &Jwk)| keys[..at].iter().any(|other| other.kid == key.kid);
        if keys.iter().enumerate().any(twice) {
            return Err(Error::DuplicateKid);
        }
        Ok(Self { keys })
    }

    /// Reads a set.
    ///
    /// Keys of a kind, curve, algorithm or use that is not ours are left out (RFC 7517 section 5). Anything else that
    /// is wrong refuses the whole set: a private or symmetric key in it (attack JWT-36), a weak or malformed one, a
    /// `kid` twice (attack JWT-06).
    pub fn parse(json: &[u8]) -> Result<Self, Error> {
        let set = Object::parse(json)?;
        let listed = set.get("keys").and_then(Value::as_array).ok_or(Error::MalformedKey)?;
        if listed.len() > MAX_KEYS {
            return Err(Error::MalformedKey);
        }
        let mut keys = Vec::with_capacity(listed.len());
        for members in listed {
            match Jwk::read(members.as_object().ok_or(Error::MalformedKey)?) {
                Ok(key) => keys.push(key),
                Err(Error::UnsupportedKey) => {}
                Err(error) => return Err(error),
            }
        }
        Self::new(keys)
    }

    /// The key of this `kid`, compared byte by byte.
    pub fn get(&self, kid: &str) -> Option<&Jwk> {
        self.keys.iter().find(|key| key.kid == kid)
    }

    /// The keys, in order.
    pub fn keys(&self) -> &[Jwk] {
        &self.keys
    }
}

impl Serialize for JwkSet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut set = serializer.serialize_struct("JwkSet", 1)?;
        set.serialize_field("keys", &self.keys)?;
        set.end()
    }
}

/// Hashes the required members, in lexicographic order and without white space (RFC 7638 section 3).
fn thumbprint(public: &PublicKey) -> String {
    // invariant: names and values are base64url or plain words, nothing to escape.
    let members: Vec<String> =
        public.members().iter().map(|(name, value)| format!("\"{name}\":\"{value}\"")).collect();
    base64::encode(digest::sha256(format!("{{{}}}", members.join(",")).as_bytes()))
}

/// A member that is a string or absent.
fn text<'m>(members: &'m Object<'_>, name: &str) -> Result<Option<&'m str>, Error> {
    members.get(name).map(|value| value.as_str().ok_or(Error::MalformedKey)).transpose()
}

fn required<'m>(members: &'m Object<'_>, name: &str) -> Result<&'m str, Error> {
    text(members, name)?.ok_or(Error::MalformedKey)
}

fn coordinate(members: &Object<'_>, name: &str) -> Result<[u8; 32], Error> {
    base64::decode_array(required(members, name)?).map_err(|_| Error::MalformedKey)
}

fn number(members: &Object<'_>, name: &str) -> Result<Vec<u8>, Error> {
    base64::decode(required(members, name)?).map_err(|_| Error::MalformedKey)
}

/// `use` and `key_ops`, where they stand, must allow verifying (RFC 7517 sections 4.2, 4.3).
fn require_use(members: &Object<'_>) -> Result<(), Error> {
    if text(members, "use")?.is_some_and(|usage| usage != "sig") {
        return Err(Error::UnsupportedKey);
    }
    match members.get("key_ops") {
        None => Ok(()),
        Some(Value::Array(operations)) if operations.iter().any(|one| one.as_str() == Some("verify")) => {
            Ok(())
        }
        Some(Value::Array(_)) => Err(Error::UnsupportedKey),
        Some(_) => Err(Error::MalformedKey),
    }
}
