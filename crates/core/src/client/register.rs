//! What a client says of itself becomes its metadata, or is refused with the member that is wrong (RFC 7591 section 2,
//! `OpenID` Connect Dynamic Client Registration section 2; attacks OAU-05, OAU-58, OAU-59). One rule for clients that register
//! themselves, for those that an operator makes and for documents; only what they may differs.

use countersign_jose::{Alg, JwkSet};
use serde_json::{Map, Value};

use crate::account::DisplayName;
use crate::grant::{Scopes, scope};
use crate::outbound::{Exception, Target};

use super::members::Members;
use super::redirect_uri::{self, Place};
use super::sector;
use super::{ApplicationType, AuthMethod, GrantType, Metadata, Profile, ResponseType, SubjectType};

/// Who describes the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Registrar {
    /// An operator.
    Operator,
    /// Somebody whom an operator gave a token for it.
    Invited,
    /// Anybody.
    Anybody,
}

/// What holds for the registration.
#[derive(Debug, Clone, Copy)]
pub struct Terms<'a> {
    /// How strict the server will be with the client.
    pub profile: Profile,
    /// Who describes it.
    pub registrar: Registrar,
    /// Dev mode.
    pub dev: bool,
    /// Hosts of the operator that may be asked though they are internal.
    pub exceptions: &'a [Exception],
}

impl<'a> Terms<'a> {
    /// The hosts that whoever describes may have asked though they are internal. Nobody else reaches an operator's network by us
    /// (attack OAU-60), but in dev mode, where it is a developer's.
    pub fn exceptions(&self) -> &'a [Exception] {
        if self.dev || self.registrar == Registrar::Operator { self.exceptions } else { &[] }
    }
}

/// Why a description is refused. Whoever describes is to blame.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{member} {problem}")]
pub struct Rejection {
    /// The member that is wrong.
    pub member: &'static str,
    /// What is wrong with it.
    pub problem: String,
}

impl Rejection {
    pub(super) fn member(member: &'static str, problem: impl Into<String>) -> Self {
        Self { member, problem: problem.into() }
    }

    /// The code on the wire (RFC 7591 section 3.2.2).
    pub fn code(&self) -> &'static str {
        if self.member == "redirect_uris" { "invalid_redirect_uri" } else { "invalid_client_metadata" }
    }
}

/// Reads a description.
pub fn read(described: &Map<String, Value>, terms: &Terms<'_>) -> Result<Metadata, Rejection> {
    let members = Members(described);
    let application_type = members.word("application_type", application)?.unwrap_or(ApplicationType::Web);
    let method = method(members, terms)?;
    let place = Place {
        application: application_type,
        public: method == AuthMethod::None,
        profile: terms.profile,
        loopback: terms.dev || terms.registrar == Registrar::Operator,
    };
    let (grant_types, response_types) = flows(members, terms, method)?;
    let redirect_uris = uris_back(members, "redirect_uris", place)?;
    if grant_types.contains(&GrantType::AuthorizationCode) && redirect_uris.is_empty() {
        return Err(Rejection::member("redirect_uris", "must name at least one URI for authorization_code"));
    }
    let (jwks, jwks_uri) = keys(members, terms, method)?;
    let subject_type = members.word("subject_type", subject)?.unwrap_or(SubjectType::Public);
    let metadata = Metadata {
        client_name: name(members)?,
        application_type,
        post_logout_redirect_uris: uris_back(members, "post_logout_redirect_uris", place)?,
        redirect_uris,
        grant_types,
        response_types,
        token_endpoint_auth_method: method,
        token_endpoint_auth_signing_alg: assertion_alg(members, method, terms.profile)?,
        jwks,
        jwks_uri,
        scope: scopes(members, terms)?,
        id_token_signed_response_alg: id_token_alg(members, terms)?,
        userinfo_signed_response_alg: members.word("userinfo_signed_response_alg", Alg::parse)?,
        subject_type,
        sector_identifier_uri: fetched(members, "sector_identifier_uri", terms)?,
        default_max_age: members.seconds("default_max_age")?,
        require_auth_time: members.flag("require_auth_time")?,
        default_acr_values: members.texts("default_acr_values")?.unwrap_or_default(),
        backchannel_logout_uri: fetched(members, "backchannel_logout_uri", terms)?,
        backchannel_logout_session_required: members.flag("backchannel_logout_session_required")?,
        dpop_bound_access_tokens: members.flag("dpop_bound_access_tokens")?,
        require_pushed_authorization_requests: members.flag("require_pushed_authorization_requests")?,
        client_uri: page(members, "client_uri")?,
        logo_uri: page(members, "logo_uri")?,
        policy_uri: page(members, "policy_uri")?,
        tos_uri: page(members, "tos_uri")?,
        contacts: members.texts("contacts")?.unwrap_or_default(),
        software_id: members.text("software_id")?.map(str::to_owned),
        software_version: members.text("software_version")?.map(str::to_owned),
    };
    sector::check(&metadata, terms.registrar)?;
    Ok(metadata)
}

