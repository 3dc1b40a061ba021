//! Refresh tokens are computed, not stored: `cs_rt_` and base64url of
//!
//! | bytes | what |
//! |---|---|
//! | 1 | version, 1 |
//! | 4 | key, big-endian |
//! | 16 | grant |
//! | 8 | generation, big-endian |
//! | 16 | salt of the grant's row |
//! | 32 | HMAC-SHA-256 over a label and all of the above |
//!
//! Every field has a fixed length, so two different tokens never have the same bytes under the code. The code is
//! checked first: garbage costs no query.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::GrantId;
use crate::secret::MacKey;

use super::{Generation, Salt};

const PREFIX: &str = "cs_rt_";
const LABEL: &[u8] = b"countersign refresh token\0";
const VERSION: u8 = 1;
const BODY_LEN: usize = 1 + 4 + 16 + 8 + 16;
const LEN: usize = BODY_LEN + 32;
const TEXT_LEN: usize = (LEN * 4).div_ceil(3);

/// What a refresh token says. To hold one is to know that its code was genuine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefreshToken {
    /// The key that made its code.
    pub key: u32,
    /// The grant it names.
    pub grant: GrantId,
    /// Which token of the grant it is.
    pub generation: Generation,
    /// Must fit the grant's row.
    pub salt: Salt,
}

/// Not a refresh token of ours, or not a genuine one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a refresh token of ours")]
pub struct InvalidToken;

impl RefreshToken {
    /// The token's text under its key.
    pub fn encode(&self, key: &MacKey) -> String {
        let body = self.body();
        let code = key.sign(&[LABEL, &body].concat());
        let mut text = String::with_capacity(PREFIX.len() + TEXT_LEN);
        text.push_str(PREFIX);
        URL_SAFE_NO_PAD.encode_string([&body[..], &code].concat(), &mut text);
        text
    }

    /// Reads a token; `key_of` finds a key by its number.
    pub fn verify<'k>(
        text: &str,
        key_of: impl FnOnce(u32) -> Option<&'k MacKey>,
    ) -> Result<Self, InvalidToken> {
        let encoded = text.strip_prefix(PREFIX).filter(|rest| rest.len() == TEXT_LEN).ok_or(InvalidToken)?;
        let mut bytes = [0; LEN];
        if URL_SAFE_NO_PAD.decode_slice(encoded, &mut bytes) != Ok(LEN) {
            return Err(InvalidToken);
        }
        let (body, code) = bytes.split_at(BODY_LEN);
        let token = Self::read(body)?;
        let key = key_of(token.key).ok_or(InvalidToken)?;
        key.verify(&[LABEL, body].concat(), code).then_some(token).ok_or(InvalidToken)
    }

    fn body(&self) -> [u8; BODY_LEN] {
        let mut body = [0; BODY_LEN];
        body[0] = VERSION;
        body[1..5].copy_from_slice(&self.key.to_be_bytes());
        body[5..21].copy_from_slice(self.grant.bytes());
        body[21..29].copy_from_slice(&self.generation.0.to_be_bytes());
        body[29..].copy_from_slice(&self.salt.0);
        body
    }

    fn read(body: &[u8]) -> Result<Self, InvalidToken> {
        let (version, rest) = body.split_first().ok_or(InvalidToken)?;
        let (key, rest) = rest.split_first_chunk::<4>().ok_or(InvalidToken)?;
        let (grant, rest) = rest.split_first_chunk::<16>().ok_or(InvalidToken)?;
        let (generation, rest) = rest.split_first_chunk::<8>().ok_or(InvalidToken)?;
        let salt: [u8; 16] = rest.try_into().map_err(|_| InvalidToken)?;
        if *version != VERSION {
            return Err(InvalidToken);
        }
        Ok(Self {
            key: u32::from_be_bytes(*key),
            grant: GrantId::from_bytes(*grant),
            generation: Generation(i64::from_be_bytes(*generation)),
            salt: Salt(salt),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn token() -> RefreshToken {
        RefreshToken {
            key: 7,
            grant: GrantId::from_bytes([9; 16]),
            generation: Generation(3),
            salt: Salt([4; 16]),
        }
    }

    #[test]
    fn a_token_opens_only_under_its_key() {
        let (key, other) = (MacKey::new(&[1; 32]), MacKey::new(&[2; 32]));
        let text = token().encode(&key);
        assert_eq!(RefreshToken::verify(&text, |number| (number == 7).then_some(&key)), Ok(token()));
        assert_eq!(RefreshToken::verify(&text, |_| Some(&other)), Err(InvalidToken));
        assert_eq!(RefreshToken::verify(&text, |_| None), Err(InvalidToken));
    }

    #[test]
    fn garbage_is_refused_before_any_key_is_asked_for() {
        let key = MacKey::new(&[1; 32]);
        let text = token().encode(&key);
        for bad in
            ["", "cs_rt_", &text[6..], &text[..text.len() - 1], &format!("{text}A"), &text.to_uppercase()]
        {
            let asked = RefreshToken::verify(bad, |_| panic!("asked for a key"));
            assert_eq!(asked, Err(InvalidToken), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn no_changed_character_survives(place in 6usize..109, letter in "[A-Za-z0-9_-]") {
            let key = MacKey::new(&[1; 32]);
            let text = token().encode(&key);
            prop_assume!(text[place..=place] != letter);
            let changed = format!("{}{letter}{}", &text[..place], &text[place + 1..]);
            prop_assert_eq!(RefreshToken::verify(&changed, |_| Some(&key)), Err(InvalidToken));
        }
    }
}
