//! Which of the scopes asked for may be granted (RFC 6749 section 3.3; attack OAU-29).

use crate::client::{Client, GrantType, Profile};
use crate::grant::Scopes;
use crate::grant::scope::{ACCOUNT, ADMIN};

use super::{Error, Offer, Parameters, Refusal};

/// What every client may ask for: `OpenID` Connect Core sections 5.4 and 11.
pub const STANDARD: [&str; 6] = ["openid", "profile", "email", "address", "phone", OFFLINE_ACCESS];

/// The grant outlives the session (`OpenID` Connect Core section 11).
pub const OFFLINE_ACCESS: &str = "offline_access";

/// The scopes to be granted: those that are known. A client of the profile `oidc` is not refused for others, it sees in the
/// token answer what it got; one that asks beyond its own list is refused in any profile.
pub fn check(parameters: &Parameters, client: &Client, offer: Offer<'_>) -> Result<Scopes, Refusal> {
    let refuse = |description| Err(Refusal::new(Error::InvalidScope, description));
    let Some(text) = parameters.get("scope") else { return Ok(Scopes::default()) };
    let Some(asked) = Scopes::parse(text) else { return refuse("scope is not a list of words.") };
    if client.scope().is_some_and(|own| !own.covers(&asked)) {
        return refuse("A scope is not one of those that the client registered.");
    }
    let known = |word: &str| match word {
        ACCOUNT => client.first_party,
        ADMIN => client.may_administer(),
        word => {
            let own = offer.claims.iter().any(|claim| claim.own_scope() == Some(word));
            STANDARD.contains(&word) || own || offer.scopes.contains(word)
        }
    };
    // Without refresh tokens nothing outlives the session: OpenID Connect Core section 11 has it ignored.
    let refreshes = client.metadata.may_use(GrantType::RefreshToken);
    let granted = asked.retain(|word| known(word) && (word != OFFLINE_ACCESS || refreshes));
    let ignored = !asked.words().all(known);
    if (ignored && client.profile != Profile::Oidc) || (granted.is_empty() && !asked.is_empty() && ignored) {
        return refuse("A scope is not known here, or not for this client.");
    }
    Ok(granted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authorize::tests::{client, parameters};
    use crate::claims::CustomClaim;
    use crate::client::Origin;
    use crate::url::PublicUrl;

    fn granted(scope: &str, change: impl FnOnce(&mut Client)) -> Option<String> {
        let mut client = client();
        change(&mut client);
        let custom = Scopes::parse("notes.read").unwrap();
        let parameters = parameters(&[]).with("scope", Some(scope.to_owned()));
        let issuer = PublicUrl::parse("https://id.example").unwrap();
        let claims = [CustomClaim::parse("team=staff").unwrap()];
        let offer = Offer { issuer: &issuer, scopes: &custom, claims: &claims };
        check(&parameters, &client, offer).ok().map(|scopes| scopes.to_string())
    }

    type Case<'a> = (&'a str, fn(&mut Client), Option<&'a str>);

    #[test]
    fn oau_29_only_known_scopes_of_this_client_are_granted() {
        let plain = |_: &mut Client| ();
        let oidc = |client: &mut Client| client.profile = Profile::Oidc;
        let listed = |client: &mut Client| client.metadata.scope = Some("openid email".into());
        let first = |client: &mut Client| client.first_party = true;
        let admin = |client: &mut Client| client.metadata.scope = Some("openid admin".into());
        let imposter = |client: &mut Client| {
            client.metadata.scope = Some("openid admin".into());
            client.origin = Origin::Registered;
        };
        let offline = |client: &mut Client| client.metadata.grant_types.push(GrantType::RefreshToken);
        let table: &[Case<'_>] = &[
            ("openid email openid", plain, Some("openid email")),
            ("", plain, Some("")),
            ("staff", plain, Some("staff")),
            ("notes.read", plain, Some("notes.read")),
            ("notes.write", plain, None),
            ("openid notes.write", plain, None),
            ("openid notes.write", oidc, Some("openid")),
            ("notes.write", oidc, None),
            ("openid Email", oidc, Some("openid")),
            ("admin", oidc, None),
            ("admin", first, None),
            ("openid admin", admin, Some("openid admin")),
            ("openid admin", imposter, None),
            ("account", plain, None),
            ("account", first, Some("account")),
            ("openid email", listed, Some("openid email")),
            ("openid profile", listed, None),
            ("openid offline_access", plain, Some("openid")),
            ("offline_access", plain, Some("")),
            ("openid offline_access", offline, Some("openid offline_access")),
            ("openid \"x\"", oidc, None),
        ];
        for (scope, change, expected) in table {
            assert_eq!(granted(scope, change).as_deref(), *expected, "{scope}");
        }
        let thousand = (0..1000).map(|n| format!("s{n}")).collect::<Vec<_>>().join(" ");
        assert_eq!(granted(&thousand, oidc), None);
    }
}