fn application(word: &str) -> Option<ApplicationType> {
    match word {
        "web" => Some(ApplicationType::Web),
        "native" => Some(ApplicationType::Native),
        _ => None,
    }
}

fn subject(word: &str) -> Option<SubjectType> {
    match word {
        "public" => Some(SubjectType::Public),
        "pairwise" => Some(SubjectType::Pairwise),
        _ => None,
    }
}

/// FAPI 2.0 knows no shared secrets (section 5.3.3.1).
fn method(members: Members<'_>, terms: &Terms<'_>) -> Result<AuthMethod, Rejection> {
    const MEMBER: &str = "token_endpoint_auth_method";
    let asked = members.word(MEMBER, AuthMethod::parse)?;
    match (terms.profile, asked) {
        (Profile::Fapi2, None | Some(AuthMethod::PrivateKeyJwt)) => Ok(AuthMethod::PrivateKeyJwt),
        (Profile::Fapi2, Some(_)) => Err(Rejection::member(MEMBER, "must be private_key_jwt for fapi2")),
        (_, asked) => Ok(asked.unwrap_or(AuthMethod::ClientSecretBasic)),
    }
}

/// Grants and response types, which must agree (RFC 7591 section 2.1).
fn flows(
    members: Members<'_>,
    terms: &Terms<'_>,
    method: AuthMethod,
) -> Result<(Vec<GrantType>, Vec<ResponseType>), Rejection> {
    let grants = members.known("grant_types", GrantType::parse)?;
    let grants = grants.unwrap_or_else(|| vec![GrantType::AuthorizationCode]);
    let redirects = grants.contains(&GrantType::AuthorizationCode);
    let responses = members.known("response_types", |word| (word == "code").then_some(ResponseType::Code))?;
    let responses =
        responses.unwrap_or_else(|| redirects.then_some(ResponseType::Code).into_iter().collect());
    if responses.contains(&ResponseType::Code) != redirects {
        return Err(Rejection::member(
            "response_types",
            "and grant_types must agree: code is authorization_code",
        ));
    }
    if grants.contains(&GrantType::ClientCredentials) {
        if method == AuthMethod::None {
            return Err(Rejection::member(
                "grant_types",
                "client_credentials needs a client that authenticates",
            ));
        }
        // Whoever has it needs no person to log in (design: registration).
        if terms.registrar == Registrar::Anybody && !terms.dev {
            return Err(Rejection::member("grant_types", "client_credentials needs an initial access token"));
        }
    }
    Ok((grants, responses))
}

/// Public keys, by value or by reference, never both (RFC 7591 section 2; attack OAU-59).
fn keys(
    members: Members<'_>,
    terms: &Terms<'_>,
    method: AuthMethod,
) -> Result<(Option<Value>, Option<String>), Rejection> {
    let uri = fetched(members, "jwks_uri", terms)?;
    let Some(value) = members.value("jwks") else {
        if method == AuthMethod::PrivateKeyJwt && uri.is_none() {
            return Err(Rejection::member("jwks_uri", "or jwks is needed for private_key_jwt"));
        }
        return Ok((None, uri));
    };
    if uri.is_some() {
        return Err(Rejection::member("jwks", "and jwks_uri must not come together"));
    }
    let set = JwkSet::parse(value.to_string().as_bytes()).map_err(|error| {
        Rejection::member("jwks", format!("must be a set of public keys, each named once: {}", error.code()))
    })?;
    if set.keys().is_empty() {
        return Err(Rejection::member("jwks", "has no key that this server can verify with"));
    }
    // As it was understood: what stood beside it is nobody's any more.
    let understood = serde_json::to_value(&set).map_err(|_| Rejection::member("jwks", "is no JSON"))?;
    Ok((Some(understood), None))
}

