//! `/register`

use crate::frame::{Frame, Shell};
use crate::page::{Page, fill};
use crate::problem::{Busy, EmailProblem, NameProblem, PasswordProblem};
use askama::Template;

/// A new account. Fields: `email`, `name` (may be empty), `password`.
#[derive(Clone, Copy, Debug, Default)]
pub struct RegisterPage<'a> {
    /// What was typed.
    pub email: &'a str,
    /// What was typed.
    pub name: &'a str,
    /// The sealed request of the application that one registers for, if there is one.
    pub request: Option<&'a str>,
    /// What is wrong with it.
    pub problems: RegisterProblems,
}

/// What is wrong with a registration, field by field.
#[derive(Clone, Copy, Debug, Default)]
pub struct RegisterProblems {
    /// With the address.
    pub email: Option<EmailProblem>,
    /// With the name.
    pub name: Option<NameProblem>,
    /// With the password.
    pub password: Option<PasswordProblem>,
    /// With the moment.
    pub busy: Option<Busy>,
}

#[derive(Template)]
#[template(path = "register.html")]
struct View<'a> {
    shell: Shell<'a>,
    page: &'a RegisterPage<'a>,
    problems: RegisterProblems,
}

impl Page for RegisterPage<'_> {
    const NAME: &'static str = "register";

    fn render(&self, frame: &Frame<'_>) -> String {
        fill(&View { shell: frame.shell("register-title"), page: self, problems: self.problems })
    }

    fn samples() -> Vec<(&'static str, Self)> {
        let typed = Self { email: "kim@example.org", name: "김민지", ..Self::default() };
        let with = |problems| Self { problems, ..typed };
        let every = RegisterProblems {
            email: Some(EmailProblem::Invalid),
            name: Some(NameProblem::Invalid),
            password: Some(PasswordProblem::TooShort),
            busy: None,
        };
        let long = Self {
            email: "\"><script>alert(1)</script>",
            name: "Hubert Blaine Wolfeschlegelsteinhausenbergerdorff Senior '\"><img src=x onerror=alert(1)>",
            request: Some("c2VhbGVk\"><script>alert(1)</script>"),
            problems: every,
        };
        vec![
            ("empty", Self::default()),
            ("too-long", with(password(PasswordProblem::TooLong))),
            ("common", with(password(PasswordProblem::Common))),
            ("guessable", with(password(PasswordProblem::Guessable))),
            ("context", with(password(PasswordProblem::Context))),
            ("busy", with(RegisterProblems { busy: Some(Busy::Overloaded), ..RegisterProblems::default() })),
            ("long", long),
        ]
    }
}

fn password(problem: PasswordProblem) -> RegisterProblems {
    RegisterProblems { password: Some(problem), ..RegisterProblems::default() }
}
