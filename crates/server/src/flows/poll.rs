//! `grant_type=urn:ietf:params:oauth:grant-type:device_code`: a device asks whether somebody answered.

use countersign_core::audit::Actor;
use countersign_core::device::poll::{Decision, Refusal, Request, decide};
use countersign_core::device::{State, lookup};
use countersign_store::device_code as store;

use crate::ctx::Ctx;
use crate::extract::asked::Asked;
use crate::extract::dpop;
use crate::respond::problem::Problem;
use crate::respond::token::TokenResponse;

use super::mint::{Begun, first_tokens, lay_out};

/// What the device is told that is no answer of tokens.
enum Told {
    Pending,
    SlowDown,
    Refused(Refusal),
}

/// Redeems a device code that somebody allowed: it is spent, and its grant begins; or says why there is none.
pub(crate) async fn poll(ctx: &Ctx, asked: &Asked<'_>) -> Result<TokenResponse, Problem> {
    let app = &ctx.app;
    let hash =
        lookup(asked.required("device_code")?).ok_or_else(|| told(&Told::Refused(Refusal::Unknown)))?;
    let request = Request { key: asked.key(), target: asked.target(ctx)? };
    let resource_known = app.target_known(request.target.as_ref()).await?;
    let mut attempts = ctx.attempts();
    loop {
        let Some(live) = store::poll_facts(&app.store, hash).await? else {
            return Err(told(&Told::Refused(Refusal::Unknown)));
        };
        let code = &live.code;
        let stamp = ctx.stamp(Actor::Anonymous);
        let facts = live.facts(app.store.live(), &asked.client.client, resource_known);
        let (batch, answer) = match (decide(&facts, &request, ctx.now), &code.state) {
            (Decision::Refuse(refusal), _) => return Err(told(&Told::Refused(refusal))),
            (Decision::SlowDown(None), _) => return Err(told(&Told::SlowDown)),
            (Decision::SlowDown(Some(pace)), _) => (store::poll_batch(code, pace, &stamp), Told::SlowDown),
            (Decision::Wait(pace), _) => (store::poll_batch(code, pace, &stamp), Told::Pending),
            (Decision::Reuse(grant), State::Redeemed(allowed, _)) => {
                let longest = app.policy.longest_life();
                let batch = store::reuse_batch((code, allowed), grant, longest, &stamp);
                (batch, Told::Refused(Refusal::Unknown))
            }
            (Decision::Mint(mint), State::Allowed(allowed)) => {
                let granted = (&code.granted(allowed), &asked.client.client);
                let grant = lay_out(ctx, granted, &mint).await?;
                let stamp = ctx.stamp(Actor::Account(allowed.account));
                let batch = store::redeem_batch((code, allowed), &grant, asked.mark(), &stamp);
                if !attempts.apply(batch).await? {
                    dpop::refuse_spent(ctx, asked.mark()).await?;
                    continue;
                }
                let (session, login) = (live.session(), &allowed.login);
                let begun = Begun { grant: &grant, mint: &mint, session, login, nonce: None };
                return first_tokens(ctx, asked, &begun).await;
            }
            // invariant: what is minted was allowed, and what came again was minted.
            (Decision::Mint(_) | Decision::Reuse(_), _) => {
                return Err(told(&Told::Refused(Refusal::Unknown)));
            }
        };
        if attempts.apply(batch).await? {
            return Err(told(&answer));
        }
    }
}

/// What a device is told, one table (RFC 8628 section 3.5, RFC 6749 section 5.2, RFC 8707 section 2, RFC 9449 section 5).
fn told(told: &Told) -> Problem {
    let refusal = match told {
        Told::Pending => return Problem::oauth("authorization_pending", "Nobody answered yet: ask again."),
        Told::SlowDown => {
            return Problem::oauth("slow_down", "Wait five seconds longer than before, from now on.");
        }
        Told::Refused(refusal) => refusal,
    };
    let problem = match refusal {
        Refusal::Expired => Problem::oauth("expired_token", "Nobody answered in time: begin again."),
        Refusal::Denied => Problem::oauth("access_denied", "The person said no."),
        Refusal::Target => Problem::oauth("invalid_target", "Not a resource that was granted."),
        Refusal::KeyMissing => {
            Problem::oauth("invalid_dpop_proof", "Send a DPoP proof: the tokens are bound to a key.")
        }
        Refusal::Unknown | Refusal::Client | Refusal::Ended | Refusal::Key => {
            Problem::oauth("invalid_grant", "The device code does not count: begin again.")
        }
    };
    problem.cause(refusal.as_str())
}
