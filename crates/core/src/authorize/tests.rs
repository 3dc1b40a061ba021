use super::*;
use crate::client::{ClientId, Metadata, Origin, Profile};
use crate::grant::Scopes;
use crate::revocation::{ListId, StatusIndex};
use crate::session::{Acr, Device, Face, Limits, Method};
use crate::{AccountId, SessionId};

const NOW: Time = Time::from_micros(1_700_000_000_000_000);

/// A confidential client with one address.
pub(crate) fn client() -> Client {
    Client {
        id: ClientId::parse("notes").unwrap(),
        origin: Origin::Operator,
        profile: Profile::Oauth21,
        first_party: false,
        disabled: false,
        created_at: NOW,
        expires_at: None,
        index: None,
        metadata: Metadata { redirect_uris: vec!["https://a.example/cb".into()], ..Metadata::default() },
    }
}

/// A whole request of that client, and more.
pub(crate) fn parameters(more: &[(&str, &str)]) -> Parameters {
    let whole = [
        ("client_id", "notes"),
        ("response_type", "code"),
        ("redirect_uri", "https://a.example/cb"),
        ("scope", "openid email"),
        ("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
        ("code_challenge_method", "S256"),
    ];
    let kept = whole.iter().filter(|(name, _)| !more.iter().any(|(other, _)| other == name));
    let pairs = kept.chain(more).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Parameters::new(pairs.collect()).unwrap()
}

/// An address as if it were registered.
pub(super) fn proven(uri: &str) -> RedirectUri {
    let mut client = client();
    client.metadata.redirect_uris = vec![uri.to_owned()];
    let parameters = parameters(&[("redirect_uri", uri)]);
    redirect_uri::prove(Asked { parameters: &parameters, client: &client, pushed: false }).unwrap()
}

pub(super) fn checked(more: &[(&str, &str)], client: &Client) -> Result<Request, Failure> {
    let issuer = PublicUrl::parse("https://id.example").unwrap();
    let asked = Asked { parameters: &parameters(more), client, pushed: false };
    check(asked, Offer { issuer: &issuer, scopes: &Scopes::default(), claims: &[] })
}

pub(crate) fn session(authenticated_at: Time) -> Session {
    let limits = Limits::default();
    Session {
        id: SessionId::from_bytes([1; 16]),
        account: AccountId::from_bytes([2; 16]),
        face: Face::Cookie,
        created_at: authenticated_at,
        authenticated_at,
        seen_at: authenticated_at,
        idle_ends_at: limits.idle_end(authenticated_at, false),
        absolute_ends_at: limits.absolute_end(authenticated_at, false),
        ended: None,
        amr: vec![Method::Password],
        acr: Acr::Aal1,
        remember: false,
        device: Device::default(),
        ip: None,
        index: StatusIndex { list: ListId::from_bytes([3; 16]), index: 7 },
    }
}

fn consent(scopes: &str) -> Consent {
    Consent {
        account: AccountId::from_bytes([2; 16]),
        client: client().id,
        scopes: Scopes::parse(scopes).unwrap(),
        resources: Vec::new(),
        created_at: NOW,
        changed_at: NOW,
    }
}

#[test]
fn oau_12_nothing_is_answered_to_an_address_that_is_not_proven() {
    let client = client();
    let table: &[(&[(&str, &str)], bool)] = &[
        (&[("redirect_uri", "https://evil.example/cb"), ("response_type", "x")], false),
        (&[("redirect_uri", "https://evil.example/cb"), ("prompt", "none")], false),
        (&[("redirect_uri", "https://evil.example/cb"), ("scope", "nonsense")], false),
        (&[("scope", "nonsense")], true),
        (&[("response_type", "x")], true),
        (&[("response_mode", "fragment")], true),
        (&[("prompt", "x")], true),
        (&[("request", "x")], true),
        (&[("code_challenge_method", "plain")], true),
        (&[("max_age", "x")], true),
        (&[("claims", "x")], true),
        (&[("resource", "x")], true),
        (&[("dpop_jkt", "x")], true),
    ];
    for (more, told) in table {
        match checked(more, &client) {
            Err(Failure::Answer(back, _)) => {
                assert!(told, "{more:?}");
                assert_eq!(back.redirect.as_str(), "https://a.example/cb");
            }
            Err(Failure::Page(reason)) => {
                assert_eq!((*told, reason), (false, NoWayBack::RedirectUri), "{more:?}");
            }
            Ok(_) => panic!("{more:?}"),
        }
    }
}

#[test]
fn parameters_that_only_wish_never_err() {
    let wishes = [
        ("display", "popup"),
        ("ui_locales", "se"),
        ("claims_locales", "se"),
        ("acr_values", "1 2"),
        ("login_hint", "<b>kim</b>"),
        ("foo", "bar"),
    ];
    assert!(checked(&wishes, &client()).is_ok());
}

type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], Option<Session>, fn(&mut Waiting), Result<(), Decision>);

