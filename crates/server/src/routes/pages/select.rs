//! `/select`: which account an application gets. There is one session a browser, so another account logs out first.

use axum::response::Response;
use countersign_core::authorize::{Decision, Waiting};
use countersign_core::session::EndReason;
use countersign_core::session::end::Scope;
use countersign_pages::{Asker, SelectPage};
use countersign_store::live::LiveSession;
use http::{HeaderMap, StatusCode};

use crate::ctx::Ctx;
use crate::extract::caller::Visitor;
use crate::extract::form::{Form, Query};
use crate::flows::authorize::decide;
use crate::flows::{self, waiting::seal};
use crate::respond::problem::Problem;
use crate::respond::{cookie, page};
use crate::routes::oauth2::authorize::resume;

use super::request::{Opened, open};

/// The question. Where it need not be asked (any more), the request goes on.
pub(crate) async fn show(
    ctx: Ctx,
    query: Query,
    visitor: Visitor,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (ctx, opened) = open(ctx, query.text("request"), &headers).await?;
    let opened = match opened {
        Ok(opened) => opened,
        Err(response) => return Ok(*response),
    };
    let (decision, _) = decide(&ctx, &opened.known, visitor.0.as_deref(), &opened.waiting).await?;
    match (decision, &visitor.0) {
        (Decision::Select, Some(live)) => Ok(question(&ctx, live, &opened)),
        _ => Ok(resume(&ctx, &opened.waiting)),
    }
}

/// Fields: `request`, `choice` (`continue`, `other`).
pub(crate) async fn submit(
    ctx: Ctx,
    visitor: Visitor,
    headers: HeaderMap,
    form: Form,
) -> Result<Response, Problem> {
    let (ctx, opened) = open(ctx, form.text("request"), &headers).await?;
    let opened = match opened {
        Ok(opened) => opened,
        Err(response) => return Ok(*response),
    };
    let Some(live) = visitor.0 else { return Ok(resume(&ctx, &opened.waiting)) };
    match form.text("choice") {
        "continue" => Ok(resume(&ctx, &Waiting { selected: Some(live.session.id), ..opened.waiting })),
        "other" => {
            let session = &live.session;
            flows::end::end(&ctx, session.account, Scope::One(session.id), EndReason::Logout).await?;
            let mut response = page::see_other(&format!("/login?request={}", seal(&ctx, &opened.waiting)));
            cookie::no_session(response.headers_mut());
            Ok(response)
        }
        _ => Ok(question(&ctx, &live, &opened)),
    }
}

fn question(ctx: &Ctx, live: &LiveSession, opened: &Opened) -> Response {
    let sealed = seal(ctx, &opened.waiting);
    let redirect = &opened.known.request.back.redirect;
    let host = redirect.shown();
    let client = opened.known.stored.client.shown_name();
    let shown = SelectPage {
        account: live.account.email.as_ref().map_or("", |email| email.display()),
        asker: Asker { client, host: &host, request: &sealed },
    };
    let path = format!("/select?request={sealed}");
    page::show_leading_to(ctx, (StatusCode::OK, &path, false), &shown, redirect)
}
