//! STO-16: what a restored database brings back, and what it must not.

use std::path::PathBuf;
use std::sync::Arc;

use countersign_core::key::{Alg, State};
use countersign_core::recovery::reset;
use countersign_core::{ResetId, Span, Time};
use countersign_store::account::register::pend_batch;
use countersign_store::account::verify::verify_facts_by_token;
use countersign_store::account::{account_by_identifier, accounts};
use countersign_store::db::Site;
use countersign_store::db::snapshot::SnapshotError;
use countersign_store::key::{NewKey, insert_refresh_key_batch, keys, refresh_keys};
use countersign_store::recovery::{NewReset, reset_facts, send_batch};
use countersign_store::restore::{Restore, restore_batch, restore_facts};
use countersign_store::{Store, job, revocation};

use crate::backups::{Here, back_up, unwatched};
use crate::doors::{candidate, enter, knock};
use crate::faces::{faces, log_in};
use crate::people::{self, LIFE, account, applied, mail, pending, stamp};
use crate::support::NOW;

const KIM: &str = "kim@example.org";
/// When the backup is put back.
const LATER: Time = Time::from_micros(NOW.micros() + 600_000_000);

fn key(kid: &str) -> NewKey<'_> {
    NewKey { kid, alg: Alg::Es256, public: "{}", sealed: b"sealed" }
}

/// Puts `backup.db` in the place of `store.db`, as the command does; where the replaced one lies.
async fn restore(here: &Here, bump: bool) -> PathBuf {
    let site = Site::hold(&here.path("store.db")).expect("free");
    site.prepare(&here.path("backup.db"), &unwatched()).expect("sound");
    let draft = here.open("store.db.restoring").await;
    forget(&draft, bump).await;
    draft.close(&stamp(LATER)).await.expect("closed");
    site.replace(LATER).expect("swapped").expect("there was one")
}

async fn forget(store: &Store, bump: bool) {
    let facts = restore_facts(store, LATER).await.expect("facts");
    let epoch = bump.then(|| facts.epoch.replaced(LATER, Span::ZERO));
    let restore = Restore { refresh_key: b"another", key: bump.then(|| key("new")), epoch };
    applied(store, restore_batch(&facts, &restore, "backup.db", LIFE, &stamp(LATER))).await;
}

async fn begin(here: &Here) -> Arc<Store> {
    let store = here.open("store.db").await;
    account(&store, KIM).await;
    applied(&store, insert_refresh_key_batch(1, b"first", &stamp(NOW))).await;
    applied(&store, countersign_store::key::create_batch(&key("old"), State::Active, &stamp(NOW))).await;
    store
}

async fn kim(store: &Store) -> countersign_core::AccountId {
    let named = countersign_core::account::Identifier::parse(KIM).expect("an address");
    account_by_identifier(store, &named).await.expect("a read").expect("an account").id
}

#[tokio::test]
async fn sto_16_after_a_restore_no_token_counts_no_index_is_used_again_and_browsers_stay() {
    let here = Here::new();
    let store = begin(&here).await;
    let id = kim(&store).await;
    let before = log_in(&store, id, NOW).await;
    let (session, cookie) = enter(&store, candidate(&store, KIM).await, NOW).await;
    let seq = revocation::snapshot(&store, before.grant.index.list).await.unwrap().unwrap().0;
    back_up(&store, &here.path("backup.db")).await.expect("a backup");
    let after = log_in(&store, id, NOW).await;
    account(&store, "lee@example.org").await;
    store.close(&stamp(NOW)).await.expect("closed");

    let replaced = restore(&here, false).await;
    let store = here.open("store.db").await;
    assert_eq!(knock(&store, cookie, LATER).await, Ok(()), "a browser's session lives on");
    assert_eq!(faces(&store, &before, LATER).await, (false, false), "one of tokens does not");
    assert_eq!(faces(&store, &after, LATER).await, (false, false));
    assert_eq!(accounts(&store, None, 9).await.unwrap().len(), 1, "lee came later");
    // Whatever named a list of before names nothing now, and a new login gets a list of its own.
    let old = before.grant.index.list;
    assert!(revocation::snapshot(&store, old).await.unwrap().is_none());
    let standing = revocation::lists(&store).await.unwrap();
    let new = log_in(&store, id, LATER).await.grant.index.list;
    assert!(standing.len() == 1 && !standing.contains(&new) && new != old, "{standing:?}");
    let restored = store.session_by_id(session).await.unwrap().unwrap().session.index;
    assert_eq!(restored.list, standing[0]);
    let jumped = revocation::snapshot(&store, new).await.unwrap().unwrap().0;
    assert!(jumped.0 >= seq.0 + (1 << 32), "the log goes on far above what readers know");
    let numbers: Vec<_> = refresh_keys(&store).await.unwrap().into_iter().map(|key| key.number).collect();
    assert_eq!(numbers, [2]);
    assert_eq!(keys(&store).await.unwrap()[0].key.state, State::Active);
    store.close(&stamp(LATER)).await.expect("closed");

    let name = replaced.file_name().expect("a name").to_str().expect("text").to_owned();
    assert_eq!(name, "store.db.replaced-20231114T222320Z");
    let replaced = here.open(&name).await;
    assert_eq!(accounts(&replaced, None, 9).await.unwrap().len(), 2, "it is still there");
    replaced.close(&stamp(LATER)).await.expect("closed");
}