const OTHER: Option<SessionId> = Some(SessionId::from_bytes([9; 16]));
const OWN: Option<SessionId> = Some(SessionId::from_bytes([1; 16]));

fn here() -> Session {
    session(NOW - Span::minutes(10))
}

fn plain(_: &mut Waiting) {}

fn proved(waiting: &mut Waiting) {
    waiting.proved = OWN;
}

fn selected(waiting: &mut Waiting) {
    waiting.selected = OWN;
}

fn consented(waiting: &mut Waiting) {
    waiting.consented = OWN;
}

/// All that another browser's session did.
fn another(waiting: &mut Waiting) {
    (waiting.proved, waiting.selected, waiting.consented) = (OTHER, OTHER, OTHER);
}

fn quietly(error: Error) -> Result<(), Decision> {
    Err(Decision::Refuse(Refusal::new(error, "prompt=none, and the person must do something.")))
}

#[test]
fn oau_31_a_login_is_asked_for_where_one_is_needed() {
    let table: &[Case<'_>] = &[
        ("nobody", &[], None, plain, Err(Decision::LogIn)),
        ("nobody, quietly", &[("prompt", "none")], None, plain, quietly(Error::LoginRequired)),
        ("logged in, no cookie", &[], None, proved, Err(Decision::NoCookie)),
        ("somebody", &[], Some(here()), plain, Ok(())),
        ("somebody, quietly", &[("prompt", "none")], Some(here()), plain, Ok(())),
        ("a new login", &[("prompt", "login")], Some(here()), plain, Err(Decision::LogIn)),
        ("a new login, made", &[("prompt", "login")], Some(here()), proved, Ok(())),
        (
            "a new login, of another browser",
            &[("prompt", "login")],
            Some(here()),
            another,
            Err(Decision::LogIn),
        ),
        ("young enough", &[("max_age", "600")], Some(here()), plain, Ok(())),
        ("too old", &[("max_age", "599")], Some(here()), plain, Err(Decision::LogIn)),
        ("too old, made anew", &[("max_age", "0")], Some(here()), proved, Ok(())),
        (
            "a new login, made long ago",
            &[("prompt", "login")],
            Some(session(NOW - Span::minutes(10) - Span::seconds(1))),
            proved,
            Err(Decision::LogIn),
        ),
        (
            "too old, made anew long ago",
            &[("max_age", "60")],
            Some(session(NOW - Span::minutes(11))),
            proved,
            Err(Decision::LogIn),
        ),
        (
            "too old, quietly",
            &[("max_age", "1"), ("prompt", "none")],
            Some(here()),
            plain,
            quietly(Error::LoginRequired),
        ),
        ("no age is young enough", &[("max_age", "0")], Some(session(NOW)), plain, Err(Decision::LogIn)),
    ];
    all_decided(table);
}

#[test]
fn oau_31_after_the_login_comes_the_account_and_then_the_consent() {
    let table: &[Case<'_>] = &[
        ("which account", &[("prompt", "select_account")], Some(here()), plain, Err(Decision::Select)),
        ("this account", &[("prompt", "select_account")], Some(here()), selected, Ok(())),
        (
            "which, of another browser",
            &[("prompt", "select_account")],
            Some(here()),
            another,
            Err(Decision::Select),
        ),
        ("more scopes", &[("scope", "openid profile")], Some(here()), plain, Err(Decision::Consent)),
        (
            "more scopes, quietly",
            &[("scope", "profile"), ("prompt", "none")],
            Some(here()),
            plain,
            quietly(Error::ConsentRequired),
        ),
        ("consent again", &[("prompt", "consent")], Some(here()), plain, Err(Decision::Consent)),
        ("consent again, given", &[("prompt", "consent")], Some(here()), consented, Ok(())),
        (
            "consent of another browser",
            &[("prompt", "consent")],
            Some(here()),
            another,
            Err(Decision::Consent),
        ),
        ("a resource", &[("resource", "https://api.example")], Some(here()), plain, Err(Decision::Consent)),
        ("login first", &[("prompt", "login consent")], Some(here()), plain, Err(Decision::LogIn)),
    ];
    all_decided(table);
}

