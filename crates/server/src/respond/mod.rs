//! Answers: decisions turned into bytes.

pub(crate) mod authorize;
pub(crate) mod cookie;
pub(crate) mod discovery;
pub(crate) mod document;
pub(crate) mod headers;
pub(crate) mod id_token;
pub(crate) mod page;
pub(crate) mod problem;
pub(crate) mod session;
pub(crate) mod status_list;
pub(crate) mod token;

use axum::body::Body;
use axum::response::Response;
use http::{HeaderName, HeaderValue, StatusCode};

/// An answer without a body.
pub(crate) fn empty(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

/// What a browser kept of us goes with the session. Not `"cookies"`: that would reach sibling subdomains (design
/// decision 10).
pub(crate) const CLEAR_SITE_DATA: HeaderName = HeaderName::from_static("clear-site-data");
pub(crate) const CLEARED: &str = "\"cache\", \"storage\"";

/// The answer to a logout.
pub(crate) fn logged_out(status: StatusCode) -> Response {
    let mut response = empty(status);
    response.headers_mut().insert(CLEAR_SITE_DATA, HeaderValue::from_static(CLEARED));
    response
}
