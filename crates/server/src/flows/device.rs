//! Devices that ask to be let in (RFC 8628): what they ask, and what a person answers.

use std::sync::Arc;

use countersign_core::audit::Actor;
use countersign_core::authorize::{Offer, Parameters, Refusal, resource};
use countersign_core::consent::widen;
use countersign_core::device::{
    Allowed, DeviceCode, INTERVAL, LIFE, Pace, State, UserCode, answer, ask, reveal,
};
use countersign_core::grant::Login;
use countersign_core::secret::Secret;
use countersign_store::Batch;
use countersign_store::client::Stored;
use countersign_store::consent::consent_of;
use countersign_store::device_code::{allow_batch, ask_batch, by_user_code, deny_batch};
use countersign_store::live::LiveSession;

use crate::ctx::Ctx;
use crate::respond::problem::Problem;

use super::authorize::administers;
use super::throttle::{About, guess};

/// The two codes of a device.
pub(crate) struct Codes {
    /// For the device alone.
    pub(crate) device: String,
    /// For the person in front of it.
    pub(crate) user: UserCode,
}

/// A device asks: its request is checked, and kept.
pub(crate) async fn ask(
    ctx: &Ctx,
    stored: &Stored,
    parameters: &Parameters,
) -> Result<Result<Codes, Refusal>, Problem> {
    let config = &ctx.app.config;
    let offer = Offer { issuer: &config.public_url, scopes: &config.scopes, claims: &config.custom_claims };
    let request = match ask::check(parameters, &stored.client, offer) {
        Ok(request) => request,
        Err(refusal) => return Ok(Err(refusal)),
    };
    for resource in &request.resources {
        if !ctx.app.resource_known(resource).await? {
            return Ok(Err(resource::UNKNOWN));
        }
    }
    let secret = Secret::new(ctx.app.random.as_ref());
    let code = DeviceCode {
        hash: secret.hash(),
        client: stored.client.id.clone(),
        scopes: request.scopes,
        resources: request.resources,
        confirmation: request.confirmation,
        ip: ctx.ip,
        state: State::Pending,
        pace: Pace { interval: INTERVAL, next_at: ctx.now },
        created_at: ctx.now,
        expires_at: ctx.now + LIFE,
    };
    let mut attempts = ctx.attempts();
    loop {
        let user = UserCode::new(ctx.app.random.as_ref());
        let batch = ask_batch(&code, user.hash(&ctx.app.user_codes), &ctx.stamp(Actor::Anonymous));
        if attempts.apply(batch).await? {
            return Ok(Ok(Codes { device: reveal(&secret), user }));
        }
    }
}

/// A device's request that somebody may answer.
pub(crate) struct Asking {
    pub(crate) code: DeviceCode,
    pub(crate) client: Arc<Stored>,
}

/// The request of a code that was typed, if it may be answered. A wrong one is a guess, counted for the account that makes
/// it: whoever guesses keeps nobody else out (attack OAU-55, RFC 8628 section 5.1).
pub(crate) async fn find(ctx: &Ctx, live: &LiveSession, code: &UserCode) -> Result<Option<Asking>, Problem> {
    let (found, held) =
        guess(ctx, About::user_code(&live.session), Box::pin(look_up(ctx, live, code))).await?;
    if found.is_some() {
        held.release();
    }
    Ok(found)
}

async fn look_up(ctx: &Ctx, live: &LiveSession, code: &UserCode) -> Result<Option<Asking>, Problem> {
    let store = &ctx.app.store;
    let Some(code) = by_user_code(store, code.hash(&ctx.app.user_codes)).await? else { return Ok(None) };
    let Some(client) = store.client(&code.client).await? else { return Ok(None) };
    let administers = administers(ctx, &code.scopes, Some(live)).await?;
    let facts =
        answer::Facts { code: &code, client: &client.client, administers, epoch: store.live().epoch() };
    let may = answer::decide(facts, ctx.now);
    Ok(may.is_ok().then_some(Asking { code, client }))
}

/// Answers whoever asks by a code. `false`: nobody does (any more), or somebody answered before.
pub(crate) async fn answer(
    ctx: &Ctx,
    live: &LiveSession,
    code: &UserCode,
    allow: bool,
) -> Result<bool, Problem> {
    let mut found = find(ctx, live, code).await?;
    let mut attempts = ctx.attempts();
    while let Some(asking) = found {
        if attempts.apply(answer_batch(ctx, live, &asking, allow).await?).await? {
            return Ok(true);
        }
        found = look_up(ctx, live, code).await?;
    }
    Ok(false)
}

async fn answer_batch(
    ctx: &Ctx,
    live: &LiveSession,
    Asking { code, client }: &Asking,
    allow: bool,
) -> Result<Batch, Problem> {
    let (session, client) = (&live.session, &client.client);
    let (account, stamp) = (session.account, ctx.stamp(Actor::Account(session.account)));
    if !allow {
        return Ok(deny_batch(code, account, &stamp));
    }
    let login = Login { at: session.authenticated_at, amr: session.amr.clone(), acr: session.acr };
    let allowed = Allowed { account, session: session.id, login };
    let before = consent_of(&ctx.app.store, account, &client.id).await?;
    let consent =
        widen::decide(before.clone(), (&code.scopes, &code.resources), (account, &client.id), ctx.now);
    Ok(allow_batch(code, &allowed, (before.as_ref(), &consent), &stamp))
}
