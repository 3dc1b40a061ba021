//! `POST /oauth2/par` (RFC 9126): the client sends its request itself, and gets a name for it.

use axum::response::Response;
use countersign_core::authorize::confirmation;
use countersign_core::authorize::pushed::LIFE;
use countersign_core::authorize::{Failure, NoWayBack, Parameters, Reference, Waiting};
use countersign_core::token::dpop::Proved;
use http::{HeaderMap, Method, StatusCode};
use serde::Serialize;
use utoipa::ToSchema;

use crate::ctx::Ctx;
use crate::extract::client_auth;
use crate::extract::dpop::{self, Asking};
use crate::extract::form::{Form, OAuthPairs};
use crate::flows::authorize::check;
use crate::flows::waiting::push as keep;
use crate::respond::problem::Problem;
use crate::respond::session::{json, to_bytes};

/// The name of the request (RFC 9126 section 2.2).
#[derive(Serialize, ToSchema)]
pub(crate) struct Pushed {
    /// `urn:ietf:params:oauth:request_uri:…`; for the authorization endpoint, with `client_id`
    request_uri: String,
    /// In seconds
    expires_in: i64,
}

/// A request in, its name out. The fields are those of the authorization endpoint and the client's proof.
#[utoipa::path(post, path = "/oauth2/par", tag = "oauth2",
    responses(
        (status = 201, body = Pushed),
        (status = 400, description = "invalid_request, invalid_dpop_proof, use_dpop_nonce, unauthorized_client, unsupported_response_type, invalid_scope, \
            invalid_target, request_not_supported"),
        (status = 401, description = "invalid_client"),
        (status = 503, description = "temporarily_unavailable")))]
pub(crate) async fn push(
    ctx: Ctx,
    headers: HeaderMap,
    OAuthPairs(pairs): OAuthPairs,
) -> Result<Response, Problem> {
    let form = Form::without(&pairs, "resource")?;
    let client = client_auth::authenticate(&ctx, &headers, &form).await?;
    if form.get("request_uri").is_some() {
        return Err(Problem::oauth("invalid_request", "A pushed request has no request_uri."));
    }
    let parameters = Parameters::new(pairs).map_err(|_| refused(&Failure::Page(NoWayBack::Malformed)))?;
    let parameters = parameters.with("client_id", Some(client.client.id.to_string()));
    let asking = Asking { method: &Method::POST, path: "/oauth2/par", headers: &headers };
    let proof = dpop::prove(&ctx, asking, &client.client.id, None)?;
    let parameters = bound(parameters, proof.as_ref())?;
    let known = check(&ctx, client, &parameters, true).await?.map_err(|failure| refused(&failure))?;
    if let Some(proof) = &proof {
        dpop::spend(&ctx, &known.stored.client.id, &proof.mark).await?;
    }
    let reference = Reference::new(ctx.app.random.as_ref());
    let pushed = Waiting::new(parameters, None, ctx.now);
    keep(&ctx, &known.stored.client, (&reference, &pushed));
    let named = Pushed { request_uri: reference.reveal(), expires_in: LIFE.as_seconds() };
    let mut response = json(to_bytes(&named));
    *response.status_mut() = StatusCode::CREATED;
    Ok(response)
}

/// The request bound to the key of the proof, if one came along.
fn bound(parameters: Parameters, proof: Option<&Proved>) -> Result<Parameters, Problem> {
    let Some(proof) = proof else { return Ok(parameters) };
    confirmation::bind(parameters, proof.key)
        .map_err(|refusal| Problem::oauth(refusal.error.as_str(), refusal.description))
}

/// There is no browser to send anywhere: whatever is wrong, the client hears it here (RFC 9126 section 2.3).
fn refused(failure: &Failure) -> Problem {
    let what = match failure {
        Failure::Answer(_, refusal) => return Problem::oauth(refusal.error.as_str(), refusal.description),
        Failure::Page(NoWayBack::RedirectUri) => "redirect_uri is not one that the client registered.",
        Failure::Page(_) => "A parameter came twice, or is longer than any needs to be.",
    };
    Problem::oauth("invalid_request", what)
}
