//! `dpop_jkt`: the key that the code will be redeemed with (RFC 9449 section 10).

use crate::token::Confirmation;

use super::{Parameters, Refusal};

/// The key that the code is bound to, if it is.
pub fn check(parameters: &Parameters) -> Result<Option<Confirmation>, Refusal> {
    let Some(text) = parameters.get("dpop_jkt") else { return Ok(None) };
    let key = Confirmation::parse_jkt(text);
    key.map(Some).ok_or(Refusal::invalid("dpop_jkt is the SHA-256 thumbprint of a key in base64url."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authorize::tests::parameters;

    #[test]
    fn a_code_is_bound_to_the_thumbprint_of_a_key() {
        let read = |text: Option<&str>| check(&parameters(&[]).with("dpop_jkt", text.map(str::to_owned)));
        let key = Confirmation::Jkt([7; 32]);
        assert_eq!(read(Some(&key.jkt())), Ok(Some(key)));
        assert_eq!(read(None), Ok(None));
        assert!(read(Some("x")).is_err());
    }
}
