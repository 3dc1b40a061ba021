//! `/reset?token=…`

use crate::frame::{Frame, Shell};
use crate::page::{Page, fill};
use crate::problem::{Busy, PasswordProblem};
use askama::Template;

/// A new password by a mailed link. Fields: `token`, `password`.
#[derive(Clone, Copy, Debug, Default)]
pub struct ResetPage<'a> {
    /// The token of the link.
    pub token: &'a str,
    /// Why the password was refused.
    pub problem: Option<PasswordProblem>,
    /// Nothing was changed.
    pub busy: Option<Busy>,
}

/// The link was used, is too old, or never was one.
#[derive(Clone, Copy, Debug)]
pub struct ResetDeadPage;

#[derive(Template)]
#[template(path = "reset.html")]
struct View<'a> {
    shell: Shell<'a>,
    page: &'a ResetPage<'a>,
}

#[derive(Template)]
#[template(path = "reset_dead.html")]
struct DeadView<'a> {
    shell: Shell<'a>,
}

impl Page for ResetPage<'_> {
    const NAME: &'static str = "reset";

    fn render(&self, frame: &Frame<'_>) -> String {
        fill(&View { shell: frame.shell("reset-title"), page: self })
    }

    fn samples() -> Vec<(&'static str, Self)> {
        let link = Self { token: "dG9rZW4\"><script>alert(1)</script>", ..Self::default() };
        vec![
            ("empty", link),
            ("refused", Self { problem: Some(PasswordProblem::Common), ..link }),
            ("busy", Self { busy: Some(Busy::Overloaded), ..link }),
        ]
    }
}

impl Page for ResetDeadPage {
    const NAME: &'static str = "reset_dead";

    fn render(&self, frame: &Frame<'_>) -> String {
        fill(&DeadView { shell: frame.shell("link-dead-title") })
    }

    fn samples() -> Vec<(&'static str, Self)> {
        vec![("page", Self)]
    }
}
