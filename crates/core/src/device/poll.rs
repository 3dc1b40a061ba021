//! `grant_type=urn:ietf:params:oauth:grant-type:device_code` (RFC 8628 sections 3.4 and 3.5; attacks OAU-55, OAU-57): the device
//! asks whether somebody answered.
//!
//! A yes counts once, like an authorization code, for the client that asked and no other. Until then a device that asks too
//! often is told to slow down, for good.

use crate::client::Client;
use crate::grant::binding;
use crate::grant::redeem::{Mint, NoMint, mint, session_lives};
use crate::grant::refresh::Target;
use crate::revocation::Epoch;
use crate::session::check;
use crate::token::Confirmation;
use crate::{GrantId, Span, Time};

use super::{Allowed, DeviceCode, Pace, State};

/// Every request that came too soon makes the interval so much longer (RFC 8628 section 3.5).
const SLOWER: Span = Span::seconds(5);

/// Clocks and networks are not exact: a request that is early by less is in time.
const TOLERANCE: Span = Span::seconds(1);

/// What is known.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The request of that device code.
    pub code: Option<&'a DeviceCode>,
    /// The session that allowed it, as a request of its cookie would find it.
    pub session: Option<check::Facts<'a>>,
    /// The client that proved itself.
    pub client: &'a Client,
    /// The resource that was asked for is one that tokens can be made for.
    pub resource_known: bool,
    /// What began before it is over (attack STO-16).
    pub epoch: Epoch,
}

/// What comes beside the device code.
#[derive(Debug, Clone)]
pub struct Request {
    /// The key whose proof came along.
    pub key: Option<Confirmation>,
    /// Where the access token shall count, if not where the grant says.
    pub target: Option<Target>,
}

/// What the device is told, and what is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Nobody answered yet: `authorization_pending`.
    Wait(Pace),
    /// It asked too soon: `slow_down`. Where the next time would be too late anyway nothing is written: whoever hammers
    /// fills no log (attack DOS-07).
    SlowDown(Option<Pace>),
    /// The code is spent and its grant begins, in one breath.
    Mint(Mint),
    /// The code came a second time: the grant of the first ends.
    Reuse(GrantId),
    /// Nothing happens.
    Refuse(Refusal),
}

/// Why there are no tokens, and will be none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// No such code.
    Unknown,
    /// Another client asked.
    Client,
    /// Nobody answered in time: `expired_token`.
    Expired,
    /// Somebody said no: `access_denied`.
    Denied,
    /// The session that said yes is over, or everything is.
    Ended,
    /// Bound to another key.
    Key,
    /// A proof of a key has to come along: `invalid_dpop_proof`.
    KeyMissing,
    /// Not a resource that was granted: `invalid_target`.
    Target,
}

impl Refusal {
    /// The word in the log.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Client => "client",
            Self::Expired => "expired",
            Self::Denied => "denied",
            Self::Ended => "ended",
            Self::Key => "key",
            Self::KeyMissing => "key_missing",
            Self::Target => "target",
        }
    }
}

/// Decides what a device is told.
pub fn decide(facts: &Facts<'_>, request: &Request, now: Time) -> Decision {
    let Some(code) = facts.code else { return Decision::Refuse(Refusal::Unknown) };
    if code.client != facts.client.id {
        return Decision::Refuse(Refusal::Client);
    }
    if let State::Redeemed(_, grant) = code.state {
        return Decision::Reuse(grant);
    }
    if now >= code.expires_at {
        return Decision::Refuse(Refusal::Expired);
    }
    if facts.epoch.ends(code.created_at) {
        return Decision::Refuse(Refusal::Ended);
    }
    match &code.state {
        State::Pending => wait(code, now),
        State::Denied | State::Redeemed(..) => Decision::Refuse(Refusal::Denied),
        State::Allowed(allowed) => redeem(facts, (code, allowed), request, now),
    }
}

fn wait(code: &DeviceCode, now: Time) -> Decision {
    let slower = |interval| Pace { interval, next_at: now + interval - TOLERANCE };
    if now >= code.pace.next_at {
        return Decision::Wait(slower(code.pace.interval));
    }
    let pace = slower(code.pace.interval + SLOWER);
    Decision::SlowDown((pace.next_at < code.expires_at).then_some(pace))
}

