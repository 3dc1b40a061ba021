//! `grant_type=client_credentials`. Nothing is read that does not lie in memory, and nothing is written but, once in
//! months, a new place in a status list.

use countersign_core::audit::Actor;
use countersign_core::client::ClientId;
use countersign_core::grant::client_credentials::{Refusal, Request, decide};
use countersign_core::revocation::StatusIndex;
use countersign_core::token::access;
use countersign_store::Outcome;
use countersign_store::client::{Stored, place_batch};

use crate::ctx::Ctx;
use crate::extract::asked::Asked;
use crate::extract::dpop;
use crate::respond::problem::{Kind, Problem};
use crate::respond::token::{TokenResponse, issue_to_client};

/// A token for the client itself.
pub(crate) async fn grant(ctx: &Ctx, asked: &Asked<'_>) -> Result<TokenResponse, Problem> {
    let client = &asked.client.client;
    let (scopes, target) = (asked.scopes()?, asked.target(ctx)?);
    let resource_known = ctx.app.target_known(target.as_ref()).await?;
    let trusting = ctx.app.config.dev;
    let request = Request { scopes: scopes.as_ref(), target: target.as_ref(), resource_known, trusting };
    let granted = decide(client, request).map_err(refused)?;
    if client.demands_bound_tokens() && asked.proof.is_none() {
        return Err(Problem::oauth(
            "invalid_dpop_proof",
            "Send a DPoP proof: the tokens are bound to a key.",
        ));
    }
    if let Some(mark) = asked.mark() {
        dpop::spend(ctx, &client.id, mark).await?;
    }
    let mint = access::to_client(granted, (ctx.now, &ctx.app.policy.token));
    let place = place(ctx, asked.client).await?;
    issue_to_client(ctx, (client, place), &mint, asked.key())
}

/// The client's place in a status list; another one before the list ends.
async fn place(ctx: &Ctx, stored: &Stored) -> Result<StatusIndex, Problem> {
    let app = &ctx.app;
    let until = ctx.now + app.policy.token.life + app.policy.leeway;
    let lasts = |place: &StatusIndex| app.store.live().lasts(*place, until);
    if let Some(place) = stored.client.index.filter(lasts) {
        return Ok(place);
    }
    let id = &stored.client.id;
    let place = app.lease_index(ctx).await?;
    let batch = place_batch(id, stored.client.index, place, &ctx.stamp(Actor::System));
    match app.store.apply_to_client(batch).await? {
        Outcome::Applied => Ok(place),
        // Another request was first: its place is the client's.
        Outcome::Lost => present(ctx, id).await,
    }
}

async fn present(ctx: &Ctx, id: &ClientId) -> Result<StatusIndex, Problem> {
    let stored = ctx.app.store.client(id).await?;
    stored.and_then(|stored| stored.client.index).ok_or_else(|| Problem::new(Kind::Overloaded))
}

fn refused(refusal: Refusal) -> Problem {
    match refusal {
        Refusal::Public => {
            Problem::oauth("unauthorized_client", "A client that proves nothing gets nothing of its own.")
        }
        Refusal::Scope => Problem::oauth("invalid_scope", "Not a scope that the client may have by itself."),
        Refusal::Target => Problem::oauth("invalid_target", "Not a resource that tokens are made for."),
    }
}
