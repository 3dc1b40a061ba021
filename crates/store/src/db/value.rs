//! What crosses the waist: four kinds of value in, rows of them out.

use std::fmt;

use super::Error;

/// One parameter or one column, in the kinds that both engines store alike.
#[derive(Clone, PartialEq, Eq)]
pub enum Value {
    /// SQL `NULL`.
    Null,
    /// `BIGINT`: a count, a flag (0 or 1) or microseconds since the Unix epoch.
    Int(i64),
    /// `TEXT`: UTF-8 without U+0000 (PostgreSQL cannot hold it).
    Text(String),
    /// `BLOB` in SQLite, `BYTEA` in PostgreSQL: ids, hashes, sealed keys.
    Bytes(Vec<u8>),
}

impl Value {
    fn kind(&self) -> &'static str {
        match self {
            Self::Null => "NULL",
            Self::Int(_) => "an integer",
            Self::Text(_) => "text",
            Self::Bytes(_) => "bytes",
        }
    }
}

/// The kind alone: hashes and sealed keys pass here, and Debug ends up in logs (I16).
impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind())
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Int(value.into())
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl From<&[u8]> for Value {
    fn from(value: &[u8]) -> Self {
        Self::Bytes(value.to_vec())
    }
}

impl From<Vec<u8>> for Value {
    fn from(value: Vec<u8>) -> Self {
        Self::Bytes(value)
    }
}

impl<const N: usize> From<[u8; N]> for Value {
    fn from(value: [u8; N]) -> Self {
        Self::Bytes(value.to_vec())
    }
}

impl<const N: usize> From<&[u8; N]> for Value {
    fn from(value: &[u8; N]) -> Self {
        Self::Bytes(value.to_vec())
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// One row of an answer. Columns count from 0; a getter names the kind it expects and fails with
/// [`Error::Corrupt`], which carries the column's index and never what it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row(Vec<Value>);

impl Row {
    pub(super) fn new(values: Vec<Value>) -> Self {
        Self(values)
    }

    /// The integer in `column`.
    pub fn int(&self, column: usize) -> Result<i64, Error> {
        self.opt_int(column)?.ok_or_else(|| corrupt(column, "an integer"))
    }

    /// The integer in `column`, or `None` for NULL.
    pub fn opt_int(&self, column: usize) -> Result<Option<i64>, Error> {
        match self.value(column)? {
            Value::Null => Ok(None),
            Value::Int(value) => Ok(Some(*value)),
            _ => Err(corrupt(column, "an integer")),
        }
    }

    /// The flag in `column`: 0 or 1, nothing else.
    pub fn bool(&self, column: usize) -> Result<bool, Error> {
        match self.value(column)? {
            Value::Int(0) => Ok(false),
            Value::Int(1) => Ok(true),
            _ => Err(corrupt(column, "0 or 1")),
        }
    }

    /// The text in `column`.
    pub fn text(&self, column: usize) -> Result<&str, Error> {
        self.opt_text(column)?.ok_or_else(|| corrupt(column, "text"))
    }

    /// The text in `column`, or `None` for NULL.
    pub fn opt_text(&self, column: usize) -> Result<Option<&str>, Error> {
        match self.value(column)? {
            Value::Null => Ok(None),
            Value::Text(value) => Ok(Some(value)),
            _ => Err(corrupt(column, "text")),
        }
    }

    /// The bytes in `column`.
    pub fn bytes(&self, column: usize) -> Result<&[u8], Error> {
        self.opt_bytes(column)?.ok_or_else(|| corrupt(column, "bytes"))
    }

    /// The bytes in `column`, or `None` for NULL.
    pub fn opt_bytes(&self, column: usize) -> Result<Option<&[u8]>, Error> {
        match self.value(column)? {
            Value::Null => Ok(None),
            Value::Bytes(value) => Ok(Some(value)),
            _ => Err(corrupt(column, "bytes")),
        }
    }

    /// The bytes in `column`, exactly `N` of them: an id or a hash.
    pub fn array<const N: usize>(&self, column: usize) -> Result<[u8; N], Error> {
        self.opt_array(column)?.ok_or_else(|| corrupt(column, "bytes"))
    }

    /// Exactly `N` bytes in `column`, or `None` for NULL.
    pub fn opt_array<const N: usize>(&self, column: usize) -> Result<Option<[u8; N]>, Error> {
        self.opt_bytes(column)?
            .map(|bytes| bytes.try_into().map_err(|_| corrupt(column, "bytes of the right length")))
            .transpose()
    }

    /// What `column` holds, whatever its kind: a key to be handed back.
    pub fn value(&self, column: usize) -> Result<&Value, Error> {
        self.0.get(column).ok_or_else(|| corrupt(column, "anything: the row is shorter"))
    }
}

pub(super) fn corrupt(column: usize, expected: &'static str) -> Error {
    Error::Corrupt { column, expected }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn getters_return_what_their_column_holds() {
        let row = Row::new(vec![7.into(), "seven".into(), [7_u8; 16].into(), Value::Null]);
        assert_eq!(row.int(0), Ok(7));
        assert_eq!(row.text(1), Ok("seven"));
        assert_eq!(row.array::<16>(2), Ok([7; 16]));
        assert_eq!(row.opt_int(3), Ok(None));
        assert_eq!(row.opt_text(3), Ok(None));
        assert_eq!(row.opt_array::<16>(3), Ok(None));
    }

    #[test]
    fn a_wrong_kind_length_flag_or_column_is_corrupt_and_names_only_the_column() {
        let row = Row::new(vec!["hunter2".into(), [7_u8; 15].into(), Value::Null, 2.into()]);
        let errors = [
            (row.int(0).err(), 0),
            (row.bytes(0).err(), 0),
            (row.array::<16>(1).err(), 1),
            (row.text(2).err(), 2),
            (row.bool(3).err(), 3),
            (row.int(4).err(), 4),
        ];
        for (error, index) in errors {
            let error = error.expect("refused");
            assert!(matches!(error, Error::Corrupt { column, .. } if column == index), "{error}");
            assert!(!error.to_string().contains("hunter2"));
        }
    }

    #[test]
    fn debug_shows_the_kind_and_never_the_value() {
        let row = Row::new(vec!["hunter2".into(), 7.into(), b"hunter2".into()]);
        assert_eq!(format!("{row:?}"), "Row([text, an integer, bytes])");
    }
}
