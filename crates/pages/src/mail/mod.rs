//! The mails: subject, text and HTML, the same words in both parts.
//!
//! Links come from the caller, who makes them from the configured origin (I15). What people typed is inert: it is a
//! value in a text, never a template, and never a link (REC-13).

mod known_address;
mod letter;
mod password_changed;
mod reset;
mod verify;

use countersign_core::Locale;
use countersign_core::mail::{self, Message};
use letter::Head;

/// A mail in words, ready to be sent.
#[derive(Clone, PartialEq, Eq)]
pub struct Mail {
    /// One line: `Confirm your email address · Countersign`.
    pub subject: String,
    /// The `text/plain` part, UTF-8, lines ended by `\n`.
    pub text: String,
    /// The `text/html` part, UTF-8; it loads nothing from anywhere.
    pub html: String,
}

/// Who writes.
#[derive(Clone, Copy, Debug)]
pub struct Sender<'a> {
    /// What the operator calls this service.
    pub public_name: &'a str,
    /// The configured origin, `https://id.example.org`: links to our own pages start with it.
    pub origin: &'a str,
}

impl Sender<'_> {
    /// Puts a mail into words, in the language of its receiver.
    pub fn write(&self, mail: &mail::Mail) -> Mail {
        let head = Head { sender: *self, locale: mail.locale, name: mail.name.as_deref() };
        match &mail.message {
            Message::Verify { link, code } => verify::write(&head, link, code),
            Message::KnownAddress => known_address::write(&head),
            Message::Reset { link } => reset::write(&head, link),
            Message::PasswordChanged => password_changed::write(&head),
        }
    }
}

/// Mails of each kind in one language, by name: for snapshots and for looking at them.
pub fn samples(locale: Locale) -> Vec<(&'static str, Mail)> {
    let sender = Sender { public_name: "Countersign", origin: "http://localhost:8080" };
    let link = "http://localhost:8080/verify?token=cs_ev_3q2-7wAB3q2-7wAB&x=1";
    let verify = || Message::Verify { link: link.to_owned(), code: "012345".to_owned() };
    let reset = Message::Reset { link: "http://localhost:8080/reset?token=cs_pr_3q2-7wAB".to_owned() };
    let write = |name: Option<&str>, message| {
        let name = name.map(str::to_owned);
        sender.write(&mail::Mail { to: "kim@example.org".to_owned(), name, locale, message })
    };
    vec![
        ("verify", write(Some("김민지"), verify())),
        ("verify-hostile", write(Some("{{7*7}} <a href> %s { $link } \"'&"), verify())),
        ("known-address", write(Some("김민지"), Message::KnownAddress)),
        ("reset", write(None, reset)),
        ("password-changed", write(Some("김민지"), Message::PasswordChanged)),
    ]
}
