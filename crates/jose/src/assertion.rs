//! Client assertions: a JWT by which a client authenticates (RFC 7523 section 3, `OpenID` Connect Core section 9).
//!
//! They are not written by us, so two things are looser than in our own tokens: `typ` may be absent or `JWT`, and `kid`
//! may be absent. And only here a MAC counts (`client_secret_jwt`): the caller says whether it expects one or a signature,
//! never the token (attacks JWT-01 to JWT-03).

use crate::claims::required_text;
use crate::json::Object;
use crate::jws::{Compact, HEADER_BUFFER, is_typ, take_text};
use crate::registered;
use crate::{Alg, Audience, Error, KeySet, MAX_LEN, Policy};

/// What an assertion says, once it is verified. Issuer and subject are the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientAssertion {
    /// Names this one assertion: it counts once.
    pub jti: String,
    /// The end, in seconds since 1970.
    pub exp: i64,
}

/// What verifies an assertion of the client.
#[derive(Clone, Copy)]
pub enum AssertionKeys<'a> {
    /// Its public keys, and the algorithms to accept (`private_key_jwt`).
    Public(&'a KeySet, &'a [Alg]),
    /// A secret that it shares with us: HS256 alone (`client_secret_jwt`).
    Secret(&'a [u8]),
}

/// What an assertion must be.
#[derive(Clone, Copy, Debug)]
pub struct AssertionPolicy<'a> {
    /// The client: both `iss` and `sub`.
    pub client: &'a str,
    /// For whom it must be.
    pub audience: Audience<'a>,
    /// The time, in seconds since 1970.
    pub now: i64,
    /// How far the client's clock may be off, in seconds.
    pub leeway: i64,
    /// The longest that it may still count, in seconds (attack OAU-34).
    pub max_life: i64,
}

/// The longest `jti`, in bytes.
const MAX_JTI: usize = 255;

impl ClientAssertion {
    /// The `sub` that the sender wrote, to look the client up: nothing is verified yet.
    pub fn unverified_subject(token: &str) -> Result<String, Error> {
        let payload = Compact::split(token, MAX_LEN)?.unverified_payload()?;
        required_text(&Object::parse(&payload)?, "sub")
    }

    /// Verifies an assertion: header, key, signature or MAC, then issuer, subject, audience, times and `jti`.
    pub fn verify(token: &str, keys: AssertionKeys<'_>, policy: &AssertionPolicy<'_>) -> Result<Self, Error> {
        let token = Compact::split(token, MAX_LEN)?;
        let payload = verified_payload(&token, keys)?;
        let claims = Object::parse(&payload)?;
        registered::check(&claims, &policy.registered())?;
        if required_text(&claims, "sub")? != policy.client {
            return Err(Error::MalformedClaim("sub"));
        }
        let exp = crate::claims::required_time(&claims, "exp")?;
        if exp > policy.now.saturating_add(policy.max_life).saturating_add(policy.leeway) {
            return Err(Error::MalformedClaim("exp"));
        }
        let jti = required_text(&claims, "jti")?;
        if jti.len() > MAX_JTI {
            return Err(Error::MalformedClaim("jti"));
        }
        Ok(Self { jti, exp })
    }
}

impl<'a> AssertionPolicy<'a> {
    const fn registered(&self) -> Policy<'a> {
        Policy {
            typ: "JWT",
            algs: &[],
            issuer: self.client,
            audience: self.audience,
            now: self.now,
            leeway: self.leeway,
            max_len: MAX_LEN,
        }
    }
}

fn verified_payload(token: &Compact<'_>, keys: AssertionKeys<'_>) -> Result<Vec<u8>, Error> {
    let mut buffer = HEADER_BUFFER;
    let mut members = token.members(&mut buffer, None)?;
    let alg = take_text(&mut members, "alg")?.ok_or(Error::Header("alg"))?;
    let kid = take_text(&mut members, "kid")?;
    let typ = take_text(&mut members, "typ")?;
    if typ.is_some_and(|typ| !["JWT", "client-authentication+jwt"].iter().any(|known| is_typ(&typ, known))) {
        return Err(Error::Type);
    }
    let (set, algs) = match keys {
        AssertionKeys::Secret(secret) if alg == "HS256" => return token.payload_under(secret),
        AssertionKeys::Secret(_) => return Err(Error::Algorithm),
        AssertionKeys::Public(set, algs) => (set, algs),
    };
    let alg = Alg::parse(&alg).filter(|alg| algs.contains(alg)).ok_or(Error::Algorithm)?;
    if let Some(kid) = kid {
        let key = set.get(&kid).ok_or(Error::UnknownKey)?;
        return if key.alg() == alg { token.payload_by(key) } else { Err(Error::Algorithm) };
    }
    // Without a name any key of the algorithm may be meant; a set has 64 at most.
    let mut fitting = set.keys().iter().filter(|key| key.alg() == alg);
    let first = token.payload_by(fitting.next().ok_or(Error::UnknownKey)?);
    fitting.fold(first, |tried, key| tried.or_else(|_| token.payload_by(key)))
}
