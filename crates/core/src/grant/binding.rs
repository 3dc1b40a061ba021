//! Which key tokens are bound to, and who has to prove it (RFC 9449 section 5; attacks OAU-46, DPO-09).
//!
//! A public client has nothing but the key: what it was given first stays bound to that key. A confidential client proves
//! itself, so it may come with a new key at a refresh, but not without any where there was one.

use crate::client::Kind;
use crate::token::Confirmation;

/// What is known of the binding.
#[derive(Debug, Clone, Copy)]
pub struct Facts {
    /// The key that the grant or code is bound to.
    pub bound: Option<Confirmation>,
    /// Whether the client's tokens must be bound: its profile, or its own wish.
    pub demanded: bool,
    /// Whether another key may take the place of the one before.
    pub replaceable: bool,
}

/// Why a proof is not enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// None came: `invalid_dpop_proof`.
    Missing,
    /// It is of another key: `invalid_grant`.
    OtherKey,
}

/// The facts of a refresh: whether another key will do is up to the client's kind.
pub const fn at_refresh(bound: Option<Confirmation>, demanded: bool, kind: Kind) -> Facts {
    Facts { bound, demanded, replaceable: matches!(kind, Kind::Confidential) }
}

/// The key that the new tokens are bound to; `proved` is the one whose proof came along.
pub fn decide(facts: Facts, proved: Option<Confirmation>) -> Result<Option<Confirmation>, Refusal> {
    match (facts.bound, proved) {
        (None, None) if !facts.demanded => Ok(None),
        (_, None) => Err(Refusal::Missing),
        (Some(bound), Some(proved)) if bound != proved && !facts.replaceable => Err(Refusal::OtherKey),
        (_, Some(proved)) => Ok(Some(proved)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn oau_46_dpo_09_a_bound_token_needs_its_key_and_a_confidential_client_a_key() {
        let (one, other) = (Confirmation::Jkt([1; 32]), Confirmation::Jkt([2; 32]));
        let code = |bound, demanded| Facts { bound, demanded, replaceable: false };
        let public = |bound| at_refresh(bound, false, Kind::Public);
        let confidential = |bound, demanded| at_refresh(bound, demanded, Kind::Confidential);
        let table = [
            ("nothing asked, nothing shown", code(None, false), None, Ok(None)),
            ("nothing asked, a key shown", code(None, false), Some(one), Ok(Some(one))),
            ("demanded, none shown", code(None, true), None, Err(Refusal::Missing)),
            ("demanded, one shown", code(None, true), Some(one), Ok(Some(one))),
            ("the key", code(Some(one), false), Some(one), Ok(Some(one))),
            ("another key", code(Some(one), false), Some(other), Err(Refusal::OtherKey)),
            ("bound, none shown", code(Some(one), false), None, Err(Refusal::Missing)),
            ("public, another key", public(Some(one)), Some(other), Err(Refusal::OtherKey)),
            ("public, none shown", public(Some(one)), None, Err(Refusal::Missing)),
            ("confidential, another key", confidential(Some(one), true), Some(other), Ok(Some(other))),
            ("confidential, none shown", confidential(Some(one), false), None, Err(Refusal::Missing)),
            ("confidential, demanded, none shown", confidential(None, true), None, Err(Refusal::Missing)),
        ];
        for (name, facts, proved, expected) in table {
            assert_eq!(decide(facts, proved), expected, "{name}");
        }
    }
}
