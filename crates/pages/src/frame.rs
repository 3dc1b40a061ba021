//! What surrounds every page.

use crate::assets::{self, Name};
use crate::text::Texts;
use countersign_core::Locale;
use std::borrow::Cow;

/// What a page needs to know about the request that asked for it.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// The reader's language.
    pub locale: Locale,
    /// The nonce of this answer's Content-Security-Policy. Empty: the page brings no script.
    pub nonce: &'a str,
    /// Whether to show the navigation with its way out (ASVS 7.4.4).
    pub signed_in: bool,
    /// Path and query of this page, where the language buttons come back to. Empty: no such buttons.
    pub path: &'a str,
    /// What the operator calls this service, `Countersign` by default.
    pub public_name: &'a str,
    /// Whether this is the development mode: pages then link to the inbox.
    pub dev: bool,
}

/// An entry of the navigation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NavTab {
    /// `/account`
    Account,
    /// `/account/sessions`
    Devices,
    /// `/account/apps`
    Apps,
    /// `/account/security`
    Security,
}

impl NavTab {
    pub(crate) const ALL: [Self; 4] = [Self::Account, Self::Devices, Self::Apps, Self::Security];

    pub(crate) fn href(self) -> &'static str {
        match self {
            Self::Account => "/account",
            Self::Devices => "/account/sessions",
            Self::Apps => "/account/apps",
            Self::Security => "/account/security",
        }
    }

    pub(crate) fn key(self) -> &'static str {
        match self {
            Self::Account => "nav-account",
            Self::Devices => "nav-devices",
            Self::Apps => "nav-apps",
            Self::Security => "nav-security",
        }
    }
}

impl<'a> Frame<'a> {
    /// The shell of a page outside the navigation, headed by the text `title`.
    pub(crate) fn shell(&self, title: &str) -> Shell<'a> {
        let title = Texts::of(self.locale).get(title);
        Shell { frame: *self, heading: title.clone(), title, tab: None }
    }

    /// The shell of a page outside the navigation, headed by a title of its own.
    pub(crate) fn shell_titled(&self, title: String) -> Shell<'a> {
        let title: Cow<'static, str> = Cow::Owned(title);
        Shell { frame: *self, heading: title.clone(), title, tab: None }
    }

    /// The shell of a page that is `tab` in the navigation.
    pub(crate) fn shell_in(&self, tab: NavTab, title: &str) -> Shell<'a> {
        Shell { tab: Some(tab), ..self.shell(title) }
    }
}

/// The frame of one page with its title, and the texts for its template.
pub(crate) struct Shell<'a> {
    pub(crate) frame: Frame<'a>,
    pub(crate) title: Cow<'static, str>,
    pub(crate) heading: Cow<'static, str>,
    pub(crate) tab: Option<NavTab>,
}

/// For templates.
impl Shell<'_> {
    pub(crate) fn t(&self, id: &str) -> Cow<'static, str> {
        Texts::of(self.frame.locale).get(id)
    }

    pub(crate) fn detail(&self, id: &str) -> Cow<'static, str> {
        Texts::of(self.frame.locale).detail(id)
    }

    pub(crate) fn with(&self, id: &str, name: &str, value: &str) -> String {
        Texts::of(self.frame.locale).with(id, name, value)
    }

    #[expect(clippy::unused_self, reason = "templates reach the navigation through the shell")]
    pub(crate) fn tabs(&self) -> [NavTab; 4] {
        NavTab::ALL
    }

    pub(crate) fn is_tab(&self, tab: NavTab) -> bool {
        self.tab == Some(tab)
    }

    pub(crate) fn other_locales(&self) -> impl Iterator<Item = Locale> + use<> {
        let own = self.frame.locale;
        Locale::ALL.into_iter().filter(move |locale| *locale != own)
    }

    /// The name of a language, in that language.
    #[expect(clippy::unused_self, reason = "templates reach texts through the shell")]
    pub(crate) fn own_name(&self, locale: Locale) -> Cow<'static, str> {
        Texts::of(locale).get("language-name")
    }

    #[expect(clippy::unused_self, reason = "templates reach links through the shell")]
    pub(crate) fn stylesheet(&self) -> &'static str {
        assets::path(Name::Look)
    }

    #[expect(clippy::unused_self, reason = "templates reach links through the shell")]
    pub(crate) fn script(&self) -> &'static str {
        assets::path(Name::Comfort)
    }

    #[expect(clippy::unused_self, reason = "templates reach links through the shell")]
    pub(crate) fn icon(&self) -> &'static str {
        assets::path(Name::Mark)
    }
}
