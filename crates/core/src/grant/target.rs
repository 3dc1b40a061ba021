//! Where an access token may count: only where the account let the client go (RFC 8707 section 2.2; attacks OAU-40, OAU-78).

use crate::url::ResourceId;

use super::Scopes;
use super::refresh::Target;
use super::scope::OPENID;

/// What is known of who asks for a token, and of the resource that is named.
#[derive(Debug, Clone, Copy)]
pub struct Facts {
    /// The client is one of ours: nobody is asked for consent.
    pub first_party: bool,
    /// The resource is one that tokens can be made for.
    pub resource_known: bool,
}

/// Whether the tokens of a grant for these resources may count there. A grant of a client of ours for the issuer may make
/// tokens for any known resource; every other one only for those that were granted. One with `openid` counts at the issuer too,
/// whatever other resources it is for: there is `UserInfo`.
pub fn is_allowed((scopes, granted): (&Scopes, &[ResourceId]), asked: Option<&Target>, facts: Facts) -> bool {
    match asked {
        None => true,
        Some(Target::Issuer) => granted.is_empty() || scopes.contains(OPENID),
        Some(Target::Resource(_)) if granted.is_empty() => facts.first_party && facts.resource_known,
        Some(Target::Resource(asked)) => granted.contains(asked),
    }
}
