//! Many at once (attacks SES-09, SES-24, RACE-03, RACE-06 to -08; invariants I7, I9, I10): fifty requests in each round.
//! The tests run a few rounds, `cargo xtask soak races` many. Each needs a server and a runtime of its own, with several
//! threads.

mod ends;
mod single;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::task::JoinSet;

pub use self::ends::{THREE_SESSIONS, disable, logout, refresh_and_logout, session_limit};
pub use self::single::{codes, password_changes, refreshes, registrations, reset_links, verification_links};

/// Requests in a round.
const AT_ONCE: usize = 50;

/// Waits for all of them.
async fn all<T: 'static>(mut tasks: JoinSet<anyhow::Result<T>>) -> anyhow::Result<Vec<T>> {
    let mut done = Vec::new();
    while let Some(joined) = tasks.join_next().await {
        done.push(joined??);
    }
    Ok(done)
}

/// What a request that began after the end's answer must not get any more.
#[derive(Clone)]
struct Out(Arc<AtomicBool>);

impl Out {
    fn new() -> Self {
        Self(Arc::default())
    }

    fn answered(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    fn is(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}
