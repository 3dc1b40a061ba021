//! `PUT /api/v1/password`: change the password while logged in.

use axum::response::Response;
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::ctx::Ctx;
use crate::extract::caller::Caller;
use crate::extract::json::Json;
use crate::flows::password::{Change, Changed, change as set};
use crate::respond::problem::{Kind, Problem};
use crate::respond::{cookie, empty};

use super::input::rejected;

/// A change of password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PasswordChange)]
pub(crate) struct Body {
    current: String,
    /// 8 characters to 1,024 bytes, and not easy to guess.
    new: String,
}

/// Change the password. Other sessions end, and a session by cookie gets a new secret.
#[utoipa::path(put, path = "/api/v1/password", operation_id = "change_password", tag = "accounts", request_body = Body,
    responses(
        (status = 204),
        (status = 400, description = "invalid_request with `current` and `current_wrong` in `errors`; password_rejected"),
        (status = 401, description = "invalid_token"),
        (status = 403, description = "csrf"),
        (status = 429, description = "throttled: not before the seconds in Retry-After"),
        (status = 503, description = "overloaded")))]
pub(crate) async fn change(ctx: Ctx, caller: Caller, Json(body): Json<Body>) -> Result<Response, Problem> {
    let live = caller.live();
    let change = Change { session: live, grant: caller.grant(), current: &body.current, new: &body.new };
    match set(&ctx, &change).await? {
        Changed::Done(secret, standing) => {
            let mut response = empty(StatusCode::NO_CONTENT);
            if let Some(secret) = &secret {
                cookie::renew(response.headers_mut(), &ctx, &live.session, secret);
                cookie::device(response.headers_mut(), &ctx, &standing);
            }
            Ok(response)
        }
        Changed::WrongCurrent => Err(Problem::new(Kind::InvalidRequest)
            .detail("The current password is another one.")
            .field("current", "current_wrong", "Not the current password.")),
        Changed::Same => Err(Problem::new(Kind::PasswordRejected)
            .detail("The new password is the current one.")
            .field("new", "same", "Choose another one.")),
        Changed::Rejected(rejection) => Err(rejected("new", rejection)),
    }
}
