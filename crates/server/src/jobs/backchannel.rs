//! Tells clients of logouts (`OpenID` Connect Back-Channel Logout; attack OAU-73).
//!
//! Whoever logs out waits for nobody: what is to be told lies in the store by then. Each client has a lane of its own, so
//! that one that is slow or gone holds up nobody else's, and there are fewer lanes than the seats of
//! [`Outbound`](crate::outbound::Outbound), so that those who never answer leave some to others.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use countersign_core::Time;
use countersign_core::client::ClientId;
use countersign_core::revocation::Jti;
use countersign_core::session::backchannel::{Answer, Logout, REST, Teller, Verdict, token};
use countersign_jose::LogoutToken;
use countersign_store::backchannel::{claim_batch, clients_due, due, over_batch};
use countersign_store::client::Stored;
use countersign_store::{Outcome, db};
use futures_util::StreamExt as _;
use futures_util::future::{BoxFuture, FutureExt as _};
use futures_util::stream::FuturesUnordered;
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::keyring::{KeyringError, system};
use crate::outbound::Whose;

/// Clients that are told at once.
const LANES: usize = 16;

/// Logouts that a lane takes at once.
const BATCH: u32 = 100;

/// Those who are being told, and those who are left alone for a while.
struct Lanes {
    app: App,
    running: FuturesUnordered<BoxFuture<'static, (ClientId, bool)>>,
    busy: HashSet<ClientId>,
    resting: HashMap<ClientId, Time>,
}

/// One round: until nobody is left who may be told now.
pub async fn step(app: App) {
    let mut lanes = Lanes::new(app);
    lanes.fill().await;
    while let Some(lane) = lanes.running.next().await {
        lanes.leave(lane);
        lanes.fill().await;
    }
}

/// Until the stop: whoever is in the middle of something then comes back to it after the next start.
pub(super) async fn run(app: App, stop: CancellationToken) {
    let mut timer = tokio::time::interval(Duration::from_secs(15));
    let mut lanes = Lanes::new(app.clone());
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = timer.tick() => {}
            () = app.store.logouts_waiting() => {}
            Some(lane) = lanes.running.next() => lanes.leave(lane),
        }
        lanes.fill().await;
    }
}

impl Lanes {
    fn new(app: App) -> Self {
        Self { app, running: FuturesUnordered::new(), busy: HashSet::new(), resting: HashMap::new() }
    }

    /// Gives lanes to whoever waits longest.
    async fn fill(&mut self) {
        if self.busy.len() >= LANES {
            return;
        }
        let now = self.app.clock.now();
        self.resting.retain(|_, until| *until > now);
        // Those who are busy or rest may be among them, and no others must go without for it.
        let limit = LANES + self.busy.len() + self.resting.len();
        let clients = match clients_due(&self.app.store, now, limit).await {
            Ok(clients) => clients,
            Err(error) => {
                tracing::warn!(%error, "cannot read which logouts wait; the next round tries again");
                return;
            }
        };
        let free = |client: &ClientId| !self.busy.contains(client) && !self.resting.contains_key(client);
        let clients: Vec<_> = clients.into_iter().filter(free).take(LANES - self.busy.len()).collect();
        for client in clients {
            self.busy.insert(client.clone());
            self.running.push(lane(self.app.clone(), client).boxed());
        }
    }

    fn leave(&mut self, (client, heard): (ClientId, bool)) {
        self.busy.remove(&client);
        if !heard {
            self.resting.insert(client, self.app.clock.now() + REST);
        }
    }
}

/// Tells a client what it has to hear, one thing after the other. `false`: it does not hear, or the store is in trouble.
async fn lane(app: App, client: ClientId) -> (ClientId, bool) {
    let heard = tell_all(&app, &client).await.unwrap_or_else(|error| {
        tracing::warn!(client = client.as_str(), %error, "cannot write down which logouts were told; a client may be told twice");
        false
    });
    (client, heard)
}

async fn tell_all(app: &App, client: &ClientId) -> Result<bool, db::Error> {
    for logout in due(&app.store, client, app.clock.now(), BATCH).await? {
        if !tell(app, &logout).await? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Claims a logout, tells it, writes down what came of it. A crash in between tells it twice rather than never.
async fn tell(app: &App, logout: &Logout) -> Result<bool, db::Error> {
    let now = app.clock.now();
    if logout.is_stale(now) {
        settle(app, logout, Verdict::GivenUp, "it waited for a day").await?;
        return Ok(true);
    }
    if app.store.apply(claim_batch(logout, &system(now, app.random.as_ref()))).await? == Outcome::Lost {
        return Ok(true);
    }
    let (answer, reason) = ask(app, logout, now).await?;
    let verdict = logout.judge(answer);
    settle(app, logout, verdict, &reason).await?;
    Ok(matches!(verdict, Verdict::Told | Verdict::Refused) || answer == Answer::Nobody)
}

/// What the client says, and words for the log.
async fn ask(app: &App, logout: &Logout, now: Time) -> Result<(Answer, String), db::Error> {
    let stored = app.store.client(&logout.client).await?;
    let Some((stored, uri)) = stored.as_deref().and_then(|stored| Some((stored, listens_at(stored, now)?)))
    else {
        return Ok((Answer::Nobody, "the client is gone, closed or does not listen any more".to_owned()));
    };
    let token = match signed(app, logout, stored, now).await {
        Ok(token) => token,
        Err(KeyringError::Store(error)) => return Err(error),
        Err(error) => return Ok((Answer::None, error.to_string())),
    };
    Ok(match app.outbound.post_form(Whose::of(&stored.client), uri, &[("logout_token", &token)]).await {
        Ok(answer) => (Answer::Status(answer.status.as_u16()), format!("status {}", answer.status.as_u16())),
        Err(error) => (Answer::None, error.to_string()),
    })
}

fn listens_at(stored: &Stored, now: Time) -> Option<&str> {
    let uri = stored.client.metadata.backchannel_logout_uri.as_deref();
    uri.filter(|_| stored.client.is_open(now))
}

/// By the algorithm of the client's ID tokens, as section 2.4 wants.
async fn signed(app: &App, logout: &Logout, stored: &Stored, now: Time) -> Result<String, KeyringError> {
    let teller = Teller {
        issuer: app.config.public_url.origin(),
        subjects: &app.subjects,
        session_names: &app.session_names,
    };
    let random = app.random.as_ref();
    let claims = token(logout, &stored.client, teller, (Jti::new(random), now));
    let alg = stored.client.metadata.id_token_signed_response_alg;
    app.keyring.sign(&app.store, alg, (LogoutToken::TYP, &claims), &system(now, random)).await
}

/// Says what came of it, and lets go of what is over.
async fn settle(app: &App, logout: &Logout, verdict: Verdict, reason: &str) -> Result<(), db::Error> {
    let (client, session) = (logout.client.as_str(), logout.session);
    match verdict {
        Verdict::Told => tracing::info!(client, %session, "a client was told of a logout"),
        Verdict::Refused => tracing::warn!(client, %session, reason, "a client refused to hear of a logout"),
        Verdict::GivenUp => {
            tracing::warn!(client, %session, reason, "a client was not told of a logout: given up");
        }
        Verdict::Again => {
            tracing::warn!(client, %session, reason, "a client was not told of a logout; it will be tried again");
        }
    }
    app.metrics.logout(verdict);
    if verdict != Verdict::Again {
        let stamp = system(app.clock.now(), app.random.as_ref());
        // Lost: the client is gone, and what it had to hear with it.
        let _ = app.store.apply(over_batch(logout, verdict, &stamp)).await?;
    }
    Ok(())
}
