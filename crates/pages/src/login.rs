//! `/login`

use crate::frame::{Frame, Shell};
use crate::page::{Page, fill};
use crate::problem::Busy;
use askama::Template;

/// The way in. Fields: `username`, `password`, `remember`, `return_to`.
#[derive(Clone, Copy, Debug, Default)]
pub struct LoginPage<'a> {
    /// What was typed as the identifier.
    pub username: &'a str,
    /// Whether "keep me signed in" was ticked.
    pub remember: bool,
    /// The path of ours to go to afterwards.
    pub return_to: Option<&'a str>,
    /// What to say first.
    pub message: Option<LoginMessage>,
    /// The application that asks for the login, if one does.
    pub asker: Option<Asker<'a>>,
    /// Somebody is signed in, and shall prove that it is still them.
    pub again: bool,
}

/// The application that a page is shown for. Whoever made it up chose its name: the host tells where one goes (attack OAU-12).
#[derive(Clone, Copy, Debug)]
pub struct Asker<'a> {
    /// What it calls itself.
    pub client: &'a str,
    /// Where the browser goes next.
    pub host: &'a str,
    /// The sealed request.
    pub request: &'a str,
}

impl Asker<'static> {
    pub(crate) const SAMPLE: Self = Self { client: "Notes", host: "notes.example", request: "c2VhbGVk" };
    pub(crate) const ODD: Self = Self {
        client: "\"><script>alert(1)</script> Countersign, the app with the longest name that anybody ever thought of",
        host: "an-unreasonably-long-host-name-that-goes-on-and-on-and-on.and-on-again.notes.example:65535",
        request: "c2VhbGVk\"><script>alert(1)</script>",
    };
}

/// What the login page says first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginMessage {
    /// The password was changed or reset; every session ended.
    PasswordChanged,
    /// The session this browser had has ended.
    SessionEnded,
    /// No such account, wrong password, not allowed in: all the same (I14).
    Refused,
    /// Nothing was checked.
    Busy(Busy),
}

impl LoginMessage {
    fn key(self) -> &'static str {
        match self {
            Self::PasswordChanged => "login-password-changed",
            Self::SessionEnded => "login-session-ended",
            Self::Refused => "login-refused",
            Self::Busy(busy) => busy.key(),
        }
    }

    fn busy(self) -> Option<Busy> {
        if let Self::Busy(busy) = self { Some(busy) } else { None }
    }

    fn is_good(self) -> bool {
        matches!(self, Self::PasswordChanged | Self::SessionEnded)
    }
}

#[derive(Template)]
#[template(path = "login.html")]
struct View<'a> {
    shell: Shell<'a>,
    page: &'a LoginPage<'a>,
}

impl View<'_> {
    fn refused(&self) -> bool {
        self.page.message == Some(LoginMessage::Refused)
    }
}

impl Page for LoginPage<'_> {
    const NAME: &'static str = "login";

    fn render(&self, frame: &Frame<'_>) -> String {
        let title = if self.again { "login-again-title" } else { "login-title" };
        fill(&View { shell: frame.shell(title), page: self })
    }

    fn samples() -> Vec<(&'static str, Self)> {
        let typed = Self { username: "kim@example.org", remember: true, ..Self::default() };
        let long = Self {
            username: "a-very-long-address-that-somebody-really-has-and-types-without-a-break@example.org",
            return_to: Some("/account/sessions?from=\"><script>alert(1)</script>"),
            ..typed
        };
        let says = |message| Self { message: Some(message), ..typed };
        vec![
            ("empty", Self::default()),
            ("refused", says(LoginMessage::Refused)),
            ("throttled", says(LoginMessage::Busy(Busy::Throttled { minutes: 16 }))),
            ("overloaded", says(LoginMessage::Busy(Busy::Overloaded))),
            ("password-changed", says(LoginMessage::PasswordChanged)),
            ("session-ended", says(LoginMessage::SessionEnded)),
            ("long", long),
            ("for-app", Self { asker: Some(Asker::SAMPLE), ..Self::default() }),
            ("again", Self { asker: Some(Asker::SAMPLE), again: true, ..typed }),
            ("for-odd-app", Self { asker: Some(Asker::ODD), ..typed }),
        ]
    }
}
