//! Form bodies and queries: strict UTF-8, and a field that comes twice is refused (attacks LOG-28, RED-06).

use axum::extract::{FromRequest, FromRequestParts, Request};
use http::request::Parts;

use crate::app::App;
use crate::respond::problem::{Kind, Problem};

use super::body;

/// The fields of a form, each at most once.
pub(crate) struct Form(Fields);

/// The fields of a form at an endpoint of OAuth, where nothing may stand in the URL: secrets there end up in logs (attack
/// OAU-27).
pub(crate) struct OAuthForm(pub(crate) Form);

/// The parameters of a query, each at most once.
pub(crate) struct Query(Fields);

/// The fields of a form as they came, some perhaps more than once: for whoever refuses that in words of its own.
pub(crate) struct Pairs(pub(crate) Fields);

/// Likewise at an endpoint of OAuth.
pub(crate) struct OAuthPairs(pub(crate) Fields);

/// Likewise the parameters of a query.
pub(crate) struct QueryPairs(pub(crate) Fields);

pub(crate) type Fields = Vec<(String, String)>;

impl Form {
    /// The field's value, if it came.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        find(&self.0, name)
    }

    /// The field's value, or nothing.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.get(name).unwrap_or("")
    }

    /// The fields but for one that may come more than once.
    pub(crate) fn without(pairs: &Fields, name: &str) -> Result<Self, Problem> {
        once(pairs.iter().filter(|(this, _)| this != name).cloned().collect()).map(Self)
    }
}

impl Query {
    /// Whether nothing came but parameters of these names.
    pub(crate) fn names_only(&self, names: &[&str]) -> bool {
        self.0.iter().all(|(name, _)| names.contains(&name.as_str()))
    }

    /// The parameter's value, if it came.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        find(&self.0, name)
    }

    /// The parameter's value, or nothing.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.get(name).unwrap_or("")
    }
}

fn find<'a>(fields: &'a [(String, String)], name: &str) -> Option<&'a str> {
    fields.iter().find(|(this, _)| this == name).map(|(_, value)| value.as_str())
}

impl FromRequest<App> for Form {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &App) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let bytes = body::read(&parts, body, "application/x-www-form-urlencoded").await?;
        let fields = parse(str::from_utf8(&bytes).map_err(|_| malformed())?)?;
        let query = parse(parts.uri.query().unwrap_or(""))?;
        // A field is in the body or in the query (attack LOG-28); the one that may be in both must agree with itself.
        let differs = |(name, value): &(String, String)| match find(&fields, name) {
            Some(given) => name != RETURN_TO || given != value,
            None => false,
        };
        if query.iter().any(differs) { Err(malformed()) } else { Ok(Self(fields)) }
    }
}

impl FromRequest<App> for OAuthForm {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        if request.uri().query().is_some_and(|query| !query.is_empty()) {
            return Err(in_the_url());
        }
        Form::from_request(request, app).await.map(Self)
    }
}

impl FromRequestParts<App> for Query {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Problem> {
        parse(parts.uri.query().unwrap_or("")).map(Self)
    }
}

impl FromRequest<App> for Pairs {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &App) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let bytes = body::read(&parts, body, "application/x-www-form-urlencoded").await?;
        if parts.uri.query().is_some_and(|query| !query.is_empty()) {
            return Err(Problem::new(Kind::InvalidRequest).detail("Send the parameters in the body alone."));
        }
        pairs(str::from_utf8(&bytes).map_err(|_| malformed())?).map(Self)
    }
}

impl FromRequest<App> for OAuthPairs {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        if request.uri().query().is_some_and(|query| !query.is_empty()) {
            return Err(in_the_url());
        }
        Pairs::from_request(request, app).await.map(|pairs| Self(pairs.0))
    }
}

impl FromRequestParts<App> for QueryPairs {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Problem> {
        pairs(parts.uri.query().unwrap_or("")).map(Self)
    }
}

fn in_the_url() -> Problem {
    Problem::oauth("invalid_request", "Send the parameters in the body, none in the URL.")
}

fn malformed() -> Problem {
    Problem::new(Kind::InvalidRequest).detail("A field is no UTF-8, or came twice.")
}

/// The page's own URL keeps it, and so does its form (attack RED-06).
const RETURN_TO: &str = "return_to";

/// More fields than any form of ours has (attack HTTP-05).
const MAX_FIELDS: usize = 64;

pub(crate) fn parse(text: &str) -> Result<Fields, Problem> {
    once(pairs(text)?)
}

fn once(fields: Fields) -> Result<Fields, Problem> {
    let repeated = (1..fields.len()).any(|place| find(&fields[..place], &fields[place].0).is_some());
    if repeated { Err(malformed()) } else { Ok(fields) }
}

fn pairs(text: &str) -> Result<Fields, Problem> {
    let mut fields = Fields::new();
    for pair in text.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        if fields.len() == MAX_FIELDS {
            return Err(malformed());
        }
        fields.push((decode(name)?, decode(value)?));
    }
    Ok(fields)
}

/// One decoding, and what is no percent-encoded UTF-8 is refused, not replaced (attack LOG-10).
pub(crate) fn decode(text: &str) -> Result<String, Problem> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => {
                let (high, low) = (rest.next().and_then(hex), rest.next().and_then(hex));
                bytes.push(high.zip(low).map(|(high, low)| high << 4 | low).ok_or_else(malformed)?);
            }
            byte => bytes.push(byte),
        }
    }
    String::from_utf8(bytes).map_err(|_| malformed())
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_decoded_once() {
        let fields = parse("a=1+2&b=%2525&c&=d&%ED%95%9C=%EA%B8%80").unwrap();
        let expected = [("a", "1 2"), ("b", "%25"), ("c", ""), ("", "d"), ("한", "글")];
        assert_eq!(fields, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }

    #[test]
    fn log_10_log_28_red_06_malformed_and_repeated_fields_are_refused() {
        for bad in ["a=%ff", "a=%f", "a=%", "a=%zz", "a=1&a=2", "a=1&%61=1", "a=%C0%AF"] {
            assert_eq!(parse(bad).unwrap_err().kind, Kind::InvalidRequest, "{bad}");
        }
        let many = (0..65).map(|n| format!("f{n}=")).collect::<Vec<_>>().join("&");
        assert!(parse(&many).is_err());
    }
}
