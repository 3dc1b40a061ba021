//! Saying yes once more: what was allowed before stays allowed.

use crate::client::ClientId;
use crate::grant::Scopes;
use crate::url::ResourceId;
use crate::{AccountId, Time};

use super::Consent;

/// What the account lets the client do from now on: what it let it so far, and these scopes at these resources.
pub fn decide(
    known: Option<Consent>,
    (scopes, resources): (&Scopes, &[ResourceId]),
    who: (AccountId, &ClientId),
    now: Time,
) -> Consent {
    let mut consent = known.unwrap_or_else(|| Consent {
        account: who.0,
        client: who.1.clone(),
        scopes: Scopes::default(),
        resources: Vec::new(),
        created_at: now,
        changed_at: now,
    });
    consent.scopes = consent.scopes.union(scopes);
    let new = resources.iter().filter(|it| !consent.resources.contains(it)).cloned().collect::<Vec<_>>();
    consent.resources.extend(new);
    consent.changed_at = now;
    consent
}
