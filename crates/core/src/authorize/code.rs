//! The code: `cs_ac_` and 43 characters of base64url, 256 random bits (RFC 6749 section 10.10). Its prefix is its name space:
//! nothing else of ours passes for one (attack OAU-21).

use crate::Random;
use crate::secret::{Hash, Secret};

const PREFIX: &str = "cs_ac_";

/// An authorization code.
#[derive(Debug)]
pub struct Code(Secret);

impl Code {
    /// A new one.
    pub fn new(random: &dyn Random) -> Self {
        Self(Secret::new(random))
    }

    /// Reads the text form, which is unique.
    pub fn parse(text: &str) -> Option<Self> {
        text.strip_prefix(PREFIX).and_then(|secret| Secret::parse(secret).ok()).map(Self)
    }

    /// The value of `code`.
    pub fn reveal(&self) -> String {
        format!("{PREFIX}{}", self.0.reveal())
    }

    /// What the store keeps and looks up.
    pub fn hash(&self) -> Hash {
        self.0.hash()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Counter;

    #[test]
    fn oau_21_a_code_has_one_text_and_nothing_else_is_one() {
        let code = Code::new(&Counter::new(1));
        let text = code.reveal();
        assert_eq!(text.len(), 49);
        assert_eq!(Code::parse(&text).map(|again| again.hash()), Some(code.hash()));
        for other in [
            "",
            &text[6..],
            &text[..48],
            &format!("{text}A"),
            &text.replace("ac", "rt"),
            &text.to_uppercase(),
        ] {
            assert!(Code::parse(other).is_none(), "{other}");
        }
    }
}
