//! `/login`

mod flow;

use std::sync::Arc;

use axum::response::Response;
use countersign_core::credential::Password;
use countersign_core::url::ReturnTo;
use countersign_pages::{CookiePage, LoginMessage, LoginPage};
use countersign_store::live::LiveSession;
use http::{HeaderMap, StatusCode};

use crate::ctx::Ctx;
use crate::extract::caller::Visitor;
use crate::extract::form::{Form, Query};
use crate::flows::login::{Attempt, Deliver, login};
use crate::respond::problem::{Kind, Problem};
use crate::respond::{cookie, page};

/// Where a login leads that was asked for from nowhere.
const HOME: &str = "/account";

/// The form. A browser that comes back from a login (`done`) and brings no cookie does not keep ours, and is told so
/// (I5).
pub(crate) async fn show(
    ctx: Ctx,
    query: Query,
    visitor: Visitor,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    if let Some(sealed) = query.get("request") {
        return flow::show(ctx, sealed, visitor.0.as_deref(), &headers).await;
    }
    Ok(show_own(&ctx, &query, &visitor))
}

fn show_own(ctx: &Ctx, query: &Query, visitor: &Visitor) -> Response {
    let return_to = query.get("return_to").and_then(ReturnTo::parse);
    if visitor.0.is_some() {
        return page::see_other(return_to.as_ref().map_or(HOME, ReturnTo::as_str));
    }
    if query.get("done").is_some() {
        return page::show(ctx, (StatusCode::OK, "", false), &CookiePage);
    }
    let message = query.get("changed").map(|_| LoginMessage::PasswordChanged);
    let form =
        LoginPage { message, return_to: return_to.as_ref().map(ReturnTo::as_str), ..LoginPage::default() };
    page::show(ctx, (StatusCode::OK, &own_path(&form), false), &form)
}

/// Fields: `username`, `password`, `remember`, and `return_to` or `request`.
pub(crate) async fn submit(
    ctx: Ctx,
    query: Query,
    visitor: Visitor,
    headers: HeaderMap,
    form: Form,
) -> Result<Response, Problem> {
    if let Some(sealed) = form.get("request") {
        return flow::submit(ctx, sealed, visitor, (&headers, &form)).await;
    }
    // Where both say it, they agree: the form saw to that (attack RED-06).
    let return_to = form.get("return_to").or(query.get("return_to")).and_then(ReturnTo::parse);
    let attempt = attempt(&form, visitor.0.as_deref(), None);
    match login(&ctx, &attempt).await {
        Ok(logged_in) => {
            let next = form_urlencoded(return_to.as_ref().map_or(HOME, ReturnTo::as_str));
            let mut response = page::see_other(&format!("/login?done=1&return_to={next}"));
            cookie::log_in(response.headers_mut(), &ctx, &logged_in);
            Ok(response)
        }
        Err(problem) => {
            let again = |status, message| {
                let form = LoginPage {
                    username: form.text("username"),
                    remember: attempt.remember,
                    return_to: return_to.as_ref().map(ReturnTo::as_str),
                    message: Some(message),
                    ..LoginPage::default()
                };
                page::show(&ctx, (status, &own_path(&form), false), &form)
            };
            if problem.kind == Kind::InvalidCredentials {
                return Ok(again(StatusCode::UNAUTHORIZED, LoginMessage::Refused));
            }
            page::put_off(&ctx, problem, |status, busy| again(status, LoginMessage::Busy(busy)))
        }
    }
}

/// What was typed. The session that this browser has ends with it, unless its own account proves itself anew.
fn attempt<'a>(
    form: &'a Form,
    session: Option<&'a LiveSession>,
    proves: Option<&'a LiveSession>,
) -> Attempt<'a> {
    Attempt {
        typed: form.text("username"),
        password: Password::parse(form.text("password")).ok().map(Arc::new),
        remember: form.get("remember").is_some(),
        deliver: Deliver::Cookie,
        replaces: session,
        proves,
    }
}

fn own_path(form: &LoginPage<'_>) -> String {
    form.return_to
        .map_or_else(|| "/login".to_owned(), |path| format!("/login?return_to={}", form_urlencoded(path)))
}

/// A value as a query carries it.
pub(crate) fn form_urlencoded(value: &str) -> String {
    url::form_urlencoded::byte_serialize(value.as_bytes()).collect()
}

/// To the login, and back to `path` afterwards.
pub(crate) fn first(path: &str) -> Response {
    page::see_other(&format!("/login?return_to={}", form_urlencoded(path)))
}
