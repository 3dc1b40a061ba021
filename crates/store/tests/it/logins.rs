//! Logins: what opens with them, what ends, and what they lose against.

use std::collections::HashSet;

use countersign_core::account::change::{self, Change};
use countersign_core::account::{Identifier, State};
use countersign_core::audit::Kind;
use countersign_core::login::password::Refusal;
use countersign_core::session::end::{self, Scope};
use countersign_core::session::open::Open;
use countersign_core::session::{EndReason, check};
use countersign_core::{AccountId, ResetId, Span, Time};
use countersign_store::account::change::change_batch;
use countersign_store::audit::{Filter, Line, events};
use countersign_store::login::{Upgrade, login_facts, open_batch, refuse_batch};
use countersign_store::recovery::{NewReset, reset_facts, send_batch};
use countersign_store::session::sessions_of;
use countersign_store::{Store, credential};

use crate::doors::{candidate, cookie, enter, enter_by_token, knock, knock_by_token, opens, token};
use crate::people::{
    self, AT_ONCE, LIFE, NEW, OLD, ROUNDS, account, applied, at_once, every_store, lost, mail, stamp,
};
use crate::support::NOW;

const KIM: &str = "kim@example.org";

async fn lines(store: &Store, account: Option<AccountId>, kind: Kind) -> Vec<Line> {
    let filter = Filter { account, kind: Some(kind), limit: 100, ..Filter::default() };
    events(store, &filter).await.unwrap()
}

#[tokio::test]
async fn an_identifier_finds_its_account_and_a_failure_is_written_down() {
    every_store(async |store| {
        let kim = account(store, KIM).await;
        let find = async |text| login_facts(store, &Identifier::parse(text).unwrap()).await.unwrap();
        let (found, password) = find(" KIM@Example.org").await.unwrap();
        assert_eq!((found.id, found.state, found.version.0), (kim, State::Active, 1));
        assert_eq!(password.as_deref(), Some(OLD));
        assert_eq!(find("lee@example.org").await, None);
        assert_eq!(find("kim").await, None);

        applied(store, refuse_batch(Some(kim), Refusal::WrongPassword, &stamp(NOW))).await;
        applied(store, refuse_batch(None, Refusal::UnknownAccount, &stamp(NOW))).await;
        assert_eq!(lines(store, Some(kim), Kind::LoginFailed).await.len(), 1);
        assert_eq!(lines(store, None, Kind::LoginFailed).await.len(), 2);
    })
    .await;
}

#[tokio::test]
async fn ses_02_the_session_that_a_browser_had_ends_whoever_s_it_was() {
    every_store(async |store| {
        account(store, KIM).await;
        account(store, "attacker@example.org").await;
        let (kim, attacker) = (candidate(store, KIM).await, candidate(store, "attacker@example.org").await);
        let (planted, secret) = enter(store, attacker, NOW).await;
        let grant = enter_by_token(store, attacker, NOW).await;
        for replaced in [planted, grant.session.unwrap()] {
            let end = end::decide(attacker.id, Scope::One(replaced), EndReason::Replaced);
            let open = Open { replaces: Some(end), ..cookie(store, kim, NOW).await };
            assert_eq!(knock(store, secret, NOW).await.is_ok(), replaced == planted);
            assert_eq!(knock_by_token(store, &grant, NOW).await, Ok(()));
            applied(store, opens(&open, NOW)).await;
            assert_eq!(knock(store, open.secret.unwrap(), NOW).await, Ok(()));
        }
        assert_eq!(knock(store, secret, NOW).await, Err(check::Refusal::Ended));
        assert_eq!(knock_by_token(store, &grant, NOW).await, Err(check::Refusal::Ended));
        assert_eq!(sessions_of(store, kim.id, NOW).await.unwrap().len(), 2);
        assert_eq!(sessions_of(store, attacker.id, NOW).await.unwrap(), []);
    })
    .await;
}

#[tokio::test]
async fn i17_a_login_writes_what_it_opened() {
    every_store(async |store| {
        account(store, KIM).await;
        let kim = candidate(store, KIM).await;
        let grant = enter_by_token(store, kim, NOW).await;
        let opened = lines(store, Some(kim.id), Kind::SessionOpened).await;
        assert_eq!((opened.len(), opened[0].session), (1, grant.session));
        let opened = lines(store, Some(kim.id), Kind::GrantOpened).await;
        assert_eq!((opened.len(), opened[0].grant), (1, Some(grant.id)));
    })
    .await;
}

#[tokio::test]
async fn rec_05_a_login_kills_the_resets_that_were_mailed() {
    every_store(async |store| {
        account(store, KIM).await;
        let kim = candidate(store, KIM).await;
        let reset = NewReset {
            id: ResetId::new(NOW, people::random()),
            account: kim.id,
            token: people::token(),
            expires_at: NOW + Span::minutes(30),
        };
        applied(store, send_batch(&reset, &mail("reset", KIM), 0, &stamp(NOW))).await;
        assert!(!reset_facts(store, reset.token).await.unwrap().reset.unwrap().0.dead);
        enter(store, kim, NOW).await;
        assert!(reset_facts(store, reset.token).await.unwrap().reset.unwrap().0.dead);
    })
    .await;
}

