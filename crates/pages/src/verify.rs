//! `/verify?token=…` and what comes after

use crate::frame::{Frame, Shell};
use crate::page::{Page, fill};
use crate::problem::Busy;
use askama::Template;

/// Where the link of the mail lands: a button, so that mail scanners burn nothing. Fields: `token`, `password` (where
/// it is asked).
#[derive(Clone, Copy, Debug, Default)]
pub struct VerifyPage<'a> {
    /// The token of the link.
    pub token: &'a str,
    /// Whether this is another browser than the one that registered: then the chosen password is needed.
    pub ask_password: bool,
    /// Whether the password was not the chosen one.
    pub wrong_password: bool,
    /// Nothing was checked.
    pub busy: Option<Busy>,
}

/// The link was used, is too old, or never was one.
#[derive(Clone, Copy, Debug)]
pub struct VerifyDeadPage;

/// The address is confirmed.
#[derive(Clone, Copy, Debug)]
pub struct VerifiedPage<'a> {
    /// Where it goes on.
    pub next: Next<'a>,
}

/// Where it goes on once an address is confirmed.
#[derive(Clone, Copy, Debug)]
pub enum Next<'a> {
    /// At the login.
    Login,
    /// Likewise, and then at the application that one registered for: its sealed request.
    App(&'a str),
    /// In the browser that registered, for an application. Nobody is led on here: whoever reads the mail elsewhere has
    /// not asked for it.
    Elsewhere,
}

#[derive(Template)]
#[template(path = "verify.html")]
struct View<'a> {
    shell: Shell<'a>,
    page: &'a VerifyPage<'a>,
}

#[derive(Template)]
#[template(path = "verify_dead.html")]
struct DeadView<'a> {
    shell: Shell<'a>,
}

#[derive(Template)]
#[template(path = "verified.html")]
struct DoneView<'a> {
    shell: Shell<'a>,
    next: Next<'a>,
}

impl Page for VerifyPage<'_> {
    const NAME: &'static str = "verify";

    fn render(&self, frame: &Frame<'_>) -> String {
        fill(&View { shell: frame.shell("verify-title"), page: self })
    }

    fn samples() -> Vec<(&'static str, Self)> {
        let link = Self { token: "dG9rZW4\"><script>alert(1)</script>", ..Self::default() };
        let asked = Self { ask_password: true, ..link };
        vec![
            ("button", link),
            ("other-browser", asked),
            ("wrong-password", Self { wrong_password: true, ..asked }),
            ("busy", Self { busy: Some(Busy::Overloaded), ..link }),
        ]
    }
}

impl Page for VerifyDeadPage {
    const NAME: &'static str = "verify_dead";

    fn render(&self, frame: &Frame<'_>) -> String {
        fill(&DeadView { shell: frame.shell("link-dead-title") })
    }

    fn samples() -> Vec<(&'static str, Self)> {
        vec![("page", Self)]
    }
}

impl Page for VerifiedPage<'_> {
    const NAME: &'static str = "verified";

    fn render(&self, frame: &Frame<'_>) -> String {
        fill(&DoneView { shell: frame.shell("verified-title"), next: self.next })
    }

    fn samples() -> Vec<(&'static str, Self)> {
        vec![
            ("page", Self { next: Next::Login }),
            ("for-app", Self { next: Next::App("c2VhbGVk\"><script>alert(1)</script>") }),
            ("elsewhere", Self { next: Next::Elsewhere }),
        ]
    }
}
