//! The claim set of an ID token (`OpenID` Connect Core section 2), and of a token that tells of a logout (Back-Channel Logout
//! section 2.4).

use aws_lc_rs::digest::{Algorithm, SHA256, SHA512, digest};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::claims::{audience, filled_text, one_or_many, required_text, required_time, text, texts};
use crate::json::Object;
use crate::registered::NumericDate;
use crate::{Alg, Claims, Error, MAX_SUBJECT, base64};

/// The claims of an ID token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct IdToken {
    /// The issuer, a URL.
    pub iss: String,
    /// Who logged in: 1 to 255 bytes.
    pub sub: String,
    /// For which client; we mint one, written as a string.
    #[serde(serialize_with = "one_or_many")]
    pub aud: Vec<String>,
    /// The end, in seconds since 1970.
    pub exp: i64,
    /// When it was made, in seconds since 1970.
    pub iat: i64,
    /// When the person last proved who they are, in seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth_time: Option<i64>,
    /// What the client sent to know its own request again, byte for byte.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
    /// How strongly they proved it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acr: Option<String>,
    /// How (RFC 8176).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub amr: Vec<String>,
    /// The client that it was given to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub azp: Option<String>,
    /// Binds the access token that came with it: [`at_hash`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_hash: Option<String>,
    /// The session, under a name that only this client sees.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
    /// What else is told of the person. Read tokens leave it empty: nobody asks a hint for a name.
    #[serde(flatten)]
    pub person: Map<String, Value>,
}

impl IdToken {
    /// The `typ` of an ID token of ours. Others' may have none.
    pub const TYP: &'static str = "JWT";
}

impl Claims for IdToken {
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
            auth_time: NumericDate::read(claims, "auth_time")?.map(NumericDate::floor),
            nonce: text(claims, "nonce")?,
            acr: filled_text(claims, "acr")?,
            amr: claims.get("amr").map_or(Ok(Vec::new()), |amr| texts(amr, "amr"))?,
            azp: filled_text(claims, "azp")?,
            at_hash: filled_text(claims, "at_hash")?,
            sid: filled_text(claims, "sid")?,
            person: Map::new(),
        })
    }
}

/// `at_hash` (`OpenID` Connect Core section 3.1.3.6): the left half of the hash that the ID token's algorithm signs with, in
/// base64url. Ed25519 hashes with SHA-512.
pub fn at_hash(alg: Alg, access_token: &str) -> String {
    let hash: &'static Algorithm = match alg {
        Alg::Es256 | Alg::Rs256 | Alg::Ps256 => &SHA256,
        Alg::EdDsa => &SHA512,
    };
    let digest = digest(hash, access_token.as_bytes());
    let digest = digest.as_ref();
    base64::encode(&digest[..digest.len() / 2])
}

/// The claims of a logout token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LogoutToken {
    /// The issuer, a URL.
    pub iss: String,
    /// Who logged out, as this client knows them.
    pub sub: String,
    /// The client that is told.
    pub aud: String,
    /// When it was made, in seconds since 1970.
    pub iat: i64,
    /// The end, minutes later.
    pub exp: i64,
    /// The name of this one token.
    pub jti: String,
    /// The session that ended, as this client knows it.
    pub sid: String,
    /// What it is.
    pub events: LogoutEvents,
}

/// The one event of a logout token: `{"http://schemas.openid.net/event/backchannel-logout": {}}`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LogoutEvents {
    #[serde(rename = "http://schemas.openid.net/event/backchannel-logout")]
    logout: Nothing,
}

/// `{}`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
struct Nothing {}

impl LogoutToken {
    /// The `typ` of a logout token: nobody takes it for an ID token.
    pub const TYP: &'static str = "logout+jwt";
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `OpenID` Connect Core appendix A.3: the access token and `at_hash` of its example.
    #[test]
    fn oau_76_at_hash_is_the_left_half_of_the_algorithms_hash() {
        let token = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y";
        for alg in [Alg::Rs256, Alg::Ps256, Alg::Es256] {
            assert_eq!(at_hash(alg, token), "77QmUPtjPfzWtF2AnpK9RQ");
        }
        assert_eq!(at_hash(Alg::EdDsa, token).len(), 43);
    }

    #[test]
    fn oau_73_a_logout_token_says_what_it_is_and_has_no_nonce() {
        let token = LogoutToken {
            iss: "https://id.example".into(),
            sub: "acc_1".into(),
            aud: "notes".into(),
            iat: 1,
            exp: 121,
            jti: "x".into(),
            sid: "y".into(),
            events: LogoutEvents::default(),
        };
        let json = serde_json::to_value(&token).unwrap();
        let events = serde_json::json!({"http://schemas.openid.net/event/backchannel-logout": {}});
        assert_eq!(json["events"], events);
        assert_eq!(json.get("nonce"), None);
        assert_eq!(LogoutToken::TYP, "logout+jwt");
    }
}
