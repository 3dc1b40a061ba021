//! The one shape of all mails.

use super::{Mail, Sender};
use crate::page::fill;
use crate::text::Texts;
use askama::Template;
use countersign_core::Locale;
use std::borrow::Cow;

/// Who writes, in which language, to whom.
pub(super) struct Head<'a> {
    pub(super) sender: Sender<'a>,
    pub(super) locale: Locale,
    pub(super) name: Option<&'a str>,
}

/// What a mail says, in order: the lead, a link, a code, notes. Both parts are made from this.
pub(super) struct Letter<'a> {
    pub(super) subject: Cow<'static, str>,
    pub(super) lead: Cow<'static, str>,
    /// What leads over to the link, where the lead does not.
    pub(super) before_action: Option<Cow<'static, str>>,
    pub(super) action: Action<'a>,
    pub(super) code: Option<Code<'a>>,
    pub(super) notes: Vec<Cow<'static, str>>,
}

pub(super) struct Action<'a> {
    pub(super) label: Cow<'static, str>,
    pub(super) link: Cow<'a, str>,
}

pub(super) struct Code<'a> {
    pub(super) label: Cow<'static, str>,
    pub(super) code: &'a str,
}

#[derive(Template)]
#[template(path = "mail/letter.html")]
struct Html<'a> {
    head: &'a Head<'a>,
    letter: &'a Letter<'a>,
}

#[derive(Template)]
#[template(path = "mail/letter.txt")]
struct Text<'a> {
    head: &'a Head<'a>,
    letter: &'a Letter<'a>,
}

impl Head<'_> {
    pub(super) fn texts(&self) -> &'static Texts {
        Texts::of(self.locale)
    }

    /// A page of ours; `path` starts with a slash.
    pub(super) fn page(&self, path: &str) -> String {
        format!("{}{path}", self.sender.origin)
    }

    pub(super) fn write(&self, letter: &Letter<'_>) -> Mail {
        let subject = format!("{} · {}", letter.subject, self.sender.public_name);
        Mail {
            // A header is one line, whatever the operator calls the service (REC-12).
            subject: subject.replace(char::is_control, " "),
            text: fill(&Text { head: self, letter }),
            html: fill(&Html { head: self, letter }),
        }
    }

    /// "Hello Kim," or, without a name that may be shown, "Hello,".
    fn greeting(&self) -> Cow<'static, str> {
        match self.name.filter(|name| may_be_shown(name)) {
            Some(name) => self.texts().with("mail-greeting-name", "name", name).into(),
            None => self.texts().get("mail-greeting"),
        }
    }
}

/// The longest name that a mail greets by, in characters.
const NAME_SHOWN: usize = 64;

/// Anybody can register anybody's address under any name, and mail programs turn what looks like an address into a
/// link: a name must not carry a stranger's message. Long names, several lines and what could become a link are left
/// out; everything else is shown as it is.
fn may_be_shown(name: &str) -> bool {
    let joins = |mark: char, next: char| matches!(mark, '.' | '@' | '/' | ':') && !next.is_whitespace();
    let linkable = name.chars().zip(name.chars().skip(1)).any(|(mark, next)| joins(mark, next));
    name.chars().count() <= NAME_SHOWN && !name.contains(char::is_control) && !linkable
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head<'a>(public_name: &'a str, name: Option<&'a str>) -> Head<'a> {
        Head { sender: Sender { public_name, origin: "https://id.example" }, locale: Locale::En, name }
    }

    #[test]
    fn a_name_that_could_carry_a_message_is_left_out() {
        let long = "x".repeat(NAME_SHOWN + 1);
        let table = [
            ("Kim", "Hello Kim,"),
            ("J. R. Smith Jr.", "Hello J. R. Smith Jr.,"),
            ("김민지", "Hello 김민지,"),
            ("{{7*7}}", "Hello {{7*7}},"),
            ("<a href>", "Hello <a href>,"),
            ("%s", "Hello %s,"),
            ("You won, see evil.example", "Hello,"),
            ("https://evil", "Hello,"),
            ("a@b", "Hello,"),
            ("tel:123", "Hello,"),
            ("two\nlines", "Hello,"),
            (&long, "Hello,"),
        ];
        for (name, greeting) in table {
            assert_eq!(head("Acme", Some(name)).greeting(), greeting);
        }
        assert_eq!(head("Acme", None).greeting(), "Hello,");
    }

    #[test]
    fn a_subject_is_one_line() {
        let mail =
            super::super::reset::write(&head("Acme\r\nBcc: x@example.org", None), "https://id.example/reset");
        assert_eq!(mail.subject, "Choose a new password · Acme  Bcc: x@example.org");
    }
}
