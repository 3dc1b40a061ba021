//! `/.well-known`: what others need to know to believe us.

use axum::response::Response;
use http::HeaderMap;

use crate::ctx::Ctx;
use crate::respond::discovery;
use crate::respond::document::{Document, document};

/// The media type of a key set (RFC 7517 section 8.5.2).
pub(crate) const JWKS_TYPE: &str = "application/jwk-set+json";
/// `Cache-Control` of ours.
pub(crate) const JWKS_CACHE: &str = "public, max-age=300";

/// The public keys that verify our tokens (RFC 7517 section 5).
///
/// A key is published a day before it signs, so a copy may be minutes old (I11).
#[utoipa::path(get, path = "/.well-known/jwks.json", tag = "keys",
    responses(
        (status = 200, description = "A JWK set", content_type = "application/jwk-set+json", body = serde_json::Value),
        (status = 304, description = "As `If-None-Match` has it")))]
pub(crate) async fn jwks(ctx: Ctx, headers: HeaderMap) -> Response {
    let keys = ctx.app.keyring.published_soon().await;
    let (body, etag) = keys.jwks();
    document(&headers, Document { content_type: JWKS_TYPE, cache: JWKS_CACHE, etag, body })
}

/// What `OpenID` Connect clients read to know this server (`OpenID` Connect Discovery section 4).
#[utoipa::path(get, path = "/.well-known/openid-configuration", operation_id = "openid_configuration", tag = "keys",
    responses((status = 200, body = serde_json::Value), (status = 304, description = "As `If-None-Match` has it")))]
pub(crate) async fn openid(ctx: Ctx, headers: HeaderMap) -> Response {
    metadata(&ctx, &headers)
}

/// The same for clients of OAuth alone (RFC 8414).
#[utoipa::path(get, path = "/.well-known/oauth-authorization-server", operation_id = "oauth_metadata", tag = "keys",
    responses((status = 200, body = serde_json::Value), (status = 304, description = "As `If-None-Match` has it")))]
pub(crate) async fn oauth(ctx: Ctx, headers: HeaderMap) -> Response {
    metadata(&ctx, &headers)
}

fn metadata(ctx: &Ctx, headers: &HeaderMap) -> Response {
    let found = &ctx.app.discovery;
    let (body, etag) = (found.body.clone(), found.etag.as_str());
    document(headers, Document { content_type: discovery::TYPE, cache: discovery::CACHE, etag, body })
}
