//! Error pages

use crate::frame::{Frame, Shell};
use crate::page::{Page, fill};
use crate::text::Texts;
use askama::Template;
use countersign_core::Locale;

/// "Something went wrong": what, and what to do about it.
#[derive(Clone, Copy, Debug)]
pub struct ErrorPage<'a> {
    /// What went wrong.
    pub kind: ErrorKind,
    /// How the operator finds it in the log.
    pub request_id: Option<&'a str>,
}

/// What can go wrong with a request for a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// 400: it does not say what it should.
    BadRequest,
    /// 403: not for this account.
    Forbidden,
    /// 403: it may come from another site (I4).
    Csrf,
    /// 404: no such page.
    NotFound,
    /// 405: this page has no such form.
    MethodNotAllowed,
    /// 413: too much.
    PayloadTooLarge,
    /// 431: too much before the body, most likely cookies.
    HeadersTooLarge,
    /// 415: not a form.
    UnsupportedMediaType,
    /// 421: not our name.
    WrongHost,
    /// 429: too often.
    Throttled,
    /// 500: our fault.
    Internal,
    /// 503: too many people at once.
    Overloaded,
    /// 400: an app sent somebody here that is not known.
    AppUnknown,
    /// 400: it asks to be answered at an address that is not its own.
    AppRedirect,
    /// 400: what it asks cannot be read.
    AppRequest,
    /// 400: what it asked waited too long, or was answered.
    AppExpired,
}

impl ErrorKind {
    /// All kinds.
    pub const ALL: [Self; 16] = [
        Self::BadRequest,
        Self::Forbidden,
        Self::Csrf,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::PayloadTooLarge,
        Self::HeadersTooLarge,
        Self::UnsupportedMediaType,
        Self::WrongHost,
        Self::Throttled,
        Self::Internal,
        Self::Overloaded,
        Self::AppUnknown,
        Self::AppRedirect,
        Self::AppRequest,
        Self::AppExpired,
    ];

    fn key(self) -> &'static str {
        match self {
            Self::BadRequest => "error-bad-request",
            Self::Forbidden => "error-forbidden",
            Self::Csrf => "error-csrf",
            Self::NotFound => "error-not-found",
            Self::MethodNotAllowed => "error-method-not-allowed",
            Self::PayloadTooLarge => "error-payload-too-large",
            Self::HeadersTooLarge => "error-headers-too-large",
            Self::UnsupportedMediaType => "error-unsupported-media-type",
            Self::WrongHost => "error-wrong-host",
            Self::Throttled => "busy-throttled",
            Self::Internal => "error-internal",
            Self::Overloaded => "busy-overloaded",
            Self::AppUnknown => "error-app-unknown",
            Self::AppRedirect => "error-app-redirect",
            Self::AppRequest => "error-app-request",
            Self::AppExpired => "error-app-expired",
        }
    }

    fn name(self) -> &'static str {
        self.key().trim_start_matches("error-").trim_start_matches("busy-")
    }
}

/// Every error page in every language, without script, navigation and request id: made once, ready for answers that
/// must cost nothing or that go out before the request is understood.
#[derive(Debug)]
pub struct PlainErrors(Vec<(ErrorKind, Locale, String)>);

impl PlainErrors {
    /// Makes them all, for a service of this name.
    pub fn new(public_name: &str) -> Self {
        let plain = |kind, locale| {
            let frame = Frame { locale, nonce: "", signed_in: false, path: "", public_name, dev: false };
            (kind, locale, ErrorPage { kind, request_id: None }.render(&frame))
        };
        let every = ErrorKind::ALL.into_iter().flat_map(|kind| Locale::ALL.map(|locale| (kind, locale)));
        Self(every.map(|(kind, locale)| plain(kind, locale)).collect())
    }

    /// The document.
    pub fn get(&self, kind: ErrorKind, locale: Locale) -> &str {
        let found = self.0.iter().find(|(k, l, _)| (*k, *l) == (kind, locale));
        // invariant: `new` made a page for every kind and language.
        found.map_or("", |(_, _, html)| html)
    }
}

#[derive(Template)]
#[template(path = "error.html")]
struct View<'a> {
    shell: Shell<'a>,
    page: &'a ErrorPage<'a>,
}

impl Page for ErrorPage<'_> {
    const NAME: &'static str = "error";

    fn render(&self, frame: &Frame<'_>) -> String {
        let heading = Texts::of(frame.locale).get("error-title");
        fill(&View { shell: Shell { heading, ..frame.shell(self.kind.key()) }, page: self })
    }

    fn samples() -> Vec<(&'static str, Self)> {
        let id = |kind| match kind {
            ErrorKind::Internal => Some("0193a1b2c3d47e5f8a9b0c1d2e3f4a5b\"><script>alert(1)</script>"),
            _ => None,
        };
        ErrorKind::ALL.map(|kind| (kind.name(), Self { kind, request_id: id(kind) })).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_is_ready_in_every_language_without_a_script() {
        let errors = PlainErrors::new("Countersign");
        for kind in ErrorKind::ALL {
            assert!(errors.get(kind, Locale::En).contains("<h1>Something went wrong</h1>"));
            assert!(errors.get(kind, Locale::Ko).contains("<html lang=\"ko\">"));
            for locale in Locale::ALL {
                assert!(!errors.get(kind, locale).contains("<script"));
                assert!(!errors.get(kind, locale).contains("<form"));
            }
        }
    }
}
