//! `grant_type=refresh_token` (RFC 6749 section 6; RFC 9700 section 4.14; invariant I10).
//!
//! A refresh token names its grant and a generation, and nothing of it is stored. The present generation rotates for a
//! public client; the one before it, within the grace, gets the present one again, so that a lost answer or two tabs log
//! nobody out; anything else of this grant is a stolen token, and the grant ends (attacks OAU-42, OAU-43).

use crate::client::{self, ClientId};
use crate::revocation::Epoch;
use crate::session::check;
use crate::url::ResourceId;
use crate::{Span, Time};

use super::refresh_token::RefreshToken;
use super::{Generation, Grant, Scopes};

/// What the store knows.
#[derive(Debug, Clone)]
pub struct Facts<'a> {
    /// The grant that the token names.
    pub grant: Option<&'a Grant>,
    /// The session that it hangs from, as a request of its cookie would find it.
    pub session: Option<check::Facts<'a>>,
    /// The client's kind; none where the client is disabled or gone.
    pub client: Option<client::Kind>,
    /// The resource that was asked for is one that tokens can be made for.
    pub resource_known: bool,
    /// What began before it is over (attack STO-16).
    pub epoch: Epoch,
}

/// What the client asks for. Whether the token's code is genuine was checked before anything was loaded.
#[derive(Debug)]
pub struct Request {
    /// The token.
    pub token: RefreshToken,
    /// Who sent it.
    pub client: ClientId,
    /// Fewer scopes than granted, if any are named.
    pub scopes: Option<Scopes>,
    /// Where the access token shall count, if not where the grant says.
    pub target: Option<Target>,
}

/// Where an access token shall count (RFC 8707).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// At the issuer itself.
    Issuer,
    /// At another resource.
    Resource(ResourceId),
}

impl Target {
    /// The resource, if it is not the issuer.
    pub const fn resource(&self) -> Option<&ResourceId> {
        match self {
            Self::Issuer => None,
            Self::Resource(resource) => Some(resource),
        }
    }
}

/// What a refresh does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// The next generation begins; guarded by the present one.
    Rotate {
        /// Present before.
        from: Generation,
    },
    /// The present generation is handed out again; nothing is written.
    Repeat {
        /// Present before and after.
        present: Generation,
    },
    /// A token that was replaced came back: the grant ends.
    Reuse,
    /// Nothing happens.
    Refuse(Refusal),
}

/// Why a refresh is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// No grant has this token, or it is another client's: `invalid_grant`, and the token stays unburned (OAU-41).
    Unknown,
    /// The client is disabled: `invalid_client`.
    Client,
    /// The grant, its session or its account is over: `invalid_grant`.
    Ended,
    /// More than was granted: `invalid_scope`.
    Scope,
    /// Not a resource of this grant: `invalid_target` (RFC 8707 section 2).
    Target,
}

/// Decides a refresh.
pub fn decide(facts: &Facts<'_>, request: &Request, grace: Span, now: Time) -> Decision {
    let Some(grant) = facts.grant.filter(|grant| grant.salt == request.token.salt) else {
        return Decision::Refuse(Refusal::Unknown);
    };
    if grant.client != request.client {
        return Decision::Refuse(Refusal::Unknown);
    }
    let Some(kind) = facts.client else { return Decision::Refuse(Refusal::Client) };
    let session_live = facts.session.is_some_and(|session| check::decide(session, now).is_ok());
    if grant.ended.is_some() || facts.epoch.ends(grant.created_at) || !session_live {
        return Decision::Refuse(Refusal::Ended);
    }
    if request.scopes.as_ref().is_some_and(|asked| !grant.scopes.covers(asked)) {
        return Decision::Refuse(Refusal::Scope);
    }
    if !target_allowed(grant, request, facts.resource_known) {
        return Decision::Refuse(Refusal::Target);
    }
    generation(grant, request.token.generation, kind, (grace, now))
}

