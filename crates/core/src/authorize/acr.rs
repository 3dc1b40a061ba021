//! The class of the login, where one is demanded (`OpenID` Connect Core section 5.5.1.1). `acr_values` only asks for one, and the
//! ID token says which it was.

use crate::session::Session;

use super::{Decision, Error, Refusal};

/// Whether the login is of a class that will do.
pub fn decide(demanded: Option<&[String]>, session: &Session) -> Option<Decision> {
    let unmet = demanded.is_some_and(|words| !words.iter().any(|word| word == session.acr.as_str()));
    let refusal = Refusal::new(Error::UnmetAuthenticationRequirements, "The login is of another class.");
    unmet.then_some(Decision::Refuse(refusal))
}
