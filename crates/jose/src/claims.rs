//! Claim sets: how one is read, and the access token's.

use serde::Serialize;

use crate::Error;
use crate::json::{Object, Value};
use crate::registered::NumericDate;

/// The claims of one kind of JWT.
///
/// `read` is called after signature, `typ`, issuer, audience and times were checked; what it must see to is that every
/// claim it uses has its type: `null` or another type is an error, not an absent claim.
pub trait Claims: Sized {
    /// Reads the claims from the payload.
    fn read(claims: &Object<'_>) -> Result<Self, Error>;
}

/// The longest `sub`, in bytes (`OpenID` Connect Core section 2).
pub const MAX_SUBJECT: usize = 255;

/// The claims of an access token (RFC 9068 section 2.2).
///
/// The strings are data: whatever bytes a subject or a client has are handed on as they are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AccessToken {
    /// The issuer, a URL.
    pub iss: String,
    /// Whose token this is: 1 to 255 bytes.
    pub sub: String,
    /// For which resources; we mint one, written as a string.
    #[serde(serialize_with = "one_or_many")]
    pub aud: Vec<String>,
    /// The end, in seconds since 1970.
    pub exp: i64,
    /// When it was made, in seconds since 1970.
    pub iat: i64,
    /// The name of this one token.
    pub jti: String,
    /// The client that it was given to.
    pub client_id: String,
    /// The granted scopes, separated by spaces; empty if there are none.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub scope: String,
    /// The session, under a name that only this client sees.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
    /// When the person last proved who they are, in seconds since 1970; absent where no person is involved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth_time: Option<i64>,
    /// How (RFC 8176).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub amr: Vec<String>,
    /// How strongly.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acr: Option<String>,
    /// Where to look whether it was revoked.
    pub status: Status,
    /// The key that its holder must prove to have (RFC 7800).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cnf: Option<Confirmation>,
}

/// The `status` claim (IETF Token Status List, section "Referenced Token").
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Status {
    /// The one mechanism that we use.
    pub status_list: StatusReference,
}

/// One place in one status list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StatusReference {
    /// The index.
    pub idx: u64,
    /// The list, a URL.
    pub uri: String,
}

/// The `cnf` claim: the RFC 7638 thumbprint of the holder's key (RFC 9449 section 6.1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Confirmation {
    /// SHA-256, base64url: 43 characters.
    pub jkt: String,
}

impl AccessToken {
    /// The `typ` of an access token.
    pub const TYP: &'static str = "at+jwt";

    /// The granted scopes, one by one.
    pub fn scopes(&self) -> impl Iterator<Item = &str> {
        self.scope.split(' ').filter(|scope| !scope.is_empty())
    }

    /// Whether this scope was granted, compared byte by byte.
    pub fn has_scope(&self, wanted: &str) -> bool {
        self.scopes().any(|scope| scope == wanted)
    }
}

impl Claims for AccessToken {
    fn read(claims: &Object<'_>) -> Result<Self, Error> {
        let sub = required_text(claims, "sub")?;
        if sub.len() > MAX_SUBJECT {
            return Err(Error::MalformedClaim("sub"));
        }
        Ok(Self {
            iss: required_text(claims, "iss")?,
            sub,
            aud: audience(claims)?,
            exp: required_time(claims, "exp")?,
            iat: required_time(claims, "iat")?,
            jti: required_text(claims, "jti")?,
            client_id: required_text(claims, "client_id")?,
            scope: text(claims, "scope")?.unwrap_or_default(),
            sid: filled_text(claims, "sid")?,
            auth_time: NumericDate::read(claims, "auth_time")?.map(NumericDate::floor),
            amr: claims.get("amr").map_or(Ok(Vec::new()), |amr| texts(amr, "amr"))?,
            acr: filled_text(claims, "acr")?,
            status: read_status(claims)?,
            cnf: read_confirmation(claims)?,
        })
    }
}

fn read_status(claims: &Object<'_>) -> Result<Status, Error> {
    let malformed = Error::MalformedClaim("status");
    let status = claims.get("status").ok_or(Error::MissingClaim("status"))?;
    let list = status.as_object().and_then(|status| status.get("status_list")).and_then(Value::as_object);
    let list = list.ok_or(malformed)?;
    let idx = list.get("idx").and_then(Value::as_integer).and_then(|idx| u64::try_from(idx).ok());
    let uri = list.get("uri").and_then(Value::as_str).filter(|uri| !uri.is_empty());
    Ok(Status {
        status_list: StatusReference { idx: idx.ok_or(malformed)?, uri: uri.ok_or(malformed)?.to_owned() },
    })
}

/// A `cnf` that names no key we can ask for is an error: taken as absent, a bound token would pass as a bearer token.
fn read_confirmation(claims: &Object<'_>) -> Result<Option<Confirmation>, Error> {
    const THUMBPRINT: usize = 43;
    let Some(cnf) = claims.get("cnf") else { return Ok(None) };
    let jkt = cnf.as_object().and_then(|cnf| cnf.get("jkt")).and_then(Value::as_str);
    let jkt = jkt.filter(|jkt| jkt.len() == THUMBPRINT).ok_or(Error::MalformedClaim("cnf"))?;
    Ok(Some(Confirmation { jkt: jkt.to_owned() }))
}

/// `aud` as a list; a string is a list of one (RFC 7519 section 4.1.3).
pub(crate) fn audience(claims: &Object<'_>) -> Result<Vec<String>, Error> {
    match claims.get("aud").ok_or(Error::MissingClaim("aud"))? {
        Value::String(one) => Ok(vec![one.as_ref().to_owned()]),
        many => texts(many, "aud"),
    }
}

/// A claim that is a string or absent.
pub(crate) fn text(claims: &Object<'_>, name: &'static str) -> Result<Option<String>, Error> {
    let text = |value: &Value<'_>| value.as_str().map(str::to_owned).ok_or(Error::MalformedClaim(name));
    claims.get(name).map(text).transpose()
}

/// A claim that is a string with something in it, or absent.
pub(crate) fn filled_text(claims: &Object<'_>, name: &'static str) -> Result<Option<String>, Error> {
    match text(claims, name)? {
        Some(text) if text.is_empty() => Err(Error::MalformedClaim(name)),
        text => Ok(text),
    }
}

/// A claim that is a string with something in it.
pub(crate) fn required_text(claims: &Object<'_>, name: &'static str) -> Result<String, Error> {
    filled_text(claims, name)?.ok_or(Error::MissingClaim(name))
}

/// A claim that is a time, in whole seconds rounded down.
pub(crate) fn required_time(claims: &Object<'_>, name: &'static str) -> Result<i64, Error> {
    NumericDate::read(claims, name)?.map(NumericDate::floor).ok_or(Error::MissingClaim(name))
}

/// An array of strings.
pub(crate) fn texts(value: &Value<'_>, name: &'static str) -> Result<Vec<String>, Error> {
    let texts = value.as_array().ok_or(Error::MalformedClaim(name))?.iter();
    texts.map(|one| one.as_str().map(str::to_owned).ok_or(Error::MalformedClaim(name))).collect()
}

pub(crate) fn one_or_many<S: serde::Serializer>(
    audience: &[String],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match audience {
        [one] => one.serialize(serializer),
        many => many.serialize(serializer),
    }
}
