use super::*;
use crate::account::State;
use crate::grant::check::Root;
use crate::grant::{Login, Salt, open};
use crate::login::password::Candidate;
use crate::revocation::Epoch;
use crate::revocation::{ListId, StatusIndex};
use crate::session::check as session_check;
use crate::session::{self, Acr, Device, EndReason, Face, Method, Session};
use crate::{AccountId, GrantId, SessionId};

const NOW: Time = Time::from_micros(1_700_000_000_000_000);
const GRACE: Span = Span::seconds(30);
const LIMITS: Limits = Limits { grace: GRACE, offline_idle: Span::days(30) };

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
    session::open::decide(account, birth, None, &session::Limits::default(), NOW).session
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
        key: None,
    }
}

fn live(session: &Session) -> session_check::Facts<'_> {
    session_check::Facts {
        session,
        idle_ends_at: session.idle_ends_at,
        account: State::Active,
        revoked: false,
        epoch: Epoch::BEGINNING,
    }
}

fn checked<'a>(grant: &'a Grant, root: Root<'a>) -> check::Facts<'a> {
    check::Facts { grant, root, client_open: true, revoked: false, epoch: Epoch::BEGINNING }
}

fn facts<'a>(grant: &'a Grant, session: &'a Session) -> Facts<'a> {
    rooted(grant, Root::Session(live(session)))
}

fn rooted<'a>(grant: &'a Grant, root: Root<'a>) -> Facts<'a> {
    Facts {
        grant: Some(checked(grant, root)),
        client: Some(client::Kind::Public),
        scopes: grant.scopes.clone(),
        first_party: true,
        demands_key: false,
        resource_known: true,
    }
}

/// The grant, outliving its login, last used at `used_at`.
fn offline(used_at: Time) -> Grant {
    let login = Login { at: NOW, amr: vec![Method::Password], acr: Acr::Aal1 };
    let absolute_ends_at = Some(NOW + Span::days(90));
    let scopes = Scopes::parse("openid offline_access").unwrap();
    Grant { session: None, login: Some(login), scopes, used_at, absolute_ends_at, ..grant(None) }
}

const fn rotate(from: Generation) -> Decision {
    Decision::Rotate { from, key: None }
}

const fn repeat(present: Generation) -> Decision {
    Decision::Repeat { present, key: None, used: false }
}

#[test]
fn i10_a_refresh_token_has_one_successor() {
    let (grant, session) = (grant(None), session());
    let facts = facts(&grant, &session);
    let confidential = Facts { client: Some(client::Kind::Confidential), ..facts.clone() };
    let present = Generation(3);
    let (in_time, late) = (NOW + GRACE - Span::from_micros(1), NOW + GRACE);
    let table = [
        ("present", &facts, 3, late, rotate(present)),
        ("present, confidential", &confidential, 3, late, repeat(present)),
        ("the one before, in time", &facts, 2, in_time, repeat(present)),
        ("the one before, late", &facts, 2, late, Decision::Reuse),
        ("an ancestor, at once", &facts, 1, NOW, Decision::Reuse),
        ("above the present: a restored database", &facts, 4, NOW, Decision::Reuse),
        ("an ancestor, confidential", &confidential, 1, NOW, Decision::Reuse),
    ];
    for (name, facts, given, now, expected) in table {
        assert_eq!(decide(facts, &request(given), LIMITS, now), expected, "{name}");
    }
}

#[test]
fn oau_41_a_strangers_token_is_refused_and_not_burned() {
    let (grant, session) = (grant(None), session());
    let facts = facts(&grant, &session);
    let refuse = Decision::Refuse(Refusal::Unknown);
    let stranger = Request { client: ClientId::parse("other").unwrap(), ..request(1) };
    assert_eq!(decide(&facts, &stranger, LIMITS, NOW), refuse);
    let other_row = Request { token: RefreshToken { salt: Salt([7; 16]), ..request(3).token }, ..request(3) };
    assert_eq!(decide(&facts, &other_row, LIMITS, NOW), refuse);
    assert_eq!(decide(&Facts { grant: None, ..facts.clone() }, &request(3), LIMITS, NOW), refuse);
    let disabled = Facts { client: None, ..facts };
    assert_eq!(decide(&disabled, &request(3), LIMITS, NOW), Decision::Refuse(Refusal::Client));
}

