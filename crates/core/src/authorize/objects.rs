//! Request objects (RFC 9101) are not read yet: `OpenID` Connect Core section 3.1.2.6 has a word for that. A `request_uri` that
//! names a pushed request never gets here: it was exchanged for what was pushed.

use super::{Error, Parameters, Refusal};

/// Refuses a request by value and by reference.
pub fn check(parameters: &Parameters) -> Result<(), Refusal> {
    if parameters.get("request").is_some() {
        return Err(Refusal::new(
            Error::RequestNotSupported,
            "Send the parameters themselves, or push them.",
        ));
    }
    if parameters.get("request_uri").is_some() {
        let description =
            "Send the parameters themselves, or push them and send the request_uri of the answer.";
        return Err(Refusal::new(Error::RequestUriNotSupported, description));
    }
    if parameters.get("registration").is_some() {
        return Err(Refusal::new(Error::RegistrationNotSupported, "Register the client before."));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authorize::tests::parameters;

    #[test]
    fn request_objects_are_refused_by_their_own_words() {
        let error =
            |name: &str| check(&parameters(&[]).with(name, Some("x".into()))).err().map(|it| it.error);
        assert_eq!(error("request"), Some(Error::RequestNotSupported));
        assert_eq!(error("request_uri"), Some(Error::RequestUriNotSupported));
        assert_eq!(error("registration"), Some(Error::RegistrationNotSupported));
        assert_eq!(check(&parameters(&[])), Ok(()));
    }
}
