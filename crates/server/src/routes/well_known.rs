//! `/.well-known`: what others need to know to believe us.

use axum::response::Response;
use http::HeaderMap;

use crate::ctx::Ctx;
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
    let keys = ctx.app.keyring.keys();
    let (body, etag) = keys.jwks();
    document(&headers, Document { content_type: JWKS_TYPE, cache: JWKS_CACHE, etag, body })
}
