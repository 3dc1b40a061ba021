//! What people type about themselves.

use countersign_core::account::{DisplayName, Email, Identifier, Username};
use countersign_core::credential::Password;
use countersign_core::credential::password::MAX_PASSWORD_BYTES;

use crate::flows::verify::Code;

use super::text;

/// One canonical form, reached from each of its own forms; addresses and usernames never meet (attacks LOG-05, LOG-11).
pub(super) fn identifier(input: &[u8]) {
    let text = text(input);
    let canonical = |text: &str| Identifier::parse(text).ok().map(|found| found.canonical().to_owned());
    if let Ok(identifier) = Identifier::parse(text) {
        let own = Some(identifier.canonical().to_owned());
        assert_eq!(canonical(identifier.canonical()), own, "canonical forms are fixed points");
        assert_eq!(canonical(&text.to_ascii_uppercase()), own, "case names nobody else");
        assert_eq!(canonical(&format!(" {text} ")), own, "nor does white space around it");
        match &identifier {
            Identifier::Email(email) => address(email),
            Identifier::Username(name) => username(name),
        }
    }
    if let Some(code) = Code::parse(text) {
        assert!(text.len() - text.matches(' ').count() == 6, "six digits");
        drop(code);
    }
}

fn address(email: &Email) {
    let mailbox = email.mailbox();
    for form in [email.canonical(), email.display(), &mailbox] {
        assert_eq!(form.matches('@').count(), 1, "one address");
        assert!(!form.contains(|c: char| c.is_control() || c.is_whitespace() || "<>,;\"".contains(c)));
    }
    assert!(email.canonical().len() <= 254 && email.domain().is_ascii());
    let same = Email::parse(email.display()).map(|again| again.canonical() == email.canonical());
    assert_eq!(same, Ok(true), "what is stored names the same account");
}

fn username(name: &Username) {
    assert!(!name.canonical().contains(['@', ' ']) && (3..=64).contains(&name.canonical().chars().count()));
    let same = Username::parse(name.display()).map(|again| again.canonical() == name.canonical());
    assert_eq!(same, Ok(true), "what is stored names the same account");
}

/// One line, bounded, and itself when it is read again (attack REC-12).
pub(super) fn display_name(input: &[u8]) {
    let Ok(name) = DisplayName::parse(text(input)) else { return };
    assert!((1..=100).contains(&name.as_str().chars().count()));
    assert!(!name.as_str().contains(|c: char| c.is_control() || "\u{2028}\u{2029}".contains(c)));
    assert_eq!(DisplayName::parse(name.as_str()).as_ref(), Ok(&name));
}

/// Normalised once is normalised (attack LOG-09), within the limit of work.
pub(super) fn password(input: &[u8]) {
    let Ok(password) = Password::parse(text(input)) else { return };
    let bytes = password.as_bytes();
    assert!((1..=MAX_PASSWORD_BYTES).contains(&bytes.len()));
    assert!(Password::parse(text(bytes)).is_ok_and(|again| again.as_bytes() == bytes));
}
