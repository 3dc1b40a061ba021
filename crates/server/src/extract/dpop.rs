//! `DPoP` proofs of requests (RFC 9449), and access tokens with the proof that they need: at the token endpoint, at our own
//! API, at `UserInfo`.

use std::sync::Arc;

use countersign_core::audit::Actor;
use countersign_core::client::ClientId;
use countersign_core::replay::Mark;
use countersign_core::token::dpop::{self, Facts, Proved, Refusal};
use countersign_jose::{Alg, DpopProof};
use countersign_store::spent::{is_spent, spend_batch};
use http::{HeaderMap, Method};

use crate::ctx::Ctx;
use crate::respond::problem::{Kind, Problem};

use super::access_token::{Token, invalid_token};
use super::client::{Authorization, authorization};

/// What proofs may be signed with (`dpop_signing_alg_values_supported`).
pub(crate) const ALGS: [Alg; 3] = [Alg::Es256, Alg::EdDsa, Alg::Ps256];

/// The request that a proof has to fit.
#[derive(Clone, Copy)]
pub(crate) struct Asking<'a> {
    pub(crate) method: &'a Method,
    pub(crate) path: &'a str,
    pub(crate) headers: &'a HeaderMap,
}

/// The proof in the request's `DPoP` header, if one came: it fits the request, and whether it was used before is asked where
/// it is spent. `token` is the access token that came along.
pub(crate) fn prove(
    ctx: &Ctx,
    asking: Asking<'_>,
    client: &ClientId,
    token: Option<&str>,
) -> Result<Option<Proved>, Problem> {
    let mut values = asking.headers.get_all("dpop").iter();
    let Some(first) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(unfit("two proofs"));
    }
    let text = first.to_str().map_err(|_| unfit("no text"))?;
    let proof = DpopProof::verify(text, &ALGS).map_err(|error| unfit(error.code()))?;
    let (key, url) = (&ctx.app.nonces, ctx.app.config.public_url.join(asking.path));
    let is_fresh = |nonce: &str| dpop::is_fresh(key, client, nonce, ctx.now);
    let facts = Facts {
        proof: &proof,
        method: asking.method.as_str(),
        url: &url,
        token,
        nonce_demanded: ctx.app.config.dpop_nonce,
        nonce_good: proof.nonce.as_deref().is_some_and(is_fresh),
    };
    match dpop::decide(&facts, ctx.now) {
        Ok(proved) => Ok(Some(proved)),
        Err(Refusal::Unfit) => Err(unfit("not for this request")),
        Err(Refusal::Nonce) => {
            Err(Problem::oauth("use_dpop_nonce", "Put the nonce in DPoP-Nonce into the proof.")
                .nonce(dpop::nonce(key, client, ctx.now)))
        }
    }
}

/// Spends a proof that protects nothing else that is written (attack DPO-01, I9).
pub(crate) async fn spend(ctx: &Ctx, client: &ClientId, mark: &Mark) -> Result<(), Problem> {
    let mut attempts = ctx.attempts();
    while !attempts.apply(spend_batch(mark, client, &ctx.stamp(Actor::Anonymous))).await? {
        refuse_spent(ctx, Some(mark)).await?;
    }
    Ok(())
}

/// What a lost batch with a proof in it asks: was it the proof?
pub(crate) async fn refuse_spent(ctx: &Ctx, mark: Option<&Mark>) -> Result<(), Problem> {
    match mark {
        Some(mark) if is_spent(&ctx.app.store, mark).await? => Err(unfit("a proof that was used")),
        _ => Ok(()),
    }
}

/// The access token in the `Authorization` header, if one is there: verified, and with the proof that a bound one needs.
/// Whether it lives and what it opens is the caller's question.
pub(crate) async fn presented(ctx: &Ctx, asking: Asking<'_>) -> Result<Option<Arc<Token>>, Problem> {
    match authorization(asking.headers) {
        None => Ok(None),
        Some(Authorization::Unusable) => Err(invalid_token()),
        Some(Authorization::Bearer(text)) => {
            let token = Token::read(&ctx.app, text, ctx.now)?;
            // Bound to a key, and no proof of the key came along: no bearer token (RFC 9449 section 7.2).
            if token.key.is_some() { Err(invalid_token()) } else { Ok(Some(token)) }
        }
        Some(Authorization::Dpop(text)) => bound(ctx, asking, text).await.map(Some).map_err(challenge),
    }
}

async fn bound(ctx: &Ctx, asking: Asking<'_>, text: &str) -> Result<Arc<Token>, Problem> {
    let token = Token::read(&ctx.app, text, ctx.now)?;
    let client = ClientId::parse(&token.claims.client_id).ok_or_else(invalid_token)?;
    let proved = prove(ctx, asking, &client, Some(text))?.ok_or_else(|| unfit("no proof"))?;
    if token.key != Some(proved.key) {
        return Err(invalid_token());
    }
    spend(ctx, &client, &proved.mark).await?;
    Ok(token)
}

/// A resource asks for proofs in words of its own (RFC 9449 section 7.1), and always with 401.
fn challenge(mut problem: Problem) -> Problem {
    if problem.kind == Kind::InvalidRequest {
        problem.kind = Kind::InvalidToken;
    }
    let challenge = match problem.code() {
        "invalid_dpop_proof" => "DPoP error=\"invalid_dpop_proof\", algs=\"ES256 EdDSA PS256\"",
        "use_dpop_nonce" => "DPoP error=\"use_dpop_nonce\", algs=\"ES256 EdDSA PS256\"",
        "invalid_token" => "DPoP error=\"invalid_token\", algs=\"ES256 EdDSA PS256\"",
        _ => return problem,
    };
    problem.challenge(challenge)
}

fn unfit(why: &'static str) -> Problem {
    Problem::oauth("invalid_dpop_proof", "The DPoP proof is malformed, used, or not for this request.")
        .cause(why)
}
