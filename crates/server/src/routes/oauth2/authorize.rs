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
#[utoipa::path(get, path = "/oauth2/authorize", operation_id = "authorize", tag = "oauth2",
    params(
        ("client_id" = String, Query, description = "Who asks"),
        ("response_type" = Option<String>, Query, description = "`code`"),
        ("redirect_uri" = Option<String>, Query, description = "Where the answer goes: registered by the client"),
        ("scope" = Option<String>, Query, description = "What is asked for"),
        ("state" = Option<String>, Query, description = "Comes back exactly"),
        ("code_challenge" = Option<String>, Query, description = "PKCE, with `code_challenge_method` `S256`"),
        ("request_uri" = Option<String>, Query, description = "A pushed request, instead of all but `client_id`")),
    responses(
        (status = 303, description = "To a page of ours, or back with `code` or `error`, `state` and `iss`"),
        (status = 200, description = "A page that posts the answer (`response_mode=form_post`)"),
        (status = 400, description = "A page: nobody is sent anywhere")))]
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
#[utoipa::path(post, path = "/oauth2/authorize", operation_id = "authorize_by_form", tag = "oauth2",
    responses(
        (status = 303, description = "To the same request by GET"),
        (status = 400, description = "A page: nobody is sent anywhere")))]
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
