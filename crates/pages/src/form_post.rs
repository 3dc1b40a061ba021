//! The answer of `/oauth2/authorize` that travels in a form (OAuth 2.0 Form Post Response Mode).

use crate::assets::{self, Name};
use crate::frame::{Frame, Shell};
use crate::page::{Page, fill};
use askama::Template;

/// A form that sends itself; without scripts, by a button.
#[derive(Clone, Copy, Debug)]
pub struct FormPostPage<'a> {
    /// The client's address.
    pub action: &'a str,
    /// Its host.
    pub host: &'a str,
    /// What it is told.
    pub fields: &'a [(&'static str, &'a str)],
}

#[derive(Template)]
#[template(path = "form_post.html")]
struct View<'a> {
    shell: Shell<'a>,
    page: &'a FormPostPage<'a>,
}

impl View<'_> {
    #[expect(clippy::unused_self, reason = "templates reach links through the view")]
    fn sender(&self) -> &'static str {
        assets::path(Name::Send)
    }
}

impl Page for FormPostPage<'_> {
    const NAME: &'static str = "form_post";

    fn render(&self, frame: &Frame<'_>) -> String {
        fill(&View { shell: frame.shell("form-post-title"), page: self })
    }

    fn samples() -> Vec<(&'static str, Self)> {
        let plain = Self {
            action: "https://notes.example/cb",
            host: "notes.example",
            fields: &[("code", "cs_ac_x"), ("state", "a"), ("iss", "https://id.example")],
        };
        let odd = Self {
            action: "https://notes.example/cb?a=b&c='d'",
            fields: &[("error", "access_denied"), ("state", "\"><script>alert(1)</script>'\u{1f600}")],
            ..plain
        };
        vec![("code", plain), ("odd", odd)]
    }
}
