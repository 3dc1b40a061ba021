//! Proving a session anew: somebody who is logged in logs in once more (`prompt=login`, `max_age`). The session stays, with what
//! hangs from it, and gets a new secret (I5). It lives no longer for it.

use crate::Time;
use crate::login::password::Candidate;
use crate::secret::Hash;

use super::{Acr, Method, Session};

/// A session that was proved anew, with all that guards it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prove {
    /// As it is from now on.
    pub session: Session,
    /// Guard and successor: hashes of the cookie's secret.
    pub secret: (Hash, Hash),
    /// Guard: the account as it was when the password was compared.
    pub account: Candidate,
}

/// Lays it out; none where somebody else logged in: that is another session.
pub fn decide(account: Candidate, session: &Session, secret: (Hash, Hash), now: Time) -> Option<Prove> {
    let session =
        Session { authenticated_at: now, amr: vec![Method::Password], acr: Acr::Aal1, ..session.clone() };
    (session.account == account.id).then_some(Prove { session, secret, account })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::{State, Version};
    use crate::revocation::{ListId, StatusIndex};
    use crate::secret::sha256;
    use crate::session::{Device, Face, Limits};
    use crate::{AccountId, SessionId, Span};

    #[test]
    fn a_session_is_proved_by_its_own_account_alone_and_lives_no_longer_for_it() {
        let begun = Time::from_micros(1_700_000_000_000_000);
        let limits = Limits::default();
        let session = Session {
            id: SessionId::from_bytes([1; 16]),
            account: AccountId::from_bytes([2; 16]),
            face: Face::Cookie,
            created_at: begun,
            authenticated_at: begun,
            seen_at: begun,
            idle_ends_at: limits.idle_end(begun, false),
            absolute_ends_at: limits.absolute_end(begun, false),
            ended: None,
            amr: vec![Method::Password],
            acr: Acr::Aal1,
            remember: false,
            device: Device::default(),
            ip: None,
            index: StatusIndex { list: ListId::from_bytes([3; 16]), index: 7 },
        };
        let now = begun + Span::hours(1);
        let prove = |account| {
            let id = AccountId::from_bytes([account; 16]);
            let account = Candidate { id, state: State::Active, version: Version(1) };
            decide(account, &session, (sha256(b"old"), sha256(b"new")), now)
        };
        let proved = prove(2).unwrap();
        assert_eq!(proved.session, Session { authenticated_at: now, ..session.clone() });
        assert_eq!(prove(3), None);
    }
}
