//! To a new address: is it yours? By link or by code.

use super::Mail;
use super::letter::{Action, Code, Head, Letter};

pub(super) fn write(head: &Head<'_>, link: &str, code: &str) -> Mail {
    let texts = head.texts();
    head.write(&Letter {
        subject: texts.get("mail-verify-subject"),
        lead: texts.get("mail-verify-lead"),
        before_action: None,
        action: Action { label: texts.get("mail-verify-action"), link: link.into() },
        code: Some(Code { label: texts.get("mail-verify-code"), code }),
        notes: vec![texts.get("mail-verify-life"), texts.get("mail-verify-ignore")],
    })
}
