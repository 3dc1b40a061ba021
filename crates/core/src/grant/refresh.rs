//! `grant_type=refresh_token` (RFC 6749 section 6; RFC 9700 section 4.14; invariant I10).
//!
//! A refresh token names its grant and a generation, and nothing of it is stored. The present generation rotates for a
//! public client; the one before it, within the grace, gets the present one again, so that a lost answer or two tabs log
//! nobody out; anything else of this grant is a stolen token, and the grant ends (attacks OAU-42, OAU-43).

use crate::client::{self, ClientId};
use crate::token::Confirmation;
use crate::url::ResourceId;
use crate::{Span, Time};

use super::refresh_token::RefreshToken;
use super::scope::OFFLINE_ACCESS;
use super::{Generation, Grant, Scopes, binding, check, target};

/// What the store knows.
#[derive(Debug, Clone)]
pub struct Facts<'a> {
    /// The grant that the token names, with what it hangs from, as a request of its access token would find it.
    pub grant: Option<check::Facts<'a>>,
    /// The client's kind; none where the client is disabled or gone.
    pub client: Option<client::Kind>,
    /// Of the grant's scopes, those that the client may have today.
    pub scopes: Scopes,
    /// It is one of ours: nobody is asked for consent.
    pub first_party: bool,
    /// Its tokens must be bound to a key.
    pub demands_key: bool,
    /// The resource that was asked for is one that tokens can be made for.
    pub resource_known: bool,
}

/// The numbers of the rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// A replaced token gets its successor for so long.
    pub grace: Span,
    /// A grant that outlives its login and is not used for so long is over.
    pub offline_idle: Span,
}

/// When a grant that outlives its login was last used is written down no more often.
const USED_GRAIN: Span = Span::hours(1);

/// What the client asks for. Whether the token's code is genuine was checked before anything was loaded.
#[derive(Debug)]
pub struct Request {
    /// The token.
    pub token: RefreshToken,
    /// Who sent it.
    pub client: ClientId,
    /// Fewer scopes than granted, if any are named.
    pub scopes: Option<Scopes>,
    /// Where the access token shall count, if not where the grant says.
    pub target: Option<Target>,
    /// The key whose proof came along.
    pub key: Option<Confirmation>,
}

/// Where an access token shall count (RFC 8707).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// At the issuer itself.
    Issuer,
    /// At another resource.
    Resource(ResourceId),
}

impl Target {
    /// The resource, if it is not the issuer.
    pub const fn resource(&self) -> Option<&ResourceId> {
        match self {
            Self::Issuer => None,
            Self::Resource(resource) => Some(resource),
        }
    }
}

/// What a refresh does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// The next generation begins; guarded by the present one.
    Rotate {
        /// Present before.
        from: Generation,
        /// The key that the new access token is bound to.
        key: Option<Confirmation>,
    },
    /// The present generation is handed out again.
    Repeat {
        /// Present before and after.
        present: Generation,
        /// The key that the new access token is bound to.
        key: Option<Confirmation>,
        /// When it was used is worth writing down; else nothing is written.
        used: bool,
    },
    /// A token that was replaced came back: the grant ends.
    Reuse,
    /// Nothing happens.
    Refuse(Refusal),
}

/// Why a refresh is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// No grant has this token, or it is another client's: `invalid_grant`, and the token stays unburned (OAU-41).
    Unknown,
    /// The client is disabled: `invalid_client`.
    Client,
    /// The grant, its session or its account is over: `invalid_grant`.
    Ended,
    /// More than was granted: `invalid_scope`.
    Scope,
    /// Not a resource of this grant: `invalid_target` (RFC 8707 section 2).
    Target,
    /// A proof of a key has to come along: `invalid_dpop_proof`.
    KeyMissing,
    /// The grant is bound to another key: `invalid_grant` (attack OAU-46).
    Key,
}

/// Decides a refresh.
pub fn decide(facts: &Facts<'_>, request: &Request, limits: Limits, now: Time) -> Decision {
    let Some(live) = facts.grant.filter(|live| live.grant.salt == request.token.salt) else {
        return Decision::Refuse(Refusal::Unknown);
    };
    let grant = live.grant;
    if grant.client != request.client {
        return Decision::Refuse(Refusal::Unknown);
    }
    let Some(kind) = facts.client else { return Decision::Refuse(Refusal::Client) };
    let outlives = grant.session.is_some() || facts.scopes.contains(OFFLINE_ACCESS);
    if !outlives || is_idle(grant, limits.offline_idle, now) || check::decide(&live, now).is_err() {
        return Decision::Refuse(Refusal::Ended);
    }
    if request.scopes.as_ref().is_some_and(|asked| !facts.scopes.covers(asked)) {
        return Decision::Refuse(Refusal::Scope);
    }
    let place = target::Facts { first_party: facts.first_party, resource_known: facts.resource_known };
    if !target::is_allowed((&grant.scopes, &grant.resources), request.target.as_ref(), place) {
        return Decision::Refuse(Refusal::Target);
    }
    let bound = binding::at_refresh(grant.confirmation, facts.demands_key, kind);
    match binding::decide(bound, request.key) {
        Ok(key) => generation(grant, (request.token.generation, key), kind, (limits.grace, now)),
        Err(binding::Refusal::Missing) => Decision::Refuse(Refusal::KeyMissing),
        Err(binding::Refusal::OtherKey) => Decision::Refuse(Refusal::Key),
    }
}

/// Whether nobody used the grant for so long that it is over: one that outlives its login, and `idle` of them.
pub fn is_idle(grant: &Grant, idle: Span, now: Time) -> bool {
    grant.session.is_none() && now >= grant.used_at + idle
}

fn generation(
    grant: &Grant,
    (given, key): (Generation, Option<Confirmation>),
    kind: client::Kind,
    (grace, now): (Span, Time),
) -> Decision {
    let present = grant.generation;
    let within_grace = grant.rotated_at.is_some_and(|at| now < at + grace);
    let used = grant.session.is_none() && now >= grant.used_at + USED_GRAIN;
    match kind {
        client::Kind::Public if given == present => Decision::Rotate { from: present, key },
        client::Kind::Confidential if given == present => Decision::Repeat { present, key, used },
        _ if given.next() == present && within_grace => Decision::Repeat { present, key, used: false },
        _ => Decision::Reuse,
    }
}

#[cfg(test)]
mod tests;