fn generation(grant: &Grant, given: Generation, kind: client::Kind, (grace, now): (Span, Time)) -> Decision {
    let present = grant.generation;
    let within_grace = grant.rotated_at.is_some_and(|at| now < at + grace);
    match kind {
        client::Kind::Public if given == present => Decision::Rotate { from: present },
        client::Kind::Confidential if given == present => Decision::Repeat { present },
        _ if given.next() == present && within_grace => Decision::Repeat { present },
        _ => Decision::Reuse,
    }
}

/// A grant for the issuer may make tokens for any known resource; a grant for a resource only for that one.
fn target_allowed(grant: &Grant, request: &Request, known: bool) -> bool {
    match &request.target {
        None => true,
        Some(Target::Issuer) => grant.resources.is_empty(),
        Some(Target::Resource(_)) if grant.resources.is_empty() => known,
        Some(Target::Resource(asked)) => grant.resources.contains(asked),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::State;
    use crate::grant::{Salt, open};
    use crate::login::password::Candidate;
    use crate::revocation::{ListId, StatusIndex};
    use crate::session::{self, Device, EndReason, Face, Limits, Session};
    use crate::{AccountId, GrantId, SessionId};

    const NOW: Time = Time::from_micros(1_700_000_000_000_000);
    const GRACE: Span = Span::seconds(30);

    fn index() -> StatusIndex {
        StatusIndex { list: ListId::from_bytes([3; 16]), index: 4 }
    }

    fn session() -> Session {
        let id = AccountId::from_bytes([1; 16]);
        let account = Candidate { id, state: State::Active, version: crate::account::Version(1) };
        let birth = session::open::Birth {
            id: SessionId::from_bytes([2; 16]),
            index: index(),
            face: Face::Token,
            remember: false,
            device: Device::default(),
            ip: None,
            replaces: None,
        };
        session::open::decide(account, birth, None, &Limits::default(), NOW).session
    }

    fn grant(resource: Option<&str>) -> Grant {
        let resource = resource.map(|text| ResourceId::parse(text).unwrap());
        let birth =
            open::Birth { id: GrantId::from_bytes([5; 16]), index: index(), salt: Salt([6; 16]), resource };
        Grant { generation: Generation(3), rotated_at: Some(NOW), ..open::decide(&session(), birth, NOW) }
    }

    fn request(generation: i64) -> Request {
        Request {
            token: RefreshToken {
                key: 1,
                grant: GrantId::from_bytes([5; 16]),
                generation: Generation(generation),
                salt: Salt([6; 16]),
            },
            client: ClientId::built_in(),
            scopes: None,
            target: None,
        }
    }

    fn live(session: &Session) -> check::Facts<'_> {
        check::Facts {
            session,
            idle_ends_at: session.idle_ends_at,
            account: State::Active,
            revoked: false,
            epoch: Epoch::BEGINNING,
        }
    }

    fn facts<'a>(grant: &'a Grant, session: &'a Session) -> Facts<'a> {
        Facts {
            grant: Some(grant),
            session: Some(live(session)),
            client: Some(client::Kind::Public),
            resource_known: true,
            epoch: Epoch::BEGINNING,
        }
    }

    #[test]
    fn i10_a_refresh_token_has_one_successor() {
        let (grant, session) = (grant(None), session());
        let facts = facts(&grant, &session);
        let confidential = Facts { client: Some(client::Kind::Confidential), ..facts.clone() };
        let present = Generation(3);
        let (in_time, late) = (NOW + GRACE - Span::from_micros(1), NOW + GRACE);
        let table = [
            ("present", &facts, 3, late, Decision::Rotate { from: present }),
            ("present, confidential", &confidential, 3, late, Decision::Repeat { present }),
            ("the one before, in time", &facts, 2, in_time, Decision::Repeat { present }),
            ("the one before, late", &facts, 2, late, Decision::Reuse),
            ("an ancestor, at once", &facts, 1, NOW, Decision::Reuse),
            ("above the present: a restored database", &facts, 4, NOW, Decision::Reuse),
            ("an ancestor, confidential", &confidential, 1, NOW, Decision::Reuse),
        ];
        for (name, facts, given, now, expected) in table {
            assert_eq!(decide(facts, &request(given), GRACE, now), expected, "{name}");
        }
    }

    #[test]
    fn oau_41_a_strangers_token_is_refused_and_not_burned() {
        let (grant, session) = (grant(None), session());
        let facts = facts(&grant, &session);
        let refuse = Decision::Refuse(Refusal::Unknown);
        let stranger = Request { client: ClientId::parse("other").unwrap(), ..request(1) };
        assert_eq!(decide(&facts, &stranger, GRACE, NOW), refuse);
        let other_row =
            Request { token: RefreshToken { salt: Salt([7; 16]), ..request(3).token }, ..request(3) };
        assert_eq!(decide(&facts, &other_row, GRACE, NOW), refuse);
        assert_eq!(decide(&Facts { grant: None, ..facts.clone() }, &request(3), GRACE, NOW), refuse);
        let disabled = Facts { client: None, ..facts };
        assert_eq!(decide(&disabled, &request(3), GRACE, NOW), Decision::Refuse(Refusal::Client));
    }

    #[test]
    fn i1_nothing_mints_from_a_dead_session() {
        let (grant, session) = (grant(None), session());
        let facts = facts(&grant, &session);
        let ended = Grant { ended: Some((NOW, EndReason::Logout)), ..grant.clone() };
        let revoked = check::Facts { revoked: true, ..live(&session) };
        let disabled = check::Facts { account: State::Disabled, ..live(&session) };
        let idle = check::Facts { idle_ends_at: NOW, ..live(&session) };
        let table = [
            ("grant ended", Facts { grant: Some(&ended), ..facts.clone() }),
            ("session revoked", Facts { session: Some(revoked), ..facts.clone() }),
            ("session idle", Facts { session: Some(idle), ..facts.clone() }),
            ("account disabled", Facts { session: Some(disabled), ..facts.clone() }),
            ("grant of before the epoch", Facts { epoch: Epoch::ending(NOW, Span::ZERO), ..facts.clone() }),
            ("session gone", Facts { session: None, ..facts }),
        ];
        for (name, facts) in table {
            // Not even the theft of a token is told apart from the end of everything.
            for generation in [1, 2, 3] {
                let decision = decide(&facts, &request(generation), GRACE, NOW);
                assert_eq!(decision, Decision::Refuse(Refusal::Ended), "{name}");
            }
        }
    }

    #[test]
    fn oau_40_a_refresh_never_widens() {
        let session = session();
        let ask = |scopes: Option<&str>, target: Option<&str>| Request {
            scopes: scopes.map(|text| Scopes::parse(text).unwrap()),
            target: target.map(|text| match text {
                "issuer" => Target::Issuer,
                text => Target::Resource(ResourceId::parse(text).unwrap()),
            }),
            ..request(3)
        };
        let rotate = Decision::Rotate { from: Generation(3) };
        let (scope, target) = (Decision::Refuse(Refusal::Scope), Decision::Refuse(Refusal::Target));
        let (ours, theirs) = (grant(None), grant(Some("https://api.example")));
        let table = [
            (&ours, ask(Some("account"), None), true, rotate),
            (&ours, ask(Some("account admin"), None), true, scope),
            (&ours, ask(None, Some("https://api.example")), true, rotate),
            (&ours, ask(None, Some("https://api.example")), false, target),
            (&theirs, ask(None, Some("https://api.example")), true, rotate),
            (&theirs, ask(None, Some("https://api.example/")), true, target),
            (&theirs, ask(None, Some("issuer")), true, target),
            (&theirs, ask(None, None), true, rotate),
            (&ours, ask(None, Some("issuer")), false, rotate),
        ];
        for (grant, request, resource_known, expected) in table {
            let facts = Facts { resource_known, ..facts(grant, &session) };
            assert_eq!(decide(&facts, &request, GRACE, NOW), expected, "{request:?}");
        }
    }
}
