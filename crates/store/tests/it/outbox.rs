//! The outbox: nothing is lost, nothing is sent twice at once, everything is given up at last.

use countersign_core::audit::Kind;
use countersign_core::{Span, Time};
use countersign_store::Store;
use countersign_store::account::register::pend_batch;
use countersign_store::audit::{Filter, events};
use countersign_store::job::{
    Due, Job, TRIES, all_newest_first, claim_batch, done_batch, due, failed_batch, last_try,
};

use crate::people::{AT_ONCE, ROUNDS, applied, at_once, every_store, lost, mail, pending, stamp};
use crate::support::NOW;

async fn post(store: &Store, name: usize, at: Time) -> Job {
    let address = format!("kim{name}@example.org");
    let job = Job { run_at: at, ..mail("verify", &address) };
    applied(store, pend_batch(&pending(&address, 0), &job, &stamp(at))).await;
    job
}

async fn only_due(store: &Store, at: Time) -> Due {
    let [due] = due(store, at, 9).await.unwrap().try_into().ok().expect("one job");
    due
}

#[tokio::test]
async fn a_mail_is_due_until_it_was_sent() {
    every_store(async |store| {
        let job = post(store, 0, NOW).await;
        assert!(due(store, NOW - Span::from_micros(1), 9).await.unwrap().is_empty());
        let waiting = only_due(store, NOW).await;
        assert_eq!((waiting.id, waiting.kind.as_str(), waiting.tries), (job.id, "verify", 0));
        assert_eq!(waiting.sealed, job.sealed);
        applied(store, claim_batch(&waiting, &stamp(NOW))).await;
        assert!(due(store, NOW, 9).await.unwrap().is_empty());
        // Whoever claimed it died: it is due again.
        let again = only_due(store, NOW + Span::minutes(3)).await;
        assert_eq!(again.tries, 1);
        applied(store, done_batch(&again, &stamp(NOW))).await;
        lost(store, done_batch(&again, &stamp(NOW))).await;
        lost(store, failed_batch(&again, &stamp(NOW))).await;
        lost(store, claim_batch(&again, &stamp(NOW))).await;
        assert!(due(store, NOW + Span::days(9), 9).await.unwrap().is_empty());
        let sent = Filter { kind: Some(Kind::MailSent), limit: 9, ..Filter::default() };
        let sent = events(store, &sent).await.unwrap();
        assert_eq!(sent[0].detail["job"], job.id.to_string());
        assert_eq!(sent[0].detail["result"], "sent");
    })
    .await;
}

#[tokio::test]
async fn a_mail_that_never_leaves_is_given_up_after_ten_tries() {
    every_store(async |store| {
        post(store, 0, NOW).await;
        let mut at = NOW;
        for attempt in 1..=TRIES {
            let waiting = only_due(store, at).await;
            assert_eq!(last_try(&waiting), attempt == TRIES);
            applied(store, claim_batch(&waiting, &stamp(at))).await;
            if last_try(&waiting) {
                applied(store, failed_batch(&waiting, &stamp(at))).await;
            }
            at = at + Span::minutes(3 << (attempt - 1));
        }
        assert!(due(store, at + Span::days(9), 9).await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fifty_workers_claim_a_mail_once() {
    every_store(async |store| {
        for round in 0..ROUNDS {
            post(store, round, NOW).await;
            let waiting = only_due(store, NOW).await;
            let claims: Vec<_> = (0..AT_ONCE).map(|_| claim_batch(&waiting, &stamp(NOW))).collect();
            assert_eq!(at_once(store, claims).await, 1);
            applied(store, done_batch(&waiting, &stamp(NOW))).await;
        }
    })
    .await;
}

#[tokio::test]
async fn the_dev_inbox_shows_every_mail_newest_first() {
    every_store(async |store| {
        let mut posted = Vec::new();
        for name in 0..4 {
            let at = NOW + Span::from_micros(i64::try_from(name).unwrap());
            posted.insert(0, (post(store, name, at).await.id, at));
        }
        let sent = due(store, NOW, 9).await.unwrap().remove(0);
        applied(store, done_batch(&sent, &stamp(NOW))).await;
        let shown = all_newest_first(store, 3).await.unwrap();
        let shown: Vec<_> = shown.into_iter().map(|job| (job.id, job.created_at)).collect();
        assert_eq!(shown, posted[..3]);
    })
    .await;
}
