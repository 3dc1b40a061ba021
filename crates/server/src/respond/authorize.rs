//! Answers of the authorization endpoint: to the client by way of the browser, or to the person alone.

use axum::response::Response;
use countersign_core::authorize::{Code, Mode, NoWayBack, Refusal, WayBack};
use countersign_pages::{ErrorKind, ErrorPage, FormPostPage};
use http::StatusCode;

use crate::ctx::Ctx;

use super::{headers, page};

/// The code, on its way to the client.
pub(crate) fn code(ctx: &Ctx, back: &WayBack, code: &Code) -> Response {
    let (code, issuer) = (code.reveal(), ctx.app.config.public_url.origin());
    answer(ctx, back, &back.code(&code, issuer))
}

/// The refusal, likewise.
pub(crate) fn refused(ctx: &Ctx, back: &WayBack, refusal: Refusal) -> Response {
    ctx.app.metrics.refused(refusal.error.as_str());
    tracing::debug!(request_id = %ctx.request, code = refusal.error.as_str(), "request refused");
    answer(ctx, back, &back.refusal(refusal, ctx.app.config.public_url.origin()))
}

/// In a redirect, or in a form that posts itself (attack OAU-10).
fn answer(ctx: &Ctx, back: &WayBack, said: &[(&'static str, &str)]) -> Response {
    match back.mode {
        // 303: whatever was posted to us is not posted to the client (attack RED-07).
        Mode::Query => page::see_other(&back.url(said)),
        Mode::FormPost => {
            let to = back.redirect.shown();
            let form = FormPostPage { action: back.redirect.as_str(), host: &to, fields: said };
            page::show_leading_to(ctx, (StatusCode::OK, "", false), &form, &back.redirect)
        }
    }
}

/// The page for a request that has no way back to its client.
pub(crate) fn no_way_back(ctx: &Ctx, reason: NoWayBack) -> Response {
    let kind = match reason {
        NoWayBack::Malformed => ErrorKind::AppRequest,
        NoWayBack::Client => ErrorKind::AppUnknown,
        NoWayBack::RedirectUri => ErrorKind::AppRedirect,
        NoWayBack::Pushed | NoWayBack::Expired => ErrorKind::AppExpired,
    };
    tracing::debug!(request_id = %ctx.request, reason = ?reason, "request refused");
    let request = ctx.request.to_string();
    let shown = ErrorPage { kind, request_id: Some(&request) };
    let mut response = page::show(ctx, (StatusCode::BAD_REQUEST, "", false), &shown);
    headers::request_id(ctx, response.headers_mut());
    response
}
