//! Many at once (attacks SES-09, SES-24, RACE-03, RACE-07, RACE-08; invariants I1, I7, I9, I10): 20 rounds with 50
//! requests each, on every store. `cargo xtask soak races` runs 200.

use countersign_testkit::{Client, on_every_store, on_every_store_with, races};
use reqwest::{Method, StatusCode};

use crate::support::*;

const ROUNDS: usize = 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn ses_09_i7_no_request_that_begins_after_the_logouts_answer_is_let_in() {
    on_every_store(async |server| races::logout(&server, ROUNDS).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn race_07_i1_no_token_of_a_refresh_outlives_the_logout_that_it_raced() {
    on_every_store(async |server| races::refresh_and_logout(&server, ROUNDS).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn race_07_i1_a_repeated_refresh_looks_once_more_before_its_bytes_leave() {
    on_every_store(async |server| {
        register(&server, KIM).await?;
        let kim = both_faces(&server, KIM).await?;
        // A repeat writes nothing, so nothing guards it: it is held up where its token is made, and the session ends.
        let held = server.random.hold_next();
        let (tool, replaced) = (Client::tool(&server), kim.replaced.clone());
        let repeat = tokio::spawn(async move { tool.refresh(&replaced).await });
        held.until_somebody_waits();
        let answer = kim.browser.request(Method::DELETE, "/api/v1/session").send().await?;
        assert_eq!(answer.status(), StatusCode::NO_CONTENT);
        drop(held);
        let repeated = repeat.await??;
        assert_eq!(repeated.status, StatusCode::BAD_REQUEST, "{}", repeated.body);
        assert_eq!(repeated.json()["error"], "invalid_grant");
        Ok(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn race_08_fifty_logins_and_refreshes_racing_a_disable_leave_nothing_alive() {
    on_every_store_with(&[UNLIMITED], async |server| races::disable(&server, ROUNDS).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn i10_fifty_refreshes_of_one_token_name_one_successor_which_works() {
    on_every_store(async |server| races::refreshes(&server, ROUNDS).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn i9_race_03_fifty_uses_of_one_reset_set_one_password() {
    on_every_store(async |server| races::reset_links(&server, ROUNDS).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn i1_fifty_changes_of_one_password_leave_one_password_and_one_session() {
    on_every_store_with(&[UNLIMITED], async |server| races::password_changes(&server, ROUNDS).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn ses_24_fifty_logins_at_once_leave_no_session_more_than_allowed() {
    on_every_store_with(&[races::THREE_SESSIONS], async |server| races::session_limit(&server, ROUNDS).await)
        .await;
}
