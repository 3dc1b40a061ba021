//! `grant_type=refresh_token`.

use countersign_core::audit::Actor;
use countersign_core::client::Client;
use countersign_core::grant::Generation;
use countersign_core::grant::refresh::{Decision, Limits, Refusal, Request, decide};
use countersign_core::grant::refresh_token::RefreshToken;
use countersign_core::replay::Mark;
use countersign_core::token::{Confirmation, access, subject};
use countersign_store::grant::{self as store, Refresh};
use countersign_store::live::LiveGrant;
use countersign_store::spent::spend_batch;

use crate::ctx::Ctx;
use crate::extract::asked::Asked;
use crate::extract::dpop;
use crate::metrics::Refresh as Outcome;
use crate::respond::id_token::{self, About};
use crate::respond::problem::{Kind, Problem};
use crate::respond::token::{Issue, TokenResponse, issue};

/// What comes of a refresh that is no answer of tokens.
enum Failure {
    /// The rule says no.
    Refused(Refusal),
    /// A replaced token came back, and its grant ended.
    Reuse,
    /// The server could not.
    Problem(Problem),
}

impl<E: Into<Problem>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Problem(error.into())
    }
}

/// Refreshes: the present token rotates, the one before it within the grace gets the present one, an older one ends
/// its grant (I10).
pub(crate) async fn refresh(ctx: &Ctx, asked: &Asked<'_>) -> Result<TokenResponse, Problem> {
    let request = read(ctx, asked)?;
    let result = try_refresh(ctx, asked, &request).await;
    ctx.app.metrics.refresh(match &result {
        Ok((_, outcome)) => *outcome,
        Err(Failure::Reuse) => Outcome::Reused,
        Err(Failure::Refused(_) | Failure::Problem(_)) => Outcome::Refused,
    });
    result.map(|(response, _)| response).map_err(|failure| match failure {
        Failure::Refused(refusal) => refused(refusal),
        Failure::Reuse => refused(Refusal::Ended),
        Failure::Problem(problem) => problem,
    })
}

fn read(ctx: &Ctx, asked: &Asked<'_>) -> Result<Request, Problem> {
    let text = asked.required("refresh_token")?;
    let token = RefreshToken::verify(text, |number| ctx.app.keyring.refresh_key_by(number));
    Ok(Request {
        token: token.map_err(|_| refused(Refusal::Unknown))?,
        client: asked.client.client.id.clone(),
        scopes: asked.scopes()?.filter(|scopes| !scopes.is_empty()),
        target: asked.target(ctx)?,
        key: asked.key(),
    })
}

async fn try_refresh(
    ctx: &Ctx,
    asked: &Asked<'_>,
    request: &Request,
) -> Result<(TokenResponse, Outcome), Failure> {
    let app = &ctx.app;
    let mut attempts = ctx.attempts();
    let resource_known = app.target_known(request.target.as_ref()).await?;
    let limits =
        Limits { grace: app.policy.token.refresh_grace, offline_idle: app.policy.grant.offline_idle };
    loop {
        let Some(live) = store::refresh_facts(&app.store, request.token.grant).await? else {
            return Err(Failure::Refused(Refusal::Unknown));
        };
        let facts = live.refresh_facts(app.store.live(), &asked.client.client, resource_known);
        let stamp = ctx.stamp(Actor::Account(live.grant.account));
        let used = used(ctx, &live, asked.mark());
        let (batch, generation, key) = match decide(&facts, request, limits, ctx.now) {
            Decision::Refuse(refusal) => return Err(Failure::Refused(refusal)),
            Decision::Repeat { present, key, used: false } => {
                let spend = |mark| spend_batch(mark, &live.grant.client, &stamp);
                (asked.mark().map(spend), present, key)
            }
            Decision::Repeat { present, key, used: true } => {
                (Some(store::use_batch(&used, &stamp)), present, key)
            }
            Decision::Rotate { from, key } => {
                (Some(store::rotate_batch(&used, from, &stamp)), from.next(), key)
            }
            Decision::Reuse => {
                let (stamp, longest) = (ctx.stamp(Actor::Anonymous), app.policy.longest_life());
                if attempts.apply(store::reuse_batch(&live.grant, longest, &stamp)).await? {
                    return Err(Failure::Reuse);
                }
                continue;
            }
        };
        let rotated = generation != live.grant.generation;
        if let Some(batch) = batch
            && !attempts.apply(batch).await?
        {
            dpop::refuse_spent(ctx, asked.mark()).await?;
            continue;
        }
        let response = answer(ctx, (&asked.client.client, &live, generation), request, key).await?;
        // A repeat wrote nothing that an end could have collided with: look once more before the bytes leave (I1).
        if !rotated && live.check(app.store.live(), ctx.now).is_err() {
            return Err(Failure::Refused(Refusal::Ended));
        }
        return Ok((response, if rotated { Outcome::Rotated } else { Outcome::Repeated }));
    }
}

/// What is written of the refresh, if anything is.
fn used<'a>(ctx: &Ctx, grant: &'a LiveGrant, proof: Option<&'a Mark>) -> Refresh<'a> {
    let remember = grant.session().is_some_and(|session| session.session.remember);
    Refresh { grant, idle_ends_at: ctx.app.policy.session.idle_end(ctx.now, remember), proof }
}

async fn answer(
    ctx: &Ctx,
    (client, live, generation): (&Client, &LiveGrant, Generation),
    request: &Request,
    key: Option<Confirmation>,
) -> Result<TokenResponse, Problem> {
    let app = &ctx.app;
    if let Some(session) = live.session() {
        app.store.touch(session, ctx.now, &app.policy.session);
    }
    let allowed = client.narrow(&live.grant.scopes);
    let asked = (request.scopes.as_ref().unwrap_or(&allowed), request.target.as_ref());
    let mint = access::decide(&live.grant, live.ends_at(), asked, (ctx.now, &app.policy.token));
    let login = live.login().ok_or_else(|| Problem::new(Kind::Internal).cause("a grant of no login"))?;
    let refresh = Some(generation);
    let sub = subject::name(&app.subjects, live.grant.account, client);
    let tokens =
        issue(ctx, &Issue { grant: &live.grant, sub: &sub, login: &login, mint: &mint, refresh, key })?;
    id_token::add(ctx, tokens, &About { client, grant: &live.grant, login: &login, nonce: None }).await
}

/// What a refusal is to a client, one table (RFC 6749 section 5.2, RFC 8707 section 2).
fn refused(refusal: Refusal) -> Problem {
    match refusal {
        Refusal::Unknown | Refusal::Ended | Refusal::Key => {
            Problem::oauth("invalid_grant", "The refresh token does not count: sign in again.")
        }
        Refusal::Client => Problem::oauth("invalid_client", "No such client, or it is disabled."),
        Refusal::Scope => Problem::oauth("invalid_scope", "More than was granted."),
        Refusal::Target => Problem::oauth("invalid_target", "Not a resource of this grant."),
        Refusal::KeyMissing => {
            Problem::oauth("invalid_dpop_proof", "Send a DPoP proof: the tokens are bound to a key.")
        }
    }
}
