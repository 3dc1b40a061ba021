//! What a client says of itself (RFC 7591 section 2, `OpenID` Connect Dynamic Client Registration section 2), under the names of
//! the wire. It was checked when it was registered; what is not here was ignored.

use countersign_jose::Alg;
use serde::{Deserialize, Serialize};

/// A client's metadata. `Default` is what RFC 7591 and `OpenID` Connect say of a member that is absent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a member of the wire")]
pub struct Metadata {
    /// What people are shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_name: Option<String>,
    /// `web` or `native`.
    pub application_type: ApplicationType,
    /// Where answers of the authorization endpoint may go, compared as strings.
    pub redirect_uris: Vec<String>,
    /// Which grants it may use.
    pub grant_types: Vec<GrantType>,
    /// Which response types it may ask for.
    pub response_types: Vec<ResponseType>,
    /// How it authenticates at the token endpoint and the like.
    pub token_endpoint_auth_method: AuthMethod,
    /// The one algorithm of its assertions; none: any that fits the method.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_endpoint_auth_signing_alg: Option<String>,
    /// Its public keys, a JWK Set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks: Option<serde_json::Value>,
    /// Where they are found instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks_uri: Option<String>,
    /// Scopes that it may ask for, separated by spaces; none: every scope that this server offers to all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// Signs its ID tokens.
    pub id_token_signed_response_alg: Alg,
    /// Signs its `UserInfo` answers; none: they are plain JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub userinfo_signed_response_alg: Option<Alg>,
    /// `public` or `pairwise`.
    pub subject_type: SubjectType,
    /// A list of redirect URIs whose host is the sector of pairwise subjects.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sector_identifier_uri: Option<String>,
    /// `max_age` where a request has none, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_max_age: Option<u32>,
    /// Whether its ID tokens always say `auth_time`. Ours do anyway.
    pub require_auth_time: bool,
    /// `acr_values` where a request has none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub default_acr_values: Vec<String>,
    /// Where a logout may lead.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub post_logout_redirect_uris: Vec<String>,
    /// Where it is told of logouts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backchannel_logout_uri: Option<String>,
    /// Whether it must be told by `sid`. It always is.
    pub backchannel_logout_session_required: bool,
    /// Whether its tokens must be bound to a key (RFC 9449 section 5.2).
    pub dpop_bound_access_tokens: bool,
    /// Whether only pushed requests count (RFC 9126 section 6).
    pub require_pushed_authorization_requests: bool,
    /// Its page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_uri: Option<String>,
    /// Its picture; never fetched or shown from elsewhere (attack OAU-63).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logo_uri: Option<String>,
    /// What it does with data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy_uri: Option<String>,
    /// Its terms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tos_uri: Option<String>,
    /// Whom to write to.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub contacts: Vec<String>,
    /// Which software it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub software_id: Option<String>,
    /// And which version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub software_version: Option<String>,
}

impl Default for Metadata {
    fn default() -> Self {
        Self {
            client_name: None,
            application_type: ApplicationType::Web,
            redirect_uris: Vec::new(),
            grant_types: vec![GrantType::AuthorizationCode],
            response_types: vec![ResponseType::Code],
            token_endpoint_auth_method: AuthMethod::ClientSecretBasic,
            token_endpoint_auth_signing_alg: None,
            jwks: None,
            jwks_uri: None,
            scope: None,
            id_token_signed_response_alg: Alg::Rs256,
            userinfo_signed_response_alg: None,
            subject_type: SubjectType::Public,
            sector_identifier_uri: None,
            default_max_age: None,
            require_auth_time: false,
            default_acr_values: Vec::new(),
            post_logout_redirect_uris: Vec::new(),
            backchannel_logout_uri: None,
            backchannel_logout_session_required: false,
            dpop_bound_access_tokens: false,
            require_pushed_authorization_requests: false,
            client_uri: None,
            logo_uri: None,
            policy_uri: None,
            tos_uri: None,
            contacts: Vec::new(),
            software_id: None,
            software_version: None,
        }
    }
}

