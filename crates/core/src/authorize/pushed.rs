//! Pushed requests (RFC 9126): the client sends its request itself, authenticated, and the browser brings a reference.

use crate::client::ClientId;
use crate::secret::{Hash, Secret, sha256};
use crate::{Random, Span, Time};

use super::{Asked, Error, NoWayBack, Refusal, Waiting};

/// The browser must bring the reference within so long (RFC 9126 section 2.2).
pub const LIFE: Span = Span::seconds(60);

/// The value of `request_uri` before its secret part.
const PREFIX: &str = "urn:ietf:params:oauth:request_uri:";

/// The name of a pushed request: 256 random bits, since whoever knows it can go on with the request.
#[derive(Debug)]
pub struct Reference(Secret);

impl Reference {
    /// A new one.
    pub fn new(random: &dyn Random) -> Self {
        Self(Secret::new(random))
    }

    /// Whether a `request_uri` is meant to be one.
    pub fn is_meant_by(text: &str) -> bool {
        text.starts_with(PREFIX)
    }

    /// Reads a `request_uri`.
    pub fn parse(text: &str) -> Option<Self> {
        text.strip_prefix(PREFIX).and_then(|secret| Secret::parse(secret).ok()).map(Self)
    }

    /// The value of `request_uri`.
    pub fn reveal(&self) -> String {
        format!("{PREFIX}{}", self.0.reveal())
    }

    /// What it is kept under: a name space of its own (attack OAU-21).
    pub fn hash(&self) -> Hash {
        sha256(self.reveal().as_bytes())
    }
}

/// Whether the reference in a browser's request stands for this pushed request: what was pushed counts, and nothing that the
/// browser brings beside it (attack OAU-51).
pub fn open(pushed: Option<&Waiting>, client: &ClientId, now: Time) -> Result<(), NoWayBack> {
    match pushed {
        Some(pushed) if pushed.client().as_ref() == Some(client) && now < pushed.began_at + LIFE => Ok(()),
        _ => Err(NoWayBack::Pushed),
    }
}

/// Whether this client's requests count unpushed (RFC 9126 section 6).
pub fn check(asked: Asked<'_>) -> Result<(), Refusal> {
    let client = asked.client;
    let must = client.profile.demands_par() || client.metadata.require_pushed_authorization_requests;
    if must && !asked.pushed {
        return Err(Refusal::new(
            Error::InvalidRequest,
            "Push the request and send the request_uri of the answer.",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authorize::tests::{client, parameters};
    use crate::client::Profile;
    use crate::random::Counter;

    #[test]
    fn oau_50_a_reference_counts_for_its_client_and_for_a_minute() {
        let now = Time::from_micros(1_700_000_000_000_000);
        let (own, other) = (client().id, ClientId::parse("other").unwrap());
        let pushed = Waiting::new(parameters(&[]), None, now);
        let last = now + LIFE - Span::from_micros(1);
        let table = [
            ("in time", Some(&pushed), &own, last, true),
            ("late", Some(&pushed), &own, now + LIFE, false),
            ("another client's", Some(&pushed), &other, now, false),
            ("unknown or used", None, &own, now, false),
        ];
        for (name, pushed, client, at, fits) in table {
            assert_eq!(open(pushed, client, at).is_ok(), fits, "{name}");
        }
    }

    #[test]
    fn oau_50_only_our_own_names_are_references() {
        let reference = Reference::new(&Counter::new(1));
        let text = reference.reveal();
        assert_eq!(Reference::parse(&text).map(|it| it.hash()), Some(reference.hash()));
        for forged in
            [&text[..text.len() - 1], &text[34..], "https://a.example/request.jwt", &format!("{text}A"), ""]
        {
            assert!(Reference::parse(forged).is_none(), "{forged}");
        }
    }

    #[test]
    fn who_must_push_pushes() {
        let parameters = parameters(&[]);
        let mut fapi = client();
        fapi.profile = Profile::Fapi2;
        let mut own_wish = client();
        own_wish.metadata.require_pushed_authorization_requests = true;
        for (client, must) in [(client(), false), (fapi, true), (own_wish, true)] {
            let asked = |pushed| Asked { parameters: &parameters, client: &client, pushed };
            assert!(check(asked(true)).is_ok());
            assert_eq!(check(asked(false)).is_err(), must);
        }
    }
}
