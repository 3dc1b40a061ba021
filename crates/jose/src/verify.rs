//! The one verification path for every kind of JWT.

use crate::json::Object;
use crate::jws::{Compact, HEADER_BUFFER};
use crate::{Claims, Error, KeySet, Policy, Verified, registered};

/// Verifies a JWT and returns its claims.
///
/// In this order, cheapest first and nothing parsed that the step before has not bounded: length, two dots, header
/// (strict base64url, strict JSON, no member that changes the rules), `typ`, `alg`, key by `kid`, signature, claims as
/// strict JSON, issuer, audience, times, the claims of the kind.
///
/// A token has one encoding, apart from a freedom that ECDSA itself leaves (`s` and `n - s` both verify): recognise a
/// token by its `jti`, never by its bytes.
pub fn verify<C: Claims>(token: &str, keys: &KeySet, policy: &Policy<'_>) -> Result<Verified<C>, Error> {
    open(token, keys, policy, registered::check)
}

/// Likewise for a token that only has to have been good once: its end may be past. What an `id_token_hint` is (`OpenID`
/// Connect Core section 3.1.2.1), which proves nothing but that we made it.
pub fn verify_hint<C: Claims>(token: &str, keys: &KeySet, policy: &Policy<'_>) -> Result<Verified<C>, Error> {
    open(token, keys, policy, registered::check_hint)
}

fn open<C: Claims>(
    token: &str,
    keys: &KeySet,
    policy: &Policy<'_>,
    check: fn(&Object<'_>, &Policy<'_>) -> Result<(), Error>,
) -> Result<Verified<C>, Error> {
    let token = Compact::split(token, policy.max_len)?;
    let mut buffer = HEADER_BUFFER;
    let header = token.header(&mut buffer)?;
    header.require_typ(policy.typ)?;
    let payload = token.verified_payload(&header, keys, policy.algs)?;
    let claims = Object::parse(&payload)?;
    check(&claims, policy)?;
    Ok(Verified::new(C::read(&claims)?))
}
