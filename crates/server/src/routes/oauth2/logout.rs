//! `/oauth2/logout`: a client asks for a logout (`OpenID` Connect RP-Initiated Logout).

use axum::response::Response;
use countersign_core::session::EndReason;
use countersign_core::session::end::Scope;
use countersign_core::session::logout::{After, Decision, Facts, Hint, Known, Refusal, Request, decide};
use countersign_core::token::{sid, subject};
use countersign_core::{Span, Time};
use countersign_pages::{ErrorKind, ErrorPage, LoggedOutPage};
use countersign_store::live::LiveSession;
use http::{HeaderValue, StatusCode};

use crate::ctx::Ctx;
use crate::extract::caller::Visitor;
use crate::extract::form::{Form, Query};
use crate::extract::id_token_hint;
use crate::flows;
use crate::flows::waiting::{seal_as, unseal_as};
use crate::respond::problem::Problem;
use crate::respond::{CLEAR_SITE_DATA, CLEARED, cookie, headers, page};

/// What a request may say.
const FIELDS: [&str; 4] = ["id_token_hint", "client_id", "post_logout_redirect_uri", "state"];

/// Where a request that came by a form goes on, how long it may take, and what is sealed beside it.
const CONTINUE: &str = "continue";
const LIFE: Span = Span::minutes(10);
const UNTIL: &str = "until";

/// What is sealed for another place opens nothing here.
const PLACE: &[u8] = b"logout";

/// Log out at a client's wish: with an ID token of this very session at once, else a page asks.
#[utoipa::path(get, path = "/oauth2/logout", operation_id = "log_out_at_provider", tag = "oauth2",
    params(
        ("id_token_hint" = Option<String>, Query, description = "An ID token of the session, expired or not"),
        ("client_id" = Option<String>, Query, description = "The client that the ID token was given to"),
        ("post_logout_redirect_uri" = Option<String>, Query, description = "Where to go on: registered by that client"),
        ("state" = Option<String>, Query, description = "Comes along there")),
    responses(
        (status = 200, description = "A page: it asks, or says that one is signed out", content_type = "text/html"),
        (status = 303, description = "To `post_logout_redirect_uri`, or to the page that asks"),
        (status = 400, description = "A page that says what is wrong")))]
pub(crate) async fn show(ctx: Ctx, visitor: Visitor, query: Query) -> Result<Response, Problem> {
    let Some(said) = said(&ctx, &query) else { return Ok(refused(&ctx, Refusal::Hint)) };
    let get = |name| said.iter().find(|(this, _)| this == name).map(|(_, value)| value.as_str());
    let filled = |name| get(name).filter(|value| !value.is_empty());
    let hint = filled("id_token_hint").map(|text| id_token_hint::read(&ctx.app, text, ctx.now));
    let read = hint.as_ref().and_then(Option::as_ref);
    let stored = match read {
        Some(hint) => ctx.app.store.client(&hint.client).await?,
        None => None,
    };
    let client = stored.as_deref().map(|stored| &stored.client);
    let session = visitor.0.as_deref();
    let names = session.zip(client).map(|(live, client)| {
        let (app, account) = (&ctx.app, live.session.account);
        (
            subject::name(&app.subjects, account, client),
            sid::name(&app.session_names, live.session.id, &client.id),
        )
    });
    let request = Request {
        hint: match (&hint, read) {
            (None, _) => Hint::Absent,
            (Some(_), None) => Hint::Foreign,
            (Some(_), Some(hint)) => {
                let about = Known { sub: &hint.token.sub, sid: hint.token.sid.as_deref() };
                Hint::Ours { client: &hint.client, about }
            }
        },
        client_id: filled("client_id"),
        redirect_uri: filled("post_logout_redirect_uri"),
        state: get("state"),
    };
    let known = names.as_ref().map(|(sub, sid)| Known { sub, sid: Some(sid) });
    let facts = Facts { client, signed_in: session.is_some(), session: known, now: ctx.now };
    finish(&ctx, session, decide(&request, &facts)).await
}

/// The same by a form, which other sites' pages send: no cookie is read, and the browser comes back with a GET of its own
/// (attack CSR-12). What the form says is sealed on the way: whoever uses a form keeps the ID token out of URLs.
#[utoipa::path(post, path = "/oauth2/logout", operation_id = "log_out_at_provider_by_form", tag = "oauth2",
    responses((status = 303, description = "To the same as a GET")))]
pub(crate) async fn submit(ctx: Ctx, form: Form) -> Response {
    let mut said = url::form_urlencoded::Serializer::new(String::new());
    for name in FIELDS {
        said.extend_pairs(form.get(name).map(|value| (name, value)));
    }
    said.append_pair(UNTIL, &(ctx.now + LIFE).micros().to_string());
    let sealed = seal_as(&ctx, PLACE, said.finish().into_bytes());
    page::see_other(&format!("/oauth2/logout?{CONTINUE}={sealed}"))
}

/// What the request says: in the URL, or sealed there. `None`: it is not sealed by us, or was long ago.
fn said(ctx: &Ctx, query: &Query) -> Option<Vec<(String, String)>> {
    let Some(sealed) = query.get(CONTINUE) else {
        let given =
            FIELDS.into_iter().filter_map(|name| Some((name.to_owned(), query.get(name)?.to_owned())));
        return Some(given.collect());
    };
    let said: Vec<_> = url::form_urlencoded::parse(&unseal_as(ctx, PLACE, sealed)?).into_owned().collect();
    let (_, until) = said.iter().find(|(name, _)| name == UNTIL)?;
    (ctx.now < Time::from_micros(until.parse().ok()?)).then_some(said)
}

async fn finish(ctx: &Ctx, session: Option<&LiveSession>, decision: Decision) -> Result<Response, Problem> {
    let (after, ended) = match decision {
        Decision::Refuse(refusal) => return Ok(refused(ctx, refusal)),
        Decision::Ask => return Ok(page::see_other("/logout")),
        Decision::Done(after) => (after, None),
        Decision::End(after) => (after, session),
    };
    if let Some(live) = ended {
        let scope = Scope::One(live.session.id);
        flows::end::end(ctx, live.session.account, scope, EndReason::Logout).await?;
    }
    let mut response = match after {
        After::Page => page::show(ctx, (StatusCode::OK, "", false), &LoggedOutPage),
        After::Redirect(to) => page::see_other(&to),
    };
    let headers = response.headers_mut();
    headers.insert(CLEAR_SITE_DATA, HeaderValue::from_static(CLEARED));
    cookie::no_session(headers);
    Ok(response)
}

fn refused(ctx: &Ctx, refusal: Refusal) -> Response {
    let kind = match refusal {
        Refusal::Hint => ErrorKind::AppRequest,
        Refusal::RedirectUri => ErrorKind::AppRedirect,
    };
    tracing::debug!(request_id = %ctx.request, reason = ?refusal, "request refused");
    let request = ctx.request.to_string();
    let shown = ErrorPage { kind, request_id: Some(&request) };
    let mut response = page::show(ctx, (StatusCode::BAD_REQUEST, "", false), &shown);
    headers::request_id(ctx, response.headers_mut());
    response
}
