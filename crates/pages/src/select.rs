//! `/select`

use crate::frame::{Frame, Shell};
use crate::login::Asker;
use crate::page::{Page, fill};
use askama::Template;

/// Which account an application gets. Buttons: `select-continue`, `select-other`.
#[derive(Clone, Copy, Debug)]
pub struct SelectPage<'a> {
    /// Who is signed in.
    pub account: &'a str,
    /// The application that asks.
    pub asker: Asker<'a>,
}

#[derive(Template)]
#[template(path = "select.html")]
struct View<'a> {
    shell: Shell<'a>,
    page: &'a SelectPage<'a>,
}

impl Page for SelectPage<'_> {
    const NAME: &'static str = "select";

    fn render(&self, frame: &Frame<'_>) -> String {
        fill(&View { shell: frame.shell("select-title"), page: self })
    }

    fn samples() -> Vec<(&'static str, Self)> {
        let long = "a-very-long-address-that-somebody-really-has-and-types-without-a-break@example.org";
        vec![
            ("plain", Self { account: "kim@example.org", asker: Asker::SAMPLE }),
            ("odd", Self { account: long, asker: Asker::ODD }),
        ]
    }
}
