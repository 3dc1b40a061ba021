//! Saying yes once more: what was allowed before stays allowed.

use crate::Time;
use crate::authorize::Request;
use crate::client::ClientId;
use crate::{AccountId, grant::Scopes};

use super::Consent;

/// What the account lets the client do from now on.
pub fn decide(known: Option<Consent>, request: &Request, who: (AccountId, &ClientId), now: Time) -> Consent {
    let mut consent = known.unwrap_or_else(|| Consent {
        account: who.0,
        client: who.1.clone(),
        scopes: Scopes::default(),
        resources: Vec::new(),
        created_at: now,
        changed_at: now,
    });
    consent.scopes = consent.scopes.union(&request.to_allow());
    let new =
        request.resources.iter().filter(|it| !consent.resources.contains(it)).cloned().collect::<Vec<_>>();
    consent.resources.extend(new);
    consent.changed_at = now;
    consent
}
