//! Spans, for whoever collects traces (`telemetry.otlp_endpoint`): a request, and below it what it waited for.
//!
//! They hold words of ours alone: never a path, a query, a header, an account. Where nobody collects, they are not made:
//! their target is one that the log does not ask for.

use axum::extract::{MatchedPath, Request};
use countersign_core::RequestId;
use http::{Method, StatusCode};
use tracing::Span;
use tracing::field::Empty;

/// The target of all spans. `store` spells it likewise.
pub const TARGET: &str = "otel";

/// A request, in the words of OpenTelemetry's conventions for HTTP servers.
pub(crate) fn request(request: &Request, id: RequestId) -> Span {
    let span = tracing::info_span!(
        target: TARGET,
        "request",
        otel.name = Empty,
        otel.kind = "server",
        otel.status_code = Empty,
        http.request.method = Empty,
        http.route = Empty,
        http.response.status_code = Empty,
        request_id = Empty,
    );
    if !span.is_disabled() {
        let method = method(request.method());
        // What matches no route of ours is nobody's word.
        let route = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
        span.record("otel.name", format!("{method} {route}").trim_end());
        span.record("http.request.method", method);
        span.record("http.route", route);
        span.record("request_id", id.to_string());
    }
    span
}

/// The request was answered so.
pub(crate) fn answered(span: &Span, status: StatusCode) {
    span.record("http.response.status_code", status.as_u16());
    if status.is_server_error() {
        span.record("otel.status_code", "ERROR");
    }
}

/// A password that waits for its hash, and is hashed.
pub(crate) fn hash() -> Span {
    tracing::info_span!(target: TARGET, "hash")
}

/// A method of ours: others are the caller's words.
fn method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "_OTHER",
    }
}
