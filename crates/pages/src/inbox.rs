//! `/dev/inbox`, in the development mode only

use crate::frame::{Frame, Shell};
use crate::page::{Page, fill};
use askama::Template;
use countersign_core::Time;

/// The mails that would have been sent.
#[derive(Clone, Debug)]
pub struct InboxPage<'a> {
    /// Newest first.
    pub mails: Vec<InboxMail<'a>>,
}

/// One mail.
#[derive(Clone, Debug)]
pub struct InboxMail<'a> {
    /// The address it goes to.
    pub to: &'a str,
    /// Its subject.
    pub subject: &'a str,
    /// Its text part; `http` and `https` links in it can be followed.
    pub text: &'a str,
    /// The code in it.
    pub code: Option<&'a str>,
    /// When it was written.
    pub at: Time,
}

/// A piece of a text.
#[derive(Debug, PartialEq, Eq)]
enum Piece<'a> {
    Words(&'a str),
    Link(&'a str),
}

impl InboxMail<'_> {
    fn pieces(&self) -> Vec<Piece<'_>> {
        let words = self.text.split_inclusive(char::is_whitespace);
        words.flat_map(|word| [link(word.trim_end()), Piece::Words(&word[word.trim_end().len()..])]).collect()
    }
}

/// Nothing but a web address may be followed: no `javascript:`, no `data:`.
fn link(word: &str) -> Piece<'_> {
    let web = word.starts_with("http://") || word.starts_with("https://");
    if web { Piece::Link(word) } else { Piece::Words(word) }
}

#[derive(Template)]
#[template(path = "inbox.html")]
struct View<'a> {
    shell: Shell<'a>,
    page: &'a InboxPage<'a>,
}

impl Page for InboxPage<'_> {
    const NAME: &'static str = "inbox";

    fn render(&self, frame: &Frame<'_>) -> String {
        fill(&View { shell: frame.shell("inbox-title"), page: self })
    }

    fn samples() -> Vec<(&'static str, Self)> {
        vec![("empty", Self { mails: Vec::new() }), ("mails", Self { mails: mails() })]
    }
}

fn mails() -> Vec<InboxMail<'static>> {
    let verify = InboxMail {
        to: "kim@example.org",
        subject: "Confirm your email address",
        text: "Hello 김민지,\n\nOpen this link:\n\nhttp://localhost:8080/verify?token=cs_ev_3q2-7wAB3q2-7wAB3q2-7wAB3q2-7wAB3q2-7w&x=1\n\nOr type this code:\n\n123456\n",
        code: Some("123456"),
        at: Time::from_micros(1_795_496_531_000_000),
    };
    let hostile = InboxMail {
        to: "a-very-long-address-that-somebody-really-has-and-types-without-a-break@example.org",
        subject: "<script>alert(1)</script> AVeryLongSubjectWithoutAnyBreakThatGoesOnAndOnAndOnAndOnAndOn",
        text: "javascript:alert(1) https://\"><script>alert(1)</script> data:text/html,x",
        code: None,
        ..verify.clone()
    };
    vec![verify, hostile]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_web_addresses_become_links_and_no_letter_is_lost() {
        for mail in mails() {
            let pieces = mail.pieces();
            let text: String = pieces.iter().map(|(Piece::Words(part) | Piece::Link(part))| *part).collect();
            assert_eq!(text, mail.text);
            let mut links = pieces.iter().filter(|piece| matches!(piece, Piece::Link(_)));
            assert!(links.all(|(Piece::Words(link) | Piece::Link(link))| link.starts_with("http")));
        }
        assert_eq!(link("javascript:alert(1)"), Piece::Words("javascript:alert(1)"));
        assert_eq!(link("https://a.example/"), Piece::Link("https://a.example/"));
    }
}
