//! A request that waits for a person (I6): it lies sealed in the URL of the page that asks, and nothing is stored.
//!
//! What was done meanwhile is bound to the session that did it: whoever is sent somebody else's sealed request has neither
//! chosen nor consented to anything by it (attack RED-05).

use serde::{Deserialize, Serialize};

use crate::client::ClientId;
use crate::{SessionId, Span, Time};

use super::{NoWayBack, Parameters};

/// A request waits so long at most.
pub const LIFE: Span = Span::hours(1);

/// A request, and what happened since it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// As it came, or was pushed.
    pub parameters: Parameters,
    /// `request_uri` of a pushed one: it is spent when the request completes, not before.
    pub pushed: Option<String>,
    /// When it came.
    pub began_at: Time,
    /// The session whose account proved itself since.
    pub proved: Option<SessionId>,
    /// The session that was chosen.
    pub selected: Option<SessionId>,
    /// The session whose account consented.
    pub consented: Option<SessionId>,
}

#[derive(Serialize, Deserialize)]
struct Wire {
    p: Parameters,
    #[serde(skip_serializing_if = "Option::is_none")]
    u: Option<String>,
    t: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    l: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    s: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    c: Option<String>,
}

impl Waiting {
    /// A request that came just now.
    pub const fn new(parameters: Parameters, pushed: Option<String>, now: Time) -> Self {
        Self { parameters, pushed, began_at: now, proved: None, selected: None, consented: None }
    }

    /// The client that it names.
    pub fn client(&self) -> Option<ClientId> {
        self.parameters.get("client_id").and_then(ClientId::parse)
    }

    /// What is sealed.
    pub fn to_bytes(&self) -> Vec<u8> {
        let text = |id: &Option<SessionId>| id.map(|id| id.to_string());
        let wire = Wire {
            p: self.parameters.clone(),
            u: self.pushed.clone(),
            t: self.began_at.micros(),
            l: text(&self.proved),
            s: text(&self.selected),
            c: text(&self.consented),
        };
        // invariant: texts and a number always become JSON.
        serde_json::to_vec(&wire).unwrap_or_default()
    }

    /// Reads what was sealed, unless it waited too long.
    pub fn from_bytes(bytes: &[u8], now: Time) -> Result<Self, NoWayBack> {
        let wire: Wire = serde_json::from_slice(bytes).map_err(|_| NoWayBack::Expired)?;
        let id = |text: Option<String>| text.and_then(|text| SessionId::parse(&text).ok());
        let began_at = Time::from_micros(wire.t);
        if now >= began_at + LIFE {
            return Err(NoWayBack::Expired);
        }
        Ok(Self {
            parameters: wire.p,
            pushed: wire.u,
            began_at,
            proved: id(wire.l),
            selected: id(wire.s),
            consented: id(wire.c),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authorize::tests::parameters;

    #[test]
    fn a_request_waits_an_hour_and_keeps_what_was_done() {
        let now = Time::from_micros(1_700_000_000_000_000);
        let session = SessionId::from_bytes([7; 16]);
        let waiting = Waiting {
            proved: Some(session),
            consented: Some(session),
            ..Waiting::new(parameters(&[("state", "\u{1f600}")]), Some("urn:x".into()), now)
        };
        let bytes = waiting.to_bytes();
        let read = |at| Waiting::from_bytes(&bytes, at);
        assert_eq!(read(now + LIFE - Span::from_micros(1)), Ok(waiting));
        assert_eq!(read(now + LIFE), Err(NoWayBack::Expired));
        assert_eq!(Waiting::from_bytes(b"{}", now), Err(NoWayBack::Expired));
    }
}