#[tokio::test]
async fn a_login_that_read_the_account_before_a_change_is_lost() {
    every_store(async |store| {
        account(store, KIM).await;
        let before = candidate(store, KIM).await;
        let (session, secret) = enter(store, before, NOW).await;
        let stale = cookie(store, before, NOW).await;
        let change =
            credential::Change { account: before.id, old: OLD, new: NEW, session, grant: None, secret: None };
        applied(store, credential::change_batch(&change, None, LIFE, &stamp(NOW))).await;
        lost(store, opens(&stale, NOW)).await;
        assert_eq!(knock(store, stale.secret.unwrap(), NOW).await, Err(check::Refusal::Ended));
        assert_eq!(knock(store, secret, NOW).await, Ok(()));
        enter(store, candidate(store, KIM).await, NOW).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn race_08_fifty_logins_racing_a_disable_leave_no_session() {
    every_store(async |store| {
        for round in 0..ROUNDS {
            let address = format!("kim{round}@example.org");
            account(store, &address).await;
            let kim = candidate(store, &address).await;
            let mut doors = Vec::new();
            for _ in 0..AT_ONCE / 2 {
                let (open, grant) = token(store, kim, NOW).await;
                doors.extend([(open, Some(grant)), (cookie(store, kim, NOW).await, None)]);
            }
            let open =
                |(open, grant): &(Open, _)| open_batch(open, Option::as_ref(grant), None, LIFE, &stamp(NOW));
            let mut batches: Vec<_> = doors.iter().map(open).collect();
            let disable = change::decide(State::Active, Change::Disable);
            let disable = change_batch(&disable, kim.id, LIFE, &stamp(NOW)).unwrap();
            // Among the logins, each time at another place.
            batches.insert(round * AT_ONCE / ROUNDS, disable);
            let applied = at_once(store, batches).await;
            assert!(applied >= 1, "the disable itself");
            assert_eq!(candidate(store, &address).await.state, State::Disabled);
            assert_eq!(sessions_of(store, kim.id, NOW).await.unwrap(), []);
            for (open, grant) in doors {
                match grant {
                    Some(grant) => assert!(knock_by_token(store, &grant, NOW).await.is_err()),
                    None => assert!(knock(store, open.secret.unwrap(), NOW).await.is_err()),
                }
            }
        }
    })
    .await;
}

/// At most `keep` sessions, and a login that began at `at`.
async fn limited(store: &Store, keep: u32, at: Time) -> Open {
    Open { keep: Some(keep), ..cookie(store, candidate(store, KIM).await, at).await }
}

#[tokio::test]
async fn ses_24_one_session_too_many_ends_the_oldest_and_its_grants() {
    every_store(async |store| {
        account(store, KIM).await;
        let kim = candidate(store, KIM).await;
        let grant = enter_by_token(store, kim, NOW).await;
        let mut opened = Vec::new();
        for second in 1..=3 {
            let at = NOW + Span::seconds(second);
            assert_eq!(knock_by_token(store, &grant, at).await.is_ok(), second < 3);
            let open = limited(store, 2, at).await;
            applied(store, opens(&open, at)).await;
            opened.push(open);
        }
        let now = NOW + Span::seconds(3);
        assert_eq!(knock(store, opened[0].secret.unwrap(), now).await, Err(check::Refusal::Ended));
        for open in &opened[1..] {
            assert_eq!(knock(store, open.secret.unwrap(), now).await, Ok(()));
        }
        assert_eq!(sessions_of(store, kim.id, now).await.unwrap().len(), 2);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ses_24_the_limit_holds_under_50_logins_at_once() {
    every_store(async |store| {
        let kim = account(store, KIM).await;
        let mut now = NOW;
        for _ in 0..ROUNDS {
            let mut opened = Vec::new();
            for _ in 0..AT_ONCE {
                now = now + Span::from_micros(1);
                opened.push(limited(store, 3, now).await);
            }
            let batches: Vec<_> = opened.iter().map(|open| opens(open, open.session.created_at)).collect();
            assert_eq!(at_once(store, batches).await, AT_ONCE, "a login loses against no other login");
            let live: HashSet<_> =
                sessions_of(store, kim, now).await.unwrap().into_iter().map(|session| session.id).collect();
            assert_eq!(live.len(), 3);
            for open in opened {
                let heard = knock(store, open.secret.unwrap(), now).await;
                assert_eq!(heard.is_ok(), live.contains(&open.session.id));
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn log_31_fifty_logins_upgrade_the_hash_once_and_all_get_in() {
    every_store(async |store| {
        account(store, KIM).await;
        let kim = candidate(store, KIM).await;
        let hashes: Vec<_> = (0..AT_ONCE).map(|number| format!("{NEW}{number}")).collect();
        let mut batches = Vec::new();
        for new in &hashes {
            let open = cookie(store, kim, NOW).await;
            batches.push(open_batch(&open, None, Some(Upgrade { old: OLD, new }), LIFE, &stamp(NOW)));
        }
        assert_eq!(at_once(store, batches).await, AT_ONCE);
        let kept = credential::password_of(store, kim.id).await.unwrap().unwrap();
        assert!(hashes.contains(&kept), "{kept}");
        assert_eq!(lines(store, Some(kim.id), Kind::PasswordUpgraded).await.len(), 1);
        assert_eq!(sessions_of(store, kim.id, NOW).await.unwrap().len(), AT_ONCE);
    })
    .await;
}
