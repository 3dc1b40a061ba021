//! Logouts that clients hear of (attack OAU-73): whatever ends a session leaves one for each client that was in it.

use std::collections::BTreeSet;

use countersign_core::account::State;
use countersign_core::account::change::{self, Change};
use countersign_core::audit::Kind;
use countersign_core::client::{Client, ClientId, Metadata, Origin, Profile};
use countersign_core::grant::redeem::Code;
use countersign_core::grant::{self, Grant};
use countersign_core::recovery::reset::Reset;
use countersign_core::revocation::Epoch;
use countersign_core::session::backchannel::{Logout, Verdict};
use countersign_core::session::end::{self, Scope};
use countersign_core::session::open::Open;
use countersign_core::session::{Acr, EndReason, Method};
use countersign_core::{AccountId, CredentialId, GrantId, ResetId, SessionId, Span, Time};
use countersign_store::account::change::change_batch;
use countersign_store::audit::{Filter, events};
use countersign_store::backchannel::{claim_batch, clients_due, due, over_batch, waiting};
use countersign_store::client::change::{delete_batch, describe_batch, disable_batch};
use countersign_store::client::{NewClient, create_batch};
use countersign_store::code::{NewCode, issue_batch};
use countersign_store::consent::withdraw_batch;
use countersign_store::recovery::{NewPassword, NewReset, reset_batch, send_batch};
use countersign_store::redeem::redeem_batch;
use countersign_store::revocation::end_everything_batch;
use countersign_store::session::end_batch;
use countersign_store::{Batch, Outcome, Store, credential, login};

use crate::doors::{candidate, cookie};
use crate::faces::{Login, log_in};
use crate::people::{
    self, AT_ONCE, LIFE, NEW, OLD, ROUNDS, applied, at_once, every_store, lost, mail, stamp,
};
use crate::support::NOW;

const KIM: &str = "kim@example.org";
const LATER: Time = Time::from_micros(NOW.micros() + 1_000_000);

fn id(text: &str) -> ClientId {
    ClientId::parse(text).unwrap()
}

fn client(name: &str, uri: Option<&str>) -> Client {
    Client {
        id: id(name),
        origin: Origin::Operator,
        profile: Profile::Oidc,
        first_party: false,
        disabled: false,
        created_at: NOW,
        expires_at: None,
        index: None,
        metadata: Metadata { backchannel_logout_uri: uri.map(str::to_owned), ..Metadata::default() },
    }
}

/// Two clients that hear of logouts, and one that does not.
async fn clients(store: &Store) {
    let uri = Some("https://notes.example/out");
    for client in [client("notes", uri), client("other", uri), client("deaf", None)] {
        let new = NewClient { client: &client, secret: None, registration: None };
        applied(store, create_batch(&new, &stamp(NOW))).await;
    }
}

/// A grant that a client gets in this session.
async fn lets_in(store: &Store, login: &Login, client: &str, offline: bool) -> Grant {
    let session = &login.open.session;
    let code = Code {
        hash: people::token(),
        client: id(client),
        account: session.account,
        session: session.id,
        redirect_uri: None,
        scopes: login.grant.scopes.clone(),
        resources: Vec::new(),
        challenge: None,
        nonce: None,
        confirmation: None,
        claims: None,
        login: grant::Login { at: NOW, amr: vec![Method::Password], acr: Acr::Aal1 },
        created_at: NOW,
        expires_at: LATER,
        used_at: None,
        grant: None,
    };
    applied(store, issue_batch(&issued(&code), &stamp(NOW))).await;
    let grant = Grant {
        id: GrantId::new(NOW, people::random()),
        client: id(client),
        session: (!offline).then_some(session.id),
        index: store.lease_index(LIFE, &stamp(NOW)).await.unwrap(),
        absolute_ends_at: offline.then_some(NOW + LIFE),
        ..login.grant.clone()
    };
    applied(store, redeem_batch(&code, &grant, None, &stamp(NOW))).await;
    grant
}

fn issued(code: &Code) -> NewCode<'_> {
    NewCode {
        hash: code.hash,
        client: &code.client,
        account: code.account,
        session: code.session,
        redirect_uri: None,
        scopes: &code.scopes,
        resources: &[],
        challenge: None,
        nonce: None,
        confirmation: None,
        claims: None,
        login: code.login.clone(),
        expires_at: code.expires_at,
        by_consent: false,
    }
}

/// A login in which `notes` got two grants, `other` one that outlives it, and `deaf` one.
async fn busy_login(store: &Store, account: AccountId) -> Login {
    let login = log_in(store, account, NOW).await;
    for (client, offline) in [("notes", false), ("notes", true), ("other", true), ("deaf", false)] {
        lets_in(store, &login, client, offline).await;
    }
    login
}

