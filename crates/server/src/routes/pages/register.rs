//! `/register`

use std::sync::Arc;

use axum::response::Response;
use countersign_core::Span;
use countersign_core::account::{DisplayName, Email};
use countersign_core::credential::Password;
use countersign_core::credential::policy::Rejection;
use countersign_pages::{EmailProblem, NameProblem, RegisterPage, RegisterProblems};
use http::StatusCode;

use crate::ctx::Ctx;
use crate::extract::form::{Form, Query};
use crate::flows::register::{Registered, Registration, register};
use crate::flows::waiting::{keep_for, unseal};
use crate::respond::problem::Problem;
use crate::respond::{cookie, page};

use super::login::form_urlencoded;

const PATH: &str = "/register";

pub(crate) async fn show(ctx: Ctx, query: Query) -> Response {
    let request = query.get("request").filter(|sealed| unseal(&ctx, sealed).is_ok());
    page::show(
        &ctx,
        (StatusCode::OK, &own_path(request), false),
        &RegisterPage { request, ..RegisterPage::default() },
    )
}

/// Fields: `email`, `name`, `password`, and perhaps `request`: that of an application, which goes on afterwards. Known or not, an address gets the same answer (I14).
pub(crate) async fn submit(ctx: Ctx, form: Form) -> Result<Response, Problem> {
    let registration = match read(&ctx, &form) {
        Ok(registration) => registration,
        Err(problems) => return Ok(again(&ctx, &form, (StatusCode::BAD_REQUEST, problems))),
    };
    match register(&ctx, registration).await {
        Ok(Registered::Done(browser)) => {
            let request = form.get("request");
            if let Some(waiting) = request.and_then(|sealed| unseal(&ctx, sealed).ok()) {
                keep_for(&ctx, &browser.hash(), &waiting);
            }
            let mut response = page::see_other(&check_mail(form.text("email"), request));
            cookie::login(response.headers_mut(), &browser, life(&ctx));
            Ok(response)
        }
        Ok(Registered::Rejected(rejection)) => {
            let problems =
                RegisterProblems { password: Some(rejection.into()), ..RegisterProblems::default() };
            Ok(again(&ctx, &form, (StatusCode::BAD_REQUEST, problems)))
        }
        Err(problem) => page::put_off(&ctx, problem, |status, busy| {
            again(&ctx, &form, (status, RegisterProblems { busy: Some(busy), ..RegisterProblems::default() }))
        }),
    }
}

/// The page that waits for the mail's code.
pub(crate) fn check_mail(email: &str, request: Option<&str>) -> String {
    let path = format!("/verify?sent=1&email={}", form_urlencoded(email));
    with_request(path, '&', request)
}

fn own_path(request: Option<&str>) -> String {
    with_request(PATH.to_owned(), '?', request)
}

/// The path, with the request of the application that one registers for.
pub(crate) fn with_request(path: String, joint: char, request: Option<&str>) -> String {
    match request {
        Some(sealed) => format!("{path}{joint}request={}", form_urlencoded(sealed)),
        None => path,
    }
}

/// The browser that registered is known as long as its mail works.
fn life(ctx: &Ctx) -> Span {
    ctx.app.policy.verification
}

/// All that is wrong, at once.
fn read(ctx: &Ctx, form: &Form) -> Result<Registration, RegisterProblems> {
    let email = Email::parse(form.text("email"));
    let name =
        Some(form.text("name").trim()).filter(|name| !name.is_empty()).map(DisplayName::parse).transpose();
    let password = Password::parse(form.text("password")).map_err(Rejection::from);
    match (email, name, password) {
        (Ok(email), Ok(name), Ok(password)) => {
            Ok(Registration { email, name, locale: ctx.locale, password: Arc::new(password) })
        }
        (email, name, password) => Err(RegisterProblems {
            email: email.err().map(|_| EmailProblem::Invalid),
            name: name.err().map(|_| NameProblem::Invalid),
            password: password.err().map(Into::into),
            busy: None,
        }),
    }
}

fn again(ctx: &Ctx, form: &Form, (status, problems): (StatusCode, RegisterProblems)) -> Response {
    let request = form.get("request").filter(|sealed| unseal(ctx, sealed).is_ok());
    let shown = RegisterPage { email: form.text("email"), name: form.text("name"), request, problems };
    page::show(ctx, (status, &own_path(request), false), &shown)
}
