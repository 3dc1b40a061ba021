//! Whether the service can do its work now: what `/readyz` answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use countersign_core::{Span, Time};
use countersign_store::db;
use tokio::sync::Mutex;

use crate::app::App;

/// What was found holds so long: a flood of questions costs one look in it, and a failing disk shows within it.
const FRESH: Span = Span::seconds(2);
/// A store that takes longer to answer is as good as none.
const PATIENCE: Duration = Duration::from_secs(2);

/// What is remembered of the last look.
#[derive(Default)]
pub(crate) struct Readiness {
    draining: AtomicBool,
    last: Arc<Mutex<Option<Look>>>,
}

#[derive(Clone, Copy)]
struct Look {
    at: Time,
    found: Result<(), NotReady>,
    slow: bool,
}

/// What a look saw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    Well,
    /// It failed.
    Bad(NotReady),
    /// It took too long.
    Slow(NotReady),
}

/// Why not, in words that tell no stranger anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotReady {
    /// A stop was asked for: what is under way is finished, nothing new should come.
    #[error("Not ready: it is stopping.")]
    Stopping,
    /// Logins and everything else that changes something fail. Sessions that are known are accepted.
    #[error("Not ready: the store takes no writes.")]
    Writes,
    /// Nobody can be accepted.
    #[error("Not ready: the revocation log cannot be read.")]
    Revocations,
}

impl Readiness {
    /// From now on it is not ready: whoever sends requests here shall send them elsewhere.
    pub(crate) fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// Looks, unless somebody did a moment ago. One looks at a time, the others wait for what it finds; and the look goes
    /// on if whoever asked hangs up, so that hanging up asks for no second one. (Keys are not looked at: without one that
    /// signs, nothing starts.)
    pub(crate) async fn ask(&self, app: &App) -> Result<(), NotReady> {
        if self.draining.load(Ordering::Relaxed) {
            return Err(NotReady::Stopping);
        }
        let mut last = Arc::clone(&self.last).lock_owned().await;
        if let Some(look) = last.filter(|look| look.is_fresh(app.clock.now())) {
            return look.found;
        }
        let app = app.clone();
        let looking = tokio::spawn(async move {
            let next = Look::after(*last, look(&app).await, app.clock.now());
            tell(last.map(|look| look.found), next.found);
            *last = Some(next);
            next.found
        });
        looking.await.unwrap_or(Err(NotReady::Writes))
    }
}

impl Look {
    /// One write that waits too long is a hiccup of the disk; two in a row are a disk that is ill. What fails counts at once.
    fn after(last: Option<Self>, seen: Seen, at: Time) -> Self {
        let pardoned = last.is_none_or(|last| last.found.is_ok() && !last.slow);
        match seen {
            Seen::Well => Self { at, found: Ok(()), slow: false },
            Seen::Slow(_) if pardoned => Self { at, found: Ok(()), slow: true },
            Seen::Slow(why) => Self { at, found: Err(why), slow: true },
            Seen::Bad(why) => Self { at, found: Err(why), slow: false },
        }
    }

    /// A clock that was set back makes no look last longer.
    fn is_fresh(self, now: Time) -> bool {
        self.at <= now && now - self.at < FRESH
    }
}

async fn look(app: &App) -> Seen {
    match in_time(app.store.prove_write(), NotReady::Writes).await {
        Seen::Well => in_time(app.store.ready(), NotReady::Revocations).await,
        seen => seen,
    }
}

async fn in_time(asked: impl Future<Output = db::Result<()>>, why: NotReady) -> Seen {
    match tokio::time::timeout(PATIENCE, asked).await {
        Ok(Ok(())) => Seen::Well,
        Ok(Err(_)) => Seen::Bad(why),
        Err(_) => Seen::Slow(why),
    }
}

/// Tells the log of a change, and of nothing else.
fn tell(before: Option<Result<(), NotReady>>, found: Result<(), NotReady>) {
    match found {
        Ok(()) if before.is_some_and(|before| before.is_err()) => tracing::info!("ready again"),
        Err(reason) if before != Some(Err(reason)) => tracing::error!(%reason, "not ready"),
        Ok(()) | Err(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_slow_write_is_pardoned_and_a_second_one_and_a_failure_are_not() {
        let now = Time::from_micros(1_800_000_000_000_000);
        let mut last = None;
        let bad = NotReady::Writes;
        for (seen, found) in [
            (Seen::Slow(bad), Ok(())),
            (Seen::Slow(bad), Err(bad)),
            (Seen::Well, Ok(())),
            (Seen::Slow(bad), Ok(())),
            (Seen::Slow(bad), Err(bad)),
            (Seen::Slow(bad), Err(bad)),
            (Seen::Well, Ok(())),
            (Seen::Slow(bad), Ok(())),
            (Seen::Well, Ok(())),
            (Seen::Slow(bad), Ok(())),
            (Seen::Bad(bad), Err(bad)),
        ] {
            let next = Look::after(last, seen, now);
            assert_eq!(next.found, found, "{seen:?} after {:?}", last.map(|last| last.found));
            last = Some(next);
        }
    }

    #[test]
    fn a_look_holds_for_a_moment_and_never_into_the_past() {
        let now = Time::from_micros(1_800_000_000_000_000);
        let look = Look { at: now, found: Ok(()), slow: false };
        let table =
            [(Span::ZERO, true), (FRESH, false), (Span::seconds(-1), false), (Span::seconds(1), true)];
        for (later, fresh) in table {
            assert_eq!(look.is_fresh(now + later), fresh, "{later:?}");
        }
    }
}