/// Who is to be told of which session, at any time.
async fn told_of(store: &Store) -> BTreeSet<(String, SessionId)> {
    let mut all = BTreeSet::new();
    for client in clients_due(store, NOW + LIFE, 9).await.unwrap() {
        for logout in due(store, &client, NOW + LIFE, 99).await.unwrap() {
            assert_eq!(logout.tries, 0);
            assert!(all.insert((logout.client.as_str().to_owned(), logout.session)));
        }
    }
    assert_eq!(waiting(store).await.unwrap(), i64::try_from(all.len()).unwrap());
    all
}

fn both(session: SessionId) -> BTreeSet<(String, SessionId)> {
    ["notes", "other"].map(|client| (client.to_owned(), session)).into()
}

/// What ends the first of an account's two logins, and perhaps the second.
async fn way(store: &Store, number: usize, account: AccountId, logins: [&Login; 2]) -> Batch {
    let [session, other] = logins.map(|login| login.open.session.id);
    let ends = |scope, reason| end_batch(&end::decide(account, scope, reason), LIFE, &stamp(LATER));
    match number {
        0 => ends(Scope::One(session), EndReason::Logout),
        1 => ends(Scope::Others(other), EndReason::Revoked),
        2 => {
            let change =
                credential::Change { account, old: OLD, new: NEW, session: other, grant: None, secret: None };
            credential::change_batch(&change, None, LIFE, &stamp(LATER))
        }
        3 => {
            let end = end::decide(account, Scope::One(session), EndReason::Replaced);
            people::account(store, "lee@example.org").await;
            let lee = candidate(store, "lee@example.org").await;
            let open = Open { replaces: Some(end), ..cookie(store, lee, LATER).await };
            login::open_batch(&open, None, None, LIFE, &stamp(LATER))
        }
        4 => {
            let open = cookie(store, candidate(store, KIM).await, LATER).await;
            login::open_batch(&Open { keep: Some(2), ..open }, None, None, LIFE, &stamp(LATER))
        }
        5 => ends(Scope::All, EndReason::Revoked),
        6 => reset(store, account).await,
        7 => change_batch(&change::decide(State::Active, Change::Disable), account, LIFE, &stamp(LATER))
            .unwrap(),
        8 => change_batch(&change::decide(State::Active, Change::Delete), account, LIFE, &stamp(LATER))
            .unwrap(),
        _ => end_everything_batch(Epoch::BEGINNING, Epoch::ending(LATER, Span::ZERO), LIFE, &stamp(LATER)),
    }
}

async fn reset(store: &Store, account: AccountId) -> Batch {
    let (id, token, expires_at) = (ResetId::new(NOW, people::random()), people::token(), NOW + LIFE);
    let sent = NewReset { id, account, token, expires_at };
    applied(store, send_batch(&sent, &mail("reset", KIM), 0, &stamp(NOW))).await;
    let reset = Reset { id, account, created_at: NOW, expires_at, dead: false };
    let new = NewPassword { credential: CredentialId::new(NOW, people::random()), hash: NEW };
    reset_batch(&reset, new, None, LIFE, &stamp(LATER))
}

#[tokio::test]
async fn oau_73_whatever_ends_a_session_leaves_one_logout_for_each_client_in_it() {
    for number in 0..10 {
        every_store(async |store| {
            clients(store).await;
            let kim = people::account(store, KIM).await;
            let mut logins = [busy_login(store, kim).await, busy_login(store, kim).await];
            // Of two that began in one moment, the one with the smaller id makes room.
            logins.sort_by_key(|login| login.open.session.id);
            let [first, second] = &logins;
            let batch = way(store, number, kim, [first, second]).await;
            assert!(told_of(store).await.is_empty());
            applied(store, batch).await;
            let mut expected = both(first.open.session.id);
            if number >= 5 {
                expected.extend(both(second.open.session.id));
            }
            assert_eq!(told_of(store).await, expected, "way {number}");
            let [notes] = due(store, &id("notes"), LATER, 1).await.unwrap().try_into().unwrap();
            let Logout { account, ended_at, .. } = notes;
            assert_eq!((account, ended_at), (kim, LATER));
        })
        .await;
    }
}

#[tokio::test]
async fn oau_73_a_withdrawn_consent_signs_out_of_that_client_alone_and_a_closed_client_hears_nothing() {
    every_store(async |store| {
        clients(store).await;
        let kim = people::account(store, KIM).await;
        let login = busy_login(store, kim).await;
        applied(store, disable_batch(&id("other"), LIFE, &stamp(LATER))).await;
        assert!(told_of(store).await.is_empty());
        applied(store, withdraw_batch(kim, &id("notes"), LIFE, &stamp(LATER))).await;
        let notes = BTreeSet::from([("notes".to_owned(), login.open.session.id)]);
        assert_eq!(told_of(store).await, notes);
        applied(store, withdraw_batch(kim, &id("notes"), LIFE, &stamp(LATER))).await;
        assert_eq!(told_of(store).await, notes, "told once");
    })
    .await;
}