impl Metadata {
    /// Whether it may use this grant.
    pub fn may_use(&self, grant: GrantType) -> bool {
        self.grant_types.contains(&grant)
    }
}

/// What kind of application it is: decides which redirect URIs it may register.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApplicationType {
    /// On a server or in a browser.
    Web,
    /// On a device of its user (RFC 8252).
    Native,
}

/// A grant that is built here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantType {
    /// RFC 6749 section 4.1.
    AuthorizationCode,
    /// RFC 6749 section 6.
    RefreshToken,
    /// RFC 6749 section 4.4.
    ClientCredentials,
    /// RFC 8628.
    #[serde(rename = "urn:ietf:params:oauth:grant-type:device_code")]
    DeviceCode,
}

impl GrantType {
    /// All of them.
    pub const ALL: [Self; 4] =
        [Self::AuthorizationCode, Self::RefreshToken, Self::ClientCredentials, Self::DeviceCode];

    /// The value of `grant_type`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AuthorizationCode => "authorization_code",
            Self::RefreshToken => "refresh_token",
            Self::ClientCredentials => "client_credentials",
            Self::DeviceCode => "urn:ietf:params:oauth:grant-type:device_code",
        }
    }

    /// Reads [`as_str`](Self::as_str).
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|grant| grant.as_str() == word)
    }
}

/// A response type that is built here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResponseType {
    /// An authorization code.
    Code,
}

/// How a client authenticates (RFC 7591 section 2, `OpenID` Connect Core section 9).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthMethod {
    /// It cannot keep a secret: `client_id` alone.
    None,
    /// A secret in the `Authorization` header.
    ClientSecretBasic,
    /// A secret in the form.
    ClientSecretPost,
    /// A JWT under a MAC whose key is the secret.
    ClientSecretJwt,
    /// A JWT signed by one of its keys.
    PrivateKeyJwt,
}

impl AuthMethod {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::None,
        Self::ClientSecretBasic,
        Self::ClientSecretPost,
        Self::ClientSecretJwt,
        Self::PrivateKeyJwt,
    ];

    /// The registered name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::ClientSecretBasic => "client_secret_basic",
            Self::ClientSecretPost => "client_secret_post",
            Self::ClientSecretJwt => "client_secret_jwt",
            Self::PrivateKeyJwt => "private_key_jwt",
        }
    }

    /// Reads [`as_str`](Self::as_str).
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.as_str() == word)
    }

    /// Whether it needs a secret of ours.
    pub const fn needs_secret(self) -> bool {
        matches!(self, Self::ClientSecretBasic | Self::ClientSecretPost | Self::ClientSecretJwt)
    }
}

/// Which `sub` a client sees (`OpenID` Connect Core section 8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SubjectType {
    /// The account's id, the same at every client.
    Public,
    /// Another one in each sector.
    Pairwise,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_of_the_wire() {
        for grant in GrantType::ALL {
            assert_eq!(serde_json::to_value(grant).unwrap(), grant.as_str());
            assert_eq!(GrantType::parse(grant.as_str()), Some(grant));
        }
        for method in AuthMethod::ALL {
            assert_eq!(serde_json::to_value(method).unwrap(), method.as_str());
            assert_eq!(AuthMethod::parse(method.as_str()), Some(method));
        }
    }

    #[test]
    fn what_is_absent_is_what_the_rfc_says_of_it() {
        let empty: Metadata = serde_json::from_str("{}").unwrap();
        assert_eq!(empty, Metadata::default());
        assert_eq!(empty.token_endpoint_auth_method, AuthMethod::ClientSecretBasic);
        assert_eq!(empty.id_token_signed_response_alg, Alg::Rs256);
        let again = serde_json::to_string(&empty).unwrap();
        assert_eq!(serde_json::from_str::<Metadata>(&again).unwrap(), empty);
    }
}
