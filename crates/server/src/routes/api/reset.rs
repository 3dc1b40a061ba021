//! `POST /api/v1/reset`: set a new password by a mailed link.

use axum::response::Response;
use countersign_core::secret::Secret;
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::ctx::Ctx;
use crate::extract::json::Json;
use crate::flows::reset::{Changed, reset as set};
use crate::respond::problem::Problem;
use crate::respond::{cookie, empty};

use super::input::{new_password, rejected};

/// A new password for the account that the link names.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Reset)]
pub(crate) struct Body {
    /// From the link.
    token: String,
    /// 8 characters to 1,024 bytes, and not easy to guess.
    password: String,
}

/// Set a new password. Every session and token of the account ends; log in with the new one.
#[utoipa::path(post, path = "/api/v1/reset", tag = "accounts", request_body = Body,
    responses(
        (status = 204),
        (status = 400, description = "invalid_request, password_rejected; the link goes on working"),
        (status = 401, description = "invalid_token: the link was used, is too old, or was replaced by a newer one"),
        (status = 403, description = "csrf"),
        (status = 429, description = "throttled: not before the seconds in Retry-After"),
        (status = 503, description = "overloaded")))]
pub(crate) async fn reset(ctx: Ctx, Json(body): Json<Body>) -> Result<Response, Problem> {
    let token = Secret::parse(&body.token).ok();
    let password = new_password("password", &body.password)?;
    match set(&ctx, token.as_ref(), &password).await? {
        Changed::Done(standing) => {
            let mut response = empty(StatusCode::NO_CONTENT);
            cookie::device(response.headers_mut(), &ctx, &standing);
            Ok(response)
        }
        Changed::Rejected(rejection) => Err(rejected("password", rejection)),
    }
}