#[tokio::test]
async fn oau_73_a_client_that_says_that_it_listens_hears_and_one_that_is_deleted_does_not() {
    every_store(async |store| {
        clients(store).await;
        let kim = people::account(store, KIM).await;
        let login = busy_login(store, kim).await;
        let changes = [client("deaf", Some("https://deaf.example/out")), client("notes", None)];
        for changed in &changes {
            applied(store, describe_batch(changed, &stamp(NOW))).await;
        }
        let end = end::decide(kim, Scope::All, EndReason::Revoked);
        applied(store, end_batch(&end, LIFE, &stamp(LATER))).await;
        let session = login.open.session.id;
        let told = |names: &[&str]| names.iter().map(|name| ((*name).to_owned(), session)).collect();
        assert_eq!(told_of(store).await, told(&["deaf", "other"]));
        applied(store, disable_batch(&id("deaf"), LIFE, &stamp(LATER))).await;
        assert_eq!(
            store.apply_to_client(delete_batch(&id("deaf"), &stamp(LATER))).await,
            Ok(Outcome::Applied)
        );
        assert_eq!(told_of(store).await, told(&["other"]));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn oau_73_fifty_ends_at_once_leave_one_logout_and_fifty_workers_claim_it_once() {
    every_store(async |store| {
        clients(store).await;
        let kim = people::account(store, KIM).await;
        for round in 0..ROUNDS {
            let login = log_in(store, kim, NOW).await;
            lets_in(store, &login, "notes", false).await;
            let end = end::decide(kim, Scope::One(login.open.session.id), EndReason::Logout);
            // Some of them in the same moment; no other round's.
            let at =
                |number: usize| LATER + Span::from_micros(i64::try_from(2 * round + number % 2).unwrap());
            let ends = (0..AT_ONCE).map(|number| end_batch(&end, LIFE, &stamp(at(number))));
            assert_eq!(at_once(store, ends).await, AT_ONCE, "an end of what is over applies");
            let [logout] = due(store, &id("notes"), at(1), 9).await.unwrap().try_into().unwrap();
            assert_eq!((logout.session, logout.tries), (login.open.session.id, 0), "round {round}");
            let claims: Vec<_> = (0..AT_ONCE).map(|_| claim_batch(&logout, &stamp(LATER))).collect();
            assert_eq!(at_once(store, claims).await, 1);
            applied(store, over_batch(&logout, Verdict::Told, &stamp(LATER))).await;
        }
    })
    .await;
}

#[tokio::test]
async fn oau_73_a_claimed_logout_is_due_again_until_it_is_over() {
    every_store(async |store| {
        clients(store).await;
        let kim = people::account(store, KIM).await;
        let session = busy_login(store, kim).await.open.session.id;
        let end = end::decide(kim, Scope::One(session), EndReason::Logout);
        applied(store, end_batch(&end, LIFE, &stamp(LATER))).await;
        assert!(clients_due(store, NOW, 9).await.unwrap().is_empty());
        assert_eq!(clients_due(store, LATER, 9).await.unwrap(), [id("notes"), id("other")]);
        assert_eq!(clients_due(store, LATER, 1).await.unwrap(), [id("notes")]);
        let notes = id("notes");
        let [first] = due(store, &notes, LATER, 9).await.unwrap().try_into().unwrap();
        applied(store, claim_batch(&first, &stamp(LATER))).await;
        lost(store, claim_batch(&first, &stamp(LATER))).await;
        let next = first.next_try(LATER);
        assert_eq!(due(store, &notes, next - Span::from_micros(1), 9).await.unwrap(), []);
        let [second] = due(store, &notes, next, 9).await.unwrap().try_into().unwrap();
        assert_eq!(second, Logout { tries: 1, ..first });
        applied(store, over_batch(&second, Verdict::Told, &stamp(next))).await;
        lost(store, over_batch(&second, Verdict::Told, &stamp(next))).await;
        lost(store, claim_batch(&second, &stamp(next))).await;
        assert_eq!(waiting(store).await.unwrap(), 1, "the other client's");
        let told = Filter { kind: Some(Kind::LogoutTold), limit: 9, ..Filter::default() };
        let told = events(store, &told).await.unwrap();
        assert_eq!(
            (told.len(), told[0].session, told[0].client.as_deref()),
            (1, Some(session), Some("notes"))
        );
        assert_eq!(told[0].detail["result"], "told");
    })
    .await;
}
