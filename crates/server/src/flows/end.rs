//! Ending sessions, by page, API or command line.

use countersign_core::AccountId;
use countersign_core::audit::Actor;
use countersign_core::session::EndReason;
use countersign_core::session::end::{End, Scope, decide};
use countersign_store::session as store;

use crate::ctx::Ctx;
use crate::respond::problem::Problem;

/// Ends sessions of an account, with their grants. Done when this returns: no node accepts them again (I7).
pub(crate) async fn end(
    ctx: &Ctx,
    account: AccountId,
    scope: Scope,
    reason: EndReason,
) -> Result<(), Problem> {
    end_by(ctx, Actor::Account(account), &decide(account, scope, reason)).await
}

/// Likewise, where it is not the account itself that asks.
pub(crate) async fn end_by(ctx: &Ctx, actor: Actor<'_>, end: &End) -> Result<(), Problem> {
    let mut attempts = ctx.attempts();
    let stamp = ctx.stamp(actor);
    while !attempts.apply(store::end_batch(end, ctx.app.policy.longest_life(), &stamp)).await? {}
    Ok(())
}
