//! The audit log, read by account, kind, time and page.

use countersign_core::audit::{Actor, Event, Kind, Stamp};
use countersign_core::client::ClientId;
use countersign_core::random::Counter;
use countersign_core::url::ResourceId;
use countersign_core::{AccountId, AuditId, GrantId, RequestId, SessionId, Span, Time};
use countersign_store::audit::{Filter, Line, events};
use countersign_store::resource::{add_resource_batch, resource_known};
use countersign_store::{Batch, Store};

use crate::people::{applied, every_store, lost, random, stamp};
use crate::support::NOW;

const ALL: Filter = Filter { account: None, kind: None, since: None, before: None, limit: 99 };

fn at(second: i64) -> Time {
    NOW + Span::seconds(second)
}

async fn happened(store: &Store, kind: Kind, account: AccountId, second: i64) {
    applied(store, Batch::new(&stamp(at(second)), Event::new(kind).account(account))).await;
}

async fn seconds(store: &Store, filter: &Filter) -> Vec<i64> {
    let lines = events(store, filter).await.unwrap();
    lines.iter().map(|line| (line.at - NOW).as_seconds()).collect()
}

#[tokio::test]
async fn a_line_says_all_that_was_written() {
    every_store(async |store| {
        let account = AccountId::new(NOW, random());
        let (session, grant) = (SessionId::new(NOW, random()), GrantId::new(NOW, random()));
        let request = RequestId::new(NOW, random());
        let ip = "2001:db8::7".parse().ok();
        let stamp = Stamp { actor: Actor::Account(account), ip, request: Some(request), ..stamp(NOW) };
        let event = Event::new(Kind::GrantRefreshed).account(account).session(session).grant(grant);
        let event = event.client(ClientId::built_in()).detail("why", "because");
        let silent = Batch::new(&stamp, event).event(&stamp, Event::new(Kind::CleanedUp));
        applied(store, silent).await;

        let filter = Filter { kind: Some(Kind::GrantRefreshed), ..ALL };
        let [line] = events(store, &filter).await.unwrap().try_into().expect("one line");
        let expected = Line {
            id: line.id,
            at: NOW,
            kind: "grant.refreshed".to_owned(),
            actor: account.to_string(),
            account: Some(account),
            session: Some(session),
            grant: Some(grant),
            client: Some("countersign".to_owned()),
            ip: Some("2001:db8::7".to_owned()),
            request: Some(request),
            detail: [("why".to_owned(), "because".to_owned())].into(),
        };
        assert_eq!(line, expected);
    })
    .await;
}

#[tokio::test]
async fn the_newest_lines_come_first_and_each_filter_narrows() {
    every_store(async |store| {
        let [kim, lee] = [(); 2].map(|()| AccountId::new(NOW, random()));
        for (kind, account, second) in [
            (Kind::LoginFailed, kim, 1),
            (Kind::SessionOpened, kim, 2),
            (Kind::LoginFailed, lee, 3),
            (Kind::SessionOpened, kim, 4),
        ] {
            happened(store, kind, account, second).await;
        }
        let kims = Filter { account: Some(kim), ..ALL };
        let table = [
            (ALL, vec![4, 3, 2, 1]),
            (Filter { limit: 2, ..ALL }, vec![4, 3]),
            (kims, vec![4, 2, 1]),
            (Filter { kind: Some(Kind::LoginFailed), ..ALL }, vec![3, 1]),
            (Filter { kind: Some(Kind::SessionOpened), ..kims }, vec![4, 2]),
            (Filter { since: Some(at(2)), ..ALL }, vec![4, 3, 2]),
            (Filter { since: Some(at(3)), ..kims }, vec![4]),
            (Filter { since: Some(at(5)), ..ALL }, vec![]),
            (Filter { limit: 0, ..ALL }, vec![]),
        ];
        for (filter, expected) in table {
            assert_eq!(seconds(store, &filter).await, expected, "{filter:?}");
        }
    })
    .await;
}

/// The ids of all lines, ten a page.
async fn turn_pages(store: &Store, filter: Filter) -> Vec<AuditId> {
    let mut seen = Vec::new();
    loop {
        let page = Filter { before: seen.last().copied(), limit: 10, ..filter };
        let page = events(store, &page).await.unwrap();
        if page.is_empty() {
            return seen;
        }
        seen.extend(page.iter().map(|line| line.id));
    }
}

#[tokio::test]
async fn pages_show_every_line_once_even_of_one_moment() {
    every_store(async |store| {
        let kim = AccountId::new(NOW, random());
        for _ in 0..25 {
            happened(store, Kind::LoginFailed, kim, 0).await;
        }
        for filter in [ALL, Filter { account: Some(kim), ..ALL }] {
            let seen = turn_pages(store, filter).await;
            assert_eq!(seen.len(), 25);
            assert!(seen.is_sorted_by(|newer, older| newer > older));
        }
    })
    .await;
}

/// Attack LOGG-04: there is no change that the audit log did not take. Here the event's id is taken already.
#[tokio::test]
async fn logg_04_i17_a_change_whose_event_cannot_be_written_does_not_happen() {
    every_store(async |store| {
        let resource = |text| ResourceId::parse(text).unwrap();
        let (one, other) = (resource("https://one.example"), resource("https://other.example"));
        let same = Counter::new(7);
        applied(store, add_resource_batch(&one, &Stamp { random: &same, ..stamp(NOW) })).await;
        let same = Counter::new(7);
        lost(store, add_resource_batch(&other, &Stamp { random: &same, ..stamp(NOW) })).await;
        assert!(!resource_known(store, &other).await.unwrap());
        assert!(resource_known(store, &one).await.unwrap());
    })
    .await;
}
