//! Secrets: never printed, never compared with `==`, zeroed when dropped. What the store keeps of one is its hash.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq as _;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::{Random, random};

/// 256 random bits that open a door: a session, a login in progress, a mailed link.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct Secret([u8; 32]);

/// Length of a secret's text: 32 bytes in base64url without padding.
pub const SECRET_TEXT_LEN: usize = 43;

impl Secret {
    /// A new secret.
    pub fn new(random: &dyn Random) -> Self {
        Self(random::bytes(random))
    }

    /// Reads the text form, which is unique: 43 characters of base64url, no padding, no stray last bits
    /// (attack SES-21).
    pub fn parse(text: &str) -> Result<Self, InvalidSecret> {
        if text.len() != SECRET_TEXT_LEN {
            return Err(InvalidSecret);
        }
        let mut bytes = [0; 32];
        match URL_SAFE_NO_PAD.decode_slice(text, &mut bytes) {
            Ok(32) => Ok(Self(bytes)),
            _ => Err(InvalidSecret),
        }
    }

    /// The text for the one who may hold it: a cookie or a link.
    pub fn reveal(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    /// What the store keeps and looks up. A secret of 256 random bits needs no salt and no slow hash.
    pub fn hash(&self) -> Hash {
        sha256(&self.0)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// The text cannot be a secret of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a secret of ours")]
pub struct InvalidSecret;

/// A SHA-256 digest: safe to store, to compare and to use as a key of a map.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Hash([u8; 32]);

impl Hash {
    /// From the bytes that the store keeps.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The digest.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// SHA-256 of `data`.
pub fn sha256(data: &[u8]) -> Hash {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, data);
    let mut bytes = [0; 32];
    bytes.copy_from_slice(digest.as_ref());
    Hash(bytes)
}

/// A key for message authentication codes (HMAC-SHA-256, RFC 2104).
pub struct MacKey(aws_lc_rs::hmac::Key);

impl MacKey {
    /// From 32 secret bytes.
    pub fn new(bytes: &[u8; 32]) -> Self {
        Self(aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, bytes))
    }

    /// The code over `data`.
    pub fn sign(&self, data: &[u8]) -> [u8; 32] {
        let mut code = [0; 32];
        code.copy_from_slice(aws_lc_rs::hmac::sign(&self.0, data).as_ref());
        code
    }

    /// Whether `code` is the code over `data`, in constant time.
    pub fn verify(&self, data: &[u8], code: &[u8]) -> bool {
        self.sign(data).ct_eq(code).into()
    }
}

impl fmt::Debug for MacKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MacKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Counter;

    #[test]
    fn a_secret_has_exactly_one_text() {
        let secret = Secret::new(&Counter::new(1));
        let text = secret.reveal();
        assert_eq!(Secret::parse(&text).map(|again| again.hash()), Ok(secret.hash()));
        let mut stray = text[..42].to_owned();
        // The last character carries four bits that count and two that must be zero.
        let last = text.as_bytes()[42];
        stray.push(char::from(if last == b'A' { b'B' } else { last + 1 }));
        for bad in
            ["", "null", &text[..42], &format!("{text}="), &format!("{text}A"), &format!(" {text}"), &stray]
        {
            assert_eq!(Secret::parse(bad).err(), Some(InvalidSecret), "{bad}");
        }
    }

    #[test]
    fn debug_output_holds_no_secret() {
        let secret = Secret::new(&Counter::new(1));
        assert_eq!(format!("{secret:?}"), "Secret(…)");
        assert_eq!(format!("{:?}", MacKey::new(&[7; 32])), "MacKey(…)");
    }

    #[test]
    fn a_code_fits_only_its_data() {
        let key = MacKey::new(&[7; 32]);
        let code = key.sign(b"data");
        assert!(key.verify(b"data", &code));
        assert!(!key.verify(b"date", &code));
        assert!(!key.verify(b"data", &code[..31]));
    }
}
