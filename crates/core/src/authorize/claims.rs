//! `claims` (`OpenID` Connect Core section 5.5): what is asked for one by one, and the two claims that decide who may be logged in and
//! how. What the others mean is asked where ID tokens and `UserInfo` are made.

use serde_json::Value;

use crate::claims::{ClaimsRequest, CustomClaim};
use crate::client::Client;
use crate::grant::Scopes;

use super::{Error, Parameters, Refusal};

/// Claims asked for one by one, as this endpoint needs to know them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Asked {
    /// What is kept with the code and its grant.
    pub kept: Option<String>,
    /// The scopes that would have given them: people are asked in these words.
    pub scopes: Scopes,
    /// The subject that the client asks for by name: another one will not do (section 5.5.1).
    pub subject: Option<String>,
    /// The classes that will do, where `acr` is essential (section 5.5.1.1): with another one the login has failed.
    pub acr: Option<Vec<String>>,
}

/// Reads the parameter. What the client may not ask for by its scope it may not ask for by its claims (attack OAU-29).
pub fn check(parameters: &Parameters, client: &Client, custom: &[CustomClaim]) -> Result<Asked, Refusal> {
    let Some(text) = parameters.get("claims") else { return Ok(Asked::default()) };
    let request = ClaimsRequest::parse(text);
    let request =
        request.map_err(|_| Refusal::invalid("claims is an object as OpenID Connect Core 5.5 has it."))?;
    let named = |claim: &&CustomClaim| {
        request.userinfo().iter().chain(request.id_token()).any(|asked| asked.name == claim.name())
    };
    let own = custom.iter().filter(named).map(|claim| claim.scope().to_owned());
    let acr = request.of_id_token("acr").filter(|asked| asked.essential).map(|asked| words(&asked.values));
    let scopes: Scopes = request.scopes().map(str::to_owned).chain(own).collect();
    if client.scope().is_some_and(|registered| !registered.covers(&scopes)) {
        let description = "A claim is of a scope that the client did not register.";
        return Err(Refusal::new(Error::InvalidScope, description));
    }
    Ok(Asked {
        kept: request.keep(custom),
        scopes,
        subject: request.of_id_token("sub").and_then(|asked| words(&asked.values).into_iter().next()),
        acr: acr.filter(|words| !words.is_empty()),
    })
}

fn words(values: &[Value]) -> Vec<String> {
    values.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authorize::tests::{client, parameters};

    fn read_by(client: &Client, text: &str) -> Result<Asked, Refusal> {
        let custom = [CustomClaim::parse("team=staff").unwrap()];
        check(&parameters(&[("claims", text)]), client, &custom)
    }

    fn read(text: &str) -> Result<Asked, Refusal> {
        read_by(&client(), text)
    }

    #[test]
    fn oau_29_no_claim_leads_round_the_scopes_of_the_client() {
        let table = [
            (None, r#"{"userinfo":{"phone_number":null,"team":null}}"#, true),
            (
                Some("openid email"),
                r#"{"id_token":{"email":null,"sub":null,"acr":null},"userinfo":{"foo":null}}"#,
                true,
            ),
            (Some("openid email"), r#"{"userinfo":{"phone_number":null}}"#, false),
            (Some("openid email"), r#"{"id_token":{"email":null,"name":null}}"#, false),
            (Some("openid email"), r#"{"userinfo":{"team":null}}"#, false),
            (Some("openid staff"), r#"{"userinfo":{"team":null}}"#, true),
        ];
        for (registered, claims, may) in table {
            let mut client = client();
            client.metadata.scope = registered.map(str::to_owned);
            let error = read_by(&client, claims).err().map(|refusal| refusal.error);
            assert_eq!(error, (!may).then_some(Error::InvalidScope), "{registered:?} {claims}");
        }
    }

    #[test]
    fn claims_are_asked_of_people_in_the_words_of_scopes() {
        let asked =
            read(r#"{"userinfo":{"name":null,"team":null},"id_token":{"email":{"essential":true}},"x":1}"#);
        let asked = asked.unwrap();
        assert_eq!(
            asked.scopes.words().collect::<std::collections::BTreeSet<_>>(),
            ["email", "profile", "staff"].into()
        );
        assert!(asked.kept.is_some_and(|kept| kept.contains("team") && kept.contains("email")));
        assert_eq!(check(&parameters(&[]), &client(), &[]), Ok(Asked::default()));
        let long = format!(r#"{{"x":"{}"}}"#, "y".repeat(4096));
        let deep = "[".repeat(4000);
        for bad in ["[]", "null", "{", r#"{"userinfo":[]}"#, r#"{"id_token":{"name":true}}"#, &long, &deep] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn two_claims_decide_who_may_be_logged_in_and_how() {
        let text =
            r#"{"id_token":{"sub":{"value":"acc_1"},"acr":{"essential":true,"values":["aal2","phr"]}}}"#;
        let asked = read(text).unwrap();
        assert_eq!(asked.subject.as_deref(), Some("acc_1"));
        assert_eq!(asked.acr, Some(vec!["aal2".into(), "phr".into()]));
        let voluntary = read(r#"{"id_token":{"acr":{"values":["aal2"]},"sub":null}}"#).unwrap();
        assert_eq!((voluntary.acr, voluntary.subject), (None, None));
    }
}
