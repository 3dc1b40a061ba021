//! `/account/sessions`

use crate::frame::{Frame, NavTab, Shell};
use crate::page::{Page, fill};
use askama::Template;
use countersign_core::Time;
use countersign_core::session::{Face, Method};

/// Where one is signed in: sessions of browsers and logins by token in one list, each with what ends it. Forms:
/// `/account/sessions/{id}/end` and `/account/sessions/end-others`.
#[derive(Clone, Debug)]
pub struct SessionsPage<'a> {
    /// The present session first, then by last use.
    pub items: Vec<SessionItem<'a>>,
    /// What was just done.
    pub notice: Option<SessionsNotice>,
}

/// One login.
#[derive(Clone, Debug)]
pub struct SessionItem<'a> {
    /// `ses_…`
    pub id: &'a str,
    /// How its requests prove themselves.
    pub face: Face,
    /// `Firefox`, where known.
    pub browser: Option<&'a str>,
    /// `Android`, where known.
    pub system: Option<&'a str>,
    /// Whether it is the one that asks.
    pub current: bool,
    /// How its owner proved who they are.
    pub methods: Vec<Method>,
    /// When it was opened.
    pub created: Time,
    /// When it was last used, to within some minutes.
    pub last_seen: Time,
}

/// What was just done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionsNotice {
    /// One session was ended.
    EndedOne,
    /// All others were ended.
    EndedOthers,
}

impl SessionsNotice {
    fn key(self) -> &'static str {
        match self {
            Self::EndedOne => "sessions-ended-one",
            Self::EndedOthers => "sessions-ended-others",
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Icon {
    Computer,
    Phone,
    Key,
}

impl SessionItem<'_> {
    fn icon(&self) -> Icon {
        match (self.face, self.system) {
            (Face::Token, _) => Icon::Key,
            (Face::Cookie, Some("Android" | "iPhone" | "iPad" | "iOS")) => Icon::Phone,
            (Face::Cookie, _) => Icon::Computer,
        }
    }

    /// `Firefox · Android`; `None` where neither is known.
    fn device(&self) -> Option<String> {
        let known: Vec<&str> = [self.browser, self.system].into_iter().flatten().collect();
        (!known.is_empty()).then(|| known.join(" · "))
    }
}

fn method_key(method: Method) -> &'static str {
    match method {
        Method::Password => "method-password",
    }
}

#[derive(Template)]
#[template(path = "sessions.html")]
struct View<'a> {
    shell: Shell<'a>,
    page: &'a SessionsPage<'a>,
}

impl View<'_> {
    fn methods(&self, item: &SessionItem<'_>) -> String {
        let words: Vec<_> = item.methods.iter().map(|method| self.shell.t(method_key(*method))).collect();
        words.join(", ")
    }

    fn has_others(&self) -> bool {
        self.page.items.iter().any(|item| !item.current)
    }
}

impl Page for SessionsPage<'_> {
    const NAME: &'static str = "sessions";
    const SIGNED_IN: bool = true;

    fn render(&self, frame: &Frame<'_>) -> String {
        fill(&View { shell: frame.shell_in(NavTab::Devices, "sessions-title"), page: self })
    }

    fn samples() -> Vec<(&'static str, Self)> {
        let only = vec![this_device()];
        vec![
            ("only", Self { items: only.clone(), notice: None }),
            ("many", Self { items: many(), notice: None }),
            ("ended-one", Self { items: many(), notice: Some(SessionsNotice::EndedOne) }),
            ("ended-others", Self { items: only, notice: Some(SessionsNotice::EndedOthers) }),
        ]
    }
}

fn this_device() -> SessionItem<'static> {
    SessionItem {
        id: "ses_01jd8x0000000000000001",
        face: Face::Cookie,
        browser: Some("Chrome"),
        system: Some("macOS"),
        current: true,
        methods: vec![Method::Password],
        created: Time::from_micros(1_795_496_531_000_000),
        last_seen: Time::from_micros(1_795_505_400_000_000),
    }
}

fn many() -> Vec<SessionItem<'static>> {
    let other = SessionItem { current: false, methods: vec![Method::Password], ..this_device() };
    vec![
        this_device(),
        SessionItem { id: "ses_2", browser: Some("Safari"), system: Some("iPhone"), ..other.clone() },
        SessionItem { id: "ses_3", face: Face::Token, browser: Some("curl"), system: None, ..other.clone() },
        SessionItem { id: "ses_4", browser: None, system: None, methods: Vec::new(), ..other.clone() },
        SessionItem {
            id: "ses_5\"><script>alert(1)</script>",
            browser: Some("AnInAppBrowserWithAnUnreasonablyLongNameWithoutAnyBreak<script>"),
            system: Some("SomeOperatingSystemOfWhichNobodyEverHeardBefore'\""),
            methods: vec![Method::Password],
            ..other
        },
    ]
}
