//! The session check: is this session alive, right now?
//!
//! Asked at every request, by either face; it costs no query (design section 4). Every fact of it is either in the
//! session's record, which may be stale, or in what the revocation log last said, which is not.

use crate::Time;
use crate::account::State;
use crate::revocation::Epoch;

use super::Session;

/// What is known of a session at the moment of the request.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The record, as it was read some time ago.
    pub session: &'a Session,
    /// When it was last used, as far as this node knows.
    pub idle_ends_at: Time,
    /// The state of its account, at the version that the log last named.
    pub account: State,
    /// Its bit in the status list, or the mark of a replaced secret.
    pub revoked: bool,
    /// What began before it is over (attack STO-16).
    pub epoch: Epoch,
}

/// Why a session is not accepted. The caller learns only that it is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// It was ended.
    Ended,
    /// Unused for too long.
    Idle,
    /// Too old.
    Absolute,
    /// Its account may not log in.
    Account,
}

/// Decides whether the session counts at `now`. Both ends are exact: at the end it is over (attacks SES-13, SES-14).
pub fn decide(facts: Facts<'_>, now: Time) -> Result<(), Refusal> {
    let before_epoch = facts.epoch.ends(facts.session.created_at);
    if facts.revoked || before_epoch || facts.session.ended.is_some() {
        Err(Refusal::Ended)
    } else if now >= facts.session.absolute_ends_at {
        Err(Refusal::Absolute)
    } else if now >= facts.idle_ends_at {
        Err(Refusal::Idle)
    } else if facts.account != State::Active {
        Err(Refusal::Account)
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Acr, Device, EndReason, Face, Method};
    use super::*;
    use crate::revocation::{ListId, StatusIndex};
    use crate::{AccountId, SessionId, Span};

    #[test]
    fn i1_ses_13_ses_14_a_session_ends_exactly_at_its_ends() {
        let now = Time::from_micros(1_700_000_000_000_000);
        let tick = Span::from_micros(1);
        let session = Session {
            id: SessionId::from_bytes([1; 16]),
            account: AccountId::from_bytes([2; 16]),
            face: Face::Cookie,
            created_at: now,
            authenticated_at: now,
            seen_at: now,
            idle_ends_at: now + Span::hours(2),
            absolute_ends_at: now + Span::hours(24),
            ended: None,
            amr: vec![Method::Password],
            acr: Acr::Aal1,
            remember: false,
            device: Device::default(),
            ip: None,
            index: StatusIndex { list: ListId::from_bytes([3; 16]), index: 0 },
        };
        let ended = Session { ended: Some((now, EndReason::Logout)), ..session.clone() };
        let facts = |session| Facts {
            session,
            idle_ends_at: now + Span::hours(30),
            account: State::Active,
            revoked: false,
            epoch: Epoch::BEGINNING,
        };
        let epoch = |moment| Facts { epoch: Epoch::from_time(moment), ..facts(&session) };
        let idle = Facts { idle_ends_at: now + Span::hours(2), ..facts(&session) };
        let table = [
            ("at once", facts(&session), now, Ok(())),
            ("just before idle", idle, now + Span::hours(2) - tick, Ok(())),
            ("idle", idle, now + Span::hours(2), Err(Refusal::Idle)),
            ("just before the absolute end", facts(&session), now + Span::hours(24) - tick, Ok(())),
            ("absolute, though used", facts(&session), now + Span::hours(24), Err(Refusal::Absolute)),
            ("bit set", Facts { revoked: true, ..facts(&session) }, now, Err(Refusal::Ended)),
            ("began before the epoch", epoch(now + tick), now, Err(Refusal::Ended)),
            ("began with the epoch", epoch(now), now, Ok(())),
            ("ended in the record", facts(&ended), now, Err(Refusal::Ended)),
            ("disabled", Facts { account: State::Disabled, ..facts(&session) }, now, Err(Refusal::Account)),
            ("deleted", Facts { account: State::Deleted, ..facts(&session) }, now, Err(Refusal::Account)),
        ];
        for (name, facts, at, expected) in table {
            assert_eq!(decide(facts, at), expected, "{name}");
        }
    }
}
