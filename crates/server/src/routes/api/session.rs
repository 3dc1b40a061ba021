//! `/api/v1/session`: who am I, and log out, by either face.

use axum::response::Response;
use countersign_core::session::EndReason;
use countersign_core::session::Face;
use countersign_core::session::end::Scope;
use http::StatusCode;

use crate::ctx::Ctx;
use crate::extract::caller::Caller;
use crate::flows;
use crate::respond::problem::Problem;
use crate::respond::session::{WhoAmI, json, who_am_i};
use crate::respond::{cookie, logged_out};

/// Who am I?
#[utoipa::path(get, path = "/api/v1/session", operation_id = "who_am_i", tag = "sessions",
    responses((status = 200, body = WhoAmI), (status = 401, description = "invalid_token")))]
pub(crate) async fn show(ctx: Ctx, caller: Caller) -> Response {
    json(who_am_i(caller.live(), caller.face(), ctx.now))
}

/// Log out: the session ends, with its cookie and all its tokens.
#[utoipa::path(delete, path = "/api/v1/session", operation_id = "log_out", tag = "sessions",
    responses((status = 204), (status = 401, description = "invalid_token"), (status = 403, description = "csrf")))]
pub(crate) async fn end(ctx: Ctx, caller: Caller) -> Result<Response, Problem> {
    flows::end::end(&ctx, caller.account(), Scope::One(caller.id()), EndReason::Logout).await?;
    let mut response = logged_out(StatusCode::NO_CONTENT);
    if caller.face() == Face::Cookie {
        cookie::no_session(response.headers_mut());
    }
    Ok(response)
}
