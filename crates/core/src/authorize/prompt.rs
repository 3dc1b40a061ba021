//! `prompt` (`OpenID` Connect Core section 3.1.2.1; attack OAU-31).

use super::{Decision, Error, Parameters, Refusal};

/// What the client wants of the person, beyond what is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(clippy::struct_excessive_bools, reason = "a set of words of the wire, any of which may be there")]
pub struct Prompt {
    /// Nothing: no page may be shown.
    pub none: bool,
    /// A login, whoever is logged in.
    pub login: bool,
    /// Consent, whatever was consented to.
    pub consent: bool,
    /// The choice of an account.
    pub select: bool,
}

impl Prompt {
    /// The decision that needs a page, or the error where none may be shown.
    pub const fn or_refuse(self, error: Error, decision: Decision) -> Decision {
        if self.none {
            Decision::Refuse(Refusal::new(error, "prompt=none, and the person must do something."))
        } else {
            decision
        }
    }
}

/// Reads the words.
pub fn check(parameters: &Parameters) -> Result<Prompt, Refusal> {
    let mut prompt = Prompt::default();
    for word in parameters.get("prompt").unwrap_or("").split(' ').filter(|word| !word.is_empty()) {
        match word {
            "none" => prompt.none = true,
            "login" => prompt.login = true,
            "consent" => prompt.consent = true,
            "select_account" => prompt.select = true,
            _ => {
                return Err(Refusal::invalid(
                    "prompt is none, or some of login, consent and select_account.",
                ));
            }
        }
    }
    if prompt.none && (prompt.login || prompt.consent || prompt.select) {
        return Err(Refusal::invalid("prompt=none stands alone."));
    }
    Ok(prompt)
}

/// A login that the client wants is made once, in this request.
pub fn decide_login(prompt: Prompt, proved: bool) -> Option<Decision> {
    (prompt.login && !proved).then_some(Decision::LogIn)
}

/// Likewise the choice of an account, which a login is too.
pub fn decide_select(prompt: Prompt, chosen: bool) -> Option<Decision> {
    (prompt.select && !chosen).then_some(Decision::Select)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authorize::tests::parameters;

    #[test]
    fn oau_31_each_word_is_known_and_none_stands_alone() {
        let read = |prompt: &str| check(&parameters(&[]).with("prompt", Some(prompt.to_owned())));
        let none = Prompt { none: true, ..Prompt::default() };
        let all = Prompt { none: false, login: true, consent: true, select: true };
        let table = [
            ("none", Some(none)),
            ("login consent select_account", Some(all)),
            ("login  login", Some(Prompt { login: true, ..Prompt::default() })),
            ("none login", None),
            ("consent none", None),
            ("None", None),
            ("create", None),
            ("login,consent", None),
        ];
        for (text, expected) in table {
            assert_eq!(read(text).ok(), expected, "{text}");
        }
        assert_eq!(check(&parameters(&[])), Ok(Prompt::default()));
    }
}
