//! `/oauth2/authorize` (RFC 6749 section 3.1).

use axum::response::Response;
use countersign_core::authorize::{NoWayBack, Parameters, Waiting};
use countersign_pages::CookiePage;
use countersign_store::live::LiveSession;
use http::StatusCode;

use crate::ctx::Ctx;
use crate::extract::caller::Visitor;
use crate::extract::form::{Pairs, QueryPairs};
use crate::flows::authorize::{Outcome, arrive, proceed, read};
use crate::flows::waiting::{seal, unseal};
use crate::respond::problem::Problem;
use crate::respond::{authorize as respond, page};

/// Where a request goes on after a page of ours.
const CONTINUE: &str = "continue";

/// A request in a URL, or one that waited.
pub(crate) async fn show(
    ctx: Ctx,
    visitor: Visitor,
    QueryPairs(pairs): QueryPairs,
) -> Result<Response, Problem> {
    let waited = pairs.iter().find(|(name, _)| name == CONTINUE).map(|(_, value)| value.as_str());
    let waiting = match waited {
        Some(sealed) => unseal(&ctx, sealed),
        None => begin(&ctx, pairs),
    };
    match waiting {
        Ok(waiting) => go_on(&ctx, visitor.0.as_deref(), &waiting).await,
        Err(reason) => Ok(respond::no_way_back(&ctx, reason)),
    }
}

/// A request in a form. Other sites' pages send it, and no cookie of ours is read: it is sealed, and the browser comes back
/// with a GET of its own (attack CSR-12).
pub(crate) async fn submit(ctx: Ctx, Pairs(pairs): Pairs) -> Result<Response, Problem> {
    let waiting = match begin(&ctx, pairs) {
        Ok(waiting) => waiting,
        Err(reason) => return Ok(respond::no_way_back(&ctx, reason)),
    };
    match read(&ctx, &waiting).await? {
        Ok(_) => Ok(resume(&ctx, &waiting)),
        Err(failure) => Ok(finish(&ctx, failure.into(), &waiting)),
    }
}

fn begin(ctx: &Ctx, pairs: Vec<(String, String)>) -> Result<Waiting, NoWayBack> {
    arrive(ctx, Parameters::new(pairs).map_err(|_| NoWayBack::Malformed)?)
}

/// Back to this endpoint, where everything is looked at again from the top.
pub(crate) fn resume(ctx: &Ctx, waiting: &Waiting) -> Response {
    page::see_other(&format!("/oauth2/authorize?{CONTINUE}={}", seal(ctx, waiting)))
}

/// Answers, or leads to the page where the person does something.
pub(crate) async fn go_on(
    ctx: &Ctx,
    session: Option<&LiveSession>,
    waiting: &Waiting,
) -> Result<Response, Problem> {
    let outcome = proceed(ctx, session, waiting).await?;
    Ok(finish(ctx, outcome, waiting))
}

/// What the browser gets.
pub(crate) fn finish(ctx: &Ctx, outcome: Outcome, waiting: &Waiting) -> Response {
    let to = |path: &str| page::see_other(&format!("{path}?request={}", seal(ctx, waiting)));
    match outcome {
        Outcome::Code(back, code) => respond::code(ctx, &back, &code),
        Outcome::Refused(back, refusal) => respond::refused(ctx, &back, refusal),
        Outcome::Page(reason) => respond::no_way_back(ctx, reason),
        Outcome::LogIn => to("/login"),
        Outcome::Select => to("/select"),
        Outcome::Consent => to("/consent"),
        Outcome::NoCookie => page::show(ctx, (StatusCode::OK, "", false), &CookiePage),
    }
}
