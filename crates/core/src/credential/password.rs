//! A password on its way in: at registration, login, change and reset alike.

use unicode_normalization::UnicodeNormalization as _;
use zeroize::Zeroizing;

/// What somebody typed as a password, in NFKC (NIST SP 800-63B-4 section 3.1.1.2), so that a composed `é`, a decomposed
/// one and full-width digits are the same password on every keyboard (LOG-09).
///
/// Nothing is trimmed, folded or cut off, and every character counts. Never printed, never compared, zeroed when
/// dropped.
pub struct Password(Zeroizing<String>);

/// The most that a password may measure, in bytes, before and after normalisation. A limit on work, far above any
/// passphrase.
pub const MAX_PASSWORD_BYTES: usize = 1024;

impl Password {
    /// Takes a password as it came.
    pub fn parse(text: &str) -> Result<Self, PasswordError> {
        if text.is_empty() {
            return Err(PasswordError::Empty);
        }
        if text.len() > MAX_PASSWORD_BYTES {
            return Err(PasswordError::TooLong);
        }
        // Room for all of it from the start: a string that grows leaves copies of itself behind.
        let mut normalised = Zeroizing::new(String::with_capacity(MAX_PASSWORD_BYTES));
        for c in text.nfkc() {
            if normalised.len() + c.len_utf8() > MAX_PASSWORD_BYTES {
                return Err(PasswordError::TooLong);
            }
            normalised.push(c);
        }
        Ok(Self(normalised))
    }

    /// What is hashed.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Why a text cannot be a password at all; what is too weak to be chosen is the policy's to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Nothing was typed.
    #[error("a password is needed")]
    Empty,
    /// Over 1,024 bytes, as typed or after NFKC.
    #[error("the password is longer than 1,024 bytes")]
    TooLong,
}

impl PasswordError {
    /// The stable code for the wire.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Empty => "password_empty",
            Self::TooLong => "password_too_long",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bytes(text: &str) -> Result<Vec<u8>, PasswordError> {
        Password::parse(text).map(|password| password.as_bytes().to_vec())
    }

    #[test]
    fn log_09_forms_of_one_text_are_one_password() {
        let table = [
            ("caf\u{e9} au lait", "cafe\u{301} au lait"),
            ("１２３４５６７８", "12345678"),
            ("ﬁsh & chips", "fish & chips"),
            ("가나다라", "\u{1100}\u{1161}\u{1102}\u{1161}\u{1103}\u{1161}\u{1105}\u{1161}"),
            ("a\u{a0}b\u{3000}c", "a b c"),
        ];
        for (one, other) in table {
            assert_eq!(bytes(one), bytes(other), "{one}");
            assert!(bytes(one).is_ok());
        }
    }

    #[test]
    fn log_09_different_texts_stay_different_passwords() {
        let table = [
            (" pass", "pass"),
            ("pass ", "pass"),
            ("a  b", "a b"),
            ("Pass", "pass"),
            ("p\0q", "p"),
            ("🐎", "🐴"),
        ];
        for (one, other) in table {
            assert!(bytes(one).is_ok());
            assert_ne!(bytes(one), bytes(other), "{one:?}");
        }
        assert_eq!(bytes("  🐎🔋 p\0\r\n"), Ok("  🐎🔋 p\0\r\n".as_bytes().to_vec()));
    }

    #[test]
    fn log_09_nothing_is_cut_off() {
        let longest = "x".repeat(MAX_PASSWORD_BYTES);
        assert_eq!(bytes(&longest), Ok(longest.clone().into_bytes()));
        assert_eq!(bytes(&format!("{longest}y")), Err(PasswordError::TooLong));
        // 3 bytes as typed, 33 after NFKC.
        assert_eq!(bytes(&"\u{fdfa}".repeat(31)).map(|b| b.len()), Ok(31 * 33));
        assert_eq!(bytes(&"\u{fdfa}".repeat(32)), Err(PasswordError::TooLong));
        assert_eq!(bytes(""), Err(PasswordError::Empty));
    }

    proptest! {
        #[test]
        fn log_09_a_normalised_password_is_itself(text: String) {
            if let Ok(password) = Password::parse(&text) {
                prop_assert_eq!(bytes(password.as_str()), Ok(password.as_bytes().to_vec()));
            }
        }
    }
}
