//! Columns as the domain's own types. What this release never writes there is corrupt: that row is denied, others
//! still serve.

use countersign_core::secret::Hash;
use countersign_core::{Id, Time};

use crate::db::{Error, Result, Row};

/// The id in `column`.
pub(crate) fn id<K: countersign_core::id::Kind>(row: &Row, column: usize) -> Result<Id<K>> {
    Ok(Id::from_bytes(row.array(column)?))
}

/// The id in `column`, or none.
pub(crate) fn opt_id<K: countersign_core::id::Kind>(row: &Row, column: usize) -> Result<Option<Id<K>>> {
    Ok(row.opt_array(column)?.map(Id::from_bytes))
}

/// The point in time in `column`.
pub(crate) fn time(row: &Row, column: usize) -> Result<Time> {
    Ok(Time::from_micros(row.int(column)?))
}

/// The point in time in `column`, or none.
pub(crate) fn opt_time(row: &Row, column: usize) -> Result<Option<Time>> {
    Ok(row.opt_int(column)?.map(Time::from_micros))
}

/// The digest in `column`, or none.
pub(crate) fn opt_hash(row: &Row, column: usize) -> Result<Option<Hash>> {
    Ok(row.opt_array(column)?.map(Hash::from_bytes))
}

/// The small count in `column`.
pub(crate) fn count(row: &Row, column: usize) -> Result<u32> {
    u32::try_from(row.int(column)?).map_err(|_| Error::Corrupt { column, expected: "a small count" })
}

/// The number below 256 in `column`.
pub(crate) fn small(row: &Row, column: usize) -> Result<u8> {
    u8::try_from(row.int(column)?).map_err(|_| Error::Corrupt { column, expected: "a number below 256" })
}

/// What the text in `column` means; `expected` names what it should have been.
pub(crate) fn word<T>(
    row: &Row,
    column: usize,
    parse: impl FnOnce(&str) -> Option<T>,
    expected: &'static str,
) -> Result<T> {
    parse(row.text(column)?).ok_or(Error::Corrupt { column, expected })
}

/// What the text in `column` means, or none.
pub(crate) fn opt_word<T>(
    row: &Row,
    column: usize,
    parse: impl FnOnce(&str) -> Option<T>,
    expected: &'static str,
) -> Result<Option<T>> {
    let Some(text) = row.opt_text(column)? else { return Ok(None) };
    parse(text).map(Some).ok_or(Error::Corrupt { column, expected })
}
