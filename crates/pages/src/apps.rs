//! `/account/apps`

use crate::frame::{Frame, NavTab, Shell};
use crate::page::{Page, fill};
use askama::Template;
use countersign_core::Time;

/// The applications that the account let in. Form: `/account/apps/remove` with the field `client`.
#[derive(Clone, Debug)]
pub struct AppsPage<'a> {
    /// The oldest first.
    pub items: Vec<AppItem<'a>>,
    /// One was just removed.
    pub removed: bool,
}

/// One application.
#[derive(Clone, Debug)]
pub struct AppItem<'a> {
    /// Its id.
    pub client: &'a str,
    /// What it calls itself.
    pub name: &'a str,
    /// What it may do.
    pub scopes: Vec<&'a str>,
    /// Since when.
    pub since: Time,
}

#[derive(Template)]
#[template(path = "apps.html")]
struct View<'a> {
    shell: Shell<'a>,
    page: &'a AppsPage<'a>,
}

impl Page for AppsPage<'_> {
    const NAME: &'static str = "apps";
    const SIGNED_IN: bool = true;

    fn render(&self, frame: &Frame<'_>) -> String {
        fill(&View { shell: frame.shell_in(NavTab::Apps, "apps-title"), page: self })
    }

    fn samples() -> Vec<(&'static str, Self)> {
        let notes = AppItem {
            client: "notes",
            name: "Notes",
            scopes: vec!["openid", "email", "offline_access"],
            since: Time::from_micros(1_795_496_531_000_000),
        };
        let odd = AppItem {
            client: "https://app.example/client.json?\"><script>alert(1)</script>",
            name: "<script>alert(1)</script>, the app with the longest name that anybody ever thought of",
            scopes: vec!["openid", "an.unreasonably.long.scope.of.somebody.who.likes.long.scopes<b>"],
            ..notes.clone()
        };
        vec![
            ("none", Self { items: vec![], removed: true }),
            ("some", Self { items: vec![notes.clone(), odd], removed: false }),
        ]
    }
}
