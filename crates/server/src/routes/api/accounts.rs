//! `POST /api/v1/accounts`: register.

use axum::response::Response;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::ctx::Ctx;
use crate::extract::json::Json;
use crate::flows::register::{Registered, Registration, register as begin};
use crate::respond::cookie;
use crate::respond::problem::Problem;
use crate::respond::session::{Accepted, accepted};

use super::input::{Fields, new_password, rejected};

/// A registration.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Registration)]
pub(crate) struct Body {
    /// Gets a mail with a link and a code.
    email: String,
    /// 8 characters to 1,024 bytes, and not easy to guess.
    password: String,
    /// Up to 100 characters.
    name: Option<String>,
    /// `en` or `ko`; where it is absent, the language that the request asks for.
    locale: Option<String>,
}

/// Register an address. The answer is the same whether it has an account or not.
#[utoipa::path(post, path = "/api/v1/accounts", operation_id = "register", tag = "accounts", request_body = Body,
    responses(
        (status = 202, description = "`{}`, and a mail: to a new address with link and code, to a known one a notice. \
            The login cookie lets this browser answer it without the password", body = Accepted),
        (status = 400, description = "invalid_request, password_rejected"),
        (status = 403, description = "csrf; forbidden: this server sends no mail"),
        (status = 429, description = "throttled: not before the seconds in Retry-After"),
        (status = 503, description = "overloaded")))]
pub(crate) async fn register(ctx: Ctx, Json(body): Json<Body>) -> Result<Response, Problem> {
    let mut fields = Fields::new();
    let (email, name) = (fields.email(&body.email), fields.name(body.name.as_deref()));
    let locale = fields.locale(body.locale.as_deref()).unwrap_or(ctx.locale);
    let email = fields.done(email)?;
    let password = new_password("password", &body.password)?;
    match begin(&ctx, Registration { email, name, locale, password }).await? {
        Registered::Rejected(rejection) => Err(rejected("password", rejection)),
        Registered::Done(browser) => {
            let mut response = accepted();
            cookie::login(response.headers_mut(), &browser, ctx.app.policy.verification);
            Ok(response)
        }
    }
}
