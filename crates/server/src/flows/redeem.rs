//! `grant_type=authorization_code`.

use countersign_core::audit::Actor;
use countersign_core::client::Client;
use countersign_core::grant::open::{Birth, by_code};
use countersign_core::grant::redeem::{Code, Decision, Mint, Refusal, Request, decide, lookup};
use countersign_core::grant::refresh::Target;
use countersign_core::grant::{Grant, Salt};
use countersign_core::token::{access, subject};
use countersign_core::{GrantId, Time, random};
use countersign_store::redeem as store;

use crate::ctx::Ctx;
use crate::extract::asked::Asked;
use crate::extract::client_auth::invalid_client;
use crate::extract::dpop;
use crate::respond::id_token::{self, About};
use crate::respond::problem::Problem;
use crate::respond::token::{Issue, TokenResponse, issue};

use super::client::end_if_closed;

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
    let resource = request.target.as_ref().and_then(Target::resource);
    let resource_known = match resource {
        Some(resource) => app.resource_known(resource).await?,
        None => true,
    };
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
                let grant = lay_out(ctx, (code, &asked.client.client), &mint).await?;
                (store::redeem_batch(code, &grant, asked.mark(), &stamp), Ok((grant, mint)))
            }
        };
        if !attempts.apply(batch).await? {
            dpop::refuse_spent(ctx, asked.mark()).await?;
            continue;
        }
        let (grant, mint) = outcome.map_err(refused)?;
        if !end_if_closed(ctx, &grant.client).await? {
            return Err(invalid_client(false));
        }
        let session = live.session().map(|live| live.session.absolute_ends_at.min(live.idle_ends_at()));
        let ends_at = grant.absolute_ends_at.or(session).unwrap_or(ctx.now);
        return answer(ctx, asked, (&grant, ends_at), (code, &mint)).await;
    }
}

async fn lay_out(ctx: &Ctx, whose: (&Code, &Client), mint: &Mint) -> Result<Grant, Problem> {
    let random = ctx.app.random.as_ref();
    let birth = Birth {
        id: GrantId::new(ctx.now, random),
        index: ctx.app.lease_index(ctx).await?,
        salt: Salt(random::bytes(random)),
        resource: None,
    };
    Ok(by_code(whose, mint, &birth, (ctx.now, &ctx.app.policy.grant)))
}

async fn answer(
    ctx: &Ctx,
    asked: &Asked<'_>,
    (grant, ends_at): (&Grant, Time),
    (code, mint): (&Code, &Mint),
) -> Result<TokenResponse, Problem> {
    let target = asked.target(ctx)?;
    let place = (&grant.scopes, target.as_ref());
    let token = access::decide(grant, ends_at, place, (ctx.now, &ctx.app.policy.token));
    let client = &asked.client.client;
    let sub = subject::name(&ctx.app.subjects, grant.account, client);
    let tokens = Issue {
        grant,
        sub: &sub,
        login: &code.login,
        mint: &token,
        refresh: mint.refresh.then_some(grant.generation),
        key: mint.key,
    };
    let tokens = issue(ctx, &tokens)?;
    let about = About { client, grant, login: &code.login, nonce: code.nonce.as_deref() };
    id_token::add(ctx, tokens, &about).await
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
