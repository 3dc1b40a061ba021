//! Email addresses (RFC 5321, RFC 6531 for letters beyond ASCII, UTS 46 for domains).

use unicode_normalization::UnicodeNormalization as _;

use super::text::{MAX_TYPED_BYTES, fold, is_forbidden, is_word};

/// An address that mail can be sent to, in the dot-atom form: no quotes, comments, routes or address literals.
///
/// `==` compares both forms; whether two of them name one account is asked of [`Email::canonical`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Email {
    display: String,
    canonical: String,
}

/// RFC 5321 section 4.5.3.1.1, in bytes.
const MAX_LOCAL_BYTES: usize = 64;
/// RFC 5321 section 4.5.3.1.3 less the angle brackets, in bytes.
const MAX_BYTES: usize = 254;

impl Email {
    /// Reads an address as typed; white space around it is dropped.
    ///
    /// Tags (`+shop`) and dots are kept: what they mean is for the receiving server to say.
    pub fn parse(text: &str) -> Result<Self, EmailError> {
        if text.len() > MAX_TYPED_BYTES {
            return Err(EmailError::TooLong);
        }
        // Before trimming, so that not even a line break at the end comes through (REC-12).
        if text.contains(is_forbidden) {
            return Err(EmailError::Invalid);
        }
        let display: String = text.trim().nfkc().collect();
        if display.is_empty() {
            return Err(EmailError::Empty);
        }
        let (local, domain) = display.split_once('@').ok_or(EmailError::Invalid)?;
        let canonical = format!("{}@{}", canonical_local(local)?, canonical_domain(domain)?);
        if display.len() > MAX_BYTES || canonical.len() > MAX_BYTES {
            return Err(EmailError::TooLong);
        }
        Ok(Self { display, canonical })
    }

    /// For the store: an address as it was kept. It is not judged again, for rules that grow stricter must not lock
    /// out those who came in under the old ones.
    pub fn stored(display: String, canonical: String) -> Self {
        Self { display, canonical }
    }

    /// As typed (its case included), after NFKC and trimming: for people to read, and what the store keeps.
    pub fn display(&self) -> &str {
        &self.display
    }

    /// The form that is looked up, limited and unique.
    pub fn canonical(&self) -> &str {
        &self.canonical
    }

    /// Where mail goes: the local part as typed, for only its server knows whether case matters there, at the domain
    /// in ASCII. Always made from the *stored* address, never from what a request spelt: with `ß` and `ss` the same
    /// account, the two may be different mailboxes.
    pub fn mailbox(&self) -> String {
        let local = self.display.split_once('@').map_or("", |(local, _)| local);
        format!("{local}@{}", self.domain())
    }

    /// The part before the `@`, in canonical form.
    pub fn local(&self) -> &str {
        self.canonical.split_once('@').map_or("", |(local, _)| local)
    }

    /// The domain in ASCII (`xn--` where needed) and lower case.
    pub fn domain(&self) -> &str {
        self.canonical.split_once('@').map_or("", |(_, domain)| domain)
    }
}

/// Why a text is no email address. The client is to blame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EmailError {
    /// Nothing was typed.
    #[error("an email address is needed")]
    Empty,
    /// Over 64 bytes before the `@`, or over 254 in all.
    #[error("the email address is too long")]
    TooLong,
    /// Not `name@domain`, or with characters that have no place there.
    #[error("this is not an email address")]
    Invalid,
}

impl EmailError {
    /// The stable code for the wire.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Empty => "email_empty",
            Self::TooLong => "email_too_long",
            Self::Invalid => "email_invalid",
        }
    }
}

fn canonical_local(local: &str) -> Result<String, EmailError> {
    let folded = fold(local);
    if local.len() > MAX_LOCAL_BYTES || folded.len() > MAX_LOCAL_BYTES {
        return Err(EmailError::TooLong);
    }
    let is_plain = is_dot_atom(local) && is_dot_atom(&folded) && fold(&folded) == folded;
    if is_plain { Ok(folded) } else { Err(EmailError::Invalid) }
}

/// RFC 5322 section 3.2.3, widened to letters, marks and numbers of any script (RFC 6531 section 3.3).
fn is_dot_atom(local: &str) -> bool {
    let is_atom_char = |c: char| {
        if c.is_ascii() { c.is_ascii_alphanumeric() || "!#$%&'*+/=?^_`{|}~-".contains(c) } else { is_word(c) }
    };
    local.split('.').all(|atom| !atom.is_empty() && atom.chars().all(is_atom_char))
}

