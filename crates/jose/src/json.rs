//! Strict JSON (RFC 8259, RFC 8725 section 2.4): UTF-8 without a byte order mark, no member twice at any level,
//! bounded depth and width, finite numbers, nothing behind the end (attacks JWT-11, JWT-12).
//!
//! A reader of our own, because a derived type loses what matters here: a member given twice, and the difference
//! between `null`, another type and absent (attack JWT-13). A property test holds it against `serde_json`.

mod reader;

use std::borrow::Cow;

use crate::Error;
use reader::Reader;

/// How deep objects and arrays may nest.
pub const MAX_DEPTH: usize = 16;

/// How many members one object may have.
pub const MAX_MEMBERS: usize = 256;

/// A JSON value that borrows from the text it was read from.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    /// `null`, which is not the same as absent.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number without fraction and exponent that fits.
    Integer(i64),
    /// Any other number; never infinite, never negative zero.
    Float(f64),
    /// A string; borrowed where it has no escapes.
    String(Cow<'a, str>),
    /// An array.
    Array(Vec<Value<'a>>),
    /// An object.
    Object(Object<'a>),
}

impl<'a> Value<'a> {
    /// Reads one value that takes up all of `text`.
    pub fn parse(text: &'a [u8]) -> Result<Self, Error> {
        let text = std::str::from_utf8(text).map_err(|_| Error::Json)?;
        Reader::read(text).ok_or(Error::Json)
    }

    /// The string, if this is one.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The integer, if this is one.
    pub fn as_integer(&self) -> Option<i64> {
        match self {
            Self::Integer(number) => Some(*number),
            _ => None,
        }
    }

    /// The elements, if this is an array.
    pub fn as_array(&self) -> Option<&[Value<'a>]> {
        match self {
            Self::Array(elements) => Some(elements),
            _ => None,
        }
    }

    /// The object, if this is one.
    pub fn as_object(&self) -> Option<&Object<'a>> {
        match self {
            Self::Object(object) => Some(object),
            _ => None,
        }
    }
}

/// A JSON object: its members in the order of the text, each name once.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Object<'a> {
    members: Vec<Member<'a>>,
}

#[derive(Clone, Debug, PartialEq)]
struct Member<'a> {
    key: u64,
    name: Cow<'a, str>,
    value: Value<'a>,
}

/// The first eight bytes of a name. Names differ where their keys do, which is quicker to tell than to compare texts: a
/// token is searched for some twenty claims, and most of their names have three letters.
fn key(name: &str) -> u64 {
    name.bytes().take(8).fold(0, |key, byte| key << 8 | u64::from(byte))
}

impl<'a> Object<'a> {
    /// Reads one object that takes up all of `text`.
    pub fn parse(text: &'a [u8]) -> Result<Self, Error> {
        match Value::parse(text)? {
            Value::Object(object) => Ok(object),
            _ => Err(Error::Json),
        }
    }

    /// The member of this name; `None` only if the text has none.
    pub fn get(&self, name: &str) -> Option<&Value<'a>> {
        self.position(name).map(|at| &self.members[at].value)
    }

    /// Takes the member of this name out.
    pub(crate) fn take(&mut self, name: &str) -> Option<Value<'a>> {
        self.position(name).map(|at| self.members.swap_remove(at).value)
    }

    /// All members, in the order of the text.
    pub fn members(&self) -> impl Iterator<Item = (&str, &Value<'a>)> {
        self.members.iter().map(|member| (member.name.as_ref(), &member.value))
    }

    /// Adds a member of this name and returns the place of its value; `None` if there is one already, or too many.
    fn add(&mut self, name: Cow<'a, str>) -> Option<&mut Value<'a>> {
        if self.members.len() == MAX_MEMBERS || self.position(&name).is_some() {
            return None;
        }
        self.members.push(Member { key: key(&name), name, value: Value::Null });
        self.members.last_mut().map(|member| &mut member.value)
    }

    fn position(&self, name: &str) -> Option<usize> {
        let key = key(name);
        self.members.iter().position(|member| member.key == key && member.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_value_reads_as_itself() {
        let object =
            Object::parse(br#"{"n":null,"b":true,"i":-7,"f":1.5,"s":"a\u00e9","a":[1],"o":{"x":2}}"#)
                .unwrap();
        assert_eq!(object.get("n"), Some(&Value::Null));
        assert_eq!(object.get("b"), Some(&Value::Bool(true)));
        assert_eq!(object.get("i").and_then(Value::as_integer), Some(-7));
        assert_eq!(object.get("f"), Some(&Value::Float(1.5)));
        assert_eq!(object.get("s").and_then(Value::as_str), Some("aé"));
        assert_eq!(object.get("a").and_then(Value::as_array), Some([Value::Integer(1)].as_slice()));
        let inner = object.get("o").and_then(Value::as_object).unwrap();
        assert_eq!(inner.members().collect::<Vec<_>>(), [("x", &Value::Integer(2))]);
        assert_eq!(object.get("absent"), None);
    }

    #[test]
    fn a_string_without_escapes_is_borrowed() {
        assert!(matches!(Value::parse(br#""plain""#).unwrap(), Value::String(Cow::Borrowed("plain"))));
    }

    #[test]
    fn integers_beyond_i64_become_floats() {
        assert_eq!(Value::parse(b"9223372036854775808").unwrap(), Value::Float(9_223_372_036_854_775_808.0));
    }

    #[test]
    fn a_member_twice_is_refused_at_every_level_and_in_every_spelling() {
        for text in [
            r#"{"a":1,"a":1}"#,
            r#"{"a":1,"\u0061":2}"#,
            r#"{"o":{"a":1,"a":2}}"#,
            r#"[{"a":1,"b":2,"a":3}]"#,
        ] {
            assert_eq!(Value::parse(text.as_bytes()), Err(Error::Json), "{text}");
        }
    }

    #[test]
    fn depth_and_width_are_bounded_exactly() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(Value::parse(nested(MAX_DEPTH).as_bytes()).is_ok());
        assert_eq!(Value::parse(nested(MAX_DEPTH + 1).as_bytes()), Err(Error::Json));
        let wide = |width: usize| {
            let members: Vec<String> = (0..width).map(|n| format!("\"m{n}\":0")).collect();
            format!("{{{}}}", members.join(","))
        };
        assert!(Value::parse(wide(MAX_MEMBERS).as_bytes()).is_ok());
        assert_eq!(Value::parse(wide(MAX_MEMBERS + 1).as_bytes()), Err(Error::Json));
    }

    #[test]
    fn what_is_not_one_plain_json_text_is_refused() {
        let refused: [&[u8]; 14] = [
            b"",
            b"\xef\xbb\xbf{}",
            b"{\0}\0",
            b"{}{}",
            b"{} x",
            b"{}/**/",
            b"{\"a\":NaN}",
            b"{\"a\":1e400}",
            b"{\"a\":-0}",
            b"{\"a\":01}",
            b"{'a':1}",
            b"{\"a\":\"\xff\"}",
            b"{\"a\":\"\\ud800\"}",
            b"{\"a\":1,}",
        ];
        for text in refused {
            assert_eq!(Value::parse(text), Err(Error::Json), "{}", String::from_utf8_lossy(text));
        }
        assert_eq!(Object::parse(b"[]"), Err(Error::Json));
    }
}
