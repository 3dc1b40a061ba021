//! JWS in its compact form (RFC 7515 section 7.1): the bytes, the header, the signature. Everything that verifies
//! goes through here; [`verify`](crate::verify) adds the rules of a JWT on top.

use std::borrow::Cow;

use crate::json::{Object, Value};
use crate::jwk::MAX_KID;
use crate::policy::MAX_LEN;
use crate::{Alg, Error, KeySet, VerifyingKey, base64, digest};

/// The longest header, in bytes before encoding.
const MAX_HEADER: usize = 1024;

/// Room for a decoded header.
pub(crate) type HeaderBuffer = [u8; MAX_HEADER];

/// An empty buffer.
pub(crate) const HEADER_BUFFER: HeaderBuffer = [0; MAX_HEADER];

/// The longest signature: an RSA key of 8192 bits, and what the decoder wants to spare.
const MAX_SIGNATURE: usize = 1024 + 8;

/// Header members that are never accepted, wherever they stand.
///
/// `crit` and `b64` change what is signed (attacks JWT-09, JWT-10), `jwk jku x5u x5c` bring their own key (JWT-07,
/// JWT-08), `enc zip` belong to JWE (JWT-30, JWT-31), `cty` announces a token inside the token (JWT-32).
const REFUSED: [&str; 9] = ["crit", "b64", "jwk", "jku", "x5u", "x5c", "enc", "zip", "cty"];

/// Verifies a compact JWS whose payload is any bytes, and returns the payload.
///
/// For a JWT use [`verify`](crate::verify): this checks neither its type nor its claims. At most 16 KiB; the header
/// needs a `kid` of the set, and an algorithm that is both in `algs` and the key's.
pub fn verify_compact(token: &str, keys: &KeySet, algs: &[Alg]) -> Result<Vec<u8>, Error> {
    let token = Compact::split(token, MAX_LEN)?;
    let mut buffer = HEADER_BUFFER;
    let header = token.header(&mut buffer)?;
    token.verified_payload(&header, keys, algs)
}

/// The parts of a compact JWS, still encoded, nothing verified.
pub(crate) struct Compact<'t> {
    signing_input: &'t str,
    header: &'t str,
    payload: &'t str,
    signature: &'t str,
}

impl<'t> Compact<'t> {
    /// Splits at exactly two dots, after a look at the length (attack JWT-21).
    pub(crate) fn split(token: &'t str, max_len: usize) -> Result<Self, Error> {
        if token.len() > max_len {
            return Err(Error::TooLong);
        }
        let (signing_input, signature) = token.rsplit_once('.').ok_or(Error::Shape)?;
        let (header, payload) = signing_input.split_once('.').ok_or(Error::Shape)?;
        if payload.contains('.') {
            return Err(Error::Shape);
        }
        Ok(Self { signing_input, header, payload, signature })
    }

    /// Decodes the header into `buffer` and reads it. What it says is a claim of the sender until the signature is
    /// verified.
    pub(crate) fn header<'b>(&self, buffer: &'b mut HeaderBuffer) -> Result<UnverifiedHeader<'b>, Error> {
        UnverifiedHeader::read(self.members(buffer, None)?)
    }

    /// The header's members, once none of them changes the rules; `own` is one that this kind of token has to have.
    pub(crate) fn members<'b>(
        &self,
        buffer: &'b mut HeaderBuffer,
        own: Option<&str>,
    ) -> Result<Object<'b>, Error> {
        let members = Object::parse(base64::decode_into(self.header, buffer)?)?;
        let refused = |name: &&str| Some(*name) != own && members.get(name).is_some();
        match REFUSED.into_iter().find(refused) {
            Some(name) => Err(Error::Header(name)),
            None => Ok(members),
        }
    }

    /// Decodes the payload before anything is verified: to find out whose keys to ask.
    pub(crate) fn unverified_payload(&self) -> Result<Vec<u8>, Error> {
        base64::decode(self.payload)
    }

    /// Decodes the payload after the signature over it has been verified by this key.
    pub(crate) fn payload_by(&self, key: &VerifyingKey) -> Result<Vec<u8>, Error> {
        let mut buffer = [0; MAX_SIGNATURE];
        let signature = base64::decode_into(self.signature, &mut buffer)?;
        key.check(self.signing_input.as_bytes(), signature)?;
        base64::decode(self.payload)
    }

    /// Decodes the payload after its HMAC-SHA-256 under this secret has been verified (RFC 7518 section 3.2).
    pub(crate) fn payload_under(&self, secret: &[u8]) -> Result<Vec<u8>, Error> {
        let code = base64::decode(self.signature)?;
        let own = digest::hmac_sha256(secret, self.signing_input.as_bytes());
        if digest::ct_eq(&own, &code) { base64::decode(self.payload) } else { Err(Error::Signature) }
    }

    /// Decodes the payload after the signature over it has been verified.
    pub(crate) fn verified_payload(
        &self,
        header: &UnverifiedHeader<'_>,
        keys: &KeySet,
        algs: &[Alg],
    ) -> Result<Vec<u8>, Error> {
        if !algs.contains(&header.alg) {
            return Err(Error::Algorithm);
        }
        let key = keys.get(&header.kid).ok_or(Error::UnknownKey)?;
        if key.alg() != header.alg {
            return Err(Error::Algorithm);
        }
        self.payload_by(key)
    }
}

/// The header members that decide how to verify.
pub(crate) struct UnverifiedHeader<'b> {
    alg: Alg,
    kid: Cow<'b, str>,
    typ: Option<Cow<'b, str>>,
}

impl<'b> UnverifiedHeader<'b> {
    fn read(mut members: Object<'b>) -> Result<Self, Error> {
        let alg = take_text(&mut members, "alg")?.ok_or(Error::Header("alg"))?;
        let kid = take_text(&mut members, "kid")?.ok_or(Error::Header("kid"))?;
        if kid.is_empty() || kid.len() > MAX_KID {
            return Err(Error::Header("kid"));
        }
        let typ = take_text(&mut members, "typ")?;
        Ok(Self { alg: Alg::parse(&alg).ok_or(Error::Algorithm)?, kid, typ })
    }

    pub(crate) fn kid(&self) -> &str {
        &self.kid
    }

    /// `typ` must name exactly this kind of token.
    pub(crate) fn require_typ(&self, expected: &str) -> Result<(), Error> {
        let typ = self.typ.as_deref().ok_or(Error::Type)?;
        if is_typ(typ, expected) { Ok(()) } else { Err(Error::Type) }
    }
}

/// Whether `typ` names this kind of token: compared as a media type, without regard to case, the prefix `application/`
/// optional (RFC 7515 section 4.1.9, RFC 9068 section 4; attack JWT-19).
pub(crate) fn is_typ(typ: &str, expected: &str) -> bool {
    const PREFIX: &str = "application/";
    let short = match typ.split_at_checked(PREFIX.len()) {
        Some((prefix, rest)) if prefix.eq_ignore_ascii_case(PREFIX) => rest,
        _ => typ,
    };
    short.eq_ignore_ascii_case(expected)
}

/// A header member that is a string or absent.
pub(crate) fn take_text<'b>(
    members: &mut Object<'b>,
    name: &'static str,
) -> Result<Option<Cow<'b, str>>, Error> {
    match members.take(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(Error::Header(name)),
    }
}
