//! The grant check: does what an account gave a client still count, right now?
//!
//! Asked at every request with an access token, like the session check, and at every refresh. A grant hangs from a session
//! and asks for that session's check; one that outlives its login asks for its account (I1).

use crate::Time;
use crate::account::State;
use crate::revocation::Epoch;
use crate::session::check::{self, Refusal};

use super::Grant;

/// What the grant hangs from.
#[derive(Debug, Clone, Copy)]
pub enum Root<'a> {
    /// Its session, as a request of its cookie would find it.
    Session(check::Facts<'a>),
    /// The account alone, in this state: it outlives its login (`offline_access`).
    Account(State),
}

/// What is known of a grant at the moment of the request.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The record, as it was read some time ago.
    pub grant: &'a Grant,
    /// What it hangs from.
    pub root: Root<'a>,
    /// Its client may still do something.
    pub client_open: bool,
    /// Its bit in the status list.
    pub revoked: bool,
    /// What began before it is over (attack STO-16).
    pub epoch: Epoch,
}

/// Decides whether the grant counts at `now`. When it was last used is not asked here: no access token lives so long.
pub fn decide(facts: &Facts<'_>, now: Time) -> Result<(), Refusal> {
    let Facts { grant, root, client_open, revoked, epoch } = *facts;
    if revoked || !client_open || grant.ended.is_some() || epoch.ends(grant.created_at) {
        return Err(Refusal::Ended);
    }
    match root {
        Root::Session(session) => check::decide(session, now),
        Root::Account(state) if state != State::Active => Err(Refusal::Account),
        Root::Account(_) if grant.absolute_ends_at.is_none_or(|end| now >= end) => Err(Refusal::Absolute),
        Root::Account(_) => Ok(()),
    }
}
