//! Pages and redirects.

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_core::authorize::RedirectUri;
use countersign_core::{Span, random};
use countersign_pages::{Busy, ErrorKind, ErrorPage, Frame, Page};
use http::{HeaderValue, StatusCode, header};

use crate::ctx::Ctx;

use super::problem::{Kind, Problem};

/// Shows a page with status `status`. `path` is where the language buttons come back to: path and query of this page,
/// or nothing where coming back would make no sense.
pub(crate) fn show(
    ctx: &Ctx,
    (status, path, signed_in): (StatusCode, &str, bool),
    page: &impl Page,
) -> Response {
    show_under(ctx, (status, path, signed_in), page, "")
}

/// The same, where a form of the page leads on to a client's address: browsers that follow a redirect after a form ask the policy
/// for its origin too.
pub(crate) fn show_leading_to(
    ctx: &Ctx,
    shown: (StatusCode, &str, bool),
    page: &impl Page,
    redirect: &RedirectUri,
) -> Response {
    show_under(ctx, shown, page, &format!(" {}", redirect.form_action()))
}

fn show_under(
    ctx: &Ctx,
    (status, path, signed_in): (StatusCode, &str, bool),
    page: &impl Page,
    form_action: &str,
) -> Response {
    let nonce = URL_SAFE_NO_PAD.encode(random::bytes::<16>(ctx.app.random.as_ref()));
    let html = page.render(&frame(ctx, path, signed_in, &nonce));
    let mut response = Response::new(Body::from(html));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    let policy = format!(
        "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'self'; img-src 'self'; form-action 'self'{form_action}; \
         base-uri 'none'; frame-ancestors 'none'; object-src 'none'"
    );
    // invariant: a nonce is base64url, so the policy is visible ASCII.
    if let Ok(policy) = HeaderValue::try_from(policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// The form again, since nothing could be looked at now; any other problem is the gate's to word.
pub(crate) fn put_off(
    ctx: &Ctx,
    problem: Problem,
    show: impl FnOnce(StatusCode, Busy) -> Response,
) -> Result<Response, Problem> {
    let Some(busy) = busy(&problem) else { return Err(problem) };
    problem.log(ctx);
    let mut response = show(problem.kind.wire().0, busy);
    if let Some(value) = problem.retry_after_value() {
        response.headers_mut().insert(header::RETRY_AFTER, value);
    }
    Ok(response)
}

fn busy(problem: &Problem) -> Option<Busy> {
    match problem.kind {
        Kind::Overloaded => Some(Busy::Overloaded),
        Kind::Throttled => {
            let seconds = problem.retry_after.unwrap_or(Span::ZERO).as_seconds();
            Some(Busy::Throttled { minutes: u32::try_from((seconds + 59) / 60).unwrap_or(u32::MAX) })
        }
        _ => None,
    }
}

/// 303: the browser gets the next page, and never repeats a POST with its password (attack RED-07).
pub(crate) fn see_other(path: &str) -> Response {
    redirect(StatusCode::SEE_OTHER, path)
}

/// Dev mode: pages asked for by another name of this machine are shown under the one that cookies and links have.
pub(crate) fn to_own_host(ctx: &Ctx, request: &Request) -> Response {
    let path = request.uri().path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
    redirect(StatusCode::TEMPORARY_REDIRECT, &ctx.app.config.public_url.join(path))
}

fn redirect(status: StatusCode, to: &str) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    // invariant: where we send browsers is visible ASCII; what is not goes nowhere but home.
    let to = HeaderValue::try_from(to).unwrap_or(HeaderValue::from_static("/"));
    response.headers_mut().insert(header::LOCATION, to);
    response
}

/// An error in the words of a page. It brings no script and no language buttons: it may be the answer to anything.
pub(crate) fn error(ctx: &Ctx, problem: &Problem) -> Vec<u8> {
    let request = ctx.request.to_string();
    let page = ErrorPage { kind: error_kind(problem.kind), request_id: Some(&request) };
    page.render(&frame(ctx, "", false, "")).into_bytes()
}

fn frame<'a>(ctx: &'a Ctx, path: &'a str, signed_in: bool, nonce: &'a str) -> Frame<'a> {
    Frame {
        locale: ctx.locale,
        nonce,
        signed_in,
        path,
        public_name: crate::app::PUBLIC_NAME,
        dev: ctx.app.config.dev,
    }
}

const fn error_kind(kind: Kind) -> ErrorKind {
    match kind {
        Kind::InvalidRequest
        | Kind::InvalidCredentials
        | Kind::InvalidToken
        | Kind::PasswordRejected
        | Kind::Conflict => ErrorKind::BadRequest,
        Kind::Csrf => ErrorKind::Csrf,
        Kind::Forbidden | Kind::ReauthenticationRequired => ErrorKind::Forbidden,
        Kind::NotFound => ErrorKind::NotFound,
        Kind::MethodNotAllowed => ErrorKind::MethodNotAllowed,
        Kind::PayloadTooLarge => ErrorKind::PayloadTooLarge,
        Kind::HeadersTooLarge => ErrorKind::HeadersTooLarge,
        Kind::UnsupportedMediaType => ErrorKind::UnsupportedMediaType,
        Kind::WrongHost => ErrorKind::WrongHost,
        Kind::Throttled => ErrorKind::Throttled,
        Kind::Overloaded => ErrorKind::Overloaded,
        Kind::Internal => ErrorKind::Internal,
    }
}
