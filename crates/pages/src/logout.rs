//! `/logout`

use crate::frame::{Frame, Shell};
use crate::page::{Page, fill};
use askama::Template;

/// "Sign out?", with a button: no GET ends a session.
#[derive(Clone, Copy, Debug)]
pub struct LogoutPage;

/// "You are signed out".
#[derive(Clone, Copy, Debug)]
pub struct LoggedOutPage;

#[derive(Template)]
#[template(path = "logout.html")]
struct View<'a> {
    shell: Shell<'a>,
}

#[derive(Template)]
#[template(path = "logged_out.html")]
struct DoneView<'a> {
    shell: Shell<'a>,
}

impl Page for LogoutPage {
    const NAME: &'static str = "logout";
    const SIGNED_IN: bool = true;

    fn render(&self, frame: &Frame<'_>) -> String {
        fill(&View { shell: frame.shell("logout-title") })
    }

    fn samples() -> Vec<(&'static str, Self)> {
        vec![("page", Self)]
    }
}

impl Page for LoggedOutPage {
    const NAME: &'static str = "logged_out";

    fn render(&self, frame: &Frame<'_>) -> String {
        fill(&DoneView { shell: frame.shell("logged-out-title") })
    }

    fn samples() -> Vec<(&'static str, Self)> {
        vec![("page", Self)]
    }
}
