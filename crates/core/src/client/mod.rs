//! Clients: applications that tokens are made for. So far the one built in; registered ones come with the provider.

use std::fmt;

/// The name of a client (RFC 6749 section 2.2): up to 255 visible ASCII characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ClientId(String);

impl ClientId {
    /// The built-in first-party client: public, and the only one that a password login can use.
    pub fn built_in() -> Self {
        Self("countersign".to_owned())
    }

    /// Reads a `client_id`: 1 to 255 characters of VSCHAR (RFC 6749 appendix A.1) but for spaces.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = (1..=255).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
        fits.then(|| Self(text.to_owned()))
    }

    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether a client can keep a secret (RFC 6749 section 2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It cannot: its refresh tokens rotate.
    Public,
    /// It authenticates: its refresh tokens stay.
    Confidential,
}

impl Kind {
    /// The word in the store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Confidential => "confidential",
        }
    }

    /// Reads [`as_str`](Self::as_str).
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Public, Self::Confidential].into_iter().find(|kind| kind.as_str() == word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_id_is_visible_ascii() {
        assert_eq!(ClientId::parse("countersign"), Some(ClientId::built_in()));
        for bad in ["", "a b", "a\n", "é", &"a".repeat(256)] {
            assert_eq!(ClientId::parse(bad), None, "{bad}");
        }
    }
}
