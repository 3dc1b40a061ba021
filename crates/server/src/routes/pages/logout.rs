//! `/logout`

use axum::response::Response;
use countersign_core::session::EndReason;
use countersign_core::session::end::Scope;
use countersign_pages::{LoggedOutPage, LogoutPage};
use http::{HeaderValue, StatusCode};

use crate::ctx::Ctx;
use crate::extract::caller::Visitor;
use crate::flows;
use crate::respond::problem::Problem;
use crate::respond::{CLEAR_SITE_DATA, CLEARED, cookie, page};

/// The question. A GET ends nothing (attack SES-10).
pub(crate) async fn show(ctx: Ctx, visitor: Visitor) -> Response {
    match visitor.0 {
        Some(_) => page::show(&ctx, (StatusCode::OK, "/logout", true), &LogoutPage),
        None => page::show(&ctx, (StatusCode::OK, "/logout", false), &LoggedOutPage),
    }
}

/// The answer: the session ends, with its tokens, and the browser forgets what it kept of us.
pub(crate) async fn submit(ctx: Ctx, visitor: Visitor) -> Result<Response, Problem> {
    if let Some(live) = visitor.0 {
        let session = &live.session;
        flows::end::end(&ctx, session.account, Scope::One(session.id), EndReason::Logout).await?;
    }
    let mut response = page::show(&ctx, (StatusCode::OK, "/logout", false), &LoggedOutPage);
    let headers = response.headers_mut();
    headers.insert(CLEAR_SITE_DATA, HeaderValue::from_static(CLEARED));
    cookie::no_session(headers);
    Ok(response)
}
