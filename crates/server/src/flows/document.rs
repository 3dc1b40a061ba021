//! Clients known by the URL of their document: fetched when it is first asked for, then from time to time (attacks OAU-60
//! to OAU-62, DOS-04).
//!
//! A document becomes a row like that of any other client, so that grants and consents can hang from it; it ends, like
//! all that nobody vouched for, unless it is used.

use std::sync::Arc;

use countersign_core::audit::Actor;
use countersign_core::client::document::{self, is_document};
use countersign_core::client::register::{Registrar, Terms};
use countersign_core::client::{Client, ClientId, Metadata, Origin, sector};
use countersign_core::{Span, Time};
use countersign_store::Outcome;
use countersign_store::client::change::describe_batch;
use countersign_store::client::{NewClient, Stored, create_batch};
use quick_cache::sync::Cache;
use serde_json::{Map, Value};
use tokio::sync::Mutex;

use crate::config::RegistrationPolicy;
use crate::ctx::Ctx;
use crate::outbound::Whose;
use crate::respond::problem::Problem;

use super::client::prove_sector;
use super::throttle::reserve_registration;
use super::unvouched;

/// Documents whose age is remembered at most.
const REMEMBERED: usize = 4096;
/// No document is fetched sooner again, whatever it says of its age, nor kept longer.
const LEAST: Span = Span::minutes(5);
const MOST: Span = Span::hours(24);
/// One that cannot be fetched is left alone for so long.
const PAUSE: Span = Span::minutes(1);
/// Where it says nothing.
const USUAL: Span = Span::hours(1);
/// Larger ones are refused: a client needs no more to describe itself.
const MAX_BYTES: usize = 16 * 1024;

/// When documents were asked for, by time that nobody sets. Whoever holds the lock asks; the others wait for what comes.
#[derive(Debug)]
pub(crate) struct Documents(Cache<ClientId, Arc<Mutex<Asked>>>);

#[derive(Debug, Default)]
struct Asked {
    /// When it last said what it should.
    fetched_at: Option<Time>,
    fresh_until: Option<Time>,
    /// When it was last asked, whatever came.
    tried_at: Option<Time>,
}

impl Default for Documents {
    fn default() -> Self {
        Self(Cache::new(REMEMBERED))
    }
}

impl Asked {
    fn may_wait(&self, known: bool, now: Time) -> bool {
        let fresh = self.fresh_until.is_some_and(|until| now < until);
        (known && fresh) || self.tried_at.is_some_and(|asked| now < asked + PAUSE)
    }

    fn counts(&self, now: Time) -> bool {
        self.fetched_at.is_some_and(|fetched| now < fetched + MOST)
    }
}

/// The client of this name: one that is known, or, where clients may register themselves, one whose name is the URL of
/// its document. Wherever a client speaks or is spoken of, it is what its document says now.
pub(crate) async fn find(ctx: &Ctx, id: &ClientId) -> Result<Option<Arc<Stored>>, Problem> {
    let (app, stored) = (&ctx.app, ctx.app.store.client(id).await?);
    if stored.as_ref().is_some_and(|stored| stored.client.origin != Origin::Document)
        || !is_document(id, terms(ctx).exceptions())
    {
        return Ok(stored);
    }
    // One that an operator closed stays closed, whatever its document says.
    if stored.as_ref().is_some_and(|stored| stored.client.disabled) {
        return Ok(stored);
    }
    if app.config.registration.policy != RegistrationPolicy::Open {
        return Ok(None);
    }
    let asked = app.documents.0.get(id).unwrap_or_default();
    let mut state = asked.lock().await;
    // Whoever held the lock may have written it down.
    let (now, stored) = (app.uptime(), app.store.client(id).await?);
    if state.may_wait(stored.is_some(), now) {
        return Ok(stored.filter(|_| state.counts(now)));
    }
    // One that is known is asked for no more often than it may be, and not at the expense of whoever asks.
    if stored.is_none() {
        reserve_registration(ctx).await?;
    }
    state.tried_at = Some(now);
    app.documents.0.insert(id.clone(), Arc::clone(&asked));
    match fetch(ctx, id, stored.as_deref()).await {
        Ok((metadata, fresh)) => {
            (state.fetched_at, state.fresh_until) = (Some(now), Some(now + fresh));
            keep(ctx, id, stored, metadata).await
        }
        Err(why) => {
            tracing::info!(request_id = %ctx.request, why, "the document of a client counts for nothing");
            Ok(stored.filter(|_| state.counts(now)))
        }
    }
}

/// A document is anybody's.
fn terms(ctx: &Ctx) -> Terms<'_> {
    let config = &ctx.app.config;
    Terms {
        profile: config.registration.profile,
        registrar: Registrar::Anybody,
        dev: config.dev,
        exceptions: &config.outbound.allow,
    }
}

/// The document as metadata, and for how long it is fresh. The error is for the log: it repeats nothing of a stranger's.
async fn fetch(ctx: &Ctx, id: &ClientId, known: Option<&Stored>) -> Result<(Metadata, Span), String> {
    let answer =
        ctx.app.outbound.get_json(Whose::Strangers, id.as_str()).await.map_err(|error| error.to_string())?;
    if answer.body.len() > MAX_BYTES {
        return Err("it is larger than 16 KiB".to_owned());
    }
    let described: Map<String, Value> = answer.json().map_err(|error| error.to_string())?;
    let metadata = document::read(id, &described, &terms(ctx)).map_err(|rejection| rejection.to_string())?;
    if let Some(known) = known {
        let stays = sector::check_change(&known.client.metadata, &metadata);
        stays.map_err(|rejection| rejection.to_string())?;
    }
    prove_sector(ctx, Registrar::Anybody, &metadata).await.map_err(|rejection| rejection.to_string())?;
    Ok((metadata, answer.max_age().unwrap_or(USUAL).clamp(LEAST, MOST)))
}

/// Writes down what is new of it.
async fn keep(
    ctx: &Ctx,
    id: &ClientId,
    stored: Option<Arc<Stored>>,
    metadata: Metadata,
) -> Result<Option<Arc<Stored>>, Problem> {
    let (app, stamp) = (&ctx.app, ctx.stamp(Actor::Anonymous));
    let mut place = None;
    let batch = match stored {
        Some(stored) if stored.client.metadata == metadata => return Ok(Some(stored)),
        Some(stored) => describe_batch(&Client { metadata, ..stored.client.clone() }, &stamp),
        None => {
            place = Some(unvouched::place(ctx).await?);
            let client = Client {
                id: id.clone(),
                origin: Origin::Document,
                profile: app.config.registration.profile,
                first_party: false,
                disabled: false,
                created_at: ctx.now,
                expires_at: Some(ctx.now + app.config.registration.unused),
                index: None,
                metadata,
            };
            create_batch(&NewClient { client: &client, secret: None, registration: None }, &stamp)
        }
    };
    if app.store.apply_to_client(batch).await? == Outcome::Lost {
        tracing::debug!(request_id = %ctx.request, "another request was first with this document");
    }
    drop(place);
    Ok(app.store.client(id).await?)
}