/// UTS 46, strict: letters, digits and inner hyphens, labels of up to 63 bytes, no trailing dot.
///
/// `ß` stays a letter of its own here: `faß.de` and `fass.de` are two domains with two owners.
fn canonical_domain(domain: &str) -> Result<String, EmailError> {
    let ascii = idna::domain_to_ascii_strict(domain).map_err(|_| EmailError::Invalid)?;
    let (_, last) = ascii.rsplit_once('.').unwrap_or(("", &ascii));
    let is_routable = ascii.contains('.') || ascii == "localhost";
    // A last label that starts with a digit is part of an IP address in one of its many spellings.
    let is_name = last.starts_with(|c: char| c.is_ascii_lowercase());
    if is_routable && is_name { Ok(ascii) } else { Err(EmailError::Invalid) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn log_11_twins_map_to_one_canonical_form() {
        let table = [
            ("Alice@Example.COM", "alice@example.com"),
            ("  alice@example.com\u{a0}", "alice@example.com"),
            ("ａｌｉｃｅ＠ｅｘａｍｐｌｅ．ｃｏｍ", "alice@example.com"),
            ("alice﹫example。com", "alice@example.com"),
            ("alıce@example.com", "alice@example.com"),
            ("ALİCE@example.com", "alice@example.com"),
            ("ﬁona@example.com", "fiona@example.com"),
            ("Straße@example.com", "strasse@example.com"),
            ("STRASSE@example.com", "strasse@example.com"),
            ("jose\u{301}@example.com", "josé@example.com"),
            ("길동@예시.한국", "길동@xn--vv4b11d.xn--3e0b707e"),
            ("a@faß.de", "a@xn--fa-hia.de"),
            ("a@fass.de", "a@fass.de"),
            ("a@BÜCHER.example", "a@xn--bcher-kva.example"),
            ("a@xn--bcher-kva.example", "a@xn--bcher-kva.example"),
            ("o'neil+tag.x@example.com", "o'neil+tag.x@example.com"),
            ("a@localhost", "a@localhost"),
        ];
        for (typed, canonical) in table {
            assert_eq!(Email::parse(typed).map(|email| email.canonical), Ok(canonical.to_owned()), "{typed}");
        }
    }

    #[test]
    fn rec_12_what_is_no_plain_address_is_refused() {
        let table = [
            "a@b.tld\r\nBcc: x",
            "a@b.tld\r\n",
            "a@b.tld\nx",
            "a\0@b.tld",
            "\"a@b\"@c",
            "\"a b\"@c.tld",
            "a@b@c",
            "a@b@c.tld",
            "a＠b@c.tld",
            "<script>@x",
            "<script>@x.tld",
            "Alice <a@b.tld>",
            "a(comment)@b.tld",
            "a@b,c@d",
            "a@b.tld,c@d.tld",
            "a,b@c.tld",
            "a;b@c.tld",
            "a b@c.tld",
            "a\\b@c.tld",
            "@b.tld",
            "a@",
            "a",
            "@",
            ".a@b.tld",
            "a.@b.tld",
            "a..b@c.tld",
            "a@b",
            "a@b.tld.",
            "a@.tld",
            "a@b..tld",
            "a@-b.tld",
            "a@b_c.tld",
            "a@b.tld:25",
            "a@[127.0.0.1]",
            "a@127.0.0.1",
            "a@0x7f.1",
            "a@xn--a.tld",
            "a\u{200b}b@c.tld",
            "a@b\u{200d}c.tld",
            "a@b\u{ad}c.tld",
            "\u{202e}a@b.tld",
            "a\u{34f}b@c.tld",
            "a\u{3164}b@c.tld",
            "a\u{fe0f}b@c.tld",
            "a\u{e000}b@c.tld",
            "a\u{378}b@c.tld",
            "a❤@b.tld",
            "a@b\u{2028}.tld",
            "{{7*7}}@x.tld\u{7}",
        ];
        for typed in table {
            assert_eq!(Email::parse(typed), Err(EmailError::Invalid), "{typed:?}");
        }
        assert_eq!(Email::parse(" \u{3000}"), Err(EmailError::Empty));
    }

    #[test]
    fn rec_12_lengths_are_capped() {
        let long =
            |local: usize, label: usize| format!("{}@{}.example.com", "a".repeat(local), "b".repeat(label));
        assert!(Email::parse(&long(64, 63)).is_ok());
        assert_eq!(Email::parse(&long(65, 63)), Err(EmailError::TooLong));
        assert_eq!(Email::parse(&long(10_240, 1)), Err(EmailError::TooLong));
        // 33 letters as typed, 66 bytes when folded.
        assert_eq!(Email::parse(&format!("{}@example.com", "ß".repeat(33))), Err(EmailError::TooLong));
        let labels = ["b".repeat(63), "c".repeat(63), "d".repeat(60)].join(".");
        assert_eq!(Email::parse(&format!("{}@{labels}", "a".repeat(64))).map(|e| e.canonical.len()), Ok(253));
        assert_eq!(Email::parse(&format!("{}@{labels}dd", "a".repeat(64))), Err(EmailError::TooLong));
    }

    #[test]
    fn rec_12_mail_goes_to_the_address_as_stored() {
        let email = Email::parse(" Straße@Bücher.example").unwrap();
        assert_eq!(email.display(), "Straße@Bücher.example");
        assert_eq!(email.canonical(), "strasse@xn--bcher-kva.example");
        assert_eq!(email.mailbox(), "Straße@xn--bcher-kva.example");
        assert_eq!((email.local(), email.domain()), ("strasse", "xn--bcher-kva.example"));
        assert_eq!(Email::stored(email.display().to_owned(), email.canonical().to_owned()), email);
    }

    proptest! {
        #[test]
        fn canonical_display_and_mailbox_all_name_the_same_account(
            typed in "[a-zA-ZßẞİıſﬁÅ\u{212b}éσςＡ١가\u{307}\u{301}+.]{1,8}[@＠][a-zA-Zßéı가.。-]{1,6}[.．](com|COM|한국)"
        ) {
            if let Ok(email) = Email::parse(&typed) {
                for form in [email.canonical(), email.display(), &email.mailbox()] {
                    let again = Email::parse(form);
                    prop_assert_eq!(again.as_ref().map(Email::canonical), Ok(email.canonical()), "{}", form);
                }
            }
        }

        #[test]
        fn any_text_is_an_address_or_a_refusal(typed: String, domain: String) {
            for text in [typed.clone(), format!("{typed}@example.com"), format!("a@{domain}.com")] {
                if let Ok(email) = Email::parse(&text) {
                    prop_assert_eq!(email.canonical().matches('@').count(), 1);
                    prop_assert!(!email.mailbox().contains(char::is_whitespace));
                    prop_assert!(!email.display().contains(char::is_control));
                }
            }
        }
    }
}
