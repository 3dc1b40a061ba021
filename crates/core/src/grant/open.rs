//! Opening a grant: a login that asked for tokens.

use crate::client::{Client, ClientId};
use crate::revocation::StatusIndex;
use crate::session::Session;
use crate::token::Confirmation;
use crate::url::ResourceId;
use crate::{AccountId, GrantId, SessionId, Time};

use super::redeem::Mint;
use super::{Generation, Grant, Limits, Login, Salt, Scopes};

/// What the shell made for the new grant.
#[derive(Debug, Clone)]
pub struct Birth {
    /// Its id.
    pub id: GrantId,
    /// Its place in a status list.
    pub index: StatusIndex,
    /// Random.
    pub salt: Salt,
    /// The API that the tokens are for; none: ours.
    pub resource: Option<ResourceId>,
}

/// Lays out the grant of a first-party login: it hangs from the session and ends with it.
///
/// A grant for a resource carries no scope of ours: its tokens open that API and nothing else.
pub fn decide(session: &Session, birth: Birth, now: Time) -> Grant {
    let scopes = if birth.resource.is_some() { Scopes::default() } else { Scopes::first_party() };
    Grant {
        id: birth.id,
        account: session.account,
        client: ClientId::built_in(),
        session: Some(session.id),
        scopes,
        resources: birth.resource.into_iter().collect(),
        generation: Generation(1),
        rotated_at: None,
        salt: birth.salt,
        created_at: now,
        ended: None,
        index: birth.index,
        opened_by: Some(session.id),
        login: None,
        confirmation: None,
        claims: None,
        used_at: now,
        absolute_ends_at: None,
    }
}

/// What somebody allowed, whatever code stands for it.
#[derive(Debug, Clone, Copy)]
pub struct Granted<'a> {
    /// Whose account.
    pub account: AccountId,
    /// Whom.
    pub client: &'a ClientId,
    /// By which session.
    pub session: SessionId,
    /// What.
    pub scopes: &'a Scopes,
    /// Where.
    pub resources: &'a [ResourceId],
    /// The key that the code is bound to.
    pub confirmation: Option<Confirmation>,
    /// What the login proved.
    pub login: &'a Login,
    /// Claims that were asked for one by one.
    pub claims: Option<&'a str>,
}

/// Lays out the grant that a code turns into: it hangs from the session, or outlives it (`offline_access`).
pub fn by_code(
    (granted, client): (&Granted<'_>, &Client),
    mint: &Mint,
    birth: &Birth,
    (now, limits): (Time, &Limits),
) -> Grant {
    Grant {
        id: birth.id,
        account: granted.account,
        client: granted.client.clone(),
        session: (!mint.offline).then_some(granted.session),
        scopes: client.narrow(granted.scopes),
        resources: granted.resources.to_vec(),
        generation: Generation(1),
        rotated_at: None,
        salt: birth.salt,
        created_at: now,
        ended: None,
        index: birth.index,
        opened_by: Some(granted.session),
        login: Some(granted.login.clone()),
        confirmation: mint.key,
        claims: granted.claims.map(str::to_owned),
        used_at: now,
        absolute_ends_at: mint.offline.then(|| now + limits.offline_absolute),
    }
}
