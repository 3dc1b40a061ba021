//! The members of a JSON object that a client describes itself by, each read as what it must be. `null` is a member that
//! is absent (RFC 7592 section 2.2); members that nobody asks for are ignored (RFC 7591 section 2).

use serde_json::{Map, Value};

use super::register::Rejection;

/// The most that one text may have, in bytes.
const MAX_TEXT: usize = 2048;
/// The most texts in a list.
const MAX_TEXTS: usize = 32;

/// Members to be read.
#[derive(Clone, Copy)]
pub(super) struct Members<'a>(pub(super) &'a Map<String, Value>);

impl<'a> Members<'a> {
    /// Whatever it is.
    pub(super) fn value(self, name: &'static str) -> Option<&'a Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    /// A text.
    pub(super) fn text(self, name: &'static str) -> Result<Option<&'a str>, Rejection> {
        self.value(name).map(|value| text_of(name, value)).transpose()
    }

    /// One of the words that `parse` knows.
    pub(super) fn word<T>(
        self,
        name: &'static str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, Rejection> {
        let parsed = |text| parse(text).ok_or(Rejection::member(name, "has a value that is not supported"));
        self.text(name)?.map(parsed).transpose()
    }

    /// Texts; none where there is no list.
    pub(super) fn texts(self, name: &'static str) -> Result<Option<Vec<String>>, Rejection> {
        let Some(value) = self.value(name) else { return Ok(None) };
        let list = value.as_array().ok_or(Rejection::member(name, "must be a list of texts"))?;
        if list.len() > MAX_TEXTS {
            return Err(Rejection::member(name, "has more than 32 entries"));
        }
        list.iter().map(|value| text_of(name, value).map(str::to_owned)).collect::<Result<_, _>>().map(Some)
    }

    /// Those of the words in a list that `parse` knows. What is not known is left out, as RFC 7591 section 2 lets a server
    /// do; a list of nothing else is refused.
    pub(super) fn known<T: PartialEq>(
        self,
        name: &'static str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<Vec<T>>, Rejection> {
        let Some(words) = self.texts(name)? else { return Ok(None) };
        let mut known = Vec::new();
        for value in words.iter().filter_map(|word| parse(word)) {
            if !known.contains(&value) {
                known.push(value);
            }
        }
        if known.is_empty() && !words.is_empty() {
            return Err(Rejection::member(name, "names nothing that this server supports"));
        }
        Ok(Some(known))
    }

    /// `true` or `false`; false where it is absent.
    pub(super) fn flag(self, name: &'static str) -> Result<bool, Rejection> {
        let read = |value: &Value| value.as_bool().ok_or(Rejection::member(name, "must be true or false"));
        self.value(name).map_or(Ok(false), read)
    }

    /// A number of seconds.
    pub(super) fn seconds(self, name: &'static str) -> Result<Option<u32>, Rejection> {
        let read = |value: &Value| value.as_u64().and_then(|number| u32::try_from(number).ok());
        let seconds = |value| read(value).ok_or(Rejection::member(name, "must be a number of seconds"));
        self.value(name).map(seconds).transpose()
    }
}

fn text_of<'a>(name: &'static str, value: &'a Value) -> Result<&'a str, Rejection> {
    let text = value.as_str().ok_or(Rejection::member(name, "must be a text"))?;
    if text.len() > MAX_TEXT {
        return Err(Rejection::member(name, "is longer than 2,048 bytes"));
    }
    if text.chars().any(char::is_control) {
        return Err(Rejection::member(name, "has control characters"));
    }
    Ok(text)
}
