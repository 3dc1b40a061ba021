//! `/oauth2/userinfo` (`OpenID` Connect Core section 5.3): what a client may know of a person.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{FromRequest as _, Request};
use axum::response::Response;
use bytes::Bytes;
use countersign_core::claims::{ClaimsRequest, OPENID, select};
use countersign_core::client::Client;
use countersign_core::grant::Scopes;
use countersign_store::live::LiveGrant;
use http::{HeaderValue, Method, header};
use serde_json::{Map, Value};

use crate::ctx::Ctx;
use crate::extract::access_token::{Holder, Token, invalid_token};
use crate::extract::dpop::{self, Asking};
use crate::extract::form::{Form, parse};
use crate::respond::id_token::{signed, told};
use crate::respond::problem::{Kind, Problem};
use crate::respond::session::{json, to_bytes};

/// The form field, and what must not be in a URL (RFC 6750 section 2.3).
const FIELD: &str = "access_token";

/// Who is it?
#[utoipa::path(get, path = "/oauth2/userinfo", operation_id = "userinfo", tag = "oauth2",
    responses(
        (status = 200, body = serde_json::Value,
            description = "Claims; `application/jwt` for clients with `userinfo_signed_response_alg`"),
        (status = 400, description = "invalid_request"),
        (status = 401, description = "invalid_token"),
        (status = 403, description = "insufficient_scope: the token has not the scope openid")))]
pub(crate) async fn show(ctx: Ctx, request: Request) -> Result<Response, Problem> {
    answer(&ctx, request).await
}

/// The same, with the token in the header or in a form.
#[utoipa::path(post, path = "/oauth2/userinfo", operation_id = "userinfo_by_form", tag = "oauth2",
    responses((status = 200, body = serde_json::Value, description = "As GET")))]
pub(crate) async fn submit(ctx: Ctx, request: Request) -> Result<Response, Problem> {
    answer(&ctx, request).await
}

async fn answer(ctx: &Ctx, request: Request) -> Result<Response, Problem> {
    let token = token(ctx, request).await?;
    if !token.is_for(&ctx.app) {
        return Err(invalid_token());
    }
    let holder = token.holder(ctx).await?.ok_or_else(invalid_token)?;
    let (Holder::Grant(grant), true) = (holder, token.claims.has_scope(OPENID)) else {
        return Err(Problem::oauth("insufficient_scope", "The token has not the scope openid.")
            .challenge("Bearer error=\"insufficient_scope\", scope=\"openid\""));
    };
    let stored = ctx.app.store.client(&grant.grant.client).await?;
    let stored = stored.filter(|stored| stored.client.is_open(ctx.now)).ok_or_else(invalid_token)?;
    let claims = claims(ctx, &token, &grant).await?;
    respond(ctx, &stored.client, claims).await
}

/// The token: in the header, with the proof that a bound one needs, or in the form; never in both (RFC 6750 section 2), never
/// in the URL.
async fn token(ctx: &Ctx, request: Request) -> Result<Arc<Token>, Problem> {
    let query = parse(request.uri().query().unwrap_or(""))?;
    if query.iter().any(|(name, _)| name == FIELD) {
        return Err(Problem::oauth("invalid_request", "No token in a URL: URLs end up in logs."));
    }
    let method = request.method().clone();
    let asking = Asking { method: &method, path: request.uri().path(), headers: request.headers() };
    let by_header = dpop::presented(ctx, asking).await?;
    let by_form = if method == Method::POST && request.headers().contains_key(header::CONTENT_TYPE) {
        let form = Form::from_request(request, &ctx.app).await?;
        form.get(FIELD).map(str::to_owned)
    } else {
        None
    };
    match (by_header, by_form) {
        (Some(_), Some(_)) => Err(Problem::oauth("invalid_request", "Send the token in one way.")),
        (Some(token), None) => Ok(token),
        (None, Some(text)) => {
            let token = Token::read(&ctx.app, &text, ctx.now)?;
            // Bound to a key, and no proof of the key came along: no bearer token (RFC 9449 section 7.2).
            if token.key.is_some() { Err(invalid_token()) } else { Ok(token) }
        }
        (None, None) => {
            Err(Problem::new(Kind::InvalidToken).detail("Send an access token.").challenge("Bearer"))
        }
    }
}

/// What the token's scopes and the request of its grant give.
async fn claims(ctx: &Ctx, token: &Token, grant: &LiveGrant) -> Result<Map<String, Value>, Problem> {
    let told = told(&ctx.app, grant.grant.account).await?;
    let custom = &ctx.app.config.custom_claims;
    let person = select::Person { account: grant.account(), told: &told, custom };
    let scopes = Scopes::parse(&token.claims.scope).unwrap_or_default();
    let asked = grant.grant.claims.as_deref().and_then(|text| ClaimsRequest::parse(text).ok());
    let mut claims = select::userinfo(person, &scopes, asked.as_ref());
    // The very one of the ID token, whatever else was asked for (section 5.3.2).
    claims.insert("sub".to_owned(), token.claims.sub.clone().into());
    Ok(claims)
}

/// JSON, or signed for this client alone (section 5.3.2).
async fn respond(ctx: &Ctx, client: &Client, mut claims: Map<String, Value>) -> Result<Response, Problem> {
    let Some(alg) = client.metadata.userinfo_signed_response_alg else {
        return Ok(json(to_bytes(&claims)));
    };
    claims.insert("iss".to_owned(), ctx.app.config.public_url.origin().into());
    claims.insert("aud".to_owned(), client.id.as_str().into());
    let token = signed(ctx, alg, &claims).await?;
    let mut response = Response::new(Body::from(Bytes::from(token)));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/jwt"));
    Ok(response)
}
