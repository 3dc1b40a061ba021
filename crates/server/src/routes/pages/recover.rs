//! `/recover`

use axum::response::Response;
use countersign_core::account::Email;
use countersign_pages::{EmailProblem, RecoverPage, RecoverSentPage};
use http::StatusCode;

use crate::ctx::Ctx;
use crate::extract::form::{Form, Query};
use crate::flows::recover::recover;
use crate::respond::page;
use crate::respond::problem::Problem;

const PATH: &str = "/recover";

pub(crate) async fn show(ctx: Ctx, query: Query) -> Response {
    if query.get("sent").is_some() {
        return page::show(&ctx, (StatusCode::OK, "/recover?sent=1", false), &RecoverSentPage);
    }
    page::show(&ctx, (StatusCode::OK, PATH, false), &RecoverPage::default())
}

/// Field: `email`. Known or not, an address gets the same answer (I14).
pub(crate) async fn submit(ctx: Ctx, form: Form) -> Result<Response, Problem> {
    let email = form.text("email");
    let Ok(address) = Email::parse(email) else {
        let shown = RecoverPage { email, problem: Some(EmailProblem::Invalid), busy: None };
        return Ok(page::show(&ctx, (StatusCode::BAD_REQUEST, PATH, false), &shown));
    };
    match recover(&ctx, &address).await {
        Ok(()) => Ok(page::see_other("/recover?sent=1")),
        Err(problem) => page::put_off(&ctx, problem, |status, busy| {
            let shown = RecoverPage { email, problem: None, busy: Some(busy) };
            page::show(&ctx, (status, PATH, false), &shown)
        }),
    }
}
