//! Revocation: one entry in the log for whatever ends, mostly a bit in a status list (design section 5).

pub mod epoch;

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::secret::Hash;
use crate::{AccountId, Random, Time, random};

pub use epoch::{Ahead, Epoch};

/// A status list (IETF Token Status List): random, so that nothing can be guessed from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ListId([u8; 16]);

/// Indexes of one list.
pub const LIST_SIZE: u32 = 131_072;

/// Indexes that a node takes at once.
pub const BLOCK_SIZE: u32 = 256;

impl ListId {
    /// A new list's id.
    pub fn new(random: &dyn Random) -> Self {
        Self(random::bytes(random))
    }

    /// From the bytes that the store keeps.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// What the store keeps.
    pub const fn bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// Reads the 32 lower-case hexadecimal digits of a list's URL.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.as_bytes();
        if digits.len() != 32 {
            return None;
        }
        let mut bytes = [0; 16];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = (hex(pair[0])? << 4) | hex(pair[1])?;
        }
        Some(Self(bytes))
    }
}

const fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

impl fmt::Display for ListId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A place in a status list. Each session and each grant gets one at birth and keeps it; none is ever used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct StatusIndex {
    /// The list.
    pub list: ListId,
    /// Below [`LIST_SIZE`].
    pub index: u32,
}

/// The number of an entry in the log: the order of commits. All entries of one transaction share it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Seq(pub i64);

/// What an entry of the log says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry {
    /// A session or grant ended.
    Bit(StatusIndex),
    /// A cookie's secret was replaced; never published.
    Secret(Hash),
    /// An account changed; never published.
    Account(AccountId),
    /// A single token counts no more, until it ends by itself.
    Token(Jti, Time),
    /// Everything from before ended.
    Epoch(Epoch),
}

/// The name of one access token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Jti([u8; 16]);

impl Jti {
    /// A new token's name.
    pub fn new(random: &dyn Random) -> Self {
        Self(random::bytes(random))
    }

    /// From the bytes that the store keeps.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// What the store keeps.
    pub const fn bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// Reads the claim: 22 characters of base64url.
    pub fn parse(text: &str) -> Option<Self> {
        URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok().map(Self)
    }
}

impl fmt::Display for Jti {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl Entry {
    /// The word in the store.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Bit(_) => "bit",
            Self::Secret(_) => "secret",
            Self::Account(_) => "account",
            Self::Token(..) => "token",
            Self::Epoch(_) => "epoch",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Counter;

    #[test]
    fn a_list_id_has_exactly_one_text() {
        let list = ListId::new(&Counter::new(5));
        assert_eq!(ListId::parse(&list.to_string()), Some(list));
        let upper = list.to_string().to_uppercase();
        for bad in ["", "../../etc/passwd", &list.to_string()[1..], &format!("{list}0"), &upper] {
            assert_eq!(ListId::parse(bad), None, "{bad}");
        }
    }
}
