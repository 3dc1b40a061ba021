//! `GET /api/v1/openapi.json`: this API, described by its own code.

use std::sync::LazyLock;

use axum::response::Response;
use bytes::Bytes;
use http::HeaderMap;

use crate::respond::document::{Document, document, etag};

static DESCRIBED: LazyLock<(Bytes, String)> = LazyLock::new(|| {
    let text = crate::openapi::document();
    let etag = etag(text.as_bytes());
    (Bytes::from(text), etag)
});

/// This document.
#[utoipa::path(get, path = "/api/v1/openapi.json", operation_id = "openapi", tag = "openapi",
    responses((status = 200, description = "OpenAPI 3.1", body = serde_json::Value), (status = 304)))]
pub(crate) async fn show(headers: HeaderMap) -> Response {
    let (body, etag) = &*DESCRIBED;
    let body = body.clone();
    document(
        &headers,
        Document { content_type: "application/json", cache: "public, max-age=300", etag, body },
    )
}
