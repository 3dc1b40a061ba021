//! The device authorization grant (RFC 8628): a device without a browser asks, and a person answers at another one.
//!
//! The device gets two codes. Its own is a secret that it polls the token endpoint with; the other one is for the person,
//! short enough to be typed. Whoever types it is shown which client asks, for what and from where, and is asked each time:
//! a link proves nothing about who started it (attack CSR-09, RFC 8628 section 5.4).

pub mod answer;
pub mod ask;
pub mod poll;
pub mod user_code;

use std::net::IpAddr;

use crate::client::ClientId;
use crate::grant::open::Granted;
use crate::grant::{Login, Scopes};
use crate::secret::{Hash, Secret};
use crate::token::Confirmation;
use crate::url::ResourceId;
use crate::{AccountId, GrantId, SessionId, Span, Time};

pub use user_code::UserCode;

/// Both codes count for so long.
pub const LIFE: Span = Span::minutes(10);

/// The device asks no more often than this (RFC 8628 section 3.2).
pub const INTERVAL: Span = Span::seconds(5);

/// What a device code's text begins with: a name space of its own (attacks OAU-21, STO-12).
const PREFIX: &str = "cs_dc_";

/// A device that asked, as it lies in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceCode {
    /// SHA-256 of the device's secret.
    pub hash: Hash,
    /// Which client it runs.
    pub client: ClientId,
    /// What it asks for.
    pub scopes: Scopes,
    /// And where.
    pub resources: Vec<ResourceId>,
    /// The key that it is bound to.
    pub confirmation: Option<Confirmation>,
    /// From where it asked.
    pub ip: Option<IpAddr>,
    /// What became of it.
    pub state: State,
    /// How often it may ask.
    pub pace: Pace,
    /// When it asked first.
    pub created_at: Time,
    /// From then on it does not count.
    pub expires_at: Time,
}

/// What became of a device's request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Nobody answered yet.
    Pending,
    /// Somebody said no, or took a yes back.
    Denied,
    /// Somebody said yes.
    Allowed(Allowed),
    /// The device has its grant.
    Redeemed(Allowed, GrantId),
}

/// Who said yes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowed {
    /// Whose account.
    pub account: AccountId,
    /// By which session: the grant hangs from it, or was opened by it.
    pub session: SessionId,
    /// What its login proved.
    pub login: Login,
}

/// How often a device may ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// It waits so long between two requests.
    pub interval: Span,
    /// Before this time it asks too soon.
    pub next_at: Time,
}

impl DeviceCode {
    /// What its grant is made of, once somebody said yes.
    pub fn granted<'a>(&'a self, allowed: &'a Allowed) -> Granted<'a> {
        Granted {
            account: allowed.account,
            client: &self.client,
            session: allowed.session,
            scopes: &self.scopes,
            resources: &self.resources,
            confirmation: self.confirmation,
            login: &allowed.login,
            claims: None,
        }
    }
}

/// The value of `device_code`.
pub fn reveal(secret: &Secret) -> String {
    format!("{PREFIX}{}", secret.reveal())
}

/// The hash that a device code is looked up by; none for what has not the shape of one.
pub fn lookup(text: &str) -> Option<Hash> {
    Secret::parse(text.strip_prefix(PREFIX)?).ok().map(|secret| secret.hash())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::random::Counter;
    use crate::secret::sha256;
    use crate::session::{Acr, Method};

    pub(crate) const NOW: Time = Time::from_micros(1_700_000_000_000_000);

    /// A device that just asked.
    pub(crate) fn asked() -> DeviceCode {
        DeviceCode {
            hash: sha256(b"device"),
            client: ClientId::parse("notes").unwrap(),
            scopes: Scopes::parse("openid offline_access").unwrap(),
            resources: Vec::new(),
            confirmation: None,
            ip: None,
            state: State::Pending,
            pace: Pace { interval: INTERVAL, next_at: NOW },
            created_at: NOW,
            expires_at: NOW + LIFE,
        }
    }

    pub(crate) fn allowed() -> Allowed {
        Allowed {
            account: AccountId::from_bytes([2; 16]),
            session: SessionId::from_bytes([1; 16]),
            login: Login { at: NOW, amr: vec![Method::Password], acr: Acr::Aal1 },
        }
    }

    #[test]
    fn oau_21_sto_12_a_device_code_has_one_text_and_nothing_else_is_one() {
        let secret = Secret::new(&Counter::new(1));
        let text = reveal(&secret);
        assert_eq!(lookup(&text), Some(secret.hash()));
        let bare = &text[PREFIX.len()..];
        for other in ["", PREFIX, bare, &text[..48], &format!("{text}A"), &format!("cs_ac_{bare}")] {
            assert_eq!(lookup(other), None, "{other}");
        }
    }
}