fn redeem(
    facts: &Facts<'_>,
    (code, allowed): (&DeviceCode, &Allowed),
    request: &Request,
    now: Time,
) -> Decision {
    let refuse = Decision::Refuse;
    if !session_lives(facts.session, allowed.account, now) {
        return refuse(Refusal::Ended);
    }
    let asked = (request.target.as_ref(), request.key);
    match mint(&code.granted(allowed), asked, facts.client, facts.resource_known) {
        Ok(mint) => Decision::Mint(mint),
        Err(NoMint::Target) => refuse(Refusal::Target),
        Err(NoMint::Key(binding::Refusal::Missing)) => refuse(Refusal::KeyMissing),
        Err(NoMint::Key(binding::Refusal::OtherKey)) => refuse(Refusal::Key),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{NOW, allowed, asked};
    use super::super::{INTERVAL, LIFE};
    use super::*;
    use crate::account::State as Account;
    use crate::authorize::tests::{client, session};
    use crate::client::{AuthMethod, ClientId, GrantType};
    use crate::grant::Scopes;
    use crate::url::ResourceId;

    const PLAIN: Request = Request { key: None, target: None };

    fn device() -> Client {
        let mut client = client();
        client.metadata.token_endpoint_auth_method = AuthMethod::None;
        client.metadata.grant_types = vec![GrantType::DeviceCode, GrantType::RefreshToken];
        client
    }

    fn with(code: &DeviceCode, request: &Request, now: Time) -> Decision {
        let (session, client) = (session(NOW), device());
        let session = check::Facts {
            session: &session,
            idle_ends_at: session.idle_ends_at,
            account: Account::Active,
            revoked: false,
            epoch: Epoch::BEGINNING,
        };
        let facts = Facts {
            code: Some(code),
            session: Some(session),
            client: &client,
            resource_known: true,
            epoch: Epoch::BEGINNING,
        };
        decide(&facts, request, now)
    }

    fn yes() -> DeviceCode {
        DeviceCode { state: State::Allowed(allowed()), ..asked() }
    }

    const fn minted(key: Option<Confirmation>) -> Decision {
        Decision::Mint(Mint { offline: true, refresh: true, key })
    }

    #[test]
    fn oau_55_a_device_that_asks_too_often_is_slowed_down_for_good() {
        let at = |seconds| NOW + Span::seconds(seconds);
        let paced = |pace| DeviceCode { pace, ..asked() };
        let Decision::Wait(first) = with(&asked(), &PLAIN, NOW) else { panic!("not pending") };
        assert_eq!(first, Pace { interval: INTERVAL, next_at: at(4) });
        assert_eq!(with(&paced(first), &PLAIN, at(5)), Decision::Wait(Pace { next_at: at(9), ..first }));
        let Decision::SlowDown(Some(slower)) = with(&paced(first), &PLAIN, at(3)) else { panic!("in time") };
        assert_eq!(slower, Pace { interval: Span::seconds(10), next_at: at(12) });
        let slowest = with(&paced(slower), &PLAIN, at(8));
        assert_eq!(slowest, Decision::SlowDown(Some(Pace { interval: Span::seconds(15), next_at: at(22) })));
        // From then on the longer interval is the one that counts, kept or not.
        let later = with(&paced(slower), &PLAIN, at(13));
        assert_eq!(later, Decision::Wait(Pace { interval: Span::seconds(10), next_at: at(22) }));
        // However often it comes, no more is written than fits in its life.
        let (mut code, mut written) = (asked(), 0);
        for _ in 0..1000 {
            match with(&code, &PLAIN, NOW) {
                Decision::Wait(pace) | Decision::SlowDown(Some(pace)) => {
                    (code.pace, written) = (pace, written + 1);
                }
                decision => assert_eq!(decision, Decision::SlowDown(None)),
            }
        }
        assert_eq!(written, 120);
    }

    #[test]
    fn oau_55_oau_57_a_yes_counts_once_in_time_for_the_client_that_asked() {
        let (refuse, grant) = (Decision::Refuse, GrantId::from_bytes([7; 16]));
        let (end, last) = (NOW + LIFE, NOW + LIFE - Span::from_micros(1));
        let denied = DeviceCode { state: State::Denied, ..asked() };
        let redeemed = DeviceCode { state: State::Redeemed(allowed(), grant), ..asked() };
        let foreign = |code| DeviceCode { client: ClientId::parse("other").unwrap(), ..code };
        let hurried = DeviceCode { pace: Pace { interval: INTERVAL, next_at: end }, ..yes() };
        let table = [
            ("a yes", yes(), NOW, minted(None)),
            ("a yes, asked for too soon", hurried, NOW, minted(None)),
            ("a yes at the last moment", yes(), last, minted(None)),
            ("a yes, too late", yes(), end, refuse(Refusal::Expired)),
            ("no answer, too late", asked(), end, refuse(Refusal::Expired)),
            ("a no", denied.clone(), NOW, refuse(Refusal::Denied)),
            ("a no, too late", denied, end, refuse(Refusal::Expired)),
            ("again", redeemed.clone(), NOW, Decision::Reuse(grant)),
            ("again, too late", redeemed.clone(), end, Decision::Reuse(grant)),
            ("another client's", foreign(yes()), NOW, refuse(Refusal::Client)),
            ("another client's, unanswered", foreign(asked()), NOW, refuse(Refusal::Client)),
            ("another client's, again", foreign(redeemed), NOW, refuse(Refusal::Client)),
        ];
        for (name, code, now, expected) in table {
            assert_eq!(with(&code, &PLAIN, now), expected, "{name}");
        }
    }

    #[test]
    fn i1_nothing_mints_from_a_dead_session() {
        let (live, client, code) = (session(NOW), device(), yes());
        let session = check::Facts {
            session: &live,
            idle_ends_at: live.idle_ends_at,
            account: Account::Active,
            revoked: false,
            epoch: Epoch::BEGINNING,
        };
        let facts = |session, epoch| Facts {
            code: Some(&code),
            session,
            client: &client,
            resource_known: true,
            epoch,
        };
        let ended = Decision::Refuse(Refusal::Ended);
        for (name, session) in [
            ("logged out", Some(check::Facts { revoked: true, ..session })),
            ("disabled", Some(check::Facts { account: Account::Disabled, ..session })),
            ("gone", None),
        ] {
            assert_eq!(decide(&facts(session, Epoch::BEGINNING), &PLAIN, NOW), ended, "{name}");
        }
        let after = Epoch::ending(NOW, Span::ZERO);
        assert_eq!(decide(&facts(Some(session), after), &PLAIN, NOW), ended);
        assert_eq!(decide(&facts(Some(session), Epoch::BEGINNING), &PLAIN, NOW), minted(None));
        let unknown = Facts { code: None, ..facts(Some(session), Epoch::BEGINNING) };
        assert_eq!(decide(&unknown, &PLAIN, NOW), Decision::Refuse(Refusal::Unknown));
    }

    #[test]
    fn dpo_09_oau_78_a_key_and_a_resource_are_those_of_the_request() {
        let (own, other) = (Confirmation::Jkt([1; 32]), Confirmation::Jkt([2; 32]));
        let api = |text| ResourceId::parse(text).unwrap();
        let bound = DeviceCode { confirmation: Some(own), ..yes() };
        let there = DeviceCode { resources: vec![api("https://a.example")], ..yes() };
        let bare = DeviceCode { scopes: Scopes::parse("notes.read").unwrap(), ..there.clone() };
        let by = |key| Request { key, target: None };
        let at = |target| Request { key: None, target: Some(target) };
        let refuse = Decision::Refuse;
        let table = [
            ("its key", &bound, by(Some(own)), minted(Some(own))),
            ("another key", &bound, by(Some(other)), refuse(Refusal::Key)),
            ("no key", &bound, PLAIN, refuse(Refusal::KeyMissing)),
            ("its resource", &there, at(Target::Resource(api("https://a.example"))), minted(None)),
            ("another", &there, at(Target::Resource(api("https://b.example"))), refuse(Refusal::Target)),
            ("the issuer, for its UserInfo", &there, at(Target::Issuer), minted(None)),
            ("the issuer, where nothing is for it", &bare, at(Target::Issuer), refuse(Refusal::Target)),
        ];
        for (name, code, request, expected) in table {
            assert_eq!(with(code, &request, NOW), expected, "{name}");
        }
    }
}