#[tokio::test]
async fn sto_16_an_epoch_bump_leaves_no_session_alive_and_no_key_of_before() {
    let here = Here::new();
    let store = begin(&here).await;
    let id = kim(&store).await;
    let before = log_in(&store, id, NOW).await;
    // A session from a clock that was ahead.
    let tomorrow = log_in(&store, id, LATER + Span::hours(1)).await;
    back_up(&store, &here.path("backup.db")).await.expect("a backup");
    store.close(&stamp(NOW)).await.expect("closed");

    restore(&here, true).await;
    let store = here.open("store.db").await;
    for login in [&before, &tomorrow] {
        assert_eq!(faces(&store, login, LATER + Span::seconds(9)).await, (false, false));
    }
    let stored = keys(&store).await.unwrap();
    let states: Vec<_> = stored.iter().map(|key| (key.key.kid.as_str(), key.key.state)).collect();
    assert_eq!(states, [("old", State::Revoked), ("new", State::Active)]);
    assert!(stored[0].sealed.is_none());
    log_in(&store, id, LATER + Span::seconds(9)).await;
    store.close(&stamp(LATER)).await.expect("closed");
}

#[tokio::test]
async fn sto_16_rec_05_after_a_restore_no_mailed_link_works_and_no_mail_is_sent_twice() {
    let here = Here::new();
    let store = begin(&here).await;
    let id = kim(&store).await;
    let new = pending("lee@example.org", 0);
    applied(&store, pend_batch(&new, &mail("verify", "lee@example.org"), &stamp(NOW))).await;
    let link = NewReset {
        id: ResetId::new(NOW, people::random()),
        account: id,
        token: people::token(),
        expires_at: LATER + Span::hours(1),
    };
    applied(&store, send_batch(&link, &mail("reset", KIM), 0, &stamp(NOW))).await;
    back_up(&store, &here.path("backup.db")).await.expect("a backup");
    store.close(&stamp(NOW)).await.expect("closed");

    restore(&here, false).await;
    let store = here.open("store.db").await;
    assert_eq!(verify_facts_by_token(&store, new.token).await.unwrap(), None);
    let decided = reset::decide(reset_facts(&store, link.token).await.unwrap(), LATER);
    assert_eq!(decided, reset::Decision::Refuse(reset::Refusal::Dead));
    assert_eq!(job::due(&store, LATER, 9).await.unwrap().len(), 0);
    store.close(&stamp(LATER)).await.expect("closed");
}

#[tokio::test]
async fn sto_16_the_log_of_a_killed_server_is_not_played_into_the_restored_file() {
    let here = Here::new();
    let store = begin(&here).await;
    back_up(&store, &here.path("backup.db")).await.expect("a backup");
    account(&store, "lee@example.org").await;
    // What a kill leaves: the file and its log, taken in this order while nothing writes.
    let killed = Here::new();
    for name in ["backup.db", "store.db", "store.db-wal"] {
        std::fs::copy(here.path(name), killed.path(name)).expect("a copy");
    }
    store.close(&stamp(NOW)).await.expect("closed");

    let replaced = restore(&killed, false).await;
    assert!(!killed.path("store.db-wal").exists() && !killed.path("store.db-shm").exists());
    let store = killed.open("store.db").await;
    assert_eq!(accounts(&store, None, 9).await.unwrap().len(), 1);
    store.close(&stamp(LATER)).await.expect("closed");
    let replaced = killed.open(replaced.file_name().unwrap().to_str().unwrap()).await;
    assert_eq!(accounts(&replaced, None, 9).await.unwrap().len(), 2, "nothing of it is lost");
    replaced.close(&stamp(LATER)).await.expect("closed");
}

#[tokio::test]
async fn sto_16_sto_17_a_restore_that_fails_leaves_everything_as_it_was_and_a_broken_database_can_be_replaced()
 {
    let here = Here::new();
    let store = begin(&here).await;
    back_up(&store, &here.path("backup.db")).await.expect("a backup");
    assert!(matches!(Site::hold(&here.path("store.db")), Err(SnapshotError::Store(_))), "a server runs");
    store.close(&stamp(NOW)).await.expect("closed");
    std::fs::write(here.path("notes.txt"), "notes").expect("a file");
    let before = std::fs::read(here.path("store.db")).expect("it");
    let site = Site::hold(&here.path("store.db")).expect("free");
    // What an earlier try left is no source: it would be its own target, and gone.
    std::fs::copy(here.path("backup.db"), here.path("store.db.restoring")).expect("a draft");
    let own = site.prepare(&here.path("store.db.restoring"), &unwatched());
    assert!(matches!(own, Err(SnapshotError::Own(_))), "{own:?}");
    assert!(here.path("store.db.restoring").exists());
    for bad in ["notes.txt", "missing.db", "store.db"] {
        assert!(site.prepare(&here.path(bad), &unwatched()).is_err(), "{bad}");
    }
    site.prepare(&here.path("backup.db"), &unwatched()).expect("sound");
    drop(site);
    assert_eq!(std::fs::read(here.path("store.db")).expect("it"), before);
    assert!(!here.path("store.db.restoring").exists());

    std::fs::write(here.path("store.db"), "scrambled").expect("a file");
    std::fs::write(here.path("store.db-wal"), "scrambled too").expect("a file");
    let replaced = restore(&here, false).await;
    assert_eq!(std::fs::read(replaced).expect("it"), b"scrambled");
    let store = here.open("store.db").await;
    assert_eq!(accounts(&store, None, 9).await.unwrap().len(), 1);
    store.close(&stamp(LATER)).await.expect("closed");
}
