//! `claims` (`OpenID` Connect Core section 5.5): its syntax, and the two claims that decide who may be logged in and how. What the
//! others mean is asked where ID tokens and `UserInfo` are made.

use serde_json::{Map, Value};

use super::{Parameters, Refusal};

/// In bytes.
const MAX_BYTES: usize = 4096;

/// Claims asked for one by one.
#[derive(Debug, Clone, PartialEq)]
pub struct Claims {
    text: String,
    id_token: Map<String, Value>,
}

/// Reads the parameter: an object whose members `userinfo` and `id_token` are objects of objects or nulls.
pub fn check(parameters: &Parameters) -> Result<Option<Claims>, Refusal> {
    let Some(text) = parameters.get("claims") else { return Ok(None) };
    read(text)
        .map(Some)
        .ok_or(Refusal::invalid("claims is an object with userinfo and id_token, of at most 4096 bytes."))
}

fn read(text: &str) -> Option<Claims> {
    if text.len() > MAX_BYTES {
        return None;
    }
    let Value::Object(mut members) = serde_json::from_str(text).ok()? else { return None };
    let mut asked = |name: &str| match members.remove(name) {
        None | Some(Value::Null) => Some(Map::new()),
        Some(Value::Object(claims)) => {
            claims.values().all(|value| value.is_null() || value.is_object()).then_some(claims)
        }
        Some(_) => None,
    };
    asked("userinfo")?;
    let id_token = asked("id_token")?;
    Some(Claims { text: text.to_owned(), id_token })
}

impl Claims {
    /// As it came.
    pub fn into_text(self) -> String {
        self.text
    }

    /// The subject that the client asks for by name: another one will not do (section 5.5.1).
    pub fn subject(&self) -> Option<String> {
        self.id_token.get("sub")?.get("value")?.as_str().map(str::to_owned)
    }

    /// The classes that will do, where `acr` is essential (section 5.5.1.1): with another one the login has failed.
    pub fn essential_acr(&self) -> Option<Vec<String>> {
        let asked = self.id_token.get("acr")?;
        let essential = asked.get("essential")?.as_bool()?;
        let one = asked.get("value").into_iter();
        let many = asked.get("values").and_then(Value::as_array).into_iter().flatten();
        let words: Vec<_> = one.chain(many).filter_map(Value::as_str).map(str::to_owned).collect();
        (essential && !words.is_empty()).then_some(words)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_are_objects_and_two_of_them_decide() {
        let text = r#"{"userinfo":{"name":null},"id_token":{"sub":{"value":"acc_1"},"acr":{"essential":true,"values":["aal2","phr"]}},"x":1}"#;
        let claims = read(text).unwrap();
        assert_eq!(claims.subject().as_deref(), Some("acc_1"));
        assert_eq!(claims.essential_acr(), Some(vec!["aal2".into(), "phr".into()]));
        assert_eq!(claims.into_text(), text);
        let voluntary = read(r#"{"id_token":{"acr":{"values":["aal2"]},"sub":null}}"#).unwrap();
        assert_eq!((voluntary.essential_acr(), voluntary.subject()), (None, None));
        assert!(read("{}").is_some() && read(r#"{"userinfo":null}"#).is_some());
        let long = format!(r#"{{"x":"{}"}}"#, "y".repeat(4096));
        let deep = "[".repeat(4000);
        for bad in
            ["", "[]", "null", "{", r#"{"userinfo":[]}"#, r#"{"id_token":{"name":true}}"#, &long, &deep]
        {
            assert!(read(bad).is_none(), "{bad}");
        }
    }
}
