//! Clients: their secrets, what ends with them, and those that nobody uses.

use countersign_core::client::{Client, ClientId, Metadata, Origin, Profile};
use countersign_core::revocation::StatusIndex;
use countersign_core::secret::sha256;
use countersign_core::{Span, Time};
use countersign_store::client::change::{
    delete_batch, describe_batch, disable_batch, enable_batch, end_grants_batch, has_live_grants,
    rotate_secret_batch, secret_ages,
};
use countersign_store::client::register::{count_unvouched, prolong_used, registration_hash, unused};
use countersign_store::client::{NewClient, create_batch};
use countersign_store::grant::list::{Of, end_batch, grant, grants};
use countersign_store::{Batch, Outcome, Store};

use crate::faces::{faces, log_in};
use crate::people::{LIFE, account, applied, every_store, lost, stamp};
use crate::support::NOW;

fn id(text: &str) -> ClientId {
    ClientId::parse(text).unwrap()
}

fn client(name: &str, expires_at: Option<Time>, index: Option<StatusIndex>) -> Client {
    Client {
        id: id(name),
        origin: Origin::Registered,
        profile: Profile::Oauth21,
        first_party: false,
        disabled: false,
        created_at: NOW,
        expires_at,
        index,
        metadata: Metadata { client_name: Some("Notes".to_owned()), ..Metadata::default() },
    }
}

async fn add(store: &Store, client: &Client) {
    let secret = Some(([7; 16], sha256(b"first"), None));
    let registration = Some(sha256(client.id.as_str().as_bytes()));
    change(store, create_batch(&NewClient { client, secret, registration }, &stamp(NOW))).await;
}

async fn change(store: &Store, batch: Batch) {
    assert_eq!(store.apply_to_client(batch).await.unwrap(), Outcome::Applied);
}

async fn secrets(store: &Store, client: &ClientId, at: Time) -> Vec<bool> {
    let stored = store.client(client).await.unwrap().unwrap();
    let counts = |text: &[u8]| {
        let fits = |secret: &&countersign_store::client::StoredSecret| secret.hash == sha256(text);
        let found = stored.secrets.iter().find(fits);
        found.is_some_and(|secret| secret.expires_at.is_none_or(|end| at < end))
    };
    [&b"first"[..], b"second", b"third"].map(counts).to_vec()
}

#[tokio::test]
async fn oau_36_of_two_secrets_the_older_counts_for_its_window_and_of_three_the_oldest_no_more() {
    every_store(async |store| {
        let notes = client("notes", None, None);
        add(store, &notes).await;
        assert_eq!(secrets(store, &notes.id, NOW).await, [true, false, false]);
        let until = NOW + Span::days(1);
        let second = ([8; 16], sha256(b"second"), Some(b"sealed".to_vec()));
        change(store, rotate_secret_batch(&notes.id, &second, until, &stamp(NOW))).await;
        assert_eq!(secrets(store, &notes.id, NOW).await, [true, true, false]);
        assert_eq!(secrets(store, &notes.id, until).await, [false, true, false]);
        let third = ([9; 16], sha256(b"third"), None);
        change(store, rotate_secret_batch(&notes.id, &third, until, &stamp(NOW))).await;
        assert_eq!(secrets(store, &notes.id, NOW).await, [false, true, true]);
        assert_eq!(secret_ages(store, &notes.id).await.unwrap().len(), 2);
        lost(store, rotate_secret_batch(&id("nobody"), &third, until, &stamp(NOW))).await;
    })
    .await;
}

