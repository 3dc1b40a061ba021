//! `grant_type=client_credentials` (RFC 6749 section 4.4; attack OAU-80): a client on its own account.
//!
//! No person is involved, so no scope that is about a person is given, and nothing that could outlive the client's own proof.

use crate::client::{Client, Kind, Origin};
use crate::url::ResourceId;

use super::Scopes;
use super::refresh::Target;
use super::scope::ADMIN;

/// What the client asks for.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// Scopes, if any are named.
    pub scopes: Option<&'a Scopes>,
    /// Where the token shall count.
    pub target: Option<&'a Target>,
    /// That is a resource which tokens can be made for.
    pub resource_known: bool,
    /// What a client says of its own scopes counts, whoever it is: in development mode alone.
    pub trusting: bool,
}

/// What it gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Granted {
    /// What the token allows.
    pub scopes: Scopes,
    /// Where; none: at the issuer itself.
    pub audience: Option<ResourceId>,
}

/// Why it gets nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// A public client proves nothing: `unauthorized_client`.
    Public,
    /// Not one of its scopes, or one about a person: `invalid_scope`.
    Scope,
    /// Not a resource of this server: `invalid_target`.
    Target,
}

/// Decides what the client gets. Named no scope, it gets all that it is registered for, but never `admin`: that has to be named,
/// and counts nowhere but here.
pub fn decide(client: &Client, request: Request<'_>) -> Result<Granted, Refusal> {
    if client.kind() == Kind::Public {
        return Err(Refusal::Public);
    }
    // An invitation lets a client register. What it may do at an API by itself, an operator says.
    let vouched = request.trusting || matches!(client.origin, Origin::BuiltIn | Origin::Operator);
    let said = client.metadata.scope.as_deref().filter(|_| vouched).and_then(Scopes::parse);
    let registered = said.unwrap_or_default();
    let own = registered.elsewhere();
    let here = request.target.and_then(Target::resource).is_none();
    let administers = here && client.may_administer();
    let allowed = registered.retain(|word| own.contains(word) || (administers && word == ADMIN));
    let scopes = match request.scopes.filter(|scopes| !scopes.is_empty()) {
        None => own,
        Some(asked) if allowed.covers(asked) => asked.clone(),
        Some(_) => return Err(Refusal::Scope),
    };
    let audience = request.target.and_then(Target::resource);
    if audience.is_some() && !request.resource_known {
        return Err(Refusal::Target);
    }
    Ok(Granted { scopes, audience: audience.cloned() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Time;
    use crate::client::{AuthMethod, ClientId, Metadata, Profile};

    fn client(method: AuthMethod, scope: Option<&str>) -> Client {
        Client {
            id: ClientId::parse("job").unwrap(),
            origin: Origin::Operator,
            profile: Profile::Oauth21,
            first_party: true,
            disabled: false,
            created_at: Time::from_micros(0),
            expires_at: None,
            index: None,
            metadata: Metadata {
                token_endpoint_auth_method: method,
                scope: scope.map(str::to_owned),
                ..Metadata::default()
            },
        }
    }

    #[test]
    fn oau_80_a_client_on_its_own_account_gets_nothing_that_is_about_a_person() {
        let own = client(
            AuthMethod::ClientSecretBasic,
            Some("notes.read notes.write openid account offline_access"),
        );
        let bare = client(AuthMethod::ClientSecretBasic, None);
        let public = client(AuthMethod::None, Some("notes.read"));
        let admin = client(AuthMethod::ClientSecretBasic, Some("notes.read admin"));
        let imposter = Client { origin: Origin::Registered, ..admin.clone() };
        let invited = Client { origin: Origin::Registered, ..own.clone() };
        let both = Ok("notes.read notes.write".to_owned());
        let table = [
            ("all of its own", &own, None, both.clone()),
            ("none named", &own, Some(""), both),
            ("one", &own, Some("notes.read"), Ok("notes.read".to_owned())),
            ("one that is not its own", &own, Some("notes.read admin"), Err(Refusal::Scope)),
            ("a person's", &own, Some("openid"), Err(Refusal::Scope)),
            ("our API", &own, Some("account"), Err(Refusal::Scope)),
            ("for good", &own, Some("offline_access"), Err(Refusal::Scope)),
            ("a client without scopes", &bare, None, Ok(String::new())),
            ("and one that asks", &bare, Some("notes.read"), Err(Refusal::Scope)),
            ("the administration, by name", &admin, Some("admin"), Ok("admin".to_owned())),
            ("with something else", &admin, Some("notes.read admin"), Ok("notes.read admin".to_owned())),
            ("with what is not its own", &admin, Some("notes.write admin"), Err(Refusal::Scope)),
            ("never unasked", &admin, None, Ok("notes.read".to_owned())),
            ("never to what registered itself", &imposter, Some("admin"), Err(Refusal::Scope)),
            ("a public client", &public, None, Err(Refusal::Public)),
            ("an invited client", &invited, None, Ok(String::new())),
            ("and one that asks for what it says it may", &invited, Some("notes.read"), Err(Refusal::Scope)),
        ];
        for (name, client, asked, expected) in table {
            let scopes = asked.map(|text| Scopes::parse(text).unwrap());
            let request =
                Request { scopes: scopes.as_ref(), target: None, resource_known: false, trusting: false };
            let granted = decide(client, request).map(|granted| granted.scopes.to_string());
            assert_eq!(granted, expected, "{name}");
        }
    }

    #[test]
    fn oau_78_a_resource_is_one_that_tokens_are_made_for() {
        let client = client(AuthMethod::ClientSecretBasic, None);
        let api = ResourceId::parse("https://api.example").unwrap();
        let target = Target::Resource(api.clone());
        let ask = |target, resource_known| {
            let request = Request { scopes: None, target, resource_known, trusting: false };
            decide(&client, request).map(|granted| granted.audience)
        };
        assert_eq!(ask(Some(&target), true), Ok(Some(api)));
        assert_eq!(ask(Some(&target), false), Err(Refusal::Target));
        assert_eq!(ask(Some(&Target::Issuer), true), Ok(None));
        assert_eq!(ask(None, true), Ok(None));
    }

    #[test]
    fn the_administration_is_not_opened_by_a_token_for_another_api() {
        let client = client(AuthMethod::ClientSecretBasic, Some("admin"));
        let target = Target::Resource(ResourceId::parse("https://api.example").unwrap());
        let admin = Scopes::parse("admin").unwrap();
        let request =
            Request { scopes: Some(&admin), target: Some(&target), resource_known: true, trusting: false };
        assert_eq!(decide(&client, request), Err(Refusal::Scope));
    }
}
