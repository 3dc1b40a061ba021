//! To somebody who forgot the password: by link only, no code ever resets one.

use super::Mail;
use super::letter::{Action, Head, Letter};

pub(super) fn write(head: &Head<'_>, link: &str) -> Mail {
    let texts = head.texts();
    head.write(&Letter {
        subject: texts.get("mail-reset-subject"),
        lead: texts.get("mail-reset-lead"),
        before_action: None,
        action: Action { label: texts.get("mail-reset-action"), link: link.into() },
        code: None,
        notes: vec![texts.get("mail-reset-life"), texts.get("mail-reset-ignore")],
    })
}
