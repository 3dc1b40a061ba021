//! `/device`: the code that a device shows, who asks by it, and the person's answer (RFC 8628 section 3.3).

use axum::response::Response;
use countersign_core::device::UserCode;
use countersign_pages::{DeviceConfirmPage, DeviceDonePage, DevicePage, DeviceProblem};
use countersign_store::live::LiveSession;
use http::StatusCode;

use crate::ctx::Ctx;
use crate::extract::caller::Visitor;
use crate::extract::form::{Form, Query};
use crate::flows::device::{Asking, answer, find};
use crate::respond::page;
use crate::respond::problem::{Kind, Problem};

const PATH: &str = "/device";

/// Without `user_code`: the form for it. With one: who asks by it; a link that brings it along decides nothing. With `done`:
/// what became of it.
pub(crate) async fn show(ctx: Ctx, query: Query, visitor: Visitor) -> Result<Response, Problem> {
    if let Some(done) = query.get("done") {
        let shown = DeviceDonePage { allowed: done == "allow" };
        return Ok(page::show(&ctx, (StatusCode::OK, "", false), &shown));
    }
    let typed = query.get("user_code").filter(|typed| !typed.is_empty());
    let code = typed.and_then(UserCode::parse);
    let own = code.as_ref().map_or_else(|| PATH.to_owned(), path_of);
    let Some(live) = visitor.0 else { return Ok(super::login::first(&own)) };
    match (typed, code) {
        (None, _) => Ok(form(&ctx, StatusCode::OK, None)),
        (Some(_), None) => Ok(unknown(&ctx)),
        (Some(_), Some(code)) => match find(&ctx, &live, &code).await {
            Ok(Some(asking)) => Ok(question(&ctx, &live, &asking, &code)),
            Ok(None) => Ok(unknown(&ctx)),
            Err(problem) => put_off(&ctx, problem),
        },
    }
}

/// Fields: `user_code`, as it was typed; with `choice` (`allow`, `deny`) the answer to whoever asks by it.
pub(crate) async fn submit(ctx: Ctx, visitor: Visitor, form: Form) -> Result<Response, Problem> {
    let code = UserCode::parse(form.text("user_code"));
    let own = code.as_ref().map_or_else(|| PATH.to_owned(), path_of);
    let Some(live) = visitor.0 else { return Ok(super::login::first(&own)) };
    let Some(code) = code else { return Ok(unknown(&ctx)) };
    let allow = match form.get("choice") {
        None => return Ok(page::see_other(&own)),
        Some("allow") => true,
        Some("deny") => false,
        Some(_) => return Err(Problem::new(Kind::InvalidRequest)),
    };
    match answer(&ctx, &live, &code, allow).await {
        Ok(true) => Ok(page::see_other(if allow { "/device?done=allow" } else { "/device?done=deny" })),
        Ok(false) => Ok(unknown(&ctx)),
        Err(problem) => put_off(&ctx, problem),
    }
}

fn path_of(code: &UserCode) -> String {
    format!("{PATH}?user_code={}", code.shown())
}

fn form(ctx: &Ctx, status: StatusCode, problem: Option<DeviceProblem>) -> Response {
    page::show(ctx, (status, PATH, false), &DevicePage { problem })
}

/// Never given, over, or answered: one answer.
fn unknown(ctx: &Ctx) -> Response {
    form(ctx, StatusCode::BAD_REQUEST, Some(DeviceProblem::Unknown))
}

fn put_off(ctx: &Ctx, problem: Problem) -> Result<Response, Problem> {
    page::put_off(ctx, problem, |status, busy| form(ctx, status, Some(DeviceProblem::Busy(busy))))
}

fn question(ctx: &Ctx, live: &LiveSession, asking: &Asking, code: &UserCode) -> Response {
    let request = &asking.code;
    let resources: Vec<_> = request.resources.iter().map(ToString::to_string).collect();
    let (user_code, ip) = (code.shown(), request.ip.map(|ip| ip.to_string()));
    let shown = DeviceConfirmPage {
        client: asking.client.client.shown_name(),
        account: live.account.email.as_ref().map_or("", |email| email.display()),
        scopes: request.scopes.words().collect(),
        resources: resources.iter().map(String::as_str).collect(),
        user_code: &user_code,
        ip: ip.as_deref(),
        asked_at: request.created_at,
    };
    page::show(ctx, (StatusCode::OK, &path_of(code), false), &shown)
}
