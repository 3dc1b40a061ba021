use super::*;
use crate::Span;
use crate::account::State;
use crate::client::{AuthMethod, Metadata, Origin, Profile};
use crate::grant::open::{Birth, by_code};
use crate::grant::{Limits, Salt};
use crate::revocation::{ListId, StatusIndex};
use crate::session::{Acr, Device, Face, Method, Session};

const NOW: Time = Time::from_micros(1_700_000_000_000_000);
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
/// RFC 7636 appendix B.
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

fn client(grants: &[GrantType]) -> Client {
    Client {
        id: ClientId::parse("notes").unwrap(),
        origin: Origin::Operator,
        profile: Profile::Oauth21,
        first_party: false,
        disabled: false,
        created_at: NOW,
        expires_at: None,
        index: None,
        metadata: Metadata {
            token_endpoint_auth_method: AuthMethod::None,
            redirect_uris: vec!["https://notes.example/cb".to_owned()],
            grant_types: grants.to_vec(),
            ..Metadata::default()
        },
    }
}

fn session() -> Session {
    Session {
        id: SessionId::from_bytes([1; 16]),
        account: AccountId::from_bytes([2; 16]),
        face: Face::Cookie,
        created_at: NOW,
        authenticated_at: NOW,
        seen_at: NOW,
        idle_ends_at: NOW + Span::hours(2),
        absolute_ends_at: NOW + Span::hours(24),
        ended: None,
        amr: vec![Method::Password],
        acr: Acr::Aal1,
        remember: false,
        device: Device::default(),
        ip: None,
        index: StatusIndex { list: ListId::from_bytes([3; 16]), index: 0 },
    }
}

fn code() -> Code {
    Code {
        hash: sha256(b"code"),
        client: ClientId::parse("notes").unwrap(),
        account: AccountId::from_bytes([2; 16]),
        session: SessionId::from_bytes([1; 16]),
        redirect_uri: Some("https://notes.example/cb".to_owned()),
        scopes: Scopes::parse("openid offline_access").unwrap(),
        resources: Vec::new(),
        challenge: Some(CHALLENGE.to_owned()),
        nonce: None,
        confirmation: None,
        claims: None,
        login: Login { at: NOW, amr: vec![Method::Password], acr: Acr::Aal1 },
        created_at: NOW,
        expires_at: NOW + Span::seconds(60),
        used_at: None,
        grant: None,
    }
}

