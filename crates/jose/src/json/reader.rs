//! The grammar of JSON (RFC 8259). Whatever is wrong is `None`: the caller has one error for it.

use std::borrow::Cow;

use super::{MAX_DEPTH, Object, Value};

/// A place in a text.
pub(super) struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    /// Reads one value that takes up all of the text.
    pub(super) fn read(text: &'a str) -> Option<Value<'a>> {
        let mut reader = Reader { text, at: 0 };
        let mut value = Value::Null;
        reader.value(0, &mut value)?;
        reader.skip_space();
        (reader.at == text.len()).then_some(value)
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// Takes `byte` if it comes next, after white space.
    fn take(&mut self, byte: u8) -> bool {
        self.skip_space();
        self.take_here(byte)
    }

    /// Takes `byte` if it comes next.
    fn take_here(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        self.take(byte).then_some(())
    }

    /// Reads a value below `depth` open brackets into its place (moving it there would cost more than reading it).
    fn value(&mut self, depth: usize, place: &mut Value<'a>) -> Option<()> {
        self.skip_space();
        *place = match self.peek()? {
            b'"' => Value::String(self.string()?),
            b'{' => Value::Object(self.object(depth + 1)?),
            b'[' => Value::Array(self.elements(depth + 1)?),
            b'-' | b'0'..=b'9' => self.number()?,
            b't' => self.word("true", Value::Bool(true))?,
            b'f' => self.word("false", Value::Bool(false))?,
            b'n' => self.word("null", Value::Null)?,
            _ => return None,
        };
        Some(())
    }

    fn word(&mut self, word: &str, value: Value<'a>) -> Option<Value<'a>> {
        let found = self.text.as_bytes()[self.at..].starts_with(word.as_bytes());
        self.at += word.len();
        found.then_some(value)
    }

    fn object(&mut self, depth: usize) -> Option<Object<'a>> {
        self.at += 1;
        let mut object = Object::default();
        if depth > MAX_DEPTH {
            return None;
        }
        if self.take(b'}') {
            return Some(object);
        }
        object.members.reserve(if depth == 1 { 16 } else { 2 });
        loop {
            self.skip_space();
            let name = self.string()?;
            self.expect(b':')?;
            self.value(depth, object.add(name)?)?;
            if self.take(b'}') {
                return Some(object);
            }
            self.expect(b',')?;
        }
    }

    fn elements(&mut self, depth: usize) -> Option<Vec<Value<'a>>> {
        self.at += 1;
        let mut elements = Vec::new();
        if depth > MAX_DEPTH {
            return None;
        }
        if self.take(b']') {
            return Some(elements);
        }
        loop {
            elements.push(Value::Null);
            self.value(depth, elements.last_mut()?)?;
            if self.take(b']') {
                return Some(elements);
            }
            self.expect(b',')?;
        }
    }

    /// Reads a string: borrowed, or copied if it has escapes.
    #[inline]
    fn string(&mut self) -> Option<Cow<'a, str>> {
        let plain = self.opened()?;
        if self.take_here(b'"') {
            return Some(Cow::Borrowed(plain));
        }
        self.escaped_string(plain).map(Cow::Owned)
    }

    /// Reads a quote and what follows up to the first backslash or the closing quote.
    #[inline(never)]
    fn opened(&mut self) -> Option<&'a str> {
        if self.take_here(b'"') { self.plain() } else { None }
    }

    /// Reads the rest of a string from its first backslash on.
    #[cold]
    fn escaped_string(&mut self, plain: &str) -> Option<String> {
        let mut copy = plain.to_owned();
        while self.take_here(b'\\') {
            copy.push(self.escaped()?);
            copy.push_str(self.plain()?);
        }
        self.at += 1;
        Some(copy)
    }

    /// Reads up to the quote or backslash that comes next; there is one, and no control character before it.
    fn plain(&mut self) -> Option<&'a str> {
        let rest = &self.text.as_bytes()[self.at..];
        let length = rest.iter().position(|byte| ENDS_PLAIN[usize::from(*byte)])?;
        if rest[length] < 0x20 {
            return None;
        }
        let plain = self.text.get(self.at..self.at + length)?;
        self.at += length;
        Some(plain)
    }

    /// Reads what follows a backslash.
    fn escaped(&mut self) -> Option<char> {
        let kind = self.peek()?;
        self.at += 1;
        Some(match kind {
            b'"' | b'\\' | b'/' => char::from(kind),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let mut units = vec![self.code_unit()?];
                if matches!(units[0], 0xd800..0xdc00) && self.text.as_bytes()[self.at..].starts_with(b"\\u") {
                    self.at += 2;
                    units.push(self.code_unit()?);
                }
                // A surrogate without its other half is no character.
                char::decode_utf16(units).next().and_then(Result::ok)?
            }
            _ => return None,
        })
    }

    /// Reads four hexadecimal digits.
    fn code_unit(&mut self) -> Option<u16> {
        let digits = self.text.as_bytes().get(self.at..self.at + 4)?;
        self.at += 4;
        digits.iter().try_fold(0, |unit, digit| {
            let digit = char::from(*digit).to_digit(16).and_then(|digit| u16::try_from(digit).ok());
            Some(unit << 4 | digit?)
        })
    }

    /// Reads a number (RFC 8259 section 6).
    fn number(&mut self) -> Option<Value<'a>> {
        let start = self.at;
        self.at += usize::from(self.peek() == Some(b'-'));
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        let whole = self.at;
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            self.at += usize::from(matches!(self.peek(), Some(b'+' | b'-')));
            self.digits()?;
        }
        let text = self.text.get(start..self.at)?;
        match text.parse() {
            Ok(integer) if self.at == whole && text != "-0" => Some(Value::Integer(integer)),
            _ => float(text),
        }
    }

    /// Reads at least one digit.
    fn digits(&mut self) -> Option<()> {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        (self.at > start).then_some(())
    }
}

/// The bytes that cannot stand in a string as they are: quote, backslash, control characters.
const ENDS_PLAIN: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 0x20 {
        table[byte] = true;
        byte += 1;
    }
    table[b'"' as usize] = true;
    table[b'\\' as usize] = true;
    table
};

/// The nearest double: never infinite, and never negative zero, which would be a second spelling of zero.
fn float<'a>(text: &str) -> Option<Value<'a>> {
    let number: f64 = text.parse().ok()?;
    let negative_zero = number == 0.0 && number.is_sign_negative();
    (number.is_finite() && !negative_zero).then_some(Value::Float(number))
}
