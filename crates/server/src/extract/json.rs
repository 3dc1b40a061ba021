//! JSON bodies of `/api/v1`: unknown and repeated fields are refused (attacks LOG-27, LOG-28).

use axum::extract::{FromRequest, Request};
use serde::de::DeserializeOwned;

use crate::app::App;
use crate::respond::problem::{Kind, Problem};

use super::body;

/// A body that was read as `T`, which must deny unknown fields.
#[derive(Debug)]
pub(crate) struct Json<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<App> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &App) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        // What is asked for is said in one place (attack LOG-28).
        if parts.uri.query().is_some_and(|query| !query.is_empty()) {
            return Err(Problem::new(Kind::InvalidRequest)
                .detail("Send the fields in the body; this route has no query."));
        }
        let bytes = body::read(&parts, body, "application/json").await?;
        parse(&bytes).map(Json)
    }
}

pub(crate) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    // Serde also reads a struct from an array, by position.
    if bytes.trim_ascii_start().first().is_some_and(|first| *first == b'[') {
        return Err(Problem::new(Kind::InvalidRequest).detail("The body is no JSON object."));
    }
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        // The text of a serde error may repeat what was sent; a password must not come back that way.
        match error.into_inner().classify() {
            serde_json::error::Category::Data if path != "." => Problem::new(Kind::InvalidRequest)
                .detail("A field has the wrong type, is unknown, or came twice.")
                .field(path, "invalid", "Wrong type, unknown, or given twice."),
            serde_json::error::Category::Data => Problem::new(Kind::InvalidRequest)
                .detail("A field is missing, unknown, came twice, or the body is no JSON object."),
            _ => Problem::new(Kind::InvalidRequest).detail("The body is no JSON."),
        }
    })?;
    reader.end().map_err(|_| Problem::new(Kind::InvalidRequest).detail("Something follows the JSON."))?;
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Body {
        email: String,
        remember: Option<bool>,
    }

    #[test]
    fn log_27_log_28_a_body_has_known_fields_once_with_their_types() {
        let good = parse::<Body>(br#"{"email":"a@b.c"}"#).unwrap();
        assert_eq!(good, Body { email: "a@b.c".into(), remember: None });
        for bad in [
            &br#"{"email":"a@b.c","is_admin":true}"#[..],
            br#"{"email":"a@b.c","email":"a@b.c"}"#,
            br#"{"email":["a@b.c","d@e.f"]}"#,
            br#"{"email":{"$ne":""}}"#,
            br#"{"email":"\ud800"}"#,
            b"{\"email\":\"\xff\"}",
            br#"{"email":"a@b.c"} {}"#,
            br#"{"email":null}"#,
            b"",
            b"[]",
            b" [\"a@b.c\"]",
            b"[\"a@b.c\",null]",
        ] {
            let problem = parse::<Body>(bad).unwrap_err();
            assert_eq!(problem.kind, Kind::InvalidRequest, "{}", String::from_utf8_lossy(bad));
        }
    }

    #[test]
    fn logg_02_an_error_never_repeats_what_was_sent() {
        let problem = parse::<Body>(br#"{"email":{"hunter2":1},"remember":"hunter2"}"#).unwrap_err();
        assert!(!format!("{problem:?}").contains("hunter2"));
    }
}
