//! `mail.smtp_url`: `smtp://USER:PASSWORD@HOST:PORT` or `smtps://…`.

use std::fmt;
use std::net::IpAddr;

use percent_encoding::percent_decode_str;
use url::Url;
use zeroize::Zeroizing;

use super::text::Written;

/// Where mails leave through.
pub(super) struct SmtpUrl {
    /// `smtps://`: TLS from the first byte.
    pub(super) wrapped: bool,
    /// A name or an address; IPv6 without brackets.
    pub(super) host: String,
    pub(super) port: Option<u16>,
    pub(super) credentials: Option<Credentials>,
}

/// What we prove ourselves to the mail server with.
#[derive(Clone)]
pub struct Credentials {
    /// The user's name.
    pub user: String,
    pub(crate) password: Zeroizing<String>,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(…)")
    }
}

impl SmtpUrl {
    /// Whether the server is this machine.
    pub(super) fn is_loopback(&self) -> bool {
        self.host == "localhost" || self.host.parse().is_ok_and(|address: IpAddr| address.is_loopback())
    }
}

impl Written for SmtpUrl {
    fn read(text: &str) -> Result<Self, String> {
        let problem =
            || "must be smtp://USER:PASSWORD@HOST:PORT or smtps://USER:PASSWORD@HOST:PORT".to_owned();
        let url = Url::parse(text).map_err(|_| problem())?;
        let wrapped = match url.scheme() {
            "smtp" => false,
            "smtps" => true,
            _ => return Err(problem()),
        };
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_ascii_lowercase();
        let has_more = !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some();
        // A host's name has no letters beyond ASCII and no escapes; `#`, `/` or `?` in a password must be escaped.
        if host.is_empty() || host.contains('%') || has_more || url.port() == Some(0) {
            return Err(format!("{}; letters that a URL uses itself must be percent-encoded", problem()));
        }
        Ok(Self { wrapped, host, port: url.port(), credentials: credentials(&url)? })
    }
}

fn credentials(url: &Url) -> Result<Option<Credentials>, String> {
    let decode = |text| percent_decode_str(text).decode_utf8().map_err(|_| "must be UTF-8".to_owned());
    match (url.username(), url.password()) {
        ("", None) => Ok(None),
        ("", Some(_)) | (_, None) => Err("must have both a user and a password, or neither".to_owned()),
        (user, Some(password)) => {
            let password = Zeroizing::new(decode(password)?.into_owned());
            Ok(Some(Credentials { user: decode(user)?.into_owned(), password }))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_server_is_a_scheme_a_host_and_perhaps_credentials() {
        let url = SmtpUrl::read("smtps://mail%40acme:p%23%2B%20s@Mail.Example.com:2465").ok().unwrap();
        assert_eq!((url.wrapped, url.host.as_str(), url.port), (true, "mail.example.com", Some(2465)));
        let credentials = url.credentials.unwrap();
        assert_eq!((credentials.user.as_str(), credentials.password.as_str()), ("mail@acme", "p#+ s"));
        assert_eq!(format!("{credentials:?}"), "Credentials(…)");
        let plain = SmtpUrl::read("smtp://mail.example.com/").ok().unwrap();
        assert!(
            !plain.wrapped && plain.port.is_none() && plain.credentials.is_none() && !plain.is_loopback()
        );
        for local in ["smtp://localhost", "smtp://127.0.0.1:2525", "smtp://[::1]"] {
            assert!(SmtpUrl::read(local).is_ok_and(|url| url.is_loopback()), "{local}");
        }
    }

    #[test]
    fn anything_else_is_refused_without_being_repeated() {
        let table = [
            "",
            "hunter2",
            "mail.example.com",
            "http://u:hunter2@mail.example.com",
            "smtp://",
            "smtp:u:hunter2@mail.example.com",
            "smtp://u:hunter2@",
            "smtp://u:hun#ter2@mail.example.com",
            "smtp://u:hunter2@mail.example.com/path",
            "smtp://u:hunter2@mail.example.com?tls=no",
            "smtp://u:hunter2@mail.example.com:0",
            "smtp://u:hunter2@mail.example.com:99999",
            "smtp://:hunter2@mail.example.com",
            "smtp://hunter2@mail.example.com",
            "smtp://u:hunter2%ff@mail.example.com",
        ];
        for text in table {
            let problem = SmtpUrl::read(text).err();
            assert!(problem.is_some_and(|problem| !problem.contains("hunter2")), "{text:?}");
        }
    }
}
