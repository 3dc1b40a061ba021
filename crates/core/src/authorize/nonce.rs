//! `nonce`: in the ID token exactly as it came (`OpenID` Connect Core section 3.1.2.1; attack OAU-25). Optional with a code.

use super::{Parameters, Refusal};

/// In bytes.
const MAX_BYTES: usize = 2048;

/// The nonce, if there is one.
pub fn check(parameters: &Parameters) -> Result<Option<String>, Refusal> {
    match parameters.get("nonce") {
        Some(nonce) if nonce.len() > MAX_BYTES => Err(Refusal::invalid("nonce has at most 2048 bytes.")),
        // It is stored, and no database of ours stores U+0000.
        Some(nonce) if nonce.contains(char::is_control) => {
            Err(Refusal::invalid("nonce has no control characters."))
        }
        nonce => Ok(nonce.map(str::to_owned)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authorize::tests::parameters;

    #[test]
    fn oau_25_a_nonce_is_kept_exactly_up_to_its_cap() {
        let read = |nonce: &str| check(&parameters(&[]).with("nonce", Some(nonce.to_owned())));
        for nonce in ["n", &"n".repeat(64), &"n".repeat(2000), "a b&\"<한글>", &"n".repeat(2048)] {
            assert_eq!(read(nonce), Ok(Some(nonce.to_owned())));
        }
        for bad in [&"n".repeat(2049), "a\0b", "a\nb"] {
            assert!(read(bad).is_err());
        }
        assert_eq!(check(&parameters(&[]).with("nonce", None)), Ok(None));
    }
}
