//! `/verify?sent=1`

use crate::frame::{Frame, Shell};
use crate::page::{Page, fill};
use crate::problem::{Busy, EmailProblem};
use askama::Template;

/// "Check your mail", the same whether the address was known or not (I14). Fields: `email`, `code`, `password` (where
/// it is asked); the second form, `/verify/resend`, has `email`.
#[derive(Clone, Copy, Debug, Default)]
pub struct CheckMailPage<'a> {
    /// The address, where this browser knows it.
    pub email: &'a str,
    /// The code that was typed, where it is still good for another try.
    pub code: &'a str,
    /// Whether this is another browser than the one that registered: then the chosen password is needed.
    pub ask_password: bool,
    /// The sealed request of the application that one registered for, if there is one.
    pub request: Option<&'a str>,
    /// Whether the mail was just sent again.
    pub resent: bool,
    /// What is wrong.
    pub problem: Option<CodeProblem>,
}

/// Why a code did not confirm an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeProblem {
    /// Wrong code, wrong password, expired, unknown address: all the same.
    Wrong,
    /// Too many wrong codes: only the link still works.
    TooMany,
    /// Not an address.
    Email(EmailProblem),
    /// Nothing was checked.
    Busy(Busy),
}

#[derive(Template)]
#[template(path = "check_mail.html")]
struct View<'a> {
    shell: Shell<'a>,
    page: &'a CheckMailPage<'a>,
    code_problem: Option<&'static str>,
    email_problem: Option<&'static str>,
    busy: Option<Busy>,
}

impl Page for CheckMailPage<'_> {
    const NAME: &'static str = "check_mail";

    fn render(&self, frame: &Frame<'_>) -> String {
        let (code_problem, email_problem, busy) = match self.problem {
            Some(CodeProblem::Wrong) if self.ask_password => (Some("code-or-password-wrong"), None, None),
            Some(CodeProblem::Wrong) => (Some("code-wrong"), None, None),
            Some(CodeProblem::TooMany) => (Some("code-too-many"), None, None),
            Some(CodeProblem::Email(problem)) => (None, Some(problem.key()), None),
            Some(CodeProblem::Busy(busy)) => (None, None, Some(busy)),
            None => (None, None, None),
        };
        let shell = frame.shell("check-mail-title");
        fill(&View { shell, page: self, code_problem, email_problem, busy })
    }

    fn samples() -> Vec<(&'static str, Self)> {
        let sent = Self { email: "kim@example.org", ..Self::default() };
        let with = |problem| Self { problem: Some(problem), ..sent };
        let long = Self {
            email: "a-very-long-address-that-somebody-really-has\"><script>alert(1)</script>@example.org",
            ask_password: true,
            ..with(CodeProblem::Wrong)
        };
        vec![
            ("sent", sent),
            ("for-app", Self { request: Some("c2VhbGVk\"><script>alert(1)</script>"), ..sent }),
            ("resent", Self { resent: true, ..sent }),
            ("unknown-browser", Self::default()),
            ("other-browser", Self { ask_password: true, code: "012345", ..sent }),
            ("too-many", with(CodeProblem::TooMany)),
            ("email", with(CodeProblem::Email(EmailProblem::Invalid))),
            ("busy", with(CodeProblem::Busy(Busy::Throttled { minutes: 1 }))),
            ("long", long),
        ]
    }
}
