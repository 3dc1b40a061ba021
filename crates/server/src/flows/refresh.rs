//! `grant_type=refresh_token`.

use countersign_core::audit::Actor;
use countersign_core::grant::refresh::{Decision, Refusal, Request, Target, decide};
use countersign_core::grant::refresh_token::RefreshToken;
use countersign_core::token::access;
use countersign_store::grant as store;

use crate::ctx::Ctx;
use crate::extract::asked::Asked;
use crate::metrics::Refresh as Outcome;
use crate::respond::problem::Problem;
use crate::respond::token::{TokenResponse, issue};

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
    let result = try_refresh(ctx, &request).await;
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
        scopes: asked.scopes()?,
        target: asked.target(ctx)?,
    })
}

async fn try_refresh(ctx: &Ctx, request: &Request) -> Result<(TokenResponse, Outcome), Failure> {
    let app = &ctx.app;
    let mut attempts = ctx.attempts();
    let resource = request.target.as_ref().and_then(Target::resource);
    let resource_known = match resource {
        Some(resource) => app.resource_known(resource).await?,
        None => true,
    };
    loop {
        let Some(live) = store::refresh_facts(&app.store, request.token.grant).await? else {
            return Err(Failure::Refused(Refusal::Unknown));
        };
        let facts = live.refresh_facts(app.store.live(), resource_known);
        let (grant, session) = (&live.grant, &live.session.session);
        let (batch, generation) = match decide(&facts, request, app.policy.token.refresh_grace, ctx.now) {
            Decision::Refuse(refusal) => return Err(Failure::Refused(refusal)),
            Decision::Repeat { present } => (None, present),
            Decision::Rotate { from } => {
                let stamp = ctx.stamp(Actor::Account(grant.account));
                let idle_ends_at = app.policy.session.idle_end(ctx.now, session.remember);
                (Some(store::rotate_batch(&live, from, idle_ends_at, &stamp)), from.next())
            }
            Decision::Reuse => {
                let stamp = ctx.stamp(Actor::Anonymous);
                if attempts.apply(store::reuse_batch(grant, app.policy.longest_life(), &stamp)).await? {
                    return Err(Failure::Reuse);
                }
                continue;
            }
        };
        let repeat = batch.is_none();
        if let Some(batch) = batch
            && !attempts.apply(batch).await?
        {
            continue;
        }
        app.store.touch(&live.session, ctx.now, &app.policy.session);
        let asked = (request.scopes.as_ref(), resource);
        let clock = (ctx.now, &app.policy.token);
        let mint = access::decide(grant, session, live.session.idle_ends_at(), asked, clock);
        let response = issue(ctx, (grant, generation), session, &mint)?;
        // A repeat wrote nothing that an end could have collided with: look once more before the bytes leave (I1).
        if repeat && live.check(app.store.live(), ctx.now).is_err() {
            return Err(Failure::Refused(Refusal::Ended));
        }
        return Ok((response, if repeat { Outcome::Repeated } else { Outcome::Rotated }));
    }
}

/// What a refusal is to a client, one table (RFC 6749 section 5.2, RFC 8707 section 2).
fn refused(refusal: Refusal) -> Problem {
    match refusal {
        Refusal::Unknown | Refusal::Ended => {
            Problem::oauth("invalid_grant", "The refresh token does not count: sign in again.")
        }
        Refusal::Client => Problem::oauth("invalid_client", "No such client, or it is disabled."),
        Refusal::Scope => Problem::oauth("invalid_scope", "More than was granted."),
        Refusal::Target => Problem::oauth("invalid_target", "Not a resource of this grant."),
    }
}
