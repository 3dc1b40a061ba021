//! The headers that every answer carries (OWASP ASVS 5.0, V3.4).

use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY, VARY,
    X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::config::Config;
use crate::ctx::Ctx;
use crate::middleware::access::Cache;
use crate::middleware::{Access, Faces, Surface};

const NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");
/// Stricter policies make our own forms send `Origin: null` (I4).
const SAME_ORIGIN: HeaderValue = HeaderValue::from_static("same-origin");
const CROSS_ORIGIN: HeaderValue = HeaderValue::from_static("cross-origin");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
const HSTS: HeaderValue = HeaderValue::from_static("max-age=63072000; includeSubDomains");
/// For what is no page: should a browser render it all the same, it can do nothing.
const CSP_NOTHING: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'; sandbox",
);
/// For a page that set none of its own, an error or a redirect: it looks like a page and runs no script.
const CSP_PLAIN: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; \
     frame-ancestors 'none'; object-src 'none'",
);
const VARY_FACES: HeaderValue = HeaderValue::from_static("Cookie, Authorization");
const VARY_PAGE: HeaderValue = HeaderValue::from_static("Cookie, Accept-Language");
const PERMISSIONS: HeaderValue =
    HeaderValue::from_static("camera=(), geolocation=(), microphone=(), payment=(), usb=()");

const CORP: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
const COOP: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const PERMISSIONS_POLICY: HeaderName = HeaderName::from_static("permissions-policy");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Adds them. What the handler set itself (a page's own policy, a static file's lifetime) stays.
pub(crate) fn finish(config: &Config, access: Access, headers: &mut HeaderMap) {
    headers.insert(X_CONTENT_TYPE_OPTIONS, NOSNIFF);
    headers.insert(REFERRER_POLICY, SAME_ORIGIN);
    headers.insert(CORP, if access.faces == Faces::None && access.cors { CROSS_ORIGIN } else { SAME_ORIGIN });
    let is_page = access.surface == Surface::Page;
    headers.entry(CONTENT_SECURITY_POLICY).or_insert(if is_page { CSP_PLAIN } else { CSP_NOTHING });
    match access.cache {
        Cache::Own if headers.contains_key(CACHE_CONTROL) => None,
        Cache::Own | Cache::NoStore => headers.insert(CACHE_CONTROL, NO_STORE),
    };
    if is_page {
        headers.insert(COOP, SAME_ORIGIN);
        headers.insert(PERMISSIONS_POLICY, PERMISSIONS);
        headers.insert(VARY, VARY_PAGE);
    } else if access.faces == Faces::Either {
        headers.insert(VARY, VARY_FACES);
    }
    if config.public_url.is_https() {
        headers.insert(STRICT_TRANSPORT_SECURITY, HSTS);
    }
}

/// Names the request in the answer to one that failed, for whoever asks the operator about it.
pub(crate) fn request_id(ctx: &Ctx, headers: &mut HeaderMap) {
    if let Ok(request) = HeaderValue::try_from(ctx.request.to_string()) {
        headers.insert(REQUEST_ID, request);
    }
}