#[test]
fn i1_nothing_mints_from_a_dead_session() {
    let (grant, session) = (grant(None), session());
    let facts = facts(&grant, &session);
    let ended = Grant { ended: Some((NOW, EndReason::Logout)), ..grant.clone() };
    let revoked = session_check::Facts { revoked: true, ..live(&session) };
    let disabled = session_check::Facts { account: State::Disabled, ..live(&session) };
    let idle = session_check::Facts { idle_ends_at: NOW, ..live(&session) };
    let own = checked(&grant, Root::Session(live(&session)));
    let epoch = Epoch::ending(NOW, Span::ZERO);
    let table = [
        ("grant ended", checked(&ended, own.root)),
        ("bit set", check::Facts { revoked: true, ..own }),
        ("client closed", check::Facts { client_open: false, ..own }),
        ("session revoked", checked(&grant, Root::Session(revoked))),
        ("session idle", checked(&grant, Root::Session(idle))),
        ("account disabled", checked(&grant, Root::Session(disabled))),
        ("grant of before the epoch", check::Facts { epoch, ..own }),
    ];
    for (name, checked) in table {
        let facts = Facts { grant: Some(checked), ..facts.clone() };
        // Not even the theft of a token is told apart from the end of everything.
        for generation in [1, 2, 3] {
            let decision = decide(&facts, &request(generation), LIMITS, NOW);
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
    let rotate = rotate(Generation(3));
    let (scope, target) = (Decision::Refuse(Refusal::Scope), Decision::Refuse(Refusal::Target));
    let (ours, theirs) = (grant(None), grant(Some("https://api.example")));
    let person = Grant { scopes: Scopes::parse("openid notes.read").unwrap(), ..theirs.clone() };
    let table = [
        (&ours, ask(Some("account"), None), true, rotate),
        (&ours, ask(Some("account admin"), None), true, scope),
        (&ours, ask(None, Some("https://api.example")), true, rotate),
        (&ours, ask(None, Some("https://api.example")), false, target),
        (&theirs, ask(None, Some("https://api.example")), true, rotate),
        (&theirs, ask(None, Some("https://api.example/")), true, target),
        (&theirs, ask(None, Some("issuer")), true, target),
        (&theirs, ask(None, None), true, rotate),
        (&person, ask(None, Some("issuer")), true, rotate),
        (&ours, ask(None, Some("issuer")), false, rotate),
        (&ours, ask(Some(""), None), true, rotate),
    ];
    for (grant, request, resource_known, expected) in table {
        let facts = Facts { resource_known, ..facts(grant, &session) };
        assert_eq!(decide(&facts, &request, LIMITS, NOW), expected, "{request:?}");
    }
}

#[test]
fn oau_40_a_scope_that_the_client_may_have_no_more_is_not_given_again() {
    let session = session();
    let grant = grant(None);
    let facts = Facts { scopes: Scopes::default(), ..facts(&grant, &session) };
    let asked = Request { scopes: Some(grant.scopes.clone()), ..request(3) };
    assert_eq!(decide(&facts, &asked, LIMITS, NOW), Decision::Refuse(Refusal::Scope));
    assert_eq!(decide(&facts, &request(3), LIMITS, NOW), rotate(Generation(3)));
    let offline = offline(NOW);
    let kept = rooted(&offline, Root::Account(State::Active));
    assert_eq!(decide(&kept, &request(3), LIMITS, NOW), rotate(Generation(3)));
    let taken = Facts { scopes: Scopes::parse("openid").unwrap(), ..kept };
    assert_eq!(decide(&taken, &request(3), LIMITS, NOW), Decision::Refuse(Refusal::Ended));
}

#[test]
fn oau_40_a_resource_that_was_not_consented_to_is_none_for_a_foreign_client() {
    let (grant, session) = (grant(None), session());
    let foreign = Facts { first_party: false, ..facts(&grant, &session) };
    let target = Some(Target::Resource(ResourceId::parse("https://api.example").unwrap()));
    let asked = Request { target, ..request(3) };
    assert_eq!(decide(&foreign, &asked, LIMITS, NOW), Decision::Refuse(Refusal::Target));
    assert_eq!(decide(&facts(&grant, &session), &asked, LIMITS, NOW), rotate(Generation(3)));
}

#[test]
fn oau_45_an_offline_grant_ends_unused_or_at_its_absolute_end_and_with_its_account() {
    let tick = Span::from_micros(1);
    let (active, disabled) = (Root::Account(State::Active), Root::Account(State::Disabled));
    let (idle, absolute) = (NOW + Span::days(30), NOW + Span::days(90));
    let used_lately = offline(NOW + Span::days(80));
    let unused = offline(NOW);
    let (rotate, ended) = (rotate(Generation(3)), Decision::Refuse(Refusal::Ended));
    let table = [
        ("just before idle", &unused, active, idle - tick, rotate),
        ("idle", &unused, active, idle, ended),
        ("just before its end", &used_lately, active, absolute - tick, rotate),
        ("its end", &used_lately, active, absolute, ended),
        ("disabled", &unused, disabled, NOW, ended),
    ];
    for (name, grant, root, now, expected) in table {
        assert_eq!(decide(&rooted(grant, root), &request(3), LIMITS, now), expected, "{name}");
    }
}

#[test]
fn the_use_of_an_offline_grant_is_written_once_an_hour() {
    let grant = offline(NOW);
    let confidential =
        Facts { client: Some(client::Kind::Confidential), ..rooted(&grant, Root::Account(State::Active)) };
    let used = |now| match decide(&confidential, &request(3), LIMITS, now) {
        Decision::Repeat { used, .. } => used,
        other => panic!("{other:?}"),
    };
    assert!(!used(NOW + Span::hours(1) - Span::from_micros(1)));
    assert!(used(NOW + Span::hours(1)));
}

#[test]
fn oau_46_a_bound_grant_is_refreshed_with_its_key() {
    let (own, other) = (Confirmation::Jkt([1; 32]), Confirmation::Jkt([2; 32]));
    let (session, grant) = (session(), Grant { confirmation: Some(own), ..grant(None) });
    let by = |key| decide(&facts(&grant, &session), &Request { key, ..request(3) }, LIMITS, NOW);
    assert_eq!(by(Some(own)), Decision::Rotate { from: Generation(3), key: Some(own) });
    assert_eq!(by(Some(other)), Decision::Refuse(Refusal::Key));
    assert_eq!(by(None), Decision::Refuse(Refusal::KeyMissing));
}
