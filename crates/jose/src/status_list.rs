//! Status lists (IETF Token Status List, draft 20): one bit for each session or grant, set when it is revoked.

use std::io::{Read as _, Write as _};

use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use serde::Serialize;

use crate::claims::{required_text, required_time};
use crate::json::{Object, Value};
use crate::{Claims, Error, base64};

/// The longest status list token to accept, in bytes: a list of 131,072 random bits needs about 30 KiB.
pub const MAX_STATUS_LIST_LEN: usize = 64 * 1024;

/// A list of bits, eight in a byte, the lowest bit first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusBits {
    bytes: Vec<u8>,
    len: usize,
}

impl StatusBits {
    /// A list of `len` bits, none set.
    pub fn new(len: usize) -> Self {
        Self { bytes: vec![0; len.div_ceil(8)], len }
    }

    /// How many bits the list has.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether the list has no bits at all.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The bit at `index`; `None` behind the end, which a verifier treats as revoked.
    pub fn get(&self, index: usize) -> Option<bool> {
        (index < self.len).then(|| self.bytes[index / 8] & mask(index) != 0)
    }

    /// Sets the bit at `index` to `value` and returns what it was; `None`, and no change, behind the end.
    pub fn set(&mut self, index: usize, value: bool) -> Option<bool> {
        let before = self.get(index)?;
        let byte = &mut self.bytes[index / 8];
        *byte = if value { *byte | mask(index) } else { *byte & !mask(index) };
        Some(before)
    }

    /// The bytes, the spare bits of the last one clear.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The `lst` member: the bytes through zlib, base64url.
    pub fn encode(&self) -> Result<String, Error> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(&self.bytes).map_err(|_| Error::StatusList)?;
        Ok(base64::encode(encoder.finish().map_err(|_| Error::StatusList)?))
    }

    /// Decodes a `lst` member that must hold exactly `len` bits. Never takes more memory than that many and one byte.
    pub fn decode(lst: &str, len: usize) -> Result<Self, Error> {
        let compressed = base64::decode(lst).map_err(|_| Error::StatusList)?;
        let size = len.div_ceil(8);
        let mut bytes = Vec::with_capacity(size + 1);
        let mut decoder = ZlibDecoder::new(compressed.as_slice());
        // One byte more than expected tells a longer list; a bomb is never unpacked.
        let limit = u64::try_from(size + 1).map_err(|_| Error::StatusList)?;
        decoder.by_ref().take(limit).read_to_end(&mut bytes).map_err(|_| Error::StatusList)?;
        let all_read = usize::try_from(decoder.total_in()) == Ok(compressed.len());
        let spare_clear = len.is_multiple_of(8) || bytes.last().is_some_and(|last| last >> (len % 8) == 0);
        if bytes.len() != size || !all_read || !spare_clear {
            return Err(Error::StatusList);
        }
        Ok(Self { bytes, len })
    }
}

fn mask(index: usize) -> u8 {
    1 << (index % 8)
}

/// The claims of a status list token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StatusListToken {
    /// The issuer: a list of another issuer says nothing about our tokens.
    pub iss: String,
    /// The URL of the list.
    pub sub: String,
    /// When the bits were read, in seconds since 1970.
    pub iat: i64,
    /// The end, in seconds since 1970.
    pub exp: i64,
    /// How long a reader may keep it without asking again, in seconds.
    pub ttl: u64,
    /// The bits.
    pub status_list: StatusList,
    /// The place in the revocation log up to which the bits are complete.
    pub seq: u64,
}

/// The `status_list` claim.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StatusList {
    /// Bits a status: always 1.
    pub bits: u8,
    /// The list, see [`StatusBits::encode`].
    pub lst: String,
}

impl StatusListToken {
    /// The `typ` of a status list token.
    pub const TYP: &'static str = "statuslist+jwt";

    /// The bits, if this is the list of that URL and has exactly that many.
    pub fn bits_of(&self, uri: &str, len: usize) -> Result<StatusBits, Error> {
        if self.sub != uri || self.status_list.bits != 1 {
            return Err(Error::StatusList);
        }
        StatusBits::decode(&self.status_list.lst, len)
    }
}

