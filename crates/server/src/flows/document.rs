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

use crate::config::RegistrationPolicy;
use crate::ctx::Ctx;
use crate::respond::problem::Problem;

use super::client::prove_sector;
use super::throttle::reserve_registration;
use super::unvouched;

/// Documents whose age is remembered at most.
const REMEMBERED: usize = 4096;
/// No document is fetched sooner again, whatever it says of its age, nor kept longer.
const LEAST: Span = Span::minutes(5);
const MOST: Span = Span::hours(24);
/// Where it says nothing.
const USUAL: Span = Span::hours(1);
/// Larger ones are refused: a client needs no more to describe itself.
const MAX_BYTES: usize = 16 * 1024;

/// When documents were fetched, by time that nobody sets.
#[derive(Debug)]
pub(crate) struct Documents(Cache<ClientId, Fetched>);

#[derive(Debug, Clone, Copy)]
struct Fetched {
    at: Time,
    fresh_until: Time,
}

impl Default for Documents {
    fn default() -> Self {
        Self(Cache::new(REMEMBERED))
    }
}

/// The client of this name: one that is known, or, where clients may register themselves, one whose name is the URL of
/// its document.
pub(crate) async fn find(ctx: &Ctx, id: &ClientId) -> Result<Option<Arc<Stored>>, Problem> {
    let (app, stored) = (&ctx.app, ctx.app.store.client(id).await?);
    if stored.as_ref().is_some_and(|stored| stored.client.origin != Origin::Document)
        || !is_document(id, &app.config.outbound.allow)
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
    let fetched = app.documents.0.get(id);
    let now = app.uptime();
    if stored.is_some() && fetched.is_some_and(|fetched| now < fetched.fresh_until) {
        return Ok(stored);
    }
    reserve_registration(ctx).await?;
    match fetch(ctx, id, stored.as_deref()).await {
        Ok((metadata, fresh)) => {
            app.documents.0.insert(id.clone(), Fetched { at: now, fresh_until: now + fresh });
            keep(ctx, id, stored, metadata).await
        }
        Err(why) => {
            tracing::info!(request_id = %ctx.request, why, "the document of a client counts for nothing");
            Ok(stored.filter(|_| fetched.is_some_and(|fetched| now < fetched.at + MOST)))
        }
    }
}

/// The document as metadata, and for how long it is fresh. The error is for the log: it repeats nothing of a stranger's.
async fn fetch(ctx: &Ctx, id: &ClientId, known: Option<&Stored>) -> Result<(Metadata, Span), String> {
    let config = &ctx.app.config;
    let answer = ctx.app.outbound.get_json(id.as_str()).await.map_err(|error| error.to_string())?;
    if answer.body.len() > MAX_BYTES {
        return Err("it is larger than 16 KiB".to_owned());
    }
    let described: Map<String, Value> = answer.json().map_err(|error| error.to_string())?;
    let terms = Terms {
        profile: config.registration.profile,
        registrar: Registrar::Anybody,
        dev: config.dev,
        exceptions: &config.outbound.allow,
    };
    let metadata = document::read(id, &described, &terms).map_err(|rejection| rejection.to_string())?;
    if let Some(known) = known {
        let stays = sector::check_change(&known.client.metadata, &metadata);
        stays.map_err(|rejection| rejection.to_string())?;
    }
    prove_sector(ctx, &metadata).await.map_err(|rejection| rejection.to_string())?;
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
