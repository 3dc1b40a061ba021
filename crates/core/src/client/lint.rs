//! What is weak about a client, or about to break, and why. The rules refuse what is wrong when a client is made; this
//! tells what has become wrong since, and what was allowed but need not be.

use crate::outbound::{Exception, Target};
use crate::{Span, Time};

use super::redirect_uri::{self, Place};
use super::{AuthMethod, Client, GrantType, Origin, Profile};

/// How much it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// It could be stronger.
    Note,
    /// It is weak, or will break.
    Warning,
    /// It does not work.
    Broken,
}

impl Severity {
    /// The word for people and programs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Broken => "broken",
        }
    }
}

/// One thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lint {
    /// Stable, such as `secret-old`.
    pub code: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// What it is, why, and what to do.
    pub words: String,
}

/// What is known of a client beside itself.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// Its secrets, the newest first: when each was made, and when it ends if another took its place.
    pub secrets: &'a [(Time, Option<Time>)],
    /// Hosts that may be asked though they are internal.
    pub exceptions: &'a [Exception],
    /// Dev mode.
    pub dev: bool,
    /// Now.
    pub now: Time,
}

/// A secret that is older should have been replaced.
const OLD: Span = Span::days(365);
/// What ends within this time ends soon.
const SOON: Span = Span::days(7);

/// Looks at a client: what matters most comes first.
pub fn lint(client: &Client, facts: &Facts<'_>) -> Vec<Lint> {
    let mut found = Found(Vec::new());
    life(client, facts, &mut found);
    proof(client, facts, &mut found);
    redirects(client, facts, &mut found);
    asked(client, facts, &mut found);
    strength(client, &mut found);
    found.0.sort_by_key(|lint| std::cmp::Reverse(lint.severity));
    found.0
}

struct Found(Vec<Lint>);

impl Found {
    fn add(&mut self, severity: Severity, code: &'static str, words: impl Into<String>) {
        self.0.push(Lint { code, severity, words: words.into() });
    }
}

fn life(client: &Client, facts: &Facts<'_>, found: &mut Found) {
    if client.disabled {
        found.add(Severity::Note, "disabled", "it is closed: `countersign client enable` opens it again");
    }
    match client.expires_at {
        Some(end) if end <= facts.now => {
            found.add(Severity::Broken, "expired", "it ended, since nobody used it: register it anew");
        }
        Some(end) if end <= facts.now + SOON => {
            let words = format!("it ends at {end} unless somebody lets it do something before");
            found.add(Severity::Warning, "expires-soon", words);
        }
        _ => {}
    }
}

fn proof(client: &Client, facts: &Facts<'_>, found: &mut Found) {
    let (method, metadata) = (client.metadata.token_endpoint_auth_method, &client.metadata);
    if method == AuthMethod::PrivateKeyJwt {
        match (&metadata.jwks, &metadata.jwks_uri) {
            (None, None) => {
                found.add(Severity::Broken, "keys-none", "it proves itself by a key, and none is known");
            }
            (Some(_), _) => found.add(
                Severity::Note,
                "keys-fixed",
                "its keys are registered by value: it cannot replace a stolen one by itself. Use jwks_uri",
            ),
            _ => {}
        }
    }
    if !method.needs_secret() {
        return;
    }
    let Some((made, _)) = facts.secrets.first() else {
        found.add(
            Severity::Broken,
            "secret-none",
            "it proves itself by a secret and has none: `countersign client rotate-secret`",
        );
        return;
    };
    if *made + OLD <= facts.now {
        let words = format!("its secret is of {made}: `countersign client rotate-secret`");
        found.add(Severity::Warning, "secret-old", words);
    }
    let replaced = facts.secrets.iter().filter_map(|(_, end)| *end).find(|end| *end > facts.now);
    if let Some(end) = replaced {
        let words = format!("the secret before counts until {end}: by then the client must know the new one");
        found.add(Severity::Note, "secret-replaced", words);
    }
    if method == AuthMethod::ClientSecretJwt {
        let words =
            "client_secret_jwt needs the secret itself, so it is kept, sealed: private_key_jwt needs none";
        found.add(Severity::Note, "secret-kept", words);
    }
}

fn redirects(client: &Client, facts: &Facts<'_>, found: &mut Found) {
    let metadata = &client.metadata;
    if metadata.may_use(GrantType::AuthorizationCode) && metadata.redirect_uris.is_empty() {
        found.add(Severity::Broken, "redirect-none", "it may use authorization_code and has no redirect URI");
    }
    let place = Place {
        application: metadata.application_type,
        public: metadata.token_endpoint_auth_method == AuthMethod::None,
        profile: client.profile,
        loopback: facts.dev || client.origin == Origin::Operator,
    };
    for uri in &metadata.redirect_uris {
        if let Err(why) = redirect_uri::check(uri, place) {
            found.add(
                Severity::Warning,
                "redirect-refused",
                format!("{uri} {why}: it could not be registered any more"),
            );
        } else if redirect_uri::check(uri, Place { loopback: false, ..place }).is_err() && !facts.dev {
            let words = format!(
                "{uri} is on this machine, which is for development: remove it, or register as native"
            );
            found.add(Severity::Warning, "redirect-loopback", words);
        }
    }
}

/// Addresses that this server asks may have become unfit since.
fn asked(client: &Client, facts: &Facts<'_>, found: &mut Found) {
    let metadata = &client.metadata;
    let asked = [
        ("jwks_uri", &metadata.jwks_uri),
        ("sector_identifier_uri", &metadata.sector_identifier_uri),
        ("backchannel_logout_uri", &metadata.backchannel_logout_uri),
    ];
    for (member, uri) in asked {
        let Some(uri) = uri else { continue };
        if let Err(why) = Target::parse(uri).and_then(|target| target.admit(facts.exceptions)) {
            let words = format!("{member} {why}: it is never asked. See outbound.allow");
            found.add(Severity::Broken, "address-refused", words);
        }
    }
}