impl StatusList {
    /// The claim for these bits.
    pub fn new(bits: &StatusBits) -> Result<Self, Error> {
        Ok(Self { bits: 1, lst: bits.encode()? })
    }
}

impl Claims for StatusListToken {
    fn read(claims: &Object<'_>) -> Result<Self, Error> {
        let malformed = Error::MalformedClaim("status_list");
        let members = claims.get("status_list").ok_or(Error::MissingClaim("status_list"))?;
        let members = members.as_object().ok_or(malformed)?;
        if members.get("bits") != Some(&Value::Integer(1)) {
            return Err(malformed);
        }
        let lst = members.get("lst").and_then(Value::as_str).ok_or(malformed)?;
        Ok(Self {
            iss: required_text(claims, "iss")?,
            sub: required_text(claims, "sub")?,
            iat: required_time(claims, "iat")?,
            exp: required_time(claims, "exp")?,
            ttl: required_count(claims, "ttl")?,
            status_list: StatusList { bits: 1, lst: lst.to_owned() },
            seq: required_count(claims, "seq")?,
        })
    }
}

/// A claim that is a whole number from zero.
fn required_count(claims: &Object<'_>, name: &'static str) -> Result<u64, Error> {
    let value = claims.get(name).ok_or(Error::MissingClaim(name))?;
    value.as_integer().and_then(|count| u64::try_from(count).ok()).ok_or(Error::MalformedClaim(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bit_set_is_read_back_and_its_neighbours_are_not_touched() {
        let mut bits = StatusBits::new(20);
        assert_eq!(bits.set(9, true), Some(false));
        assert_eq!(bits.set(9, true), Some(true));
        let set: Vec<usize> = (0..20).filter(|index| bits.get(*index) == Some(true)).collect();
        assert_eq!(set, [9]);
        assert_eq!(bits.as_bytes(), [0, 2, 0]);
        assert_eq!(bits.set(9, false), Some(true));
        assert_eq!(bits, StatusBits::new(20));
    }

    #[test]
    fn behind_the_end_there_is_nothing_to_read_or_set() {
        let mut bits = StatusBits::new(20);
        assert_eq!(bits.get(20), None);
        assert_eq!(bits.set(20, true), None);
        assert_eq!(bits.as_bytes(), [0, 0, 0]);
        assert!(StatusBits::new(0).is_empty());
    }

    #[test]
    fn an_encoded_list_decodes_to_itself_at_its_size_only() {
        let mut bits = StatusBits::new(1001);
        for index in [0, 7, 8, 500, 1000] {
            bits.set(index, true);
        }
        let lst = bits.encode().unwrap();
        assert_eq!(StatusBits::decode(&lst, 1001).unwrap(), bits);
        for len in [0, 8, 992, 1000, 1009, 131_072] {
            assert_eq!(StatusBits::decode(&lst, len), Err(Error::StatusList), "{len}");
        }
    }

    #[test]
    fn a_zlib_bomb_is_refused_without_being_unpacked() {
        let bomb = StatusBits::new(8 * 16 * 1024 * 1024).encode().unwrap();
        assert_eq!(StatusBits::decode(&bomb, 131_072), Err(Error::StatusList));
    }

    #[test]
    fn damaged_cut_or_continued_zlib_is_refused() {
        let good = base64::decode(&StatusBits::new(64).encode().unwrap()).unwrap();
        let refused = |bytes: &[u8]| StatusBits::decode(&base64::encode(bytes), 64) == Err(Error::StatusList);
        for cut in 0..good.len() {
            assert!(refused(&good[..cut]), "{cut}");
        }
        let mut wrong_sum = good.clone();
        *wrong_sum.last_mut().unwrap() ^= 1;
        assert!(refused(&wrong_sum));
        assert!(refused(&[good, vec![0]].concat()));
        assert_eq!(StatusBits::decode("!", 64), Err(Error::StatusList));
    }
}
