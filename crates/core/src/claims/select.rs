//! Which claims of a person an application gets, and where (`OpenID` Connect Core sections 5.3 to 5.5).
//!
//! Scopes give claims at `UserInfo`. An ID token that comes with an access token carries only what was asked for one by one:
//! it is passed around more than people think, and `UserInfo` is there for the rest (section 5.4).

use serde_json::{Map, Value, json};

use crate::account::Account;
use crate::account::profile::{Field, Told};
use crate::grant::Scopes;

use super::request::Asked;
use super::{ClaimsRequest, CustomClaim, SCOPES};

/// What is known of a person.
#[derive(Debug, Clone, Copy)]
pub struct Person<'a> {
    /// The account.
    pub account: &'a Account,
    /// What it tells of itself.
    pub told: &'a Told,
    /// Which claims of their own the operator has.
    pub custom: &'a [CustomClaim],
}

/// The claims at `UserInfo`, `sub` apart.
pub fn userinfo(person: Person<'_>, scopes: &Scopes, request: Option<&ClaimsRequest>) -> Map<String, Value> {
    let by_scope = SCOPES.into_iter().filter(|(scope, _)| scopes.contains(scope));
    let standard = by_scope.flat_map(|(_, claims)| claims.iter().copied());
    let custom = person.custom.iter().filter(|claim| scopes.contains(claim.scope())).map(CustomClaim::name);
    let names = standard.chain(custom);
    let mut claims: Map<_, _> =
        names.filter_map(|name| Some((name.to_owned(), claim(person, name)?))).collect();
    claims.extend(asked(person, request.map_or(&[][..], ClaimsRequest::userinfo)));
    claims
}

/// The claims of the person in an ID token that comes with an access token.
pub fn id_token(person: Person<'_>, request: Option<&ClaimsRequest>) -> Map<String, Value> {
    asked(person, request.map_or(&[][..], ClaimsRequest::id_token)).collect()
}

fn asked<'a>(person: Person<'a>, asked: &'a [Asked]) -> impl Iterator<Item = (String, Value)> + 'a {
    let told = move |asked: &Asked| {
        let value = claim(person, &asked.name).filter(|value| asked.wants(value))?;
        Some((asked.name.clone(), value))
    };
    asked.iter().filter_map(told)
}

/// A claim's value. What is not known is left out, never null or empty (section 5.3.2).
fn claim(person: Person<'_>, name: &str) -> Option<Value> {
    let Person { account, told, custom } = person;
    let profile = &told.profile;
    match name {
        "name" => account.name.as_ref().map(|name| name.as_str().into()),
        "email" => account.email.as_ref().map(|email| email.display().into()),
        "email_verified" => account.email.as_ref().map(|_| account.email_verified_at.is_some().into()),
        "locale" => Some(account.locale.as_str().into()),
        "updated_at" => Some(told.updated_at.seconds().into()),
        "phone_number_verified" => {
            profile.get(Field::PhoneNumber).map(|_| profile.phone_number_verified().into())
        }
        "address" => address(person),
        _ if Field::ADDRESS.into_iter().any(|part| part.as_str() == name) => None,
        _ if custom.iter().any(|claim| claim.name() == name) => profile.custom(name).map(Value::from),
        _ => Field::parse(name).and_then(|field| profile.get(field)).map(Value::from),
    }
}

/// Section 5.1.1.
fn address(person: Person<'_>) -> Option<Value> {
    let profile = &person.told.profile;
    let mut address = json!({ "formatted": profile.formatted_address()? });
    for part in Field::ADDRESS {
        if let Some(text) = profile.get(part) {
            address[part.as_str()] = text.into();
        }
    }
    Some(address)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::profile::Profile;
    use crate::account::{DisplayName, Email, State, Version};
    use crate::{AccountId, Locale, Time};

    fn account() -> Account {
        Account {
            id: AccountId::from_bytes([1; 16]),
            state: State::Active,
            version: Version(1),
            email: Some(Email::parse("kim@example.org").unwrap()),
            email_verified_at: Some(Time::from_micros(1)),
            name: Some(DisplayName::parse("김철수").unwrap()),
            locale: Locale::Ko,
            created_at: Time::from_micros(0),
        }
    }

    fn told() -> Told {
        let profile = Profile::default();
        let profile = profile.with(Field::GivenName, "철수").unwrap().with(Field::Country, "KR").unwrap();
        let profile = profile.with_custom("department", "R&D").unwrap().with_custom("salary", "1").unwrap();
        Told { profile, updated_at: Time::from_micros(7_900_000) }
    }

    fn names(claims: &Map<String, Value>) -> Vec<&str> {
        claims.keys().map(String::as_str).collect()
    }

    fn scopes(text: &str) -> Scopes {
        Scopes::parse(text).unwrap()
    }

    #[test]
    fn scopes_give_their_claims_at_userinfo_and_what_is_not_set_is_left_out() {
        let (account, told) = (account(), told());
        let custom = [CustomClaim::parse("department=staff").unwrap()];
        let person = Person { account: &account, told: &told, custom: &custom };
        let table: [(&str, &[&str]); 7] = [
            ("openid", &[]),
            ("openid email", &["email", "email_verified"]),
            ("openid profile", &["given_name", "locale", "name", "updated_at"]),
            ("openid address", &["address"]),
            ("openid phone", &[]),
            ("openid staff", &["department"]),
            ("openid Email", &[]),
        ];
        for (asked, expected) in table {
            assert_eq!(names(&userinfo(person, &scopes(asked), None)), expected, "{asked}");
        }
        let all = userinfo(person, &scopes("openid profile email address phone"), None);
        assert_eq!((&all["updated_at"], &all["email_verified"]), (&json!(7), &json!(true)));
        assert_eq!(all["address"], json!({"formatted": "KR", "country": "KR"}));
    }

    #[test]
    fn an_id_token_beside_an_access_token_has_only_what_was_asked_for_by_name() {
        let (account, told) = (account(), told());
        let person = Person { account: &account, told: &told, custom: &[] };
        let request = ClaimsRequest::parse(
            r#"{"id_token": {"name": {"essential": true}, "email": {"value": "lee@example.org"}, "salary": null,
                             "country": null, "sub": null},
                "userinfo": {"email": {"values": ["kim@example.org"]}, "locale": {"value": "en"}}}"#,
        )
        .unwrap();
        assert_eq!(names(&id_token(person, None)), [""; 0]);
        assert_eq!(names(&id_token(person, Some(&request))), ["name"]);
        assert_eq!(names(&userinfo(person, &scopes("openid"), Some(&request))), ["email"]);
    }
}
