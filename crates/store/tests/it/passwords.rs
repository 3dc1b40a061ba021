//! Passwords, changed by their owner and hashed anew along the way.

use countersign_core::account::State;
use countersign_core::account::change::{self, decide};
use countersign_core::audit::Kind;
use countersign_core::secret::Hash;
use countersign_core::{AccountId, Span};
use countersign_store::audit::{Filter, events};
use countersign_store::credential::{Change, change_batch, password_of};
use countersign_store::grant::reuse_batch;
use countersign_store::login::Upgrade;
use countersign_store::{Batch, Store, account, job};

use crate::doors::{knock, logout};
use crate::faces::{Login, faces, log_in, open_batch, ready};
use crate::people::{
    self, AT_ONCE, LIFE, NEW, OLD, ROUNDS, applied, at_once, every_store, lost, mail, stamp,
};
use crate::support::NOW;

fn of<'a>(login: &Login, secret: Hash) -> Change<'a> {
    let session = login.open.session.id;
    let account = login.open.session.account;
    Change { account, old: OLD, new: NEW, session, grant: None, secret: Some((login.secret, secret)) }
}

fn batch(change: &Change<'_>) -> Batch {
    let notice = mail("password_changed", "kim@example.org");
    change_batch(change, Some(&notice), LIFE, &stamp(NOW + Span::seconds(1)))
}

async fn hash_of(store: &Store, id: AccountId) -> String {
    password_of(store, id).await.unwrap().unwrap()
}

#[tokio::test]
async fn i1_i5_a_change_ends_other_sessions_and_gives_this_one_a_new_secret() {
    every_store(async |store| {
        let id = people::account(store, "kim@example.org").await;
        let [own, other] = [log_in(store, id, NOW).await, log_in(store, id, NOW).await];
        let (halfway, secret) = (ready(store, id, NOW).await, people::token());
        applied(store, batch(&of(&own, secret))).await;

        assert_eq!(hash_of(store, id).await, NEW);
        assert_eq!(faces(store, &other, NOW).await, (false, false));
        // The old cookie is dead, the tokens of the session live on with it.
        assert_eq!(faces(store, &own, NOW).await, (false, true));
        assert_eq!(knock(store, secret, NOW).await, Ok(()));
        // Its password was compared before the change.
        lost(store, open_batch(&halfway, None, NOW)).await;
        assert_eq!(account::account(store, id).await.unwrap().unwrap().version.0, 2);
        let notices = job::due(store, NOW, 9).await.unwrap();
        assert_eq!(notices.iter().map(|job| job.kind.as_str()).collect::<Vec<_>>(), ["password_changed"]);
        let told = Filter { kind: Some(Kind::PasswordChanged), limit: 9, ..Filter::default() };
        let told = events(store, &told).await.unwrap();
        assert_eq!((told[0].account, told[0].session), (Some(id), Some(own.open.session.id)));
    })
    .await;
}

#[tokio::test]
async fn a_change_by_tokens_keeps_their_session() {
    every_store(async |store| {
        let id = people::account(store, "kim@example.org").await;
        let [own, other] = [log_in(store, id, NOW).await, log_in(store, id, NOW).await];
        let grant = Some(own.grant.id);
        applied(store, batch(&Change { grant, secret: None, ..of(&own, own.secret) })).await;
        assert_eq!(faces(store, &own, NOW).await, (true, true));
        assert_eq!(faces(store, &other, NOW).await, (false, false));
    })
    .await;
}

#[tokio::test]
async fn race_15_a_change_is_lost_unless_password_session_grant_and_account_are_what_they_were() {
    every_store(async |store| {
        let id = people::account(store, "kim@example.org").await;
        let stranger = people::account(store, "lee@example.org").await;
        let [own, ended] = [log_in(store, id, NOW).await, log_in(store, id, NOW).await];
        let robbed = log_in(store, id, NOW).await;
        let theirs = log_in(store, stranger, NOW).await;
        let own_change = of(&own, people::token());
        applied(store, logout(ended.open.account, ended.open.session.id, NOW)).await;

        // The token that asks may have been found stolen since it was let in.
        applied(store, reuse_batch(&robbed.grant, LIFE, &stamp(NOW))).await;
        for secret in [None, Some((robbed.secret, people::token()))] {
            let grant = Some(robbed.grant.id);
            lost(store, batch(&Change { grant, secret, ..of(&robbed, people::token()) })).await;
        }
        lost(store, batch(&Change { grant: Some(theirs.grant.id), ..own_change })).await;
        lost(store, batch(&Change { old: NEW, ..own_change })).await;
        lost(store, batch(&of(&ended, people::token()))).await;
        lost(store, batch(&Change { secret: None, ..of(&ended, ended.secret) })).await;
        lost(store, batch(&Change { account: id, ..of(&theirs, people::token()) })).await;
        lost(store, batch(&Change { secret: Some((people::token(), people::token())), ..own_change })).await;
        assert_eq!(hash_of(store, id).await, OLD);
        assert_eq!(faces(store, &own, NOW).await, (true, true));
        let disable = decide(State::Active, change::Change::Disable);
        let disable = account::change::change_batch(&disable, id, LIFE, &stamp(NOW)).unwrap();
        applied(store, disable).await;
        lost(store, batch(&own_change)).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fifty_changes_of_one_password_happen_once() {
    every_store(async |store| {
        for round in 0..ROUNDS {
            let id = people::account(store, &format!("kim{round}@example.org")).await;
            let own = log_in(store, id, NOW).await;
            let batches: Vec<_> = (0..AT_ONCE).map(|_| batch(&of(&own, people::token()))).collect();
            assert_eq!(at_once(store, batches).await, 1);
            assert_eq!(hash_of(store, id).await, NEW);
        }
    })
    .await;
}

/// Fifty logins with a password under old parameters: all get in, the hash is replaced once.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn log_31_fifty_logins_upgrade_a_hash_once_and_lock_nobody_out() {
    every_store(async |store| {
        for round in 0..ROUNDS {
            let id = people::account(store, &format!("kim{round}@example.org")).await;
            let hashes: Vec<_> = (0..AT_ONCE).map(|n| format!("$argon2id$better{n}")).collect();
            let mut batches = Vec::new();
            for new in &hashes {
                let login = ready(store, id, NOW).await;
                batches.push(open_batch(&login, Some(Upgrade { old: OLD, new }), NOW));
            }
            assert_eq!(at_once(store, batches).await, AT_ONCE);
            let first = hash_of(store, id).await;
            assert!(hashes.contains(&first));
            let late = ready(store, id, NOW).await;
            applied(store, open_batch(&late, Some(Upgrade { old: OLD, new: NEW }), NOW)).await;
            assert_eq!(hash_of(store, id).await, first);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn log_31_an_upgrade_never_undoes_a_change() {
    every_store(async |store| {
        for round in 0..ROUNDS {
            let id = people::account(store, &format!("kim{round}@example.org")).await;
            let own = log_in(store, id, NOW).await;
            let mut batches = Vec::new();
            for _ in 0..AT_ONCE {
                let login = ready(store, id, NOW).await;
                batches.push(open_batch(&login, Some(Upgrade { old: OLD, new: "$better" }), NOW));
            }
            let upgrades = at_once(store, batches);
            let change = at_once(store, [batch(&of(&own, people::token()))]);
            let (_, changed) = tokio::join!(upgrades, change);
            let expected = if changed == 1 { NEW } else { "$better" };
            assert_eq!(hash_of(store, id).await, expected);
        }
    })
    .await;
}
