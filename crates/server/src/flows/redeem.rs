//! `grant_type=authorization_code`.

use countersign_core::audit::Actor;
use countersign_core::grant::redeem::{Decision, Refusal, Request, decide, lookup};
use countersign_store::redeem as store;

use crate::ctx::Ctx;
use crate::extract::asked::Asked;
use crate::extract::dpop;
use crate::respond::problem::Problem;
use crate::respond::token::TokenResponse;

use super::mint::{Begun, first_tokens, lay_out};

/// Redeems a code: it is spent, and its grant begins; or it is burned; or what it minted before ends.
pub(crate) async fn redeem(ctx: &Ctx, asked: &Asked<'_>) -> Result<TokenResponse, Problem> {
    let app = &ctx.app;
    let hash = lookup(asked.required("code")?).ok_or_else(|| refused(Refusal::Unknown))?;
    let request = Request {
        redirect_uri: asked.field("redirect_uri"),
        verifier: asked.field("code_verifier"),
        key: asked.key(),
        target: asked.target(ctx)?,
    };
    let resource_known = app.target_known(request.target.as_ref()).await?;
    let mut attempts = ctx.attempts();
    loop {
        let Some(live) = store::redeem_facts(&app.store, hash).await? else {
            return Err(refused(Refusal::Unknown));
        };
        let code = &live.code;
        let stamp = ctx.stamp(Actor::Account(code.account));
        let facts = live.facts(app.store.live(), &asked.client.client, resource_known);
        let (batch, outcome) = match decide(&facts, &request, ctx.now) {
            Decision::Refuse(refusal) => return Err(refused(refusal)),
            Decision::Burn(refusal) => {
                (store::burn_batch(code, refusal, &ctx.stamp(Actor::Anonymous)), Err(refusal))
            }
            Decision::Reuse(_) => {
                let (stamp, longest) = (ctx.stamp(Actor::Anonymous), app.policy.longest_life());
                (store::reuse_batch(code, longest, &stamp), Err(Refusal::Unknown))
            }
            Decision::Mint(mint) => {
                let granted = (&code.granted(), &asked.client.client);
                let grant = lay_out(ctx, granted, &mint).await?;
                (store::redeem_batch(code, &grant, asked.mark(), &stamp), Ok((grant, mint)))
            }
        };
        if !attempts.apply(batch).await? {
            dpop::refuse_spent(ctx, asked.mark()).await?;
            continue;
        }
        let (grant, mint) = outcome.map_err(refused)?;
        let (session, login) = (live.session(), &code.login);
        let nonce = code.nonce.as_deref();
        let begun = Begun { grant: &grant, mint: &mint, session, login, nonce };
        return first_tokens(ctx, asked, &begun).await;
    }
}

/// What a refusal is to a client, one table (RFC 6749 section 5.2, RFC 8707 section 2, RFC 9449 section 5).
fn refused(refusal: Refusal) -> Problem {
    let problem = match refusal {
        Refusal::Target => Problem::oauth("invalid_target", "Not a resource that was granted."),
        Refusal::KeyMissing => {
            Problem::oauth("invalid_dpop_proof", "Send a DPoP proof: the tokens are bound to a key.")
        }
        _ => Problem::oauth("invalid_grant", "The code does not count: begin again."),
    };
    problem.cause(refusal.as_str())
}
