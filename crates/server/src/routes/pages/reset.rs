//! `/reset`: a new password by the mailed link. Showing the page spends nothing (attack REC-08).

use std::sync::Arc;

use axum::response::Response;
use countersign_core::credential::Password;
use countersign_core::credential::policy::Rejection;
use countersign_core::recovery::reset::{Decision, decide};
use countersign_core::secret::Secret;
use countersign_pages::{Busy, PasswordProblem, ResetDeadPage, ResetPage};
use countersign_store::recovery::reset_facts;
use http::StatusCode;

use crate::ctx::Ctx;
use crate::extract::form::{Form, Query};
use crate::flows::reset::{Changed, reset};
use crate::respond::problem::{Kind, Problem};
use crate::respond::{cookie, page};

pub(crate) async fn show(ctx: Ctx, query: Query) -> Result<Response, Problem> {
    let token = query.get("token").unwrap_or("");
    let Ok(secret) = Secret::parse(token) else { return Ok(dead(&ctx)) };
    match decide(reset_facts(&ctx.app.store, secret.hash()).await?, ctx.now) {
        Decision::Set(_) => Ok(form(&ctx, StatusCode::OK, token, (None, None))),
        Decision::Refuse(_) => Ok(dead(&ctx)),
    }
}

/// Fields: `token`, `password`. Nobody is logged in by it: the new password has to be used once.
pub(crate) async fn submit(ctx: Ctx, fields: Form) -> Result<Response, Problem> {
    let token = fields.text("token");
    let password = match Password::parse(fields.text("password")) {
        Ok(password) => Arc::new(password),
        Err(error) => return Ok(refused(&ctx, token, error.into())),
    };
    match reset(&ctx, Secret::parse(token).ok().as_ref(), &password).await {
        Ok(Changed::Done(standing)) => {
            let mut response = page::see_other("/login?changed=1");
            cookie::device(response.headers_mut(), &ctx, &standing);
            Ok(response)
        }
        Ok(Changed::Rejected(rejection)) => Ok(refused(&ctx, token, rejection)),
        Err(problem) if problem.kind == Kind::InvalidToken => Ok(dead(&ctx)),
        Err(problem) => {
            page::put_off(&ctx, problem, |status, busy| form(&ctx, status, token, (None, Some(busy))))
        }
    }
}

fn refused(ctx: &Ctx, token: &str, rejection: Rejection) -> Response {
    form(ctx, StatusCode::BAD_REQUEST, token, (Some(rejection.into()), None))
}

fn form(
    ctx: &Ctx,
    status: StatusCode,
    token: &str,
    (problem, busy): (Option<PasswordProblem>, Option<Busy>),
) -> Response {
    page::show(ctx, (status, &format!("/reset?token={token}"), false), &ResetPage { token, problem, busy })
}

fn dead(ctx: &Ctx) -> Response {
    page::show(ctx, (StatusCode::BAD_REQUEST, "/reset", false), &ResetDeadPage)
}
