//! `dpop_jkt`: the key that the code will be redeemed with (RFC 9449 section 10).

use crate::token::Confirmation;

use super::{Parameters, Refusal};

/// The key that the code is bound to, if it is.
pub fn check(parameters: &Parameters) -> Result<Option<Confirmation>, Refusal> {
    let Some(text) = parameters.get("dpop_jkt") else { return Ok(None) };
    let key = Confirmation::parse_jkt(text);
    key.map(Some).ok_or(Refusal::invalid("dpop_jkt is the SHA-256 thumbprint of a key in base64url."))
}

/// The request with the key of the proof that came along with it: a client that pushes a request proves the key instead of naming it,
/// and one that does both says the same (RFC 9449 section 10.1).
pub fn bind(parameters: Parameters, proved: Confirmation) -> Result<Parameters, Refusal> {
    match check(&parameters)? {
        Some(named) if named != proved => {
            Err(Refusal::invalid("dpop_jkt is not the key of the DPoP proof: send one of them."))
        }
        _ => Ok(parameters.with("dpop_jkt", Some(proved.jkt()))),
    }
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

    #[test]
    fn dpo_09_a_proof_binds_a_pushed_request_and_contradicts_no_parameter() {
        let (key, other) = (Confirmation::Jkt([7; 32]), Confirmation::Jkt([8; 32]));
        let bound = |named: Option<String>| bind(parameters(&[]).with("dpop_jkt", named), key);
        for named in [None, Some(key.jkt())] {
            assert_eq!(bound(named).and_then(|parameters| check(&parameters)), Ok(Some(key)));
        }
        assert!(bound(Some(other.jkt())).is_err());
        assert!(bound(Some("x".to_owned())).is_err());
    }
}
