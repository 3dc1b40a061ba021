//! The gate: every route stands behind it. Before the handler: host, preflight, origin, context. After it: the error's
//! words, the headers.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt as _;
use http::{StatusCode, header};
use tracing::Instrument as _;

use crate::app::App;
use crate::ctx::Ctx;
use crate::extract::{body, client, cookies::Cookies, head};
use crate::request::working_for;
use crate::respond::problem::{Kind, Problem, SOON};
use crate::respond::{cookie, headers, page};
use crate::trace;

use super::access::{Access, Csrf, Faces, Surface};
use super::{cors, csrf, host};

/// How long a request may take: limits of design section 7.
const REQUEST_TIME: std::time::Duration = std::time::Duration::from_secs(30);

/// The layer around every route.
pub(crate) async fn gate(
    State((app, access)): State<(App, Access)>,
    request: Request,
    next: Next,
) -> Response {
    let ctx = client::context(&app, access, &request);
    let span = trace::request(&request, ctx.request);
    let response = answer(&ctx, access, request, next).instrument(span.clone()).await;
    trace::answered(&span, response.status());
    response
}

async fn answer(ctx: &Ctx, access: Access, mut request: Request, next: Next) -> Response {
    let response = match admit(ctx, access, &request) {
        Ok(()) if access.cors && cors::is_preflight(request.method(), request.headers()) => cors::preflight(),
        Ok(()) => {
            request.extensions_mut().insert(ctx.clone());
            let answer = working_for(ctx.request, AssertUnwindSafe(next.run(request)).catch_unwind());
            match tokio::time::timeout(REQUEST_TIME, answer).await {
                Ok(Ok(response)) => response,
                Ok(Err(_)) => panicked(ctx).into_response(),
                Err(_) => Problem::new(Kind::Overloaded).cause("a handler took too long").into_response(),
            }
        }
        Err(response) => *response,
    };
    finish(ctx, access, response)
}

/// A defect ends one request and no other (attack DOS-06); whoever watches the count hears of it.
fn panicked(ctx: &Ctx) -> Problem {
    ctx.app.metrics.panics.inc();
    Problem::new(Kind::Internal).cause("a handler panicked")
}

/// Whether the request gets to its handler.
fn admit(ctx: &Ctx, access: Access, request: &Request) -> Result<(), Box<Response>> {
    let config = &ctx.app.config;
    let refuse = |problem: Problem| Err(Box::new(problem.into_response()));
    if head::is_too_large(request.uri(), request.headers()) {
        let mut response = Problem::new(Kind::HeadersTooLarge).into_response();
        // Not for a long address: whoever makes somebody follow a link must not sign them out (attack SES-10).
        if access.surface == Surface::Page && head::has_too_many_cookies(request.headers()) {
            // What is ours goes first; where none of it came along, nothing less than all of the site's cookies ends it.
            if Cookies::of(request.headers()).any_of_ours() {
                cookie::start_over(response.headers_mut());
            } else {
                cookie::forget_site(response.headers_mut());
            }
        }
        return Err(Box::new(response));
    }
    if !access.any_host {
        match host::decide(request.uri(), request.headers(), &config.public_url, config.dev) {
            host::Verdict::Ours => {}
            host::Verdict::Loopback if access.surface != Surface::Page => {}
            host::Verdict::Loopback if request.method().is_safe() => {
                return Err(Box::new(page::to_own_host(ctx, request)));
            }
            // A form is not sent on: nobody's password goes where they did not send it (attack RED-07).
            host::Verdict::Loopback | host::Verdict::Wrong => return refuse(Problem::new(Kind::WrongHost)),
        }
    }
    if body::is_declared_too_large(request.headers()) {
        return refuse(body::too_large());
    }
    if access.csrf == Csrf::Anywhere || request.method().is_safe() || by_token(access, request) {
        return Ok(());
    }
    let facts = csrf::Facts {
        site: one(request, header::HeaderName::from_static("sec-fetch-site")),
        origin: one(request, header::ORIGIN),
        cookie: Cookies::of(request.headers()).any_of_ours(),
    };
    match csrf::decide(facts, &config.public_url) {
        csrf::Verdict::Allow => Ok(()),
        csrf::Verdict::Foreign => refuse(Problem::new(Kind::Csrf).detail(
            "The request says that it comes from another site. Send it from our own pages, or without a browser.",
        )),
        csrf::Verdict::Unsaid => refuse(Problem::new(Kind::Csrf).detail(
            "A request with our cookie must say where it comes from: send the Origin header with this server's own origin.",
        )),
    }
}

/// On a route with a token face an `Authorization` header decides alone (I2), and no cookie is read that could be abused.
fn by_token(access: Access, request: &Request) -> bool {
    access.faces == Faces::Either && client::authorization(request.headers()).is_some()
}

/// The one value of a header; a header that came twice, or is no text, is as good as foreign.
fn one(request: &Request, name: header::HeaderName) -> Option<&str> {
    let mut values = request.headers().get_all(name).iter();
    let first = values.next()?;
    Some(if values.next().is_some() { "" } else { first.to_str().unwrap_or("") })
}

/// Gives the error its words and the answer its headers.
fn finish(ctx: &Ctx, access: Access, mut response: Response) -> Response {
    let unworded = response.extensions_mut().remove::<Arc<Problem>>();
    let problem = unworded.or_else(|| match response.status() {
        StatusCode::METHOD_NOT_ALLOWED => Some(Arc::new(Problem::new(Kind::MethodNotAllowed))),
        _ => None,
    });
    if let Some(problem) = problem {
        problem.log(ctx);
        response = word(ctx, access, &problem, response);
    }
    if response.status() == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(header::RETRY_AFTER, SOON);
    }
    ctx.app.metrics.answered(access, response.status());
    headers::finish(&ctx.app.config, access, response.headers_mut());
    if access.cors {
        cors::open(response.headers_mut());
    }
    response
}

fn word(ctx: &Ctx, access: Access, problem: &Problem, unworded: Response) -> Response {
    let (mut parts, _) = unworded.into_parts();
    // RFC 6749 section 5.2 knows no 415.
    if access.surface == Surface::OAuth && parts.status == StatusCode::UNSUPPORTED_MEDIA_TYPE {
        parts.status = StatusCode::BAD_REQUEST;
    }
    let (content_type, body) = match access.surface {
        Surface::Page => ("text/html; charset=utf-8", page::error(ctx, problem)),
        Surface::Api => ("application/problem+json", problem.to_json(ctx.request)),
        Surface::OAuth => ("application/json", problem.to_oauth_json()),
    };
    let mut response = Response::from_parts(parts, axum::body::Body::from(body));
    response.headers_mut().remove(header::CONTENT_LENGTH);
    response.headers_mut().insert(header::CONTENT_TYPE, http::HeaderValue::from_static(content_type));
    headers::request_id(ctx, response.headers_mut());
    response
}
