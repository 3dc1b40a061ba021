//! The texts of one language, read once from its locale files.

use countersign_core::Locale;
use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource};
use std::borrow::Cow;
use std::sync::LazyLock;
use unic_langid::langid;

/// Everything that is written in one language.
pub(crate) struct Texts(FluentBundle<FluentResource>);

static ENGLISH: LazyLock<Texts> = LazyLock::new(|| Texts::read(Locale::En));
static KOREAN: LazyLock<Texts> = LazyLock::new(|| Texts::read(Locale::Ko));

impl Texts {
    pub(crate) fn of(locale: Locale) -> &'static Self {
        match locale {
            Locale::En => &ENGLISH,
            Locale::Ko => &KOREAN,
        }
    }

    /// The text `id`. An unknown id shows as `⟦id⟧`; a test looks for that mark in every sample of every page.
    pub(crate) fn get(&'static self, id: &str) -> Cow<'static, str> {
        let pattern = self.0.get_message(id).and_then(|message| message.value());
        match pattern {
            Some(pattern) => self.0.format_pattern(pattern, None, &mut Vec::new()),
            None => missing(id).into(),
        }
    }

    /// The second, longer part of the text `id`: what to do about it.
    pub(crate) fn detail(&'static self, id: &str) -> Cow<'static, str> {
        let message = self.0.get_message(id);
        match message.and_then(|message| message.get_attribute("detail")) {
            Some(detail) => self.0.format_pattern(detail.value(), None, &mut Vec::new()),
            None => missing(id).into(),
        }
    }

    /// The text `id` with one value in it. The value is inert: no placeholder inside it is looked at (REC-13).
    pub(crate) fn with(&self, id: &str, name: &str, value: impl AsRef<str>) -> String {
        let Some(pattern) = self.0.get_message(id).and_then(|message| message.value()) else {
            return missing(id);
        };
        let mut values = FluentArgs::with_capacity(1);
        values.set(name, value.as_ref());
        let mut errors = Vec::new();
        let text = self.0.format_pattern(pattern, Some(&values), &mut errors).into_owned();
        if errors.is_empty() { text } else { missing(id) }
    }

    fn read(locale: Locale) -> Self {
        let (language, files) = match locale {
            Locale::En => (langid!("en"), EN),
            Locale::Ko => (langid!("ko"), KO),
        };
        let mut bundle = FluentBundle::new_concurrent(vec![language]);
        // The marks (U+2068, U+2069) would end up in subjects and in what people copy.
        bundle.set_use_isolating(false);
        for file in files {
            // invariant: a test reads every file; one with a mistake in it still gives all its other texts.
            let resource =
                FluentResource::try_new((*file).to_owned()).unwrap_or_else(|(resource, _)| resource);
            bundle.add_resource_overriding(resource);
        }
        Self(bundle)
    }
}

/// How an unknown id shows.
fn missing(id: &str) -> String {
    format!("⟦{id}⟧")
}

const EN: &[&str] = &[
    include_str!("../locales/en/account.ftl"),
    include_str!("../locales/en/common.ftl"),
    include_str!("../locales/en/device.ftl"),
    include_str!("../locales/en/error.ftl"),
    include_str!("../locales/en/consent.ftl"),
    include_str!("../locales/en/login.ftl"),
    include_str!("../locales/en/mail.ftl"),
    include_str!("../locales/en/profile.ftl"),
    include_str!("../locales/en/recover.ftl"),
    include_str!("../locales/en/register.ftl"),
    include_str!("../locales/en/security.ftl"),
    include_str!("../locales/en/sessions.ftl"),
];
const KO: &[&str] = &[
    include_str!("../locales/ko/account.ftl"),
    include_str!("../locales/ko/common.ftl"),
    include_str!("../locales/ko/device.ftl"),
    include_str!("../locales/ko/error.ftl"),
    include_str!("../locales/ko/consent.ftl"),
    include_str!("../locales/ko/login.ftl"),
    include_str!("../locales/ko/mail.ftl"),
    include_str!("../locales/ko/profile.ftl"),
    include_str!("../locales/ko/recover.ftl"),
    include_str!("../locales/ko/register.ftl"),
    include_str!("../locales/ko/security.ftl"),
    include_str!("../locales/ko/sessions.ftl"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_inert_in_a_text() {
        for value in ["{{7*7}}", "{ $name }", "{\"x\"}", "%s", "<a href>", "-term", "\u{2068}"] {
            let text = Texts::of(Locale::En).with("mail-greeting-name", "name", value);
            assert_eq!(text, format!("Hello {value},"));
        }
    }

    #[test]
    fn an_unknown_text_is_marked() {
        let texts = Texts::of(Locale::Ko);
        assert_eq!(texts.get("no-such-text"), "⟦no-such-text⟧");
        assert_eq!(texts.detail("mail-greeting"), "⟦mail-greeting⟧");
        assert_eq!(texts.with("mail-greeting-name", "wrong", "x"), "⟦mail-greeting-name⟧");
    }
}
