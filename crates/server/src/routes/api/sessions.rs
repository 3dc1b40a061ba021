//! `/api/v1/sessions`: where the account is logged in, and ending it there.

use axum::response::Response;
use countersign_core::SessionId;
use countersign_core::session::end::Scope;
use countersign_core::session::{EndReason, Face};
use countersign_store::session::sessions_of;
use http::StatusCode;

use crate::ctx::Ctx;
use crate::extract::caller::Caller;
use crate::extract::segment::Segment;
use crate::flows;
use crate::respond::problem::{Kind, Problem};
use crate::respond::session::{SessionList, SessionView, json, to_bytes};
use crate::respond::{cookie, empty, logged_out};

/// All live sessions of the account, the oldest first.
#[utoipa::path(get, path = "/api/v1/sessions", operation_id = "list_sessions", tag = "sessions",
    responses((status = 200, body = SessionList), (status = 401, description = "invalid_token")))]
pub(crate) async fn list(ctx: Ctx, caller: Caller) -> Result<Response, Problem> {
    let sessions = sessions_of(&ctx.app.store, caller.account(), ctx.now).await?;
    let sessions = sessions.iter().map(|session| SessionView::of(session, caller.id())).collect();
    Ok(json(to_bytes(&SessionList { sessions })))
}

/// End all sessions of the account but the one that asks.
#[utoipa::path(delete, path = "/api/v1/sessions", operation_id = "end_other_sessions", tag = "sessions",
    responses((status = 204), (status = 401, description = "invalid_token"), (status = 403, description = "csrf")))]
pub(crate) async fn end_others(ctx: Ctx, caller: Caller) -> Result<Response, Problem> {
    flows::end::end(&ctx, caller.account(), Scope::Others(caller.id()), EndReason::Revoked).await?;
    Ok(empty(StatusCode::NO_CONTENT))
}

/// End one session of the account. The one that asks may be it: that is a logout.
#[utoipa::path(delete, path = "/api/v1/sessions/{id}", operation_id = "end_session", tag = "sessions",
    params(("id" = String, Path, description = "`ses_…`")),
    responses(
        (status = 204),
        (status = 401, description = "invalid_token"),
        (status = 403, description = "csrf"),
        (status = 404, description = "not_found: not a live session of this account")))]
pub(crate) async fn end_one(ctx: Ctx, caller: Caller, Segment(id): Segment) -> Result<Response, Problem> {
    let not_found = || Problem::new(Kind::NotFound).detail("Not a live session of this account.");
    let id = SessionId::parse(&id).map_err(|_| not_found())?;
    let live = sessions_of(&ctx.app.store, caller.account(), ctx.now).await?;
    if !live.iter().any(|session| session.id == id) {
        return Err(not_found());
    }
    let own = id == caller.id();
    let reason = if own { EndReason::Logout } else { EndReason::Revoked };
    flows::end::end(&ctx, caller.account(), Scope::One(id), reason).await?;
    if !own {
        return Ok(empty(StatusCode::NO_CONTENT));
    }
    let mut response = logged_out(StatusCode::NO_CONTENT);
    if caller.face() == Face::Cookie {
        cookie::no_session(response.headers_mut());
    }
    Ok(response)
}
