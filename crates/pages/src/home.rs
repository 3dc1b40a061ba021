//! `/`

use crate::frame::{Frame, Shell};
use crate::page::{Page, fill};
use askama::Template;

/// The front door: what this is, and the two ways in.
#[derive(Clone, Copy, Debug)]
pub struct HomePage<'a> {
    /// In the development mode, our own origin: the page then says what to try next.
    pub try_at: Option<&'a str>,
}

#[derive(Template)]
#[template(path = "home.html")]
struct View<'a> {
    shell: Shell<'a>,
    page: &'a HomePage<'a>,
}

impl Page for HomePage<'_> {
    const NAME: &'static str = "home";

    fn render(&self, frame: &Frame<'_>) -> String {
        fill(&View { shell: frame.shell("home-title"), page: self })
    }

    fn samples() -> Vec<(&'static str, Self)> {
        let dev = Self { try_at: Some("http://localhost:8080") };
        vec![("empty", Self { try_at: None }), ("dev", dev)]
    }
}
