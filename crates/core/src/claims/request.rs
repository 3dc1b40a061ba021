//! The `claims` parameter (`OpenID` Connect Core section 5.5): claims that are asked for one by one.

use serde_json::{Map, Value};

use super::{CustomClaim, SCOPES, standard};

/// What was asked for, and where it is wanted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ClaimsRequest {
    userinfo: Vec<Asked>,
    id_token: Vec<Asked>,
}

/// One claim that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Its name.
    pub name: String,
    /// Whether the application cannot do without. Nothing is refused for it, whatever it says (section 5.5.1).
    pub essential: bool,
    /// The only values that are wanted; none: any.
    pub values: Vec<Value>,
}

/// The parameter is malformed: the client is to blame (`invalid_request`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("claims is no JSON object of the form that OpenID Connect Core section 5.5 gives it")]
pub struct InvalidClaims;

/// Longer, and more, than any client needs (attack OAU-29).
const MAX_LEN: usize = 4096;
const MAX_CLAIMS: usize = 64;

impl ClaimsRequest {
    /// Reads the parameter. Members that it does not know are ignored, as the section says.
    pub fn parse(text: &str) -> Result<Self, InvalidClaims> {
        if text.len() > MAX_LEN {
            return Err(InvalidClaims);
        }
        let Ok(Value::Object(members)) = serde_json::from_str(text) else { return Err(InvalidClaims) };
        let list = |name| match members.get(name) {
            None | Some(Value::Null) => Ok(Vec::new()),
            Some(Value::Object(claims)) if claims.len() <= MAX_CLAIMS => {
                claims.iter().map(|(name, asked)| Asked::read(name, asked)).collect()
            }
            Some(_) => Err(InvalidClaims),
        };
        Ok(Self { userinfo: list("userinfo")?, id_token: list("id_token")? })
    }

    /// What is wanted from `UserInfo`.
    pub fn userinfo(&self) -> &[Asked] {
        &self.userinfo
    }

    /// What is wanted in the ID token.
    pub fn id_token(&self) -> &[Asked] {
        &self.id_token
    }

    /// What is asked of the ID token under this name, such as `acr` or `sub`.
    pub fn of_id_token(&self, name: &str) -> Option<&Asked> {
        self.id_token.iter().find(|asked| asked.name == name)
    }

    /// Whether it asks for nothing about the person.
    pub fn is_empty(&self) -> bool {
        self.userinfo.is_empty() && self.id_token.is_empty()
    }

    /// The standard scopes whose claims it asks for, so that people are asked in the words that they know.
    pub fn scopes(&self) -> impl Iterator<Item = &'static str> {
        let asked = |name: &str| self.userinfo.iter().chain(&self.id_token).any(|asked| asked.name == name);
        SCOPES
            .into_iter()
            .filter(move |(_, claims)| claims.iter().any(|claim| asked(claim)))
            .map(|(scope, _)| scope)
    }

    /// What is kept of it with the grant: only claims of a person, the operator's own among them.
    pub fn keep(&self, custom: &[CustomClaim]) -> Option<String> {
        let known = |asked: &&Asked| {
            standard().any(|name| name == asked.name) || custom.iter().any(|claim| claim.name() == asked.name)
        };
        let list = |asked: &[Asked]| -> Map<String, Value> {
            asked.iter().filter(known).map(|asked| (asked.name.clone(), asked.to_json())).collect()
        };
        let (userinfo, id_token) = (list(&self.userinfo), list(&self.id_token));
        if userinfo.is_empty() && id_token.is_empty() {
            return None;
        }
        Some(serde_json::json!({ "userinfo": userinfo, "id_token": id_token }).to_string())
    }
}

impl Asked {
    /// `null`, or an object with `essential`, `value` and `values`.
    fn read(name: &str, asked: &Value) -> Result<Self, InvalidClaims> {
        let none = Map::new();
        let members = match asked {
            Value::Null => &none,
            Value::Object(members) => members,
            _ => return Err(InvalidClaims),
        };
        let essential = match members.get("essential") {
            None => false,
            Some(flag) => flag.as_bool().ok_or(InvalidClaims)?,
        };
        let values = match (members.get("value"), members.get("values")) {
            (Some(one), _) => vec![one.clone()],
            (None, Some(many)) => many.as_array().ok_or(InvalidClaims)?.clone(),
            (None, None) => Vec::new(),
        };
        Ok(Self { name: name.to_owned(), essential, values })
    }

    fn to_json(&self) -> Value {
        let mut members = Map::new();
        if self.essential {
            members.insert("essential".to_owned(), true.into());
        }
        if !self.values.is_empty() {
            members.insert("values".to_owned(), self.values.clone().into());
        }
        if members.is_empty() { Value::Null } else { Value::Object(members) }
    }

    /// Whether this value is one of those that are wanted.
    pub fn wants(&self, value: &Value) -> bool {
        self.values.is_empty() || self.values.contains(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_are_read_as_the_section_writes_them() {
        let text = r#"{"userinfo": {"given_name": {"essential": true}, "nickname": null, "picture": {"x": 1}},
                       "id_token": {"auth_time": {"essential": true}, "acr": {"values": ["aal1", "aal2"]}}, "other": 1}"#;
        let request = ClaimsRequest::parse(text).unwrap();
        let names = |asked: &[Asked]| asked.iter().map(|asked| asked.name.clone()).collect::<Vec<_>>();
        assert_eq!(names(request.userinfo()), ["given_name", "nickname", "picture"]);
        assert!(request.userinfo()[0].essential && !request.userinfo()[1].essential);
        let acr = request.of_id_token("acr").unwrap();
        assert!(acr.wants(&"aal2".into()) && !acr.wants(&"phr".into()));
        assert_eq!(request.scopes().collect::<Vec<_>>(), ["profile"]);
        let kept = request.keep(&[]).unwrap();
        assert_eq!(
            kept,
            r#"{"id_token":{},"userinfo":{"given_name":{"essential":true},"nickname":null,"picture":null}}"#
        );
        assert_eq!(ClaimsRequest::parse(&kept).unwrap().userinfo()[1].name, "nickname");
        assert_eq!(ClaimsRequest::parse(r#"{"userinfo":{"x":null}}"#).unwrap().keep(&[]), None);
    }

    #[test]
    fn oau_29_what_is_no_claims_request_is_refused() {
        let many = (0..65).map(|n| format!("\"c{n}\":null")).collect::<Vec<_>>().join(",");
        let many = format!("{{\"userinfo\":{{{many}}}}}");
        let long = format!("{{\"x\":\"{}\"}}", "y".repeat(4096));
        for bad in [
            "",
            "[]",
            "{",
            "1",
            r#"{"userinfo":[]}"#,
            r#"{"userinfo":{"name":true}}"#,
            r#"{"id_token":{"name":{"essential":"yes"}}}"#,
            r#"{"id_token":{"acr":{"values":"aal1"}}}"#,
            &many,
            &long,
        ] {
            assert_eq!(ClaimsRequest::parse(bad), Err(InvalidClaims), "{bad}");
        }
        assert!(ClaimsRequest::parse("{}").unwrap().is_empty());
    }
}
