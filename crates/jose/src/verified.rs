//! What is verified and what is not, as types.

use crate::Error;
use crate::jws::{Compact, HEADER_BUFFER};
use crate::policy::MAX_LEN;

/// Claims whose signature, kind, issuer, audience and times have been verified.
///
/// Only [`verify`](crate::verify) makes one, so a function that takes it cannot be given anything less.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified<C> {
    claims: C,
}

impl<C> Verified<C> {
    pub(crate) fn new(claims: C) -> Self {
        Self { claims }
    }

    /// The claims.
    pub fn claims(&self) -> &C {
        &self.claims
    }

    /// The claims, without the proof that they were verified.
    pub fn into_claims(self) -> C {
        self.claims
    }
}

/// A look at a token before it is verified, to choose the keys for it. It shows nothing that could be taken for an
/// identity.
#[derive(Clone, Debug)]
pub struct Unverified {
    kid: String,
}

impl Unverified {
    /// Reads the header of a token of at most 16 KiB.
    pub fn peek(token: &str) -> Result<Self, Error> {
        let mut buffer = HEADER_BUFFER;
        let header = Compact::split(token, MAX_LEN)?.header(&mut buffer)?;
        Ok(Self { kid: header.kid().to_owned() })
    }

    /// The `kid` that the sender wrote: untrusted bytes, to be looked up and never interpreted.
    pub fn unverified_kid(&self) -> &str {
        &self.kid
    }
}
