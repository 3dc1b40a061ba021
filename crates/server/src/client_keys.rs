//! Keys of clients that lie at an address of theirs (`jwks_uri`): fetched when they are needed, kept for a while, and
//! fetched again where an assertion fits none of them, but not for whoever makes keys up (attacks JWT-06, DOS-04, DOS-09).

use std::sync::Arc;

use countersign_core::{Span, Time};
use countersign_jose::{JwkSet, KeySet};
use quick_cache::sync::Cache;
use tokio::sync::Mutex;

use crate::app::App;
use crate::outbound::{OutboundError, Whose};

/// Addresses whose keys are remembered at most.
const REMEMBERED: usize = 1024;
/// No address is asked more often, whatever comes.
const PAUSE: Span = Span::minutes(1);
/// Keys are kept from so long ...
const LEAST: Span = Span::minutes(5);
/// ... to so long, as their owner says, and for so long where it says nothing.
const USUAL: Span = Span::hours(1);
/// And while their owner cannot be reached: a key that was taken away counts no longer than this.
const MOST: Span = Span::hours(24);

/// The keys that were fetched.
#[derive(Debug)]
pub(crate) struct ClientKeys(Cache<String, Arc<Mutex<Kept>>>);

/// What is known of an address, by time that nobody sets. Whoever holds the lock asks; the others wait for what comes.
#[derive(Debug, Default)]
struct Kept {
    keys: Option<Arc<KeySet>>,
    fetched_at: Option<Time>,
    fresh_until: Option<Time>,
    asked_at: Option<Time>,
}

impl Default for ClientKeys {
    fn default() -> Self {
        Self(Cache::new(REMEMBERED))
    }
}

impl ClientKeys {
    /// The keys at this address, remembered or fetched.
    pub(crate) async fn get(&self, app: &App, at: (Whose, &str)) -> Option<Arc<KeySet>> {
        let kept = self.kept(at.1);
        let mut kept = kept.lock().await;
        let now = app.uptime();
        if kept.fresh_until.is_none_or(|until| now >= until) {
            kept.ask(app, at, now).await;
        }
        kept.counting(now)
    }

    /// The keys at this address where none of `seen` fits: none unless there are others by now.
    pub(crate) async fn again(
        &self,
        app: &App,
        at: (Whose, &str),
        seen: &Arc<KeySet>,
    ) -> Option<Arc<KeySet>> {
        let kept = self.kept(at.1);
        let mut kept = kept.lock().await;
        let now = app.uptime();
        if kept.keys.as_ref().is_some_and(|keys| Arc::ptr_eq(keys, seen)) {
            kept.ask(app, at, now).await;
        }
        kept.counting(now).filter(|keys| !Arc::ptr_eq(keys, seen))
    }

    fn kept(&self, uri: &str) -> Arc<Mutex<Kept>> {
        if let Some(kept) = self.0.get(uri) {
            return kept;
        }
        let kept = Arc::default();
        self.0.insert(uri.to_owned(), Arc::clone(&kept));
        kept
    }
}

impl Kept {
    /// Fetches the keys, if that is not too soon. What goes wrong leaves those that were there.
    async fn ask(&mut self, app: &App, at: (Whose, &str), now: Time) {
        if self.asked_at.is_some_and(|asked| now < asked + PAUSE) {
            return;
        }
        self.asked_at = Some(now);
        match fetch(app, at).await {
            Ok((keys, fresh)) => {
                self.keys = Some(Arc::new(keys));
                self.fetched_at = Some(now);
                self.fresh_until = Some(now + fresh);
            }
            Err(why) => tracing::info!(why, "the keys of a client cannot be fetched"),
        }
    }

    fn counting(&self, now: Time) -> Option<Arc<KeySet>> {
        self.keys.clone().filter(|_| self.fetched_at.is_some_and(|fetched| now < fetched + MOST))
    }
}

async fn fetch(app: &App, (whose, uri): (Whose, &str)) -> Result<(KeySet, Span), String> {
    let answer = app.outbound.get_json(whose, uri).await.map_err(|error| error.to_string())?;
    if answer.status != http::StatusCode::OK {
        return Err(OutboundError::Status(answer.status).to_string());
    }
    // Some send `application/jwk-set+json`, some say nothing of use: what counts is that all of it are public keys.
    let keys = JwkSet::parse(&answer.body).and_then(|set| KeySet::from_jwks(&set));
    let keys = keys.map_err(|error| error.code().to_owned())?;
    Ok((keys, answer.max_age().unwrap_or(USUAL).clamp(LEAST, MOST)))
}
