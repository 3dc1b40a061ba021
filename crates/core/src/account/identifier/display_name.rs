//! The name that people are shown by.

use std::fmt;

use unicode_normalization::UnicodeNormalization as _;
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory as _};

use super::text::is_blank;

/// A name in any script, 1 to 100 characters after NFC and trimming. It is inert text wherever it lands (REC-13): one
/// line, in the direction of its letters; pages and mails escape it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DisplayName(String);

const MAX_CHARS: usize = 100;
/// Longer than 100 characters in any encoding of them; refused unread.
const MAX_TYPED_BYTES: usize = 4096;

impl DisplayName {
    /// Reads a name as typed; white space around it is dropped.
    pub fn parse(text: &str) -> Result<Self, DisplayNameError> {
        if text.len() > MAX_TYPED_BYTES {
            return Err(DisplayNameError::TooLong);
        }
        // Before trimming, so that not even a line break at the end comes through (REC-12).
        if text.contains(breaks_the_line) {
            return Err(DisplayNameError::Invalid);
        }
        let composed: String = text.nfc().collect();
        let name = composed.trim();
        if name.chars().all(leaves_no_ink) {
            return Err(DisplayNameError::Empty);
        }
        if name.chars().count() > MAX_CHARS {
            return Err(DisplayNameError::TooLong);
        }
        Ok(Self(name.to_owned()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DisplayName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a text is no name to show. The client is to blame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DisplayNameError {
    /// Nothing was typed, or nothing that one can see.
    #[error("a name is needed")]
    Empty,
    /// Over 100 characters.
    #[error("a name has at most 100 characters")]
    TooLong,
    /// Control characters, line breaks or changes of direction.
    #[error("the name has characters that cannot be in one")]
    Invalid,
}

impl DisplayNameError {
    /// The stable code for the wire.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Empty => "name_empty",
            Self::TooLong => "name_too_long",
            Self::Invalid => "name_invalid",
        }
    }
}

/// Controls, line separators, and the direction controls that reorder the text around them (UAX 9 section 2).
fn breaks_the_line(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Zero-width joiners are welcome in a name (emoji, Persian, Hindi), but they are not one.
fn leaves_no_ink(c: char) -> bool {
    c.is_whitespace() || is_blank(c) || c.general_category() == GeneralCategory::Format
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_any_script_are_kept_as_typed() {
        for name in
            ["Alice", "홍길동", "Jean-Luc O’Neill", "فاطمه", "👩\u{200d}🚀", "{{7*7}} <a href> %s", "a  b"]
        {
            assert_eq!(DisplayName::parse(name).map(|n| n.to_string()), Ok(name.to_owned()));
        }
        assert_eq!(DisplayName::parse("\u{3000}Jose\u{301} ").map(|n| n.0), Ok("José".to_owned()));
        assert!(DisplayName::parse(&"가".repeat(100)).is_ok());
    }

    #[test]
    fn rec_12_a_name_that_is_none_is_refused_with_its_reason() {
        let (long, huge) = ("가".repeat(101), "a".repeat(10_240));
        let table = [
            ("", DisplayNameError::Empty),
            (" \u{2003} ", DisplayNameError::Empty),
            ("\u{200b}\u{200d}", DisplayNameError::Empty),
            ("\u{3164}", DisplayNameError::Empty),
            (&long, DisplayNameError::TooLong),
            (&huge, DisplayNameError::TooLong),
            ("Alice\r\nBcc: x@y.tld", DisplayNameError::Invalid),
            ("Alice\n", DisplayNameError::Invalid),
            ("a\0b", DisplayNameError::Invalid),
            ("a\u{85}b", DisplayNameError::Invalid),
            ("a\u{2028}b", DisplayNameError::Invalid),
            ("\u{202e}ecilA", DisplayNameError::Invalid),
            ("a\u{2066}b\u{2069}", DisplayNameError::Invalid),
        ];
        for (typed, error) in table {
            assert_eq!(DisplayName::parse(typed), Err(error), "{typed:?}");
        }
    }
}
