//! After every change or reset of a password, with a way out for whom it was not (REC-20).

use super::Mail;
use super::letter::{Action, Head, Letter};

pub(super) fn write(head: &Head<'_>) -> Mail {
    let texts = head.texts();
    head.write(&Letter {
        subject: texts.get("mail-changed-subject"),
        lead: texts.get("mail-changed-lead"),
        before_action: Some(texts.get("mail-changed-not-me")),
        action: Action { label: texts.get("mail-changed-action"), link: head.page("/recover").into() },
        code: None,
        notes: Vec::new(),
    })
}
