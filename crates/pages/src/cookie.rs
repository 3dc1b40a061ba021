//! Shown after a login whose next request brought no cookie (I5).

use crate::frame::{Frame, Shell};
use crate::page::{Page, fill};
use askama::Template;

/// The browser did not keep the session cookie: why that happens, and what to do.
#[derive(Clone, Copy, Debug)]
pub struct CookiePage;

#[derive(Template)]
#[template(path = "cookie.html")]
struct View<'a> {
    shell: Shell<'a>,
}

impl Page for CookiePage {
    const NAME: &'static str = "cookie";

    fn render(&self, frame: &Frame<'_>) -> String {
        fill(&View { shell: frame.shell("cookie-title") })
    }

    fn samples() -> Vec<(&'static str, Self)> {
        vec![("page", Self)]
    }
}
