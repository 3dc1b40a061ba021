//! Consent: what an account let a client do, remembered until it is withdrawn.

pub mod widen;

use crate::authorize::{Decision, Error, Request};
use crate::client::{Client, ClientId, Kind};
use crate::grant::Scopes;
use crate::url::ResourceId;
use crate::{AccountId, Time};

/// What an account let a client do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consent {
    /// Who.
    pub account: AccountId,
    /// Whom.
    pub client: ClientId,
    /// What.
    pub scopes: Scopes,
    /// Where.
    pub resources: Vec<ResourceId>,
    /// Since when.
    pub created_at: Time,
    /// When it was widened last.
    pub changed_at: Time,
}

impl Consent {
    fn covers(&self, request: &Request) -> bool {
        self.scopes.covers(&request.to_allow())
            && request.resources.iter().all(|it| self.resources.contains(it))
    }
}

/// Whether the person must be asked. Nobody is asked for our own applications, unless they want it so. That, and what was
/// remembered, counts for a client that can prove that it is itself: for one that anybody on the device can pass for, the person
/// is asked each time (RFC 8252 section 8.6; attack OAU-58). What it says of itself proves nothing, where the answer goes does.
pub fn decide(
    request: &Request,
    client: &Client,
    known: Option<&Consent>,
    answered: bool,
) -> Option<Decision> {
    let covered = known.is_some_and(|consent| consent.covers(request));
    let provable = client.kind() == Kind::Confidential || request.back.redirect.is_of_a_site();
    let wanted = request.prompt.consent && !answered;
    let needed = wanted || !(client.first_party || covered) || !(provable || answered);
    needed.then(|| request.prompt.or_refuse(Error::ConsentRequired, Decision::Consent))
}
