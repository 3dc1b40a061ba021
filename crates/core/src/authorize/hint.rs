//! Whom the client expects: `id_token_hint`, or a subject asked for by name (`OpenID` Connect Core sections 3.1.2.1, 5.5.1). Whether
//! a hint is an ID token of ours for this client, and whose, is a fact: the shell verified it. An expired one is still a hint.

use super::{Decision, Error, Prompt, Refusal};

/// What the request says of who should be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hint {
    /// Nothing, or this very account.
    Fits,
    /// Another account.
    Another,
    /// It is no ID token of ours for this client.
    Unreadable,
}

/// Somebody else may log in; if it is somebody else after that too, the client is told.
pub fn decide(hint: Hint, prompt: Prompt, proved: bool) -> Option<Decision> {
    let refuse = |error, description| Some(Decision::Refuse(Refusal::new(error, description)));
    match hint {
        Hint::Fits => None,
        Hint::Unreadable => {
            refuse(Error::InvalidRequest, "id_token_hint is no ID token of this server for this client.")
        }
        Hint::Another if proved => refuse(Error::LoginRequired, "Somebody else is logged in."),
        Hint::Another => Some(prompt.or_refuse(Error::LoginRequired, Decision::LogIn)),
    }
}
