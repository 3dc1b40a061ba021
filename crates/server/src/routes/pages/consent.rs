//! `/consent`: what a client asks for, and the person's answer.

use axum::response::Response;
use countersign_core::authorize::{Decision, Error, Refusal, Waiting};
use countersign_pages::ConsentPage;
use countersign_store::live::LiveSession;
use http::{HeaderMap, StatusCode};

use crate::ctx::Ctx;
use crate::extract::caller::Visitor;
use crate::extract::form::{Form, Query};
use crate::flows::authorize::{Known, Outcome, decide};
use crate::flows::{consent, waiting as sealed};
use crate::respond::page;
use crate::respond::problem::Problem;
use crate::routes::oauth2::authorize::{finish, resume};

use super::request::{Opened, open};

/// The question. Where it need not be asked (any more), the request goes on.
pub(crate) async fn show(
    ctx: Ctx,
    query: Query,
    visitor: Visitor,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (ctx, opened) = open(ctx, query.text("request"), &headers).await?;
    let Opened { waiting, known } = match opened {
        Ok(opened) => opened,
        Err(response) => return Ok(*response),
    };
    let (decision, _) = decide(&ctx, &known, visitor.0.as_deref(), &waiting).await?;
    match (decision, &visitor.0) {
        (Decision::Consent, Some(live)) => Ok(question(&ctx, live, &known, &waiting)),
        _ => Ok(resume(&ctx, &waiting)),
    }
}

/// Fields: `request`, `choice` (`allow`, `deny`).
pub(crate) async fn submit(
    ctx: Ctx,
    visitor: Visitor,
    headers: HeaderMap,
    form: Form,
) -> Result<Response, Problem> {
    let (ctx, opened) = open(ctx, form.text("request"), &headers).await?;
    let Opened { waiting, known } = match opened {
        Ok(opened) => opened,
        Err(response) => return Ok(*response),
    };
    let (decision, _) = decide(&ctx, &known, visitor.0.as_deref(), &waiting).await?;
    // What was not asked is not answered: not before the login, and not by another account than the one that was asked.
    let (Decision::Consent, Some(live)) = (decision, &visitor.0) else { return Ok(resume(&ctx, &waiting)) };
    match form.text("choice") {
        "allow" => {
            consent::give(&ctx, live.session.account, &known).await?;
            Ok(resume(&ctx, &Waiting { consented: Some(live.session.id), ..waiting }))
        }
        "deny" => {
            let denied = Refusal::new(Error::AccessDenied, "The person said no.");
            Ok(finish(&ctx, Outcome::end(&ctx, &waiting, known, denied), &waiting))
        }
        _ => Ok(question(&ctx, live, &known, &waiting)),
    }
}

fn question(ctx: &Ctx, live: &LiveSession, known: &Known, waiting: &Waiting) -> Response {
    let sealed = sealed::seal(ctx, waiting);
    let host = known.request.back.redirect.shown();
    let scopes = known.request.to_allow();
    let resources: Vec<_> = known.request.resources.iter().map(ToString::to_string).collect();
    let shown = ConsentPage {
        client: known.stored.client.shown_name(),
        account: live.account.email.as_ref().map_or("", |email| email.display()),
        scopes: scopes.words().collect(),
        resources: resources.iter().map(String::as_str).collect(),
        host: &host,
        request: &sealed,
    };
    let path = format!("/consent?request={sealed}");
    page::show_leading_to(ctx, (StatusCode::OK, &path, false), &shown, &known.request.back.redirect)
}
