//! Public documents: the same for everybody, with an entity tag.

use axum::body::Body;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use countersign_core::secret::sha256;
use http::{HeaderMap, HeaderValue, StatusCode, header};

use super::empty;

/// A document as it is now.
pub(crate) struct Document<'a> {
    pub(crate) content_type: &'static str,
    /// `Cache-Control`
    pub(crate) cache: &'static str,
    /// With its quotes (RFC 9110 section 8.8.3).
    pub(crate) etag: &'a str,
    pub(crate) body: Bytes,
}

/// The tag of a document: it changes with the content.
pub(crate) fn etag(content: &[u8]) -> String {
    format!("\"{}\"", URL_SAFE_NO_PAD.encode(&sha256(content).as_bytes()[..12]))
}

/// The document, or 304 where the asker has it already.
pub(crate) fn document(request: &HeaderMap, document: Document<'_>) -> Response {
    let mut response = if has(request, document.etag) {
        empty(StatusCode::NOT_MODIFIED)
    } else {
        Response::new(Body::from(document.body))
    };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(document.content_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(document.cache));
    // invariant: our tags are visible ASCII.
    if let Ok(etag) = HeaderValue::try_from(document.etag) {
        headers.insert(header::ETAG, etag);
    }
    response
}

/// Whether `If-None-Match` names the tag (RFC 9110 section 13.1.2: weak comparison).
pub(crate) fn has(request: &HeaderMap, etag: &str) -> bool {
    let own = opaque(etag);
    let named = |list: &HeaderValue| {
        let list = list.to_str().unwrap_or("");
        list.split(',').map(|tag| tag.trim_matches([' ', '\t'])).any(|tag| tag == "*" || opaque(tag) == own)
    };
    request.get_all(header::IF_NONE_MATCH).iter().any(named)
}

fn opaque(tag: &str) -> &str {
    tag.strip_prefix("W/").unwrap_or(tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(if_none_match: &[&str]) -> Response {
        let mut request = HeaderMap::new();
        for value in if_none_match {
            request.append(header::IF_NONE_MATCH, value.parse().unwrap());
        }
        let body = Bytes::from_static(b"{}");
        let etag = "\"a1\"";
        document(&request, Document { content_type: "application/json", cache: "no-cache", etag, body })
    }

    #[test]
    fn whoever_has_the_document_gets_304_and_its_tag() {
        for known in [&["\"a1\""][..], &["W/\"a1\""], &["\"b\", \"a1\""], &["\"b\"", "\"a1\""], &["*"]] {
            let answer = answer(known);
            assert_eq!(answer.status(), StatusCode::NOT_MODIFIED, "{known:?}");
            assert_eq!(answer.headers()[header::ETAG], "\"a1\"");
        }
        for other in [&[][..], &["\"a\""], &["a1"], &["\"a1\"x"], &[""]] {
            assert_eq!(answer(other).status(), StatusCode::OK, "{other:?}");
        }
    }
}
