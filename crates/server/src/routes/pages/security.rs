//! `/account/security`: the password, and what happened lately.

use axum::response::Response;
use countersign_core::AccountId;
use countersign_core::audit::Kind as AuditKind;
use countersign_pages::{ActivityItem, ActivityKind, PasswordProblem, SecurityPage, SecurityProblem};
use countersign_store::audit::{Filter, Line, events};
use countersign_store::live::LiveSession;
use http::StatusCode;

use crate::ctx::Ctx;
use crate::extract::caller::Visitor;
use crate::extract::form::{Form, Query};
use crate::flows::password::{Change, Changed, change};
use crate::respond::problem::Problem;
use crate::respond::{cookie, page};

const PATH: &str = "/account/security";

/// So much of the past is shown.
const SHOWN: u32 = 12;

pub(crate) async fn show(ctx: Ctx, query: Query, visitor: Visitor) -> Result<Response, Problem> {
    let Some(live) = visitor.0 else { return Ok(super::login::first(PATH)) };
    let changed = query.get("changed").is_some();
    let activity = recent(&ctx, live.session.account).await?;
    Ok(form(&ctx, (&live, &activity), StatusCode::OK, (None, changed)))
}

/// Fields: `current`, `new`.
pub(crate) async fn submit(ctx: Ctx, visitor: Visitor, fields: Form) -> Result<Response, Problem> {
    let Some(live) = visitor.0 else { return Ok(super::login::first(PATH)) };
    let asked =
        Change { session: &live, grant: None, current: fields.text("current"), new: fields.text("new") };
    let problem = match change(&ctx, &asked).await {
        Ok(Changed::Done(secret, standing)) => {
            let mut response = page::see_other("/account/security?changed=1");
            if let Some(secret) = &secret {
                cookie::renew(response.headers_mut(), &ctx, &live.session, secret);
                cookie::device(response.headers_mut(), &ctx, &standing);
            }
            return Ok(response);
        }
        Ok(Changed::WrongCurrent) => SecurityProblem::WrongCurrent,
        Ok(Changed::Same) => SecurityProblem::New(PasswordProblem::SameAsOld),
        Ok(Changed::Rejected(rejection)) => SecurityProblem::New(rejection.into()),
        Err(problem) => {
            let activity = recent(&ctx, live.session.account).await?;
            return page::put_off(&ctx, problem, |status, busy| {
                form(&ctx, (&live, &activity), status, (Some(SecurityProblem::Busy(busy)), false))
            });
        }
    };
    let activity = recent(&ctx, live.session.account).await?;
    Ok(form(&ctx, (&live, &activity), StatusCode::BAD_REQUEST, (Some(problem), false)))
}

fn form(
    ctx: &Ctx,
    (live, lines): (&LiveSession, &[Line]),
    status: StatusCode,
    (problem, changed): (Option<SecurityProblem>, bool),
) -> Response {
    let activity = lines.iter().filter_map(activity).collect();
    let email = live.account.email.as_ref().map_or("", |email| email.display());
    let shown = SecurityPage { email, problem, changed, activity };
    page::show(ctx, (status, PATH, true), &shown)
}

async fn recent(ctx: &Ctx, account: AccountId) -> Result<Vec<Line>, Problem> {
    let filter = Filter { account: Some(account), limit: SHOWN * 4, ..Filter::default() };
    let mut lines = events(&ctx.app.store, &filter).await?;
    lines.retain(|line| activity(line).is_some());
    lines.truncate(SHOWN as usize);
    Ok(lines)
}

/// The lines that mean something to the account's owner.
fn activity(line: &Line) -> Option<ActivityItem<'_>> {
    let kind = AuditKind::parse(&line.kind).and_then(ActivityKind::of)?;
    Some(ActivityItem { kind, at: line.at, from: line.ip.as_deref() })
}