fn all_decided(table: &[Case<'_>]) {
    let (client, known) = (client(), consent("openid email"));
    for (name, more, session, change, expected) in table {
        let request = checked(more, &client).unwrap();
        let mut waiting = Waiting::new(parameters(more), None, NOW);
        change(&mut waiting);
        let session = session.as_ref();
        let facts = Facts {
            session,
            hint: Hint::Fits,
            consent: Some(&known),
            administers: false,
            waiting: &waiting,
            now: NOW,
        };
        let decision = decide(&request, &client, facts);
        assert_eq!(decision, expected.clone().err().unwrap_or(Decision::Issue), "{name}");
    }
}

#[test]
fn oau_31_a_hint_of_somebody_else_is_never_ignored() {
    let client = client();
    let decided = |more: &[(&str, &str)], hint, proved: bool| {
        let request = checked(more, &client).unwrap();
        let session = session(NOW);
        let waiting =
            Waiting { proved: proved.then_some(session.id), ..Waiting::new(parameters(more), None, NOW) };
        let known = consent("openid email");
        let facts = Facts {
            session: Some(&session),
            hint,
            consent: Some(&known),
            administers: false,
            waiting: &waiting,
            now: NOW,
        };
        match decide(&request, &client, facts) {
            Decision::Refuse(refusal) => Err(refusal.error),
            decision => Ok(decision),
        }
    };
    assert_eq!(decided(&[], Hint::Fits, false), Ok(Decision::Issue));
    assert_eq!(decided(&[], Hint::Another, false), Ok(Decision::LogIn));
    assert_eq!(decided(&[], Hint::Another, true), Err(Error::LoginRequired));
    assert_eq!(decided(&[("prompt", "none")], Hint::Another, false), Err(Error::LoginRequired));
    assert_eq!(decided(&[], Hint::Unreadable, false), Err(Error::InvalidRequest));
}

#[test]
fn oau_31_an_essential_class_that_is_not_reached_is_an_error() {
    let client = client();
    let decided = |claims: &str| {
        let request = checked(&[("claims", claims)], &client).unwrap();
        let (session, known) = (session(NOW), consent("openid email"));
        let waiting = Waiting::new(parameters(&[]), None, NOW);
        let facts = Facts {
            session: Some(&session),
            hint: Hint::Fits,
            consent: Some(&known),
            administers: false,
            waiting: &waiting,
            now: NOW,
        };
        decide(&request, &client, facts)
    };
    assert_eq!(
        decided(r#"{"id_token":{"acr":{"essential":true,"values":["phr","aal1"]}}}"#),
        Decision::Issue
    );
    assert_eq!(decided(r#"{"id_token":{"acr":{"values":["phr"]}}}"#), Decision::Issue);
    let unmet = decided(r#"{"id_token":{"acr":{"essential":true,"value":"phr"}}}"#);
    assert!(matches!(unmet, Decision::Refuse(it) if it.error == Error::UnmetAuthenticationRequirements));
}

type ConsentCase<'a> = (&'a str, fn(&mut Client), &'a str, Option<&'a str>, bool, bool);

#[test]
fn oau_58_consent_is_asked_of_everybody_but_our_own_and_remembered_for_who_can_prove_itself() {
    use crate::client::AuthMethod;
    const SITE: &str = "https://a.example/cb";
    const DEVICE: &str = "http://127.0.0.1/cb";
    const SCHEME: &str = "com.example.app:/cb";
    let public = |client: &mut Client| client.metadata.token_endpoint_auth_method = AuthMethod::None;
    let first = |client: &mut Client| {
        client.first_party = true;
        client.metadata.token_endpoint_auth_method = AuthMethod::None;
    };
    let plain = |_: &mut Client| ();
    let table: &[ConsentCase<'_>] = &[
        ("never asked", plain, SITE, None, false, true),
        ("asked before", plain, SITE, Some("openid email"), false, false),
        ("asked before, with a secret", plain, DEVICE, Some("openid email"), false, false),
        ("asked for less", plain, SITE, Some("openid"), false, true),
        ("our own", first, SITE, None, false, false),
        ("our own app", first, DEVICE, None, false, true),
        ("our own app, asked just now", first, SCHEME, None, true, false),
        ("a page, asked before", public, SITE, Some("openid email"), false, false),
        ("an app, asked before", public, DEVICE, Some("openid email"), false, true),
        ("an app with a scheme, asked before", public, SCHEME, Some("openid email"), false, true),
        ("an app, asked just now", public, DEVICE, Some("openid email"), true, false),
        ("asked just now, and withdrawn", plain, SITE, None, true, true),
    ];
    for (name, change, uri, known, answered, asked) in table {
        let mut client = client();
        client.metadata.redirect_uris = [SITE, DEVICE, SCHEME].map(str::to_owned).to_vec();
        change(&mut client);
        let request = checked(&[("redirect_uri", uri)], &client).unwrap();
        let known = known.map(consent);
        let decision = consent::decide(&request, &client, known.as_ref(), *answered);
        assert_eq!(decision, asked.then_some(Decision::Consent), "{name}");
    }
}

#[test]
fn a_consent_only_ever_widens() {
    let client = client();
    let request =
        checked(&[("scope", "profile openid"), ("resource", "https://api.example")], &client).unwrap();
    let who = (AccountId::from_bytes([2; 16]), &client.id);
    let asked = (&request.to_allow(), &request.resources[..]);
    let wide = consent::widen::decide(Some(consent("openid email")), asked, who, NOW + Span::hours(1));
    assert_eq!(wide.scopes.to_string(), "openid email profile");
    assert_eq!((wide.resources.len(), wide.created_at, wide.changed_at), (1, NOW, NOW + Span::hours(1)));
    let new = consent::widen::decide(None, asked, who, NOW);
    assert_eq!(new.scopes.to_string(), "profile openid");
    assert_eq!(consent::widen::decide(Some(new.clone()), asked, who, NOW), new);
}
