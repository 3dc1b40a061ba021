//! Opening a session: what a login turns into.
//!
//! Always a new id and a new secret: an id from before the login never becomes authenticated (I5; attack SES-02).

use std::net::IpAddr;

use crate::login::password::Candidate;
use crate::revocation::StatusIndex;
use crate::secret::Hash;
use crate::{SessionId, Time};

use super::end::End;
use super::{Acr, Device, Face, Limits, Method, Session};

/// What the shell made for the new session.
#[derive(Debug, Clone, Copy)]
pub struct Birth {
    /// Its id.
    pub id: SessionId,
    /// Its place in a status list.
    pub index: StatusIndex,
    /// The face asked for.
    pub face: Face,
    /// "Keep me signed in".
    pub remember: bool,
    /// Browser and system.
    pub device: Device,
    /// Where the login came from.
    pub ip: Option<IpAddr>,
    /// The end of the session that this browser had until now, whoever's it was: nothing of it is carried over.
    pub replaces: Option<End>,
}

/// A session to be written, with all that guards it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Open {
    /// The session.
    pub session: Session,
    /// Hash of the cookie's secret; none for a login that asked for tokens.
    pub secret: Option<Hash>,
    /// Guard: the account as it was when the password was compared.
    pub account: Candidate,
    /// What ends in the same breath.
    pub replaces: Option<End>,
    /// At most so many live sessions: the oldest ones end.
    pub keep: Option<u32>,
}

/// Lays out the session for an accepted login.
pub fn decide(account: Candidate, birth: Birth, secret: Option<Hash>, limits: &Limits, now: Time) -> Open {
    let session = Session {
        id: birth.id,
        account: account.id,
        face: birth.face,
        created_at: now,
        authenticated_at: now,
        seen_at: now,
        idle_ends_at: limits.idle_end(now, birth.remember),
        absolute_ends_at: limits.absolute_end(now, birth.remember),
        ended: None,
        amr: vec![Method::Password],
        acr: Acr::Aal1,
        remember: birth.remember,
        device: birth.device,
        ip: birth.ip,
        index: birth.index,
    };
    Open { session, secret, account, replaces: birth.replaces, keep: limits.concurrent }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::{State, Version};
    use crate::revocation::ListId;
    use crate::secret::sha256;
    use crate::{AccountId, Span};

    #[test]
    fn a_remembered_session_lives_longer_and_both_ends_count_from_the_login() {
        let now = Time::from_micros(1_700_000_000_000_000);
        let account =
            Candidate { id: AccountId::from_bytes([1; 16]), state: State::Active, version: Version(1) };
        let birth = |remember| Birth {
            id: SessionId::from_bytes([2; 16]),
            index: StatusIndex { list: ListId::from_bytes([3; 16]), index: 4 },
            face: Face::Cookie,
            remember,
            device: Device::default(),
            ip: None,
            replaces: None,
        };
        let limits = Limits::default();
        let plain = decide(account, birth(false), Some(sha256(b"s")), &limits, now).session;
        assert_eq!(
            (plain.idle_ends_at, plain.absolute_ends_at),
            (now + Span::hours(2), now + Span::hours(24))
        );
        let remembered = decide(account, birth(true), Some(sha256(b"s")), &limits, now).session;
        assert_eq!(remembered.idle_ends_at, now + Span::days(14));
        assert_eq!(remembered.absolute_ends_at, now + Span::days(60));
    }
}
