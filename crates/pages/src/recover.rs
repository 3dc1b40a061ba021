//! `/recover`

use crate::frame::{Frame, Shell};
use crate::page::{Page, fill};
use crate::problem::{Busy, EmailProblem};
use askama::Template;

/// A link for a new password is asked for. Field: `email`.
#[derive(Clone, Copy, Debug, Default)]
pub struct RecoverPage<'a> {
    /// What was typed.
    pub email: &'a str,
    /// What is wrong with it.
    pub problem: Option<EmailProblem>,
    /// Nothing was sent.
    pub busy: Option<Busy>,
}

/// "Check your mail", the same for every address (I14).
#[derive(Clone, Copy, Debug)]
pub struct RecoverSentPage;

#[derive(Template)]
#[template(path = "recover.html")]
struct View<'a> {
    shell: Shell<'a>,
    page: &'a RecoverPage<'a>,
}

#[derive(Template)]
#[template(path = "recover_sent.html")]
struct SentView<'a> {
    shell: Shell<'a>,
}

impl Page for RecoverPage<'_> {
    const NAME: &'static str = "recover";

    fn render(&self, frame: &Frame<'_>) -> String {
        fill(&View { shell: frame.shell("recover-title"), page: self })
    }

    fn samples() -> Vec<(&'static str, Self)> {
        let invalid = Self {
            email: "a-very-long-word-that-is-no-address-at-all-and-has-no-break\"><script>alert(1)</script>",
            problem: Some(EmailProblem::Invalid),
            busy: None,
        };
        let busy =
            Self { email: "kim@example.org", problem: None, busy: Some(Busy::Throttled { minutes: 16 }) };
        vec![("empty", Self::default()), ("invalid", invalid), ("busy", busy)]
    }
}

impl Page for RecoverSentPage {
    const NAME: &'static str = "recover_sent";

    fn render(&self, frame: &Frame<'_>) -> String {
        fill(&SentView { shell: frame.shell("check-mail-title") })
    }

    fn samples() -> Vec<(&'static str, Self)> {
        vec![("page", Self)]
    }
}
