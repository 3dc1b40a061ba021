//! `mail.from`: who mails come from.

use std::fmt;

use countersign_core::account::identifier::Email;

use super::text::Written;

/// An address and perhaps a name: `Acme Login <login@example.com>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mailbox {
    name: Option<String>,
    address: Email,
}

impl Mailbox {
    /// What is shown instead of the address.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The address.
    pub fn address(&self) -> &Email {
        &self.address
    }
}

impl fmt::Display for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{name} <{}>", self.address.display()),
            None => f.write_str(self.address.display()),
        }
    }
}

impl Written for Mailbox {
    fn read(text: &str) -> Result<Self, String> {
        let problem = || "must be an address such as Acme Login <login@example.com>".to_owned();
        let parts =
            text.strip_suffix('>').map(|text| text.split_once('<').ok_or_else(problem)).transpose()?;
        let (name, address) = parts.unwrap_or(("", text));
        let name = name.trim().trim_matches('"').trim();
        // A header is one line, and what separates addresses does not belong into a name (REC-12).
        if name.contains(|c: char| c.is_control() || "<>\"\\,;@".contains(c)) {
            return Err(problem());
        }
        let address = Email::parse(address).map_err(|_| problem())?;
        Ok(Self { name: (!name.is_empty()).then(|| name.to_owned()), address })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sender_is_an_address_with_or_without_a_name() {
        let table = [
            ("login@example.com", Some((None, "login@example.com"))),
            ("<login@example.com>", Some((None, "login@example.com"))),
            ("Acme Login <login@example.com>", Some((Some("Acme Login"), "login@example.com"))),
            ("\"Acme Login\" <login@example.com>", Some((Some("Acme Login"), "login@example.com"))),
            ("\" Acme \" <login@example.com>", Some((Some("Acme"), "login@example.com"))),
            ("로그인 <login@example.com>", Some((Some("로그인"), "login@example.com"))),
            ("", None),
            ("Acme", None),
            ("Acme <login>", None),
            ("Acme login@example.com>", None),
            ("Acme\r\nBcc: x <login@example.com>", None),
            ("a@example.com, b <login@example.com>", None),
            ("a@example.com, b@example.com", None),
        ];
        for (text, expected) in table {
            let read = Mailbox::read(text).ok();
            let found = read.as_ref().map(|mailbox| (mailbox.name(), mailbox.address().display()));
            assert_eq!(found, expected, "{text:?}");
        }
    }
}
