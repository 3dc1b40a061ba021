//! `/consent`

use crate::frame::{Frame, Shell};
use crate::page::{Page, fill};
use crate::scopes::AskedFor;
use crate::text::Texts;
use askama::Template;

/// Who asks, what for, in whose account, and where one goes next. Buttons: `consent-allow`, `consent-deny`.
#[derive(Clone, Debug)]
pub struct ConsentPage<'a> {
    /// What the application calls itself.
    pub client: &'a str,
    /// Who is signed in.
    pub account: &'a str,
    /// The scopes that it asks for.
    pub scopes: Vec<&'a str>,
    /// The APIs that it asks for.
    pub resources: Vec<&'a str>,
    /// Where the browser goes next.
    pub host: &'a str,
    /// The sealed request.
    pub request: &'a str,
}

#[derive(Template)]
#[template(path = "consent.html")]
struct View<'a> {
    shell: Shell<'a>,
    page: &'a ConsentPage<'a>,
    asked: AskedFor<'a>,
}

impl Page for ConsentPage<'_> {
    const NAME: &'static str = "consent";

    fn render(&self, frame: &Frame<'_>) -> String {
        let title = Texts::of(frame.locale).with("consent-title", "app", self.client);
        let asked = AskedFor { scopes: &self.scopes, resources: &self.resources };
        fill(&View { shell: frame.shell_titled(title), page: self, asked })
    }

    fn samples() -> Vec<(&'static str, Self)> {
        let plain = Self {
            client: "Notes",
            account: "kim@example.org",
            scopes: vec!["openid", "profile", "email", "offline_access"],
            resources: vec![],
            host: "notes.example",
            request: "c2VhbGVk",
        };
        let odd = Self {
            client: "\"><script>alert(1)</script>, the app with the longest name that anybody ever thought of",
            account: "a-very-long-address-that-somebody-really-has-and-types-without-a-break@example.org",
            scopes: vec!["openid", "address", "phone", "account", "admin", "notes.<read>"],
            resources: vec!["https://api.example.com/an/unreasonably/long/path/that/goes/on/and/on"],
            host: "127.0.0.1:65535",
            request: "c2VhbGVk\"><script>alert(1)</script>",
        };
        let bare = |scopes| Self { scopes, ..plain.clone() };
        vec![
            ("plain", plain.clone()),
            ("only-you", bare(vec!["openid"])),
            ("nothing", bare(vec![])),
            ("odd", odd),
        ]
    }
}
