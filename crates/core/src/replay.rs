//! Marks of what counts once: an assertion, a proof (invariant I9). They lie in the store, so a restart forgets none.

use crate::Time;
use crate::secret::{Hash, sha256};

/// What a mark stands for: each kind is a name space of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A client's assertion (RFC 7523 section 3, `jti`).
    Assertion,
    /// A `DPoP` proof (RFC 9449 section 11.1).
    Proof,
}

impl Kind {
    /// The word in the store and the audit log.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Assertion => "assertion",
            Self::Proof => "proof",
        }
    }
}

/// One use of something that counts once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// Of which kind.
    pub kind: Kind,
    /// SHA-256 of whose it is and what it is called: of a fixed length, whatever was sent.
    pub hash: Hash,
    /// From then on it is refused for its age, and the mark may go.
    pub until: Time,
}

impl Mark {
    /// The mark of what `owner` calls `name`.
    pub fn new(kind: Kind, owner: &[u8], name: &[u8], until: Time) -> Self {
        // Two hashes of one length: no owner's end can be taken for a name's beginning.
        let hash = sha256(&[*sha256(owner).as_bytes(), *sha256(name).as_bytes()].concat());
        Self { kind, hash, until }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_owners_never_share_a_mark() {
        let mark = |owner: &str, name: &str| {
            Mark::new(Kind::Assertion, owner.as_bytes(), name.as_bytes(), Time::from_micros(0)).hash
        };
        assert_eq!(mark("a", "bc"), mark("a", "bc"));
        assert_ne!(mark("a", "bc"), mark("ab", "c"));
        assert_ne!(mark("a", "b"), mark("b", "a"));
    }
}
