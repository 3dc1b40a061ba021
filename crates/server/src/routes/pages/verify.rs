//! `/verify`: by the mailed link or the mailed code.
//!
//! The link leads to a page with a button: a mail scanner that follows it burns nothing (attack REC-08).

use std::sync::Arc;

use axum::response::Response;
use countersign_core::account::Email;
use countersign_core::account::verify::Refusal;
use countersign_core::credential::Password;
use countersign_core::secret::{Hash, Secret};
use countersign_pages::{
    CheckMailPage, CodeProblem, EmailProblem, Next, VerifiedPage, VerifyDeadPage, VerifyPage,
};
use countersign_store::account::verify::verify_facts_by_token;
use http::{HeaderMap, StatusCode};

use crate::ctx::Ctx;
use crate::extract::cookies::{Cookies, LOGIN};
use crate::extract::form::{Form, Query};
use crate::flows::register::resend as send_again;
use crate::flows::verify::{Claim, Code, Verification, Verified, verify};
use crate::flows::waiting::{kept_for, seal, unseal};
use crate::respond::page;
use crate::respond::problem::Problem;

use super::register::{check_mail, with_request};

/// With `token`: the button, and elsewhere than in the browser that registered a field for the password. Without: the
/// form for the code.
pub(crate) async fn show(ctx: Ctx, query: Query, headers: HeaderMap) -> Result<Response, Problem> {
    let browser = Cookies::of(&headers).secret(LOGIN);
    let Some(token) = query.get("token") else {
        let shown = CheckMailPage {
            email: query.get("email").unwrap_or(""),
            code: "",
            ask_password: browser.is_none(),
            request: query.get("request").filter(|sealed| unseal(&ctx, sealed).is_ok()),
            resent: query.get("resent").is_some(),
            problem: None,
        };
        return Ok(page::show(&ctx, (StatusCode::OK, &code_path(shown.request), false), &shown));
    };
    let same_browser = match (Secret::parse(token), browser) {
        (Ok(secret), Some(browser)) => {
            let found = verify_facts_by_token(&ctx.app.store, secret.hash()).await?;
            found.is_some_and(|found| found.pending.browser == Some(browser.hash()))
        }
        _ => false,
    };
    let shown = VerifyPage { token, ask_password: !same_browser, wrong_password: false, busy: None };
    Ok(page::show(&ctx, (StatusCode::OK, &format!("/verify?token={token}"), false), &shown))
}

/// Fields: `token` and perhaps `password`; or `email`, `code` and perhaps `password`.
pub(crate) async fn submit(ctx: Ctx, headers: HeaderMap, form: Form) -> Result<Response, Problem> {
    let given = form.get("password").filter(|password| !password.is_empty());
    let password = given.map(|password| Password::parse(password).map(Arc::new));
    let browser = Cookies::of(&headers).secret(LOGIN).map(|secret| secret.hash());
    if let Some(token) = form.get("token") {
        let secret = Secret::parse(token).ok();
        let next = after_link(&ctx, secret.as_ref(), browser).await?;
        let claim = Claim::Link(secret);
        let came = verify(&ctx, &Verification { claim, password, browser }).await;
        return by_link(&ctx, (token, next), came);
    }
    let came = match (Email::parse(form.text("email")), Code::parse(form.text("code"))) {
        (Err(_), _) => Err(CodeProblem::Email(EmailProblem::Invalid)),
        (Ok(_), None) => Err(CodeProblem::Wrong),
        (Ok(email), Some(code)) => {
            let claim = Claim::Code(email, code);
            Ok(verify(&ctx, &Verification { claim, password, browser }).await)
        }
    };
    by_code(&ctx, &form, came)
}

