//! Access tokens (RFC 9068): how long one lives and where it counts.
//!
//! A token carries the limits of its session (invariant I1): it never outlives the earliest of its own life and the
//! session's two ends.

use crate::grant::client_credentials::Granted;
use crate::grant::refresh::Target;
use crate::grant::{Grant, Scopes};
use crate::url::ResourceId;
use crate::{Span, Time};

/// How long tokens live. Defaults: design section 7.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// An access token's own life.
    pub life: Span,
    /// How long a replaced refresh token still gets its successor.
    pub refresh_grace: Span,
}

impl Default for Limits {
    fn default() -> Self {
        Self { life: Span::minutes(5), refresh_grace: Span::seconds(30) }
    }
}

/// What a new access token says, besides its names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mint {
    /// Where it counts; none: at the issuer itself.
    pub audience: Option<ResourceId>,
    /// What it allows there. A scope of ours means nothing to another API.
    pub scopes: Scopes,
    /// `iat`, whole seconds.
    pub issued_at: i64,
    /// `exp`, whole seconds: rounded down, so that the token is never the one that lives longer.
    pub expires_at: i64,
}

/// Lays out an access token of `grant` with these of its scopes, for the place that was asked for, else the first that was
/// granted; what it hangs from ends at `ends_at`.
pub fn decide(
    grant: &Grant,
    ends_at: Time,
    (scopes, target): (&Scopes, Option<&Target>),
    (now, limits): (Time, &Limits),
) -> Mint {
    let end = (now + limits.life).min(ends_at);
    let audience = target.map_or(grant.resources.first(), Target::resource).cloned();
    let scopes = if audience.is_some() { scopes.elsewhere() } else { scopes.clone() };
    Mint { audience, scopes, issued_at: now.seconds(), expires_at: end.seconds() }
}

/// Lays out an access token that a client gets on its own account.
pub fn to_client(granted: Granted, (now, limits): (Time, &Limits)) -> Mint {
    Mint {
        audience: granted.audience,
        scopes: granted.scopes,
        issued_at: now.seconds(),
        expires_at: (now + limits.life).seconds(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::{State, Version};
    use crate::grant::{Salt, open};
    use crate::login::password::Candidate;
    use crate::revocation::{ListId, StatusIndex};
    use crate::session::{self, Device, Face, Session};
    use crate::{AccountId, GrantId, SessionId};

    const NOW: Time = Time::from_micros(1_700_000_000_000_000);

    fn parts(resource: Option<&str>) -> (Grant, Session) {
        let index = StatusIndex { list: ListId::from_bytes([3; 16]), index: 4 };
        let id = AccountId::from_bytes([1; 16]);
        let account = Candidate { id, state: State::Active, version: Version(1) };
        let birth = session::open::Birth {
            id: SessionId::from_bytes([2; 16]),
            index,
            face: Face::Token,
            remember: false,
            device: Device::default(),
            ip: None,
            replaces: None,
        };
        let session = session::open::decide(account, birth, None, &session::Limits::default(), NOW).session;
        let resource = resource.map(|text| ResourceId::parse(text).unwrap());
        let birth = open::Birth { id: GrantId::from_bytes([5; 16]), index, salt: Salt([6; 16]), resource };
        (open::decide(&session, birth, NOW), session)
    }

    #[test]
    fn i1_a_token_ends_with_the_earliest_of_its_life_and_its_sessions_ends() {
        let (grant, session) = parts(None);
        let limits = Limits::default();
        let idle = session.idle_ends_at;
        let exp = |now, idle: Time| {
            let end = idle.min(session.absolute_ends_at);
            decide(&grant, end, (&grant.scopes, None), (now, &limits)).expires_at
        };
        assert_eq!(exp(NOW, idle), (NOW + Span::minutes(5)).seconds());
        assert_eq!(exp(idle - Span::minutes(1), idle), idle.seconds());
        let last = session.absolute_ends_at - Span::seconds(7);
        assert_eq!(exp(last, last + Span::hours(2)), session.absolute_ends_at.seconds());
    }

    #[test]
    fn a_token_for_another_resource_carries_no_scope_of_ours() {
        let (grant, session) = parts(None);
        let limits = Limits::default();
        let mint = |grant: &Grant, target: Option<&Target>| {
            decide(grant, session.idle_ends_at, (&grant.scopes, target), (NOW, &limits))
        };
        let own = mint(&grant, None);
        assert_eq!((own.audience, own.scopes.to_string()), (None, "account".to_owned()));
        let api = ResourceId::parse("https://api.example").unwrap();
        let there = Target::Resource(api.clone());
        let other = mint(&grant, Some(&there));
        assert_eq!((other.audience, other.scopes), (Some(api.clone()), Scopes::default()));
        let mixed = Grant { scopes: Scopes::parse("openid notes.read account").unwrap(), ..grant.clone() };
        assert_eq!(mint(&mixed, Some(&there)).scopes.to_string(), "notes.read");
        let (bound, _) = parts(Some("https://api.example"));
        assert_eq!(mint(&bound, None).audience, Some(api));
        assert_eq!(mint(&bound, Some(&Target::Issuer)).audience, None);
    }
}
