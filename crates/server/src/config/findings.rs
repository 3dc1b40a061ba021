//! What was found out while loading: where each value came from, and what is wrong so far.

use std::collections::{BTreeMap, BTreeSet};

use super::error::{ConfigError, ConfigErrors, Origin};

/// Origins and errors.
#[derive(Default)]
pub(super) struct Findings {
    origins: BTreeMap<&'static str, Origin>,
    malformed: BTreeSet<&'static str>,
    errors: Vec<ConfigError>,
}

impl Findings {
    /// The setting was given there.
    pub(super) fn came_from(&mut self, key: &'static str, origin: Origin) {
        self.origins.insert(key, origin);
    }

    /// Something is wrong that is about no known setting.
    pub(super) fn stray(&mut self, origin: Origin, problem: String) {
        self.errors.push(ConfigError { origin, key: String::new(), problem });
    }

    /// The setting has no value to work with; nothing more is said about it.
    pub(super) fn malformed(&mut self, key: &'static str, problem: impl Into<String>) {
        if self.malformed.insert(key) {
            self.push(key, problem.into());
        }
    }

    /// The settings `keys` must fit together, the first of them above all: `problem` says what to do where they do not.
    pub(super) fn demand(&mut self, keys: &[&'static str], holds: bool, problem: impl Into<String>) {
        if holds || keys.iter().any(|key| self.malformed.contains(key)) {
            return;
        }
        // Where one of them was set at all, it is that one to be changed.
        let set = keys.iter().find(|key| self.origins.contains_key(*key));
        if let Some(key) = set.or(keys.first()) {
            self.push(key, problem.into());
        }
    }

    /// Everything that is wrong, if anything is.
    pub(super) fn into_errors(self) -> Option<ConfigErrors> {
        (!self.errors.is_empty()).then_some(ConfigErrors(self.errors))
    }

    fn push(&mut self, key: &'static str, problem: String) {
        let origin = self.origins.get(key).cloned().unwrap_or(Origin::Preset);
        self.errors.push(ConfigError { origin, key: key.to_owned(), problem });
    }
}