/// Where it goes on after a link that is good. What a browser registered for waits for that browser alone.
async fn after_link(ctx: &Ctx, token: Option<&Secret>, browser: Option<Hash>) -> Result<Goes, Problem> {
    let Some(token) = token else { return Ok(Goes::Login) };
    let found = verify_facts_by_token(&ctx.app.store, token.hash()).await?;
    let Some(registered) = found.and_then(|found| found.pending.browser) else { return Ok(Goes::Login) };
    Ok(match kept_for(ctx, &registered) {
        None => Goes::Login,
        Some(waiting) if browser == Some(registered) => Goes::App(seal(ctx, &waiting)),
        Some(_) => Goes::Elsewhere,
    })
}

/// Where it goes on.
enum Goes {
    Login,
    App(String),
    Elsewhere,
}

impl Goes {
    fn shown(&self) -> Next<'_> {
        match self {
            Self::Login => Next::Login,
            Self::App(sealed) => Next::App(sealed),
            Self::Elsewhere => Next::Elsewhere,
        }
    }
}

fn by_link(
    ctx: &Ctx,
    (token, next): (&str, Goes),
    came: Result<Verified, Problem>,
) -> Result<Response, Problem> {
    let mut shown = VerifyPage { token, ask_password: true, wrong_password: false, busy: None };
    let status = match came {
        Ok(Verified::Done) => return Ok(done(ctx, next.shown())),
        Ok(Verified::AskPassword) => StatusCode::BAD_REQUEST,
        Ok(Verified::Refused(Refusal::WrongPassword)) => {
            shown.wrong_password = true;
            StatusCode::BAD_REQUEST
        }
        Ok(Verified::Refused(_)) => {
            return Ok(page::show(ctx, (StatusCode::BAD_REQUEST, "/verify", false), &VerifyDeadPage));
        }
        Err(problem) => {
            return page::put_off(ctx, problem, |status, busy| {
                let shown = VerifyPage { busy: Some(busy), ..shown };
                page::show(ctx, (status, "/verify", false), &shown)
            });
        }
    };
    Ok(page::show(ctx, (status, "/verify", false), &shown))
}

fn by_code(
    ctx: &Ctx,
    form: &Form,
    came: Result<Result<Verified, Problem>, CodeProblem>,
) -> Result<Response, Problem> {
    let request = form.get("request").filter(|sealed| unseal(ctx, sealed).is_ok());
    let again = |status, problem: Option<CodeProblem>| {
        // Only a code that was right, and lacks the password, is worth another try.
        let code = if problem.is_none() { form.text("code") } else { "" };
        let email = form.text("email");
        let shown = CheckMailPage { email, code, ask_password: true, request, resent: false, problem };
        page::show(ctx, (status, &code_path(request), false), &shown)
    };
    let problem = match came {
        Ok(Ok(Verified::Done)) => return Ok(done(ctx, request.map_or(Next::Login, Next::App))),
        Ok(Ok(Verified::AskPassword)) => None,
        // Wrong, too late, unknown, or no tries left: one answer (I14).
        Ok(Ok(Verified::Refused(_))) => Some(CodeProblem::Wrong),
        Ok(Err(problem)) => {
            return page::put_off(ctx, problem, |status, busy| again(status, Some(CodeProblem::Busy(busy))));
        }
        Err(problem) => Some(problem),
    };
    Ok(again(StatusCode::BAD_REQUEST, problem))
}

fn done(ctx: &Ctx, next: Next<'_>) -> Response {
    let request = if let Next::App(sealed) = next { Some(sealed) } else { None };
    let path = with_request("/login".to_owned(), '?', request);
    page::show(ctx, (StatusCode::OK, &path, false), &VerifiedPage { next })
}

fn code_path(request: Option<&str>) -> String {
    with_request("/verify?sent=1".to_owned(), '&', request)
}

/// `POST /verify/resend`, field `email`: the same answer for every address.
pub(crate) async fn resend(ctx: Ctx, headers: HeaderMap, form: Form) -> Result<Response, Problem> {
    let email = form.text("email");
    if let Ok(address) = Email::parse(email) {
        let browser = Cookies::of(&headers).secret(LOGIN);
        send_again(&ctx, &address, browser.as_ref()).await?;
    }
    Ok(page::see_other(&format!("{}&resent=1", check_mail(email, form.get("request")))))
}
