//! The races of the tests, more often, with limits on.

use std::pin::Pin;

use anyhow::Context as _;
use countersign_testkit::{Options, StoreKind, TestServer, races};
use tokio::runtime::Builder;

use crate::progress::say;
use crate::scenario::{Outcome, Setup};

/// Threads that serve and ask.
const THREADS: usize = 4;

type Running<'a> = Pin<Box<dyn Future<Output = anyhow::Result<()>> + 'a>>;

/// A race by name, and whether those who come too late are wrong guesses.
type Race = (&'static str, Late, for<'a> fn(&'a TestServer, usize) -> Running<'a>);

/// What throttling makes of those who lose.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Late {
    /// Nothing: all are right, or name no secret that could be guessed. An account's limit is the usual one.
    Right,
    /// More wrong guesses than the usual limit at once.
    Wrong,
}

use Late::{Right, Wrong};

/// Limits are on. Those that hold for all that one address does are as high as they can be set: all comes from one.
const LIMITS: [(&str, &str); 3] = [
    ("COUNTERSIGN_THROTTLE_PREFIX", "10000"),
    ("COUNTERSIGN_THROTTLE_GLOBAL", "1000000"),
    ("COUNTERSIGN_THROTTLE_MAILS", "10000"),
];
const MANY_GUESSES: (&str, &str) = ("COUNTERSIGN_THROTTLE_ACCOUNT", "1000");

const RACES: [Race; 10] = [
    ("verification link", Wrong, |server, rounds| Box::pin(races::verification_links(server, rounds))),
    ("verification code", Wrong, |server, rounds| Box::pin(races::codes(server, rounds))),
    ("registration", Right, |server, rounds| Box::pin(races::registrations(server, rounds))),
    ("reset link", Right, |server, rounds| Box::pin(races::reset_links(server, rounds))),
    ("password change", Wrong, |server, rounds| Box::pin(races::password_changes(server, rounds))),
    ("refresh token", Right, |server, rounds| Box::pin(races::refreshes(server, rounds))),
    ("session limit", Right, |server, rounds| Box::pin(races::session_limit(server, rounds))),
    ("logout and check", Right, |server, rounds| Box::pin(races::logout(server, rounds))),
    ("logout and refresh", Right, |server, rounds| Box::pin(races::refresh_and_logout(server, rounds))),
    ("disable and login", Wrong, |server, rounds| Box::pin(races::disable(server, rounds))),
];

pub(crate) fn run(setup: &Setup) -> anyhow::Result<Outcome> {
    let rounds = setup.times(6, 200);
    let runtime = Builder::new_multi_thread().worker_threads(THREADS).enable_all().build()?;
    let (kinds, mut problems) = (StoreKind::testable(), Vec::new());
    for kind in &kinds {
        for (name, late, race) in RACES {
            say(&format!("    races: {name} on {kind:?}"));
            let ran = runtime.block_on(async {
                let limits = LIMITS.into_iter().chain((late == Wrong).then_some(MANY_GUESSES));
                let mut options =
                    limits.fold(Options::on(*kind), |options, (name, value)| options.with(name, value));
                if name == "session limit" {
                    options = options.with(races::THREE_SESSIONS.0, races::THREE_SESSIONS.1);
                }
                let server = TestServer::start(options).await?;
                race(&server, rounds).await
            });
            problems.extend(
                ran.with_context(|| format!("{name} on {kind:?}")).err().map(|error| format!("{error:#}")),
            );
        }
    }
    let figures =
        vec![format!("{} races on {} stores", RACES.len(), kinds.len()), "50 requests a round".to_owned()];
    Ok(Outcome { times: format!("{rounds} rounds each"), figures, problems, ..Outcome::default() })
}