fn strength(client: &Client, found: &mut Found) {
    let metadata = &client.metadata;
    let public = metadata.token_endpoint_auth_method == AuthMethod::None;
    let redirects = metadata.may_use(GrantType::AuthorizationCode);
    if public && redirects && !client.profile.demands_pkce() {
        let words = "it has no secret, and its profile does not demand PKCE: a stolen code is a stolen login. Use oauth21";
        found.add(Severity::Warning, "pkce-optional", words);
    }
    if public && metadata.may_use(GrantType::RefreshToken) && !metadata.dpop_bound_access_tokens {
        let words =
            "its refresh tokens are bound to nothing: dpop_bound_access_tokens makes a stolen one worthless";
        found.add(Severity::Note, "refresh-unbound", words);
    }
    if client.first_party && metadata.scope.is_none() {
        let words = "it is first-party and may ask for every scope: name those that it needs in scope";
        found.add(Severity::Warning, "scope-any", words);
    }
    if client.profile == Profile::Oidc && client.origin == Origin::Operator {
        let words = "profile oidc is for clients that know no PKCE; oauth21 is stricter";
        found.add(Severity::Note, "profile-lax", words);
    }
    if metadata.client_name.is_none() && redirects {
        found.add(Severity::Note, "name-none", "it has no client_name: people are asked to trust its id");
    }
    if redirects && metadata.backchannel_logout_uri.is_none() && client.origin != Origin::BuiltIn {
        let words = "it has no backchannel_logout_uri: it does not hear when somebody signs out here";
        found.add(Severity::Note, "logout-unheard", words);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::{ApplicationType, ClientId, Metadata};

    const NOW: Time = Time::from_micros(1_700_000_000_000_000);

    fn sound() -> Client {
        Client {
            id: ClientId::parse("notes").unwrap(),
            origin: Origin::Operator,
            profile: Profile::Oauth21,
            first_party: false,
            disabled: false,
            created_at: NOW,
            expires_at: None,
            index: None,
            metadata: Metadata {
                client_name: Some("Notes".to_owned()),
                redirect_uris: vec!["https://notes.example/cb".to_owned()],
                backchannel_logout_uri: Some("https://notes.example/logout".to_owned()),
                ..Metadata::default()
            },
        }
    }

    fn codes(client: &Client, secrets: &[(Time, Option<Time>)]) -> Vec<&'static str> {
        let facts = Facts { secrets, exceptions: &[], dev: false, now: NOW };
        lint(client, &facts).into_iter().map(|lint| lint.code).collect()
    }

    #[test]
    fn a_sound_client_is_said_nothing_of() {
        assert_eq!(codes(&sound(), &[(NOW, None)]), [""; 0]);
    }

    type Change<'a> = &'a dyn Fn(&mut Client);

    #[test]
    fn each_weakness_has_a_code_of_its_own() {
        let with = |change: &dyn Fn(&mut Client)| {
            let mut client = sound();
            change(&mut client);
            codes(&client, &[(NOW, None)])
        };
        let table: [(&str, Change<'_>); 13] = [
            ("disabled", &|client| client.disabled = true),
            ("expired", &|client| client.expires_at = Some(NOW)),
            ("expires-soon", &|client| client.expires_at = Some(NOW + Span::days(7))),
            ("keys-none", &|client| client.metadata.token_endpoint_auth_method = AuthMethod::PrivateKeyJwt),
            ("secret-kept", &|client| {
                client.metadata.token_endpoint_auth_method = AuthMethod::ClientSecretJwt;
            }),
            ("redirect-none", &|client| client.metadata.redirect_uris.clear()),
            ("redirect-refused", &|client| {
                client.metadata.redirect_uris = vec!["http://notes.example/cb".to_owned()];
            }),
            ("redirect-loopback", &|client| {
                client.metadata.redirect_uris = vec!["http://localhost/cb".to_owned()];
            }),
            ("address-refused", &|client| {
                client.metadata.jwks_uri = Some("https://localhost:9000/".to_owned());
            }),
            ("scope-any", &|client| client.first_party = true),
            ("profile-lax", &|client| client.profile = Profile::Oidc),
            ("name-none", &|client| client.metadata.client_name = None),
            ("logout-unheard", &|client| client.metadata.backchannel_logout_uri = None),
        ];
        for (code, change) in table {
            assert_eq!(with(change), [code]);
        }
        let weak = with(&|client| {
            client.profile = Profile::Oidc;
            client.origin = Origin::Registered;
            client.metadata.token_endpoint_auth_method = AuthMethod::None;
            client.metadata.grant_types.push(GrantType::RefreshToken);
        });
        assert_eq!(weak, ["pkce-optional", "refresh-unbound"]);
        let native = with(&|client| {
            client.metadata.application_type = ApplicationType::Native;
            client.metadata.redirect_uris = vec!["http://localhost/cb".to_owned()];
        });
        assert_eq!(native, [""; 0]);
    }

    #[test]
    fn secrets_are_judged_by_their_age() {
        let year = NOW - Span::days(365);
        assert_eq!(codes(&sound(), &[]), ["secret-none"]);
        assert_eq!(codes(&sound(), &[(year, None)]), ["secret-old"]);
        assert_eq!(codes(&sound(), &[(NOW, None), (year, Some(NOW + Span::days(1)))]), ["secret-replaced"]);
        assert_eq!(codes(&sound(), &[(NOW, None), (year, Some(NOW))]), [""; 0]);
    }
}