fn request() -> Request<'static> {
    Request {
        redirect_uri: Some("https://notes.example/cb"),
        verifier: Some(VERIFIER),
        key: None,
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

fn with_code(code: &Code, request: &Request<'_>, now: Time) -> Decision {
    let (session, client) = (session(), client(&[GrantType::AuthorizationCode, GrantType::RefreshToken]));
    let facts = Facts {
        code: Some(code),
        session: Some(live(&session)),
        client: &client,
        resource_known: true,
        epoch: Epoch::BEGINNING,
    };
    decide(&facts, request, now)
}

const fn mint(offline: bool, refresh: bool, key: Option<Confirmation>) -> Decision {
    Decision::Mint(Mint { offline, refresh, key })
}

#[test]
fn oau_07_oau_15_oau_16_oau_20_what_does_not_fit_its_code_burns_it() {
    let burn = Decision::Burn;
    let long = "a".repeat(129);
    let unchallenged = Code { challenge: None, ..code() };
    let unnamed = Code { redirect_uri: None, ..code() };
    let foreign = Code { client: ClientId::parse("other").unwrap(), ..code() };
    let verifier = |verifier| Request { verifier, ..request() };
    let redirect_uri = |redirect_uri| Request { redirect_uri, ..request() };
    let minted = mint(true, true, None);
    let table = [
        ("all of it", code(), request(), minted),
        (
            "another redirect URI",
            code(),
            redirect_uri(Some("https://notes.example/cb/")),
            burn(Refusal::RedirectUri),
        ),
        ("no redirect URI", code(), redirect_uri(None), burn(Refusal::RedirectUri)),
        ("none, and none before", unnamed.clone(), redirect_uri(None), minted),
        ("the one of the client, and none before", unnamed.clone(), request(), minted),
        (
            "a foreign one, and none before",
            unnamed,
            redirect_uri(Some("https://x")),
            burn(Refusal::RedirectUri),
        ),
        ("no verifier", code(), verifier(None), burn(Refusal::Verifier)),
        (
            "a wrong one",
            code(),
            verifier(Some("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXl")),
            burn(Refusal::Verifier),
        ),
        ("one too short", code(), verifier(Some(&VERIFIER[..42])), burn(Refusal::Verifier)),
        ("one too long", code(), verifier(Some(&long)), burn(Refusal::Verifier)),
        ("the challenge itself", code(), verifier(Some(CHALLENGE)), burn(Refusal::Verifier)),
        ("one without a challenge", unchallenged.clone(), request(), burn(Refusal::Verifier)),
        ("none without a challenge", unchallenged, verifier(None), minted),
        ("another client's", foreign, request(), burn(Refusal::Client)),
    ];
    for (name, code, request, expected) in table {
        assert_eq!(with_code(&code, &request, NOW), expected, "{name}");
    }
}

#[test]
fn oau_18_oau_19_a_code_counts_once_and_not_for_long() {
    let grant = GrantId::from_bytes([7; 16]);
    let refuse = Decision::Refuse;
    let used = Code { used_at: Some(NOW), grant: Some(grant), ..code() };
    let burned = Code { used_at: Some(NOW), ..code() };
    let strangers = Code { client: ClientId::parse("other").unwrap(), ..used.clone() };
    let last = NOW + Span::seconds(60) - Span::from_micros(1);
    let table = [
        ("in time", code(), last, mint(true, true, None)),
        ("too late", code(), NOW + Span::seconds(60), refuse(Refusal::Expired)),
        ("again", used.clone(), NOW, Decision::Reuse(grant)),
        ("again, too late", used, NOW + Span::hours(1), Decision::Reuse(grant)),
        ("again, by another client", strangers, NOW, refuse(Refusal::Unknown)),
        ("burned", burned, NOW, refuse(Refusal::Unknown)),
    ];
    for (name, code, now, expected) in table {
        assert_eq!(with_code(&code, &request(), now), expected, "{name}");
    }
    let other = Code { account: AccountId::from_bytes([9; 16]), ..code() };
    assert_eq!(with_code(&other, &request(), NOW), refuse(Refusal::Ended));
}

#[test]
fn i1_oau_19_nothing_mints_from_a_dead_session() {
    let (session, code) = (session(), code());
    let client = client(&[GrantType::AuthorizationCode]);
    let facts =
        |session, epoch| Facts { code: Some(&code), session, client: &client, resource_known: true, epoch };
    let dead = [
        ("logged out", Some(check::Facts { revoked: true, ..live(&session) })),
        ("disabled", Some(check::Facts { account: State::Disabled, ..live(&session) })),
        ("idle", Some(check::Facts { idle_ends_at: NOW, ..live(&session) })),
        ("gone", None),
    ];
    for (name, session) in dead {
        let decision = decide(&facts(session, Epoch::BEGINNING), &request(), NOW);
        assert_eq!(decision, Decision::Refuse(Refusal::Ended), "{name}");
    }
    let after = Epoch::ending(NOW, Span::ZERO);
    assert_eq!(
        decide(&facts(Some(live(&session)), after), &request(), NOW),
        Decision::Refuse(Refusal::Ended)
    );
    // Without the grant of refresh tokens nothing outlives the session, whatever the scopes say.
    let minted = decide(&facts(Some(live(&session)), Epoch::BEGINNING), &request(), NOW);
    assert_eq!(minted, mint(false, false, None));
}

#[test]
fn dpo_09_a_code_bound_to_a_key_needs_that_key() {
    let (own, other) = (Confirmation::Jkt([1; 32]), Confirmation::Jkt([2; 32]));
    let bound = Code { confirmation: Some(own), ..code() };
    let by = |key| Request { key, ..request() };
    assert_eq!(with_code(&bound, &by(Some(own)), NOW), mint(true, true, Some(own)));
    assert_eq!(with_code(&bound, &by(Some(other)), NOW), Decision::Burn(Refusal::Key));
    assert_eq!(with_code(&bound, &by(None), NOW), Decision::Refuse(Refusal::KeyMissing));
    assert_eq!(with_code(&code(), &by(Some(other)), NOW), mint(true, true, Some(other)));
}

#[test]
fn oau_78_a_resource_that_was_not_granted_is_none() {
    let api = |text| ResourceId::parse(text).unwrap();
    let granted = Code { resources: vec![api("https://a.example"), api("https://b.example")], ..code() };
    let at = |text| Request { target: Some(Target::Resource(api(text))), ..request() };
    let issuer = Request { target: Some(Target::Issuer), ..request() };
    let bare = Code { scopes: Scopes::parse("offline_access").unwrap(), ..granted.clone() };
    let (minted, refused) = (mint(true, true, None), Decision::Refuse(Refusal::Target));
    let table = [
        ("one of them", &granted, at("https://b.example"), minted),
        ("another", &granted, at("https://c.example"), refused),
        ("the issuer, for its UserInfo", &granted, issuer.clone(), minted),
        ("the issuer, where nothing is for it", &bare, issuer.clone(), refused),
        ("the issuer, for which it is", &code(), issuer, minted),
        ("any, where none was granted", &code(), at("https://a.example"), refused),
    ];
    for (name, code, request, expected) in table {
        assert_eq!(with_code(code, &request, NOW), expected, "{name}");
    }
}

#[test]
fn oau_40_a_grant_begins_with_what_its_client_may_have_today() {
    let refreshing = &[GrantType::AuthorizationCode, GrantType::RefreshToken];
    let mut client = client(refreshing);
    client.metadata.scope = Some("openid".to_owned());
    let session = session();
    let code = code();
    let facts = Facts {
        code: Some(&code),
        session: Some(live(&session)),
        client: &client,
        resource_known: true,
        epoch: Epoch::BEGINNING,
    };
    let Decision::Mint(mint) = decide(&facts, &request(), NOW) else { panic!("refused") };
    assert!(!mint.offline && mint.refresh);
    let birth = Birth {
        id: GrantId::from_bytes([5; 16]),
        index: StatusIndex { list: ListId::from_bytes([3; 16]), index: 1 },
        salt: Salt([6; 16]),
        resource: None,
    };
    let grant = by_code((&code.granted(), &client), &mint, &birth, (NOW, &Limits::default()));
    assert_eq!((grant.scopes.to_string().as_str(), grant.session.is_some()), ("openid", true));
}

#[test]
fn oau_21_what_has_not_the_shape_of_a_code_is_not_looked_up() {
    let text = format!("{PREFIX}{}", "A".repeat(43));
    assert!(lookup(&text).is_some());
    let bare = "A".repeat(43);
    for bad in
        ["", PREFIX, &bare, &text[..48], &format!("{text}A"), &format!("cs_rt_{bare}"), &format!("{text}=")]
    {
        assert_eq!(lookup(bad), None, "{bad}");
    }
}
