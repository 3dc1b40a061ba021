//! What clients read to know this server (OpenID Connect Discovery section 3, RFC 8414): made once, at the start.
//!
//! Only what is here is told: an endpoint that has no row in the URL table has no name here either.

use bytes::Bytes;
use countersign_core::Locale;
use countersign_core::claims;
use countersign_core::client::{AuthMethod, GrantType};
use countersign_core::key::Alg;
use countersign_core::session::Acr;
use serde_json::{Map, Value, json};

use crate::config::{Config, RegistrationPolicy};
use crate::extract::dpop;
use crate::router::paths;

use super::document::etag;

/// The media type of both documents.
pub(crate) const TYPE: &str = "application/json";
/// Their `Cache-Control`: they change with the configuration alone.
pub(crate) const CACHE: &str = "public, max-age=300";

/// The document, and its entity tag.
pub(crate) struct Discovery {
    pub(crate) body: Bytes,
    pub(crate) etag: String,
}

impl Discovery {
    /// Of a server with this configuration.
    pub(crate) fn of(config: &Config) -> Self {
        let body = Bytes::from(Value::Object(metadata(config)).to_string());
        let etag = etag(&body);
        Self { body, etag }
    }
}

/// Names, and the paths that they stand for.
const ENDPOINTS: [(&str, &str); 9] = [
    ("authorization_endpoint", "/oauth2/authorize"),
    ("token_endpoint", "/oauth2/token"),
    ("userinfo_endpoint", "/oauth2/userinfo"),
    ("pushed_authorization_request_endpoint", "/oauth2/par"),
    ("introspection_endpoint", "/oauth2/introspect"),
    ("revocation_endpoint", "/oauth2/revoke"),
    ("device_authorization_endpoint", "/oauth2/device_authorization"),
    ("end_session_endpoint", "/oauth2/logout"),
    ("jwks_uri", "/.well-known/jwks.json"),
];

/// Scopes that every client may be given.
const SCOPES: [&str; 6] = ["openid", "profile", "email", "address", "phone", "offline_access"];

/// Claims about a login. Those about people come from their scopes.
const CLAIMS: [&str; 11] =
    ["sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "azp", "sid"];

fn metadata(config: &Config) -> Map<String, Value> {
    let mut document = Map::new();
    let issuer = &config.public_url;
    document.insert("issuer".to_owned(), issuer.origin().into());
    for (name, path) in ENDPOINTS {
        if paths(config.dev).any(|known| known == path) {
            document.insert(name.to_owned(), issuer.join(path).into());
        }
    }
    if config.registration.policy != RegistrationPolicy::Closed {
        document.insert("registration_endpoint".to_owned(), issuer.join("/oauth2/register").into());
    }
    if config.registration.policy == RegistrationPolicy::Open {
        document.insert("client_id_metadata_document_supported".to_owned(), true.into());
    }
    let methods: Vec<_> = AuthMethod::ALL.map(AuthMethod::as_str).into();
    let proving: Vec<_> = methods.iter().filter(|method| **method != AuthMethod::None.as_str()).collect();
    let algs: Vec<_> = Alg::ALL.iter().map(|alg| alg.as_str()).collect();
    let assertions: Vec<_> = algs.iter().copied().chain(["HS256"]).collect();
    let claims: Vec<String> = CLAIMS
        .into_iter()
        .chain(claims::standard())
        .map(str::to_owned)
        .chain(config.custom_claims.iter().map(|claim| claim.name().to_owned()))
        .collect();
    let scopes: Vec<&str> = SCOPES.into_iter().chain(config.scopes.words()).collect();
    let grants = GrantType::ALL.map(GrantType::as_str);
    let rest = json!({
        "scopes_supported": scopes,
        "response_types_supported": ["code"],
        "response_modes_supported": ["query", "form_post"],
        "grant_types_supported": grants,
        "acr_values_supported": [Acr::Aal1.as_str()],
        "subject_types_supported": ["public", "pairwise"],
        "id_token_signing_alg_values_supported": algs,
        "userinfo_signing_alg_values_supported": algs,
        "token_endpoint_auth_methods_supported": methods,
        "token_endpoint_auth_signing_alg_values_supported": assertions,
        "introspection_endpoint_auth_methods_supported": proving,
        "introspection_endpoint_auth_signing_alg_values_supported": assertions,
        "revocation_endpoint_auth_methods_supported": methods,
        "revocation_endpoint_auth_signing_alg_values_supported": assertions,
        "code_challenge_methods_supported": ["S256"],
        "dpop_signing_alg_values_supported": dpop::ALGS.map(Alg::as_str),
        "authorization_response_iss_parameter_supported": true,
        "backchannel_logout_supported": true,
        "backchannel_logout_session_supported": true,
        "claim_types_supported": ["normal"],
        "claims_supported": claims,
        "claims_parameter_supported": true,
        "request_parameter_supported": false,
        "request_uri_parameter_supported": false,
        "ui_locales_supported": Locale::ALL.map(Locale::as_str),
    });
    if let Value::Object(rest) = rest {
        document.extend(rest);
    }
    document
}