#[tokio::test]
async fn a_client_says_something_else_of_itself() {
    every_store(async |store| {
        let notes = client("notes", None, None);
        add(store, &notes).await;
        let metadata = Metadata { client_name: Some("메모".to_owned()), ..Metadata::default() };
        let changed = Client { metadata, ..notes.clone() };
        change(store, describe_batch(&changed, &stamp(NOW))).await;
        assert_eq!(store.client(&notes.id).await.unwrap().unwrap().client, changed);
        assert_eq!(registration_hash(store, &notes.id).await.unwrap(), Some(sha256(b"notes")));
        assert_eq!(registration_hash(store, &id("countersign")).await.unwrap(), None);
        assert_eq!(registration_hash(store, &id("nobody")).await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn a_closed_client_has_nothing_alive_and_opening_it_revives_nothing() {
    every_store(async |store| {
        let kim = account(store, "kim@example.org").await;
        let login = log_in(store, kim, NOW).await;
        let ours = ClientId::built_in();
        assert!(has_live_grants(store, &ours).await.unwrap());
        change(store, disable_batch(&ours, LIFE, &stamp(NOW))).await;
        assert_eq!(faces(store, &login, NOW).await, (true, false), "the session is not the client's");
        assert!(!has_live_grants(store, &ours).await.unwrap());
        lost(store, disable_batch(&ours, LIFE, &stamp(NOW))).await;
        let later = NOW + Span::seconds(1);
        change(store, enable_batch(&ours, None, &stamp(later))).await;
        assert_eq!(faces(store, &login, later).await, (true, false));
        lost(store, enable_batch(&ours, None, &stamp(later))).await;
    })
    .await;
}

#[tokio::test]
async fn a_closed_clients_own_bit_is_set_and_an_open_one_gets_another() {
    every_store(async |store| {
        let index = store.lease_index(LIFE, &stamp(NOW)).await.unwrap();
        add(store, &client("notes", None, Some(index))).await;
        assert!(!store.live().has_ended(index));
        change(store, disable_batch(&id("notes"), LIFE, &stamp(NOW))).await;
        assert!(store.live().has_ended(index));
        let another = store.lease_index(LIFE, &stamp(NOW)).await.unwrap();
        change(store, enable_batch(&id("notes"), Some(another), &stamp(NOW))).await;
        let stored = store.client(&id("notes")).await.unwrap().unwrap();
        assert_eq!((stored.client.index, stored.client.disabled), (Some(another), false));
    })
    .await;
}

#[tokio::test]
async fn a_client_is_deleted_only_when_all_that_it_had_has_ended() {
    every_store(async |store| {
        let kim = account(store, "kim@example.org").await;
        let login = log_in(store, kim, NOW).await;
        let ours = ClientId::built_in();
        lost(store, delete_batch(&ours, &stamp(NOW))).await;
        change(store, disable_batch(&ours, LIFE, &stamp(NOW))).await;
        // A birth that began while the client was open.
        change(store, enable_batch(&ours, None, &stamp(NOW))).await;
        let late = log_in(store, kim, NOW).await;
        let again = disable_without_grants(&ours);
        change(store, again).await;
        assert!(has_live_grants(store, &ours).await.unwrap());
        lost(store, delete_batch(&ours, &stamp(NOW))).await;
        change(store, end_grants_batch(&ours, LIFE, &stamp(NOW))).await;
        change(store, delete_batch(&ours, &stamp(NOW))).await;
        assert_eq!(store.client(&ours).await.unwrap(), None);
        for login in [&login, &late] {
            assert!(store.live().has_ended(login.grant.index), "its bit outlives its row");
            assert_eq!(faces(store, login, NOW).await, (true, false));
        }
        lost(store, delete_batch(&ours, &stamp(NOW))).await;
    })
    .await;
}

/// What a close looks like to a grant that was written down just after it.
fn disable_without_grants(client: &ClientId) -> Batch {
    use countersign_core::audit::{Event, Kind};
    const CLOSE: &str = "UPDATE clients SET disabled_at = $1 WHERE id = $2";
    Batch::new(&stamp(NOW), Event::new(Kind::ClientDisabled)).exactly(
        1,
        CLOSE,
        vec![NOW.micros().into(), client.as_str().into()],
    )
}

const CONSENT: &str = "
INSERT INTO consents (account_id, client_id, scopes, resources, created_at, changed_at)
VALUES ($1, $2, '', '', $3, $3)";

#[tokio::test]
async fn oau_59_dos_07_a_client_that_nobody_vouched_for_ends_unless_it_is_used() {
    every_store(async |store| {
        let end = NOW + Span::days(30);
        add(store, &client("vouched", None, None)).await;
        let idle = client("idle", Some(end), None);
        let new = NewClient { client: &idle, secret: None, registration: None };
        change(store, create_batch(&new, &stamp(NOW))).await;
        assert_eq!(count_unvouched(store).await.unwrap(), 1);
        let life = Span::days(30);
        assert_eq!(unused(store, end - Span::seconds(1), life).await.unwrap(), []);
        assert_eq!(unused(store, end, life).await.unwrap(), [id("idle")]);
        assert_eq!(prolong_used(store, end, life, &stamp(end)).await.unwrap(), 0);

        let kim = account(store, "kim@example.org").await;
        let event = countersign_core::audit::Event::new(countersign_core::audit::Kind::ConsentGiven);
        let consent = Batch::new(&stamp(NOW), event);
        applied(
            store,
            consent.exactly(
                1,
                CONSENT,
                vec![kim.bytes().into(), "idle".into(), (NOW + Span::days(1)).micros().into()],
            ),
        )
        .await;
        assert_eq!(unused(store, end, life).await.unwrap(), []);
        assert_eq!(prolong_used(store, end, life, &stamp(end)).await.unwrap(), 1);
        let stored = store.client(&id("idle")).await.unwrap().unwrap();
        assert_eq!(stored.client.expires_at, Some(end + life));
        // The consent is as old as that by then, and nobody came back.
        assert_eq!(prolong_used(store, end + life, life, &stamp(end + life)).await.unwrap(), 0);
        assert_eq!(unused(store, end + life, life).await.unwrap(), [id("idle")]);
    })
    .await;
}

#[tokio::test]
async fn grants_are_listed_by_account_and_client_and_ended_one_by_one() {
    every_store(async |store| {
        let (kim, lee) = (account(store, "kim@example.org").await, account(store, "lee@example.org").await);
        let (first, second) = (log_in(store, kim, NOW).await, log_in(store, lee, NOW).await);
        let ours = ClientId::built_in();
        let ids = async |of: Of<'_>, after| {
            let listed = grants(store, of, after, 10).await.unwrap();
            listed.into_iter().map(|grant| grant.id).collect::<Vec<_>>()
        };
        let both = ids(Of::All, None).await;
        assert_eq!((both.len(), ids(Of::Client(&ours), None).await == both), (2, true));
        assert_eq!(ids(Of::Account(kim), None).await, [first.grant.id]);
        assert_eq!(ids(Of::Client(&id("nobody")), None).await, []);
        assert_eq!(ids(Of::All, Some(both[0])).await, both[1..]);
        let listed = grant(store, first.grant.id).await.unwrap().unwrap();
        applied(store, end_batch(&listed, LIFE, &stamp(NOW))).await;
        assert_eq!(faces(store, &first, NOW).await, (true, false));
        assert_eq!(faces(store, &second, NOW).await, (true, true));
        assert_eq!(grant(store, first.grant.id).await.unwrap(), None);
        lost(store, end_batch(&listed, LIFE, &stamp(NOW))).await;
    })
    .await;
}