/// RS256 counts nowhere in FAPI 2.0 (section 5.4).
fn assertion_alg(
    members: Members<'_>,
    method: AuthMethod,
    profile: Profile,
) -> Result<Option<String>, Rejection> {
    members.word("token_endpoint_auth_signing_alg", |word| {
        let fits = match method {
            AuthMethod::ClientSecretJwt => word == "HS256",
            _ => Alg::parse(word).is_some_and(|alg| profile != Profile::Fapi2 || alg != Alg::Rs256),
        };
        fits.then(|| word.to_owned())
    })
}

/// RS256 where nothing is said (`OpenID` Connect Core section 15.1), which FAPI 2.0 forbids (section 5.4).
fn id_token_alg(members: Members<'_>, terms: &Terms<'_>) -> Result<Alg, Rejection> {
    const MEMBER: &str = "id_token_signed_response_alg";
    match (terms.profile, members.word(MEMBER, Alg::parse)?) {
        (Profile::Fapi2, None) => Ok(Alg::Es256),
        (Profile::Fapi2, Some(Alg::Rs256)) => Err(Rejection::member(MEMBER, "must not be RS256 for fapi2")),
        (_, alg) => Ok(alg.unwrap_or(Alg::Rs256)),
    }
}

/// What it may ask for. Our own scopes are for first-party clients, whoever asks (attack OAU-58).
fn scopes(members: Members<'_>, terms: &Terms<'_>) -> Result<Option<String>, Rejection> {
    let Some(text) = members.text("scope")? else { return Ok(None) };
    let scopes = Scopes::parse(text).ok_or(Rejection::member("scope", "must be up to 32 words of ASCII"))?;
    let own = [scope::ACCOUNT, scope::ADMIN].into_iter().find(|own| scopes.contains(own));
    match own {
        Some(own) if terms.registrar != Registrar::Operator => {
            Err(Rejection::member("scope", format!("must not name {own}, which is for first-party clients")))
        }
        _ => Ok(Some(scopes.to_string())),
    }
}

/// A name that is inert wherever it is shown: one line, in one direction, and no markup (attack OAU-59).
fn name(members: Members<'_>) -> Result<Option<String>, Rejection> {
    let Some(text) = members.text("client_name")? else { return Ok(None) };
    if text.contains(['<', '>']) {
        return Err(Rejection::member("client_name", "must have no markup"));
    }
    let name =
        DisplayName::parse(text).map_err(|error| Rejection::member("client_name", error.to_string()))?;
    Ok(Some(name.as_str().to_owned()))
}

fn uris_back(members: Members<'_>, member: &'static str, place: Place) -> Result<Vec<String>, Rejection> {
    let uris = members.texts(member)?.unwrap_or_default();
    for uri in &uris {
        redirect_uri::check(uri, place).map_err(|problem| Rejection::member(member, problem))?;
    }
    Ok(uris)
}

/// A URL that this server asks (attacks OAU-60, OAU-61).
fn fetched(
    members: Members<'_>,
    member: &'static str,
    terms: &Terms<'_>,
) -> Result<Option<String>, Rejection> {
    let Some(text) = members.text(member)? else { return Ok(None) };
    let admitted = Target::parse(text).and_then(|target| target.admit(terms.exceptions()));
    admitted.map_err(|error| Rejection::member(member, error.to_string()))?;
    Ok(Some(text.to_owned()))
}

/// A page that people may be led to; never fetched (attack OAU-63).
fn page(members: Members<'_>, member: &'static str) -> Result<Option<String>, Rejection> {
    let Some(text) = members.text(member)? else { return Ok(None) };
    Target::parse(text).map_err(|error| Rejection::member(member, error.to_string()))?;
    Ok(Some(text.to_owned()))
}

#[cfg(test)]
mod tests;
