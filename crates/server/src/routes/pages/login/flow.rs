//! `/login` for an application that asks for it.

use axum::response::Response;
use countersign_core::account::Email;
use countersign_core::authorize::{Decision, Waiting};
use countersign_pages::{Asker, LoginMessage, LoginPage};
use countersign_store::live::LiveSession;
use http::{HeaderMap, StatusCode};

use crate::ctx::Ctx;
use crate::extract::caller::Visitor;
use crate::extract::form::Form;
use crate::flows::authorize::decide;
use crate::flows::login::login;
use crate::flows::waiting::seal;
use crate::respond::problem::{Kind, Problem};
use crate::respond::{cookie, page};
use crate::routes::oauth2::authorize::resume;
use crate::routes::pages::request::{Opened, open};

use super::attempt;

/// What a form looks like when it is shown again.
#[derive(Clone, Copy)]
struct Typed<'a> {
    username: &'a str,
    remember: bool,
    message: Option<LoginMessage>,
}

/// The form, unless nobody has to log in (any more).
pub(super) async fn show(
    ctx: Ctx,
    sealed: &str,
    session: Option<&LiveSession>,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let (ctx, opened) = open(ctx, sealed, headers).await?;
    let opened = match opened {
        Ok(opened) => opened,
        Err(response) => return Ok(*response),
    };
    let (decision, _) = decide(&ctx, &opened.known, session, &opened.waiting).await?;
    if decision != Decision::LogIn {
        return Ok(resume(&ctx, &opened.waiting));
    }
    let present = session.and_then(|live| live.account.email.as_ref()).map(Email::display);
    let hint = opened.waiting.parameters.get("login_hint").filter(|hint| is_plain(hint));
    let username = present.or(hint).unwrap_or("");
    let typed = Typed { username, remember: false, message: None };
    Ok(form(&ctx, &opened, session, (StatusCode::OK, typed)))
}

/// The login. Where the account of this browser's session proves itself, the session stays and gets another secret: what hangs
/// from it lives on.
pub(super) async fn submit(
    ctx: Ctx,
    sealed: &str,
    visitor: Visitor,
    (headers, fields): (&HeaderMap, &Form),
) -> Result<Response, Problem> {
    let (ctx, opened) = open(ctx, sealed, headers).await?;
    let opened = match opened {
        Ok(opened) => opened,
        Err(response) => return Ok(*response),
    };
    let session = visitor.0.as_deref();
    let attempt = attempt(fields, session, session);
    match login(&ctx, &attempt).await {
        Ok(logged_in) => {
            let proved = Some(logged_in.session.id);
            let mut response = resume(&ctx, &Waiting { proved, consented: None, ..opened.waiting });
            cookie::log_in(response.headers_mut(), &ctx, &logged_in);
            Ok(response)
        }
        Err(problem) => {
            let again = |status, message| {
                let typed = Typed {
                    username: fields.text("username"),
                    remember: attempt.remember,
                    message: Some(message),
                };
                form(&ctx, &opened, session, (status, typed))
            };
            if problem.kind == Kind::InvalidCredentials {
                return Ok(again(StatusCode::UNAUTHORIZED, LoginMessage::Refused));
            }
            page::put_off(&ctx, problem, |status, busy| again(status, LoginMessage::Busy(busy)))
        }
    }
}

fn form(
    ctx: &Ctx,
    opened: &Opened,
    session: Option<&LiveSession>,
    (status, typed): (StatusCode, Typed<'_>),
) -> Response {
    let sealed = seal(ctx, &opened.waiting);
    let redirect = &opened.known.request.back.redirect;
    let host = redirect.shown();
    let client = opened.known.stored.client.shown_name();
    let shown = LoginPage {
        username: typed.username,
        remember: typed.remember,
        return_to: None,
        message: typed.message,
        asker: Some(Asker { client, host: &host, request: &sealed }),
        again: session.is_some(),
    };
    let path = format!("/login?request={sealed}");
    page::show_leading_to(ctx, (status, &path, false), &shown, redirect)
}

/// A hint is shown in a field of the form: what nobody could type there is none.
fn is_plain(hint: &str) -> bool {
    hint.len() <= 254 && !hint.contains(char::is_control)
}
