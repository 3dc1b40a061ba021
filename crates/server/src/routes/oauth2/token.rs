//! `POST /oauth2/token` (RFC 6749 section 3.2). So far one grant: `refresh_token`.

use axum::response::{IntoResponse, Response};
use countersign_core::client::ClientId;
use countersign_core::grant::Scopes;
use countersign_core::grant::refresh::{Refusal, Request, Target};
use countersign_core::grant::refresh_token::RefreshToken;
use countersign_core::url::ResourceId;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use utoipa::ToSchema;

use crate::ctx::Ctx;
use crate::extract::form::{Form, Query};
use crate::flows::refresh::{Failure, refresh, wire};
use crate::respond::problem::{OAuthError, Problem};
use crate::respond::session::{json, to_bytes};
use crate::respond::token::TokenResponse;

/// The form, as documents describe it.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the form, whose fields are read one by one")]
pub(crate) struct TokenRequest {
    /// `refresh_token`
    grant_type: String,
    /// `countersign`, the built-in public client
    client_id: String,
    refresh_token: String,
    /// Fewer scopes than granted
    scope: Option<String>,
    /// Where the access token shall count (RFC 8707)
    resource: Option<String>,
}

/// Refresh tokens in, tokens out.
#[utoipa::path(post, path = "/oauth2/token", tag = "oauth2",
    request_body(content = TokenRequest, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, body = TokenResponse),
        (status = 400, description = "invalid_request, invalid_grant, invalid_scope, invalid_target, unsupported_grant_type"),
        (status = 401, description = "invalid_client"),
        (status = 503, description = "temporarily_unavailable")))]
pub(crate) async fn token(
    ctx: Ctx,
    query: Query,
    headers: HeaderMap,
    form: Form,
) -> Result<Response, Problem> {
    // Secrets in a URL end up in logs (attack OAU-27); client secrets come with confidential clients.
    if !query.is_empty() || headers.contains_key(header::AUTHORIZATION) {
        return Ok(error(
            &ctx,
            "invalid_request",
            "Send the parameters in the body; public clients send client_id.",
        ));
    }
    let request = match read(&ctx, &form) {
        Ok(request) => request,
        Err(response) => return Ok(*response),
    };
    match refresh(&ctx, &request).await {
        Ok(tokens) => {
            let mut response = json(to_bytes(&tokens));
            response.headers_mut().insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
            Ok(response)
        }
        Err(Failure::Refused(Refusal::Unknown)) => {
            let refusal = unknown(&ctx, &request.client).await?;
            Ok(refused(&ctx, refusal))
        }
        Err(Failure::Refused(refusal)) => Ok(refused(&ctx, refusal)),
        Err(Failure::Reuse) => Ok(refused(&ctx, Refusal::Ended)),
        Err(Failure::Problem(problem)) => Err(problem),
    }
}

/// What is wrong where no grant of this client has the token: the token, or the client itself. Whoever brings a token of
/// its own is spared the question, since a grant knows its client.
async fn unknown(ctx: &Ctx, id: &ClientId) -> Result<Refusal, Problem> {
    let client = ctx.app.store.client(id).await?;
    let open = client.is_some_and(|stored| stored.client.is_open(ctx.now));
    Ok(if open { Refusal::Unknown } else { Refusal::Client })
}

fn read(ctx: &Ctx, form: &Form) -> Result<Request, Box<Response>> {
    let refuse = |code, text| Box::new(error(ctx, code, text));
    match form.get("grant_type") {
        Some("refresh_token") => {}
        None | Some("") => return Err(refuse("invalid_request", "grant_type is missing.")),
        Some(_) => return Err(refuse("unsupported_grant_type", "This server has the grant refresh_token.")),
    }
    let client = form.get("client_id").filter(|id| !id.is_empty());
    let client = client.ok_or_else(|| refuse("invalid_client", "client_id is missing."))?;
    let client = ClientId::parse(client).ok_or_else(|| refuse("invalid_client", "No such client."))?;
    let text = form.get("refresh_token").filter(|text| !text.is_empty());
    let text = text.ok_or_else(|| refuse("invalid_request", "refresh_token is missing."))?;
    let token = RefreshToken::verify(text, |number| ctx.app.keyring.refresh_key_by(number));
    let token = token.map_err(|_| Box::new(refused(ctx, Refusal::Unknown)))?;
    let scopes = match form.get("scope") {
        Some(text) => Some(Scopes::parse(text).ok_or_else(|| Box::new(refused(ctx, Refusal::Scope)))?),
        None => None,
    };
    let target = match form.get("resource") {
        Some(text) if text == ctx.app.config.public_url.origin() => Some(Target::Issuer),
        Some(text) => match ResourceId::parse(text) {
            Ok(resource) => Some(Target::Resource(resource)),
            Err(_) => return Err(Box::new(refused(ctx, Refusal::Target))),
        },
        None => None,
    };
    Ok(Request { token, client, scopes, target })
}

fn refused(ctx: &Ctx, refusal: Refusal) -> Response {
    let text = match refusal {
        Refusal::Unknown | Refusal::Ended => "The refresh token does not count: sign in again.",
        Refusal::Client => "No such client, or it is disabled.",
        Refusal::Scope => "More than was granted.",
        Refusal::Target => "Not a resource of this grant.",
    };
    error(ctx, wire(refusal), text)
}

fn error(ctx: &Ctx, code: &'static str, description: &'static str) -> Response {
    ctx.app.metrics.refused(code);
    tracing::debug!(request_id = %ctx.request, code, "request refused");
    let mut response = json(to_bytes(&OAuthError { error: code, error_description: description }));
    let invalid_client = code == "invalid_client";
    *response.status_mut() = if invalid_client { StatusCode::UNAUTHORIZED } else { StatusCode::BAD_REQUEST };
    response.into_response()
}
