//! What an application asks for, in words: on the consent page and where a device is let in.

use crate::frame::Shell;
use std::borrow::Cow;

/// Scopes and APIs, for the list of `parts.html`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AskedFor<'a> {
    pub(crate) scopes: &'a [&'a str],
    pub(crate) resources: &'a [&'a str],
}

/// Scopes with words of their own.
const KNOWN: [(&str, &str); 8] = [
    ("openid", "scope-openid"),
    ("profile", "scope-profile"),
    ("email", "scope-email"),
    ("address", "scope-address"),
    ("phone", "scope-phone"),
    ("offline_access", "scope-offline-access"),
    ("account", "scope-account"),
    ("admin", "scope-admin"),
];

fn key(scope: &str) -> Option<&'static str> {
    KNOWN.iter().find(|(known, _)| *known == scope).map(|(_, key)| *key)
}

impl AskedFor<'_> {
    /// That it is you, every app learns: it is said only where there is nothing else to say.
    pub(crate) fn shown(&self) -> impl Iterator<Item = &str> {
        let only = self.scopes.len() == 1;
        self.scopes.iter().copied().filter(move |scope| only || *scope != "openid")
    }

    pub(crate) fn is_nothing(&self) -> bool {
        self.scopes.is_empty() && self.resources.is_empty()
    }
}

/// A scope of an operator's own is shown as it is.
pub(crate) fn what<'s>(shell: &Shell<'_>, scope: &'s str) -> Cow<'s, str> {
    key(scope).map_or(Cow::Borrowed(scope), |key| shell.t(key))
}

pub(crate) fn detail(shell: &Shell<'_>, scope: &str) -> Cow<'static, str> {
    key(scope).map_or_else(|| shell.t("scope-other"), |key| shell.detail(key))
}
