//! The numbers that rules go by, in one value (design section 7). Each is a setting.

use crate::{Span, grant, key, session, throttle, token};

/// All limits of a deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// How long sessions live.
    pub session: session::Limits,
    /// How long tokens live.
    pub token: token::access::Limits,
    /// How long grants live that outlive their login.
    pub grant: grant::Limits,
    /// When signing keys move on.
    pub key: key::rotate::Limits,
    /// A mailed verification works so long.
    pub verification: Span,
    /// A mailed reset works so long.
    pub reset: Span,
    /// Clocks may differ by so much.
    pub leeway: Span,
    /// Audit events are kept so long.
    pub audit_kept: Span,
    /// How often anybody may guess.
    pub throttle: throttle::Limits,
    /// Rate and mail caps hold; false only in dev mode, for load tests.
    pub capped: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            session: session::Limits::default(),
            token: token::access::Limits::default(),
            grant: grant::Limits::default(),
            key: key::rotate::Limits::default(),
            verification: Span::hours(24),
            reset: Span::minutes(30),
            leeway: Span::seconds(30),
            audit_kept: Span::days(400),
            throttle: throttle::Limits::default(),
            capped: true,
        }
    }
}

impl Policy {
    /// The longest that anything with a bit in a status list may live: so long the list must stand.
    pub fn longest_life(&self) -> Span {
        let sessions = self.session.absolute.max(self.session.remembered_absolute);
        sessions.max(self.grant.offline_absolute) + self.leeway
    }
}
