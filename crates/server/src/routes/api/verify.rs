//! `POST /api/v1/accounts/verify`: prove the address by the link's token or by the code.

use std::sync::Arc;

use axum::response::Response;
use countersign_core::credential::Password;
use countersign_core::secret::Secret;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::ctx::Ctx;
use crate::extract::cookies::{Cookies, LOGIN};
use crate::extract::json::Json;
use crate::flows::verify::{Claim, Code, Verification, Verified, verify as prove};
use crate::respond::empty;
use crate::respond::problem::{Kind, Problem};

use super::input::Fields;

/// `token`, or `email` and `code`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Verification)]
pub(crate) struct Body {
    /// From the link.
    token: Option<String>,
    email: Option<String>,
    /// Six digits. Five wrong ones an address, then only the link works.
    code: Option<String>,
    /// The chosen password: needed where the login cookie of the browser that registered does not come along.
    password: Option<String>,
}

/// Prove an address: its account is made.
#[utoipa::path(post, path = "/api/v1/accounts/verify", operation_id = "verify", tag = "accounts", request_body = Body,
    responses(
        (status = 204),
        (status = 400, description = "invalid_request; with `password` and `password_required` in `errors`: another browser \
            than the one that registered"),
        (status = 401, description = "invalid_token: the link or code, or the password with it, does not work"),
        (status = 403, description = "csrf"),
        (status = 429, description = "throttled: not before the seconds in Retry-After"),
        (status = 503, description = "overloaded")))]
pub(crate) async fn verify(
    ctx: Ctx,
    headers: HeaderMap,
    Json(body): Json<Body>,
) -> Result<Response, Problem> {
    let verification = Verification {
        claim: claim(&body)?,
        password: body.password.as_deref().map(|text| Password::parse(text).map(Arc::new)),
        browser: Cookies::of(&headers).secret(LOGIN).as_ref().map(Secret::hash),
    };
    match prove(&ctx, &verification).await? {
        Verified::Done => Ok(empty(StatusCode::NO_CONTENT)),
        Verified::AskPassword => Err(Problem::new(Kind::InvalidRequest)
            .detail("This is not the browser that registered: send the chosen password along.")
            .field("password", "password_required", "The password that was chosen at registration.")),
        Verified::Refused(_) => Err(Problem::new(Kind::InvalidToken)
            .detail("The link or code does not work, or not with this password.")),
    }
}

fn claim(body: &Body) -> Result<Claim, Problem> {
    match (&body.token, &body.email, &body.code) {
        (Some(token), None, None) => Ok(Claim::Link(Secret::parse(token).ok())),
        (None, Some(email), Some(code)) => {
            let mut fields = Fields::new();
            let (email, code) = (fields.email(email), Code::parse(code));
            if code.is_none() {
                fields.refuse("code", "code_invalid", "Six digits.");
            }
            fields.done(email.zip(code)).map(|(email, code)| Claim::Code(email, code))
        }
        _ => Err(Problem::new(Kind::InvalidRequest).detail("Send token, or email and code.")),
    }
}
