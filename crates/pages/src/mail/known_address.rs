//! To the owner of an address that somebody registered again: the page said the same as for a new one (I14).

use super::Mail;
use super::letter::{Action, Head, Letter};

pub(super) fn write(head: &Head<'_>) -> Mail {
    let texts = head.texts();
    head.write(&Letter {
        subject: texts.get("mail-known-subject"),
        lead: texts.get("mail-known-lead"),
        before_action: None,
        action: Action { label: texts.get("sign-in"), link: head.page("/login").into() },
        code: None,
        notes: vec![
            texts.with("mail-known-forgot", "link", head.page("/recover")).into(),
            texts.get("mail-known-ignore"),
        ],
    })
}
