//! `POST /api/v1/recover`: ask for a new password.

use axum::response::Response;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::ctx::Ctx;
use crate::extract::json::Json;
use crate::flows;
use crate::respond::problem::Problem;
use crate::respond::session::{Accepted, accepted};

use super::input::Fields;

/// Whose password was forgotten.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Recovery)]
pub(crate) struct Body {
    email: String,
}

/// Ask for a new password. The answer is the same whether the address has an account or not.
#[utoipa::path(post, path = "/api/v1/recover", tag = "accounts", request_body = Body,
    responses(
        (status = 202, description = "`{}`, and a mail with a link if there is such an account", body = Accepted),
        (status = 400, description = "invalid_request"),
        (status = 403, description = "csrf; forbidden: this server sends no mail"),
        (status = 429, description = "throttled: not before the seconds in Retry-After"),
        (status = 503, description = "overloaded")))]
pub(crate) async fn recover(ctx: Ctx, Json(body): Json<Body>) -> Result<Response, Problem> {
    let mut fields = Fields::new();
    let email = fields.email(&body.email);
    flows::recover::recover(&ctx, &fields.done(email)?).await?;
    Ok(accepted())
}
