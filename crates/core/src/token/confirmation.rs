//! `cnf`: the key that a token is bound to (RFC 7800). One model for every kind of proof.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The key that a code, a grant or a token is bound to: whoever uses it proves to have the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Confirmation {
    /// A key of DPoP proofs, by its RFC 7638 thumbprint (RFC 9449 section 6.1).
    Jkt([u8; 32]),
}

impl Confirmation {
    /// The key with this thumbprint, as `dpop_jkt` and `cnf.jkt` carry it: 43 characters of base64url.
    pub fn parse_jkt(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        bytes.try_into().ok().map(Self::Jkt)
    }

    /// The thumbprint, as `cnf.jkt` carries it.
    pub fn jkt(self) -> String {
        let Self::Jkt(bytes) = self;
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads what [`Display`](fmt::Display) writes: the form in the store.
    pub fn parse(text: &str) -> Option<Self> {
        text.strip_prefix("jkt:").and_then(Self::parse_jkt)
    }
}

impl fmt::Display for Confirmation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "jkt:{}", self.jkt())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thumbprint_has_one_text() {
        let key = Confirmation::Jkt([7; 32]);
        assert_eq!(key.jkt().len(), 43);
        assert_eq!(Confirmation::parse_jkt(&key.jkt()), Some(key));
        assert_eq!(Confirmation::parse(&key.to_string()), Some(key));
        let text = key.jkt();
        for bad in ["", &text[..42], &format!("{text}A"), &format!("{text}="), &text.replace('c', "+")] {
            assert_eq!(Confirmation::parse_jkt(bad), None, "{bad}");
        }
    }
}
