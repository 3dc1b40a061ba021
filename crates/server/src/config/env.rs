//! The environment: `section.key` is `COUNTERSIGN_SECTION_KEY`.

use std::collections::BTreeMap;

use super::nearest::nearest;
use super::setting::{SETTINGS, Setting};

const PREFIX: &str = "COUNTERSIGN_";

/// A variable with our prefix.
pub(super) struct Variable<'a> {
    pub(super) name: &'a str,
    pub(super) value: &'a str,
    /// None: it names no setting.
    pub(super) setting: Option<&'static Setting>,
}

/// The name of a setting in the environment.
pub(super) fn name(key: &str) -> String {
    format!("{PREFIX}{}", key.replace('.', "_").to_ascii_uppercase())
}

/// All variables with our prefix.
pub(super) fn variables(env: &BTreeMap<String, String>) -> impl Iterator<Item = Variable<'_>> {
    env.iter().filter(|(name, _)| name.starts_with(PREFIX)).map(|(given, value)| Variable {
        name: given,
        value,
        setting: SETTINGS.iter().find(|setting| name(setting.key) == *given),
    })
}

/// The variable that was probably meant.
pub(super) fn nearest_name(given: &str) -> String {
    nearest(given, SETTINGS.iter().map(|setting| (name(setting.key), name(setting.key))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_setting_has_a_name_of_its_own() {
        assert_eq!(name("session.remembered_idle"), "COUNTERSIGN_SESSION_REMEMBERED_IDLE");
        let names: BTreeSet<String> = SETTINGS.iter().map(|setting| name(setting.key)).collect();
        assert_eq!(names.len(), SETTINGS.len());
    }

    #[test]
    fn only_our_variables_are_looked_at() {
        let pairs = [("PATH", "/bin"), ("COUNTERSIGN_TOKEN_LIFE", "1m"), ("COUNTERSIGN_X", "")];
        let env = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let found: Vec<_> =
            variables(&env).map(|found| (found.name, found.setting.map(|setting| setting.key))).collect();
        assert_eq!(found, [("COUNTERSIGN_TOKEN_LIFE", Some("token.life")), ("COUNTERSIGN_X", None)]);
        assert_eq!(nearest_name("COUNTERSIGN_TOKENLIFE"), "COUNTERSIGN_TOKEN_LIFE");
    }
}
