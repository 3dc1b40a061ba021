//! `DPoP` proofs (RFC 9449 section 4): a JWT by which its sender proves to have a key, for one request.

use crate::claims::{required_text, text};
use crate::json::{Object, Value};
use crate::jws::{Compact, HEADER_BUFFER, is_typ, take_text};
use crate::registered::NumericDate;
use crate::{Alg, Error, Jwk, MAX_LEN, VerifyingKey};

/// What a proof says, once its signature is verified by the key that it brings along. Whether it fits the request is the
/// caller's question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DpopProof {
    /// SHA-256 thumbprint of the key (RFC 7638), base64url.
    pub jkt: String,
    /// Names this one proof: it counts once.
    pub jti: String,
    /// The method of the request.
    pub htm: String,
    /// The URL of the request.
    pub htu: String,
    /// When it was made, in seconds since 1970.
    pub iat: i64,
    /// From then on it does not count, if it says so.
    pub exp: Option<i64>,
    /// Before then it does not count, if it says so.
    pub nbf: Option<i64>,
    /// base64url of the SHA-256 of the access token that goes along.
    pub ath: Option<String>,
    /// What the server gave it to put in.
    pub nonce: Option<String>,
}

/// The longest `jti`, in bytes.
const MAX_JTI: usize = 255;

impl DpopProof {
    /// The `typ` of a proof.
    pub const TYP: &'static str = "dpop+jwt";

    /// Verifies a proof under its own key, which must be public, sound, and of one of these algorithms (attack DPO-02 and
    /// RFC 9449 section 4.3, steps 2 to 7).
    pub fn verify(token: &str, algs: &[Alg]) -> Result<Self, Error> {
        let token = Compact::split(token, MAX_LEN)?;
        let mut buffer = HEADER_BUFFER;
        let mut members = token.members(&mut buffer, Some("jwk"))?;
        let typ = take_text(&mut members, "typ")?.ok_or(Error::Type)?;
        if !is_typ(&typ, Self::TYP) {
            return Err(Error::Type);
        }
        let alg = take_text(&mut members, "alg")?.ok_or(Error::Header("alg"))?;
        let alg = Alg::parse(&alg).filter(|alg| algs.contains(alg)).ok_or(Error::Algorithm)?;
        let jwk = members.get("jwk").and_then(Value::as_object).ok_or(Error::Header("jwk"))?;
        let jwk = Jwk::read_for(jwk, alg)?;
        let payload = token.payload_by(&VerifyingKey::new(&jwk)?)?;
        Self::read(&Object::parse(&payload)?, jwk.thumbprint())
    }

    fn read(claims: &Object<'_>, jkt: String) -> Result<Self, Error> {
        let time = |name| Ok::<_, Error>(NumericDate::read(claims, name)?.map(NumericDate::floor));
        let jti = required_text(claims, "jti")?;
        if jti.len() > MAX_JTI {
            return Err(Error::MalformedClaim("jti"));
        }
        Ok(Self {
            jkt,
            jti,
            htm: required_text(claims, "htm")?,
            htu: required_text(claims, "htu")?,
            iat: time("iat")?.ok_or(Error::MissingClaim("iat"))?,
            exp: time("exp")?,
            nbf: time("nbf")?,
            ath: text(claims, "ath")?,
            nonce: text(claims, "nonce")?,
        })
    }
}
