//! What a caller demands of a token.

use crate::Alg;

/// The longest token that most kinds need, in bytes.
pub const MAX_LEN: usize = 16 * 1024;

/// The most leeway that a policy can give, in seconds.
pub const MAX_LEEWAY: i64 = 60;

/// What a token must be to be accepted. Every field is the caller's decision; none has a default.
#[derive(Clone, Copy, Debug)]
pub struct Policy<'a> {
    /// The kind of token, as in `at+jwt`: kinds never stand in for each other (RFC 8725 section 3.11).
    pub typ: &'static str,
    /// The algorithms to accept; an empty list accepts nothing (RFC 8725 section 3.1).
    pub algs: &'a [Alg],
    /// The only issuer to accept, compared byte by byte.
    pub issuer: &'a str,
    /// For whom the token must be.
    pub audience: Audience<'a>,
    /// The time, in seconds since 1970.
    pub now: i64,
    /// How far the issuer's clock may be off, in seconds; taken as 0 to 60 whatever is given.
    pub leeway: i64,
    /// The longest token, in bytes; usually [`MAX_LEN`].
    pub max_len: usize,
}

impl Policy<'_> {
    pub(crate) fn leeway(&self) -> i64 {
        self.leeway.clamp(0, MAX_LEEWAY)
    }
}

/// Which `aud` claim is accepted. Comparison is byte by byte.
#[derive(Clone, Copy, Debug)]
pub enum Audience<'a> {
    /// The claim is this one string. An array is refused even if it holds nothing else: a client assertion that names
    /// a second audience can be played there (attack JWT-17, audience injection).
    Exactly(&'a str),
    /// The claim is one of these strings, or an array of strings with at least one of them.
    AnyOf(&'a [&'a str]),
    /// The claim is one of these strings, or an array with nothing else: one that names somebody else as well can be played
    /// there (attack JWT-17, audience injection).
    OnlyOf(&'a [&'a str]),
    /// This kind of token has no audience: the claim must be absent.
    None,
    /// Anybody: the caller looks at the claim itself, as an issuer does with tokens of its own.
    Any,
}
