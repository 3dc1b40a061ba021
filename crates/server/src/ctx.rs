//! The context of one request: the first parameter of every handler.

use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::extract::FromRequestParts;
use countersign_core::audit::{Actor, Stamp};
use countersign_core::session::Device;
use countersign_core::throttle::KnownDevice;
use countersign_core::{Locale, Random, RequestId, Span, Time, random};
use countersign_store::{Batch, Outcome};
use http::request::Parts;

use crate::app::App;
use crate::respond::problem::{Kind, Problem};

/// Who asks, when, and what there is to answer with.
#[derive(Clone)]
pub(crate) struct Ctx {
    /// The service.
    pub(crate) app: App,
    /// The time of the request: one for all that it does.
    pub(crate) now: Time,
    /// `req_…`, in logs, audit events and error answers.
    pub(crate) request: RequestId,
    /// The client's address, as far as configured proxies vouch for it (I15).
    pub(crate) ip: Option<IpAddr>,
    /// Browser and system.
    pub(crate) device: Device,
    /// The logins that this browser says it made. For throttling alone: it proves nothing.
    pub(crate) known_device: Option<KnownDevice>,
    /// The language of the answer.
    pub(crate) locale: Locale,
}

impl Ctx {
    /// What an operator asks for at the command line: from no address, at no browser.
    pub(crate) fn operator(app: &App) -> Self {
        let now = app.now();
        Self {
            app: app.clone(),
            now,
            request: app.requests.next(now),
            ip: None,
            device: Device::default(),
            known_device: None,
            locale: Locale::default(),
        }
    }

    /// Stamps audit events of this request.
    pub(crate) fn stamp<'a>(&'a self, actor: Actor<'a>) -> Stamp<'a> {
        Stamp {
            at: self.now,
            random: self.app.random.as_ref(),
            actor,
            ip: self.ip,
            request: Some(self.request),
        }
    }

    /// The tries of a loop that loads, decides and applies.
    pub(crate) fn attempts(&self) -> Attempts<'_> {
        Attempts { app: &self.app, first_lost: None, wait: Span::from_micros(500) }
    }
}

/// A lost batch is decided again, for two seconds at most; then the answer is 503.
pub(crate) struct Attempts<'a> {
    app: &'a App,
    first_lost: Option<tokio::time::Instant>,
    wait: Span,
}

/// How long a request tries before it says that the server is overloaded.
const PATIENCE: Span = Span::seconds(2);

impl Attempts<'_> {
    /// Applies a batch. `false`: it was lost, nothing was written; load the facts again and decide again.
    pub(crate) async fn apply(&mut self, batch: Batch) -> Result<bool, Problem> {
        let outcome = self.app.store.apply(batch).await?;
        self.settle(outcome).await
    }

    /// The same for a batch that changes a client.
    pub(crate) async fn apply_to_client(&mut self, batch: Batch) -> Result<bool, Problem> {
        let outcome = self.app.store.apply_to_client(batch).await?;
        self.settle(outcome).await
    }

    async fn settle(&mut self, outcome: Outcome) -> Result<bool, Problem> {
        if outcome == Outcome::Applied {
            return Ok(true);
        }
        // What came before, such as the wait for a hash, is no reason to give up on a race.
        let first_lost = *self.first_lost.get_or_insert_with(tokio::time::Instant::now);
        if first_lost.elapsed() >= PATIENCE.to_std() {
            return Err(Problem::new(Kind::Overloaded));
        }
        tokio::time::sleep(self.jitter().to_std()).await;
        self.wait = Span::from_micros((self.wait.micros() * 2).min(50_000));
        Ok(false)
    }

    /// Between half and all of the present wait, so that losers do not meet again.
    fn jitter(&self) -> Span {
        let half = self.wait.micros() / 2;
        let part = i64::from(u16::from_be_bytes(random::bytes(self.app.random.as_ref())));
        Span::from_micros(half + half * part / i64::from(u16::MAX))
    }
}

/// Names requests: a random start for each process, and a count. Ids of requests are no secrets, only unique.
pub(crate) struct RequestIds(AtomicU64);

impl RequestIds {
    pub(crate) fn new(random: &dyn Random) -> Self {
        Self(AtomicU64::new(u64::from_be_bytes(random::bytes(random))))
    }

    pub(crate) fn next(&self, now: Time) -> RequestId {
        RequestId::new(now, &Count(self.0.fetch_add(1, Ordering::Relaxed)))
    }
}

/// A count where a random number is asked for.
struct Count(u64);

impl Random for Count {
    fn fill(&self, dest: &mut [u8]) {
        dest.iter_mut().rev().zip(self.0.to_le_bytes()).for_each(|(byte, given)| *byte = given);
    }
}

impl FromRequestParts<App> for Ctx {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Problem> {
        // The gate puts it there for every route; a route without a gate must not answer.
        parts.extensions.get::<Self>().cloned().ok_or_else(|| Problem::new(Kind::Internal))
    }
}
