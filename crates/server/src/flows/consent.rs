//! Consent: given on its page, withdrawn under `/account/apps`.

use countersign_core::AccountId;
use countersign_core::audit::Actor;
use countersign_core::client::ClientId;
use countersign_core::consent::widen;
use countersign_store::consent::{consent_of, give_batch, withdraw_batch};

use crate::ctx::Ctx;
use crate::respond::problem::Problem;

use super::authorize::Known;

/// The account lets the client do what it asks for.
pub(crate) async fn give(ctx: &Ctx, account: AccountId, known: &Known) -> Result<(), Problem> {
    let client = &known.stored.client.id;
    let asked = (&known.request.to_allow(), &known.request.resources[..]);
    let mut attempts = ctx.attempts();
    loop {
        let before = consent_of(&ctx.app.store, account, client).await?;
        let consent = widen::decide(before.clone(), asked, (account, client), ctx.now);
        if attempts.apply(give_batch(before.as_ref(), &consent, &ctx.stamp(Actor::Account(account)))).await? {
            return Ok(());
        }
    }
}

/// The account takes it back: everything that came of it ends before this returns (I7).
pub(crate) async fn withdraw(ctx: &Ctx, account: AccountId, client: &ClientId) -> Result<(), Problem> {
    let mut attempts = ctx.attempts();
    let stamp = ctx.stamp(Actor::Account(account));
    let life = ctx.app.policy.longest_life();
    while !attempts.apply(withdraw_batch(account, client, life, &stamp)).await? {}
    Ok(())
}
