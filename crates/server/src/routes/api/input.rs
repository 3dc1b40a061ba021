//! What comes in the fields of `/api/v1`, read into the domain's types, and refused in the words of its error table.

use std::sync::Arc;

use countersign_core::Locale;
use countersign_core::account::{DisplayName, Email};
use countersign_core::credential::Password;
use countersign_core::credential::policy::Rejection;

use crate::respond::problem::{Kind, Problem};

/// Fields as they are read; all that is wrong with them is told at once.
pub(super) struct Fields(Problem);

impl Fields {
    pub(super) const fn new() -> Self {
        Self(Problem::new(Kind::InvalidRequest))
    }

    /// An address.
    pub(super) fn email(&mut self, text: &str) -> Option<Email> {
        Email::parse(text).map_err(|error| self.refuse("email", error.code(), error.to_string())).ok()
    }

    /// A name, if one is wanted.
    pub(super) fn name(&mut self, text: Option<&str>) -> Option<DisplayName> {
        let parsed = DisplayName::parse(text?);
        parsed.map_err(|error| self.refuse("name", error.code(), error.to_string())).ok()
    }

    /// A language, if one is wanted.
    pub(super) fn locale(&mut self, text: Option<&str>) -> Option<Locale> {
        let text = text?;
        let locale = Locale::parse(text);
        if locale.is_none() {
            self.refuse("locale", "locale_unknown", "en or ko");
        }
        locale
    }

    /// Something else is wrong with a field.
    pub(super) fn refuse(&mut self, field: &'static str, code: &'static str, detail: impl Into<String>) {
        self.0 = self.0.clone().field(field, code, detail.into());
    }

    /// What was read of the fields that are needed, if nothing is wrong with any; else 400.
    pub(super) fn done<T>(self, needed: Option<T>) -> Result<T, Problem> {
        needed
            .filter(|_| self.0.errors.is_empty())
            .ok_or_else(|| self.0.detail("See errors for what is wrong with which field."))
    }
}

/// A password to be set.
pub(super) fn new_password(field: &'static str, text: &str) -> Result<Arc<Password>, Problem> {
    Password::parse(text).map(Arc::new).map_err(|error| rejected(field, error.into()))
}

/// The policy refuses a password.
pub(super) fn rejected(field: &'static str, rejection: Rejection) -> Problem {
    Problem::new(Kind::PasswordRejected).detail("Choose another password; errors says why.").field(
        field,
        rejection.code(),
        rejection.to_string(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_fields_that_are_wrong_are_named_at_once() {
        let mut fields = Fields::new();
        assert!(fields.email("a@b@c").is_none());
        assert!(fields.name(Some("\u{202e}")).is_none());
        assert!(fields.locale(Some("EN")).is_none());
        let problem = fields.done(Some(())).unwrap_err();
        let named: Vec<_> = problem.errors.iter().map(|error| (error.field.as_ref(), error.code)).collect();
        assert_eq!(
            named,
            [("email", "email_invalid"), ("name", "name_invalid"), ("locale", "locale_unknown")]
        );
    }

    #[test]
    fn fields_that_may_be_absent_are_not_missed() {
        let mut fields = Fields::new();
        let email = fields.email("kim@example.org");
        assert_eq!((fields.name(None), fields.locale(None)), (None, None));
        assert_eq!(fields.done(email).unwrap().canonical(), "kim@example.org");
    }

    #[test]
    fn a_text_that_is_no_password_is_rejected_like_a_weak_one() {
        for (text, code) in [("", "too_short"), (&*"a".repeat(1025), "too_long")] {
            let problem = new_password("new", text).err().unwrap();
            assert_eq!(problem.kind, Kind::PasswordRejected);
            assert_eq!((problem.errors[0].field.as_ref(), problem.errors[0].code), ("new", code));
        }
    }
}
