//! The races of the tests, ten times as often.

use std::pin::Pin;

use anyhow::Context as _;
use countersign_testkit::{Options, StoreKind, TestServer, races};
use tokio::runtime::Builder;

use crate::progress::say;
use crate::scenario::{Outcome, Setup};

/// Threads that serve and ask.
const THREADS: usize = 4;

type Running<'a> = Pin<Box<dyn Future<Output = anyhow::Result<()>> + 'a>>;

/// A race by name.
type Race = (&'static str, for<'a> fn(&'a TestServer, usize) -> Running<'a>);

const RACES: [Race; 10] = [
    ("verification link", |server, rounds| Box::pin(races::verification_links(server, rounds))),
    ("verification code", |server, rounds| Box::pin(races::codes(server, rounds))),
    ("registration", |server, rounds| Box::pin(races::registrations(server, rounds))),
    ("reset link", |server, rounds| Box::pin(races::reset_links(server, rounds))),
    ("password change", |server, rounds| Box::pin(races::password_changes(server, rounds))),
    ("refresh token", |server, rounds| Box::pin(races::refreshes(server, rounds))),
    ("session limit", |server, rounds| Box::pin(races::session_limit(server, rounds))),
    ("logout and check", |server, rounds| Box::pin(races::logout(server, rounds))),
    ("logout and refresh", |server, rounds| Box::pin(races::refresh_and_logout(server, rounds))),
    ("disable and login", |server, rounds| Box::pin(races::disable(server, rounds))),
];

pub(crate) fn run(setup: &Setup) -> anyhow::Result<Outcome> {
    let rounds = setup.times(3, 200);
    let runtime = Builder::new_multi_thread().worker_threads(THREADS).enable_all().build()?;
    let (kinds, mut problems) = (StoreKind::testable(), Vec::new());
    for kind in &kinds {
        for (name, race) in RACES {
            say(&format!("    races: {name} on {kind:?}"));
            let ran = runtime.block_on(async {
                let mut options = Options::on(*kind).with("COUNTERSIGN_THROTTLE_ENABLED", "false");
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
    Ok(Outcome { times: format!("{rounds} rounds each"), figures, problems })
}
