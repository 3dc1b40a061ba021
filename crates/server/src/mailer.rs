//! Mail leaves here: one message to one address, through the configured SMTP server.
//!
//! The connection is encrypted and the server's certificate verified, unless the server is this very machine (attack
//! STO-19). Each mail has a connection of its own: one that was given up half-way is never used for the next.

#[cfg(test)]
mod tests;

use std::error::Error as _;
use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use countersign_core::account::identifier::Email;
use countersign_core::url::PublicUrl;
use countersign_core::{JobId, Time};
use lettre::address::{Address, Envelope as Route};
use lettre::message::header::{Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message, MultiPart, SinglePart};
use lettre::transport::smtp;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::extension::ClientId;

use crate::config::{Config, Smtp, SmtpTls};

/// Whoever does not take a mail in this time gets it later.
const PATIENCE: Duration = Duration::from_secs(30);
/// The mail is delivered by then: this is only politeness.
const FAREWELL: Duration = Duration::from_secs(1);

/// Sends mails.
pub(crate) struct Mailer {
    host: String,
    port: u16,
    security: Security,
    hello: ClientId,
    credentials: Option<Credentials>,
    from: Mailbox,
    /// What stands behind the `@` of message ids.
    domain: String,
    patience: Duration,
}

enum Security {
    StartTls(TlsParameters),
    Wrapped(TlsParameters),
    Plain,
}

/// A mail to be sent.
pub(crate) struct Envelope<'a> {
    /// Names the message: a second try has the same id.
    pub(crate) id: JobId,
    /// The one recipient.
    pub(crate) to: &'a str,
    /// One line.
    pub(crate) subject: &'a str,
    /// The same words without markup.
    pub(crate) text: &'a str,
    /// The words as HTML.
    pub(crate) html: &'a str,
    /// The `Date` header.
    pub(crate) date: Time,
}

/// A mail did not leave. Never holds anything of the mail, nor what the server said, which may repeat it (I16).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub(crate) struct SendError {
    /// Another try would fail too.
    pub(crate) permanent: bool,
    /// What happened, for the log.
    pub(crate) reason: String,
}

/// The configured server cannot be used at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct MailerError(String);

impl Mailer {
    /// Gets ready; nothing is connected yet. None where no server is configured.
    pub(crate) fn new(config: &Config) -> Result<Option<Self>, MailerError> {
        config.smtp.as_ref().map(|smtp| Self::to_server(smtp, &config.public_url)).transpose()
    }

    fn to_server(smtp: &Smtp, public_url: &PublicUrl) -> Result<Self, MailerError> {
        let refuse = |error: &dyn std::error::Error| MailerError(error.to_string());
        let tls = || TlsParameters::new(smtp.host.clone()).map_err(|error| refuse(&error));
        let security = match smtp.tls {
            SmtpTls::Required => Security::StartTls(tls()?),
            SmtpTls::Wrapper => Security::Wrapped(tls()?),
            SmtpTls::None => Security::Plain,
        };
        let from = smtp.from.address().mailbox().parse().map_err(|error| refuse(&error))?;
        let hello = client_id(public_url.host());
        Ok(Self {
            host: smtp.host.clone(),
            port: smtp.port,
            security,
            domain: hello.to_string(),
            hello,
            credentials: smtp.credentials.as_ref().map(|credentials| {
                Credentials::new(credentials.user.clone(), credentials.password.to_string())
            }),
            from: Mailbox::new(smtp.from.name().map(str::to_owned), from),
            patience: PATIENCE,
        })
    }

    /// Hands a mail to the server. `Ok` means that the server answers for it now.
    pub(crate) async fn send(&self, envelope: &Envelope<'_>) -> Result<(), SendError> {
        let (route, message) = self.compose(envelope)?;
        let delivery = async {
            let mut connection = self.connect().await.map_err(|error| SendError::connecting(&error))?;
            let sent = connection.send(&route, &message).await;
            sent.map(|_| connection).map_err(|error| SendError::sending(&error))
        };
        let delivered = tokio::time::timeout(self.patience, delivery).await;
        let mut connection =
            delivered.unwrap_or_else(|_| Err(SendError::temporary("the mail server takes too long")))?;
        // Whatever it answers, the mail is delivered.
        let _ = tokio::time::timeout(FAREWELL, connection.quit()).await;
        Ok(())
    }

    /// Whether the server can be reached, proves itself and takes our credentials. Sends nothing.
    pub(crate) async fn probe(&self) -> Result<(), SendError> {
        let connected = tokio::time::timeout(self.patience, self.connect()).await;
        let connected = connected.map_err(|_| SendError::temporary("the mail server takes too long"))?;
        let mut connection = connected.map_err(|error| SendError::connecting(&error))?;
        let _ = tokio::time::timeout(FAREWELL, connection.quit()).await;
        Ok(())
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, smtp::Error> {
        let wrapper = match &self.security {
            Security::Wrapped(tls) => Some(tls.clone()),
            Security::StartTls(_) | Security::Plain => None,
        };
        let server = (self.host.as_str(), self.port);
        let mut connection =
            AsyncSmtpConnection::connect_tokio1(server, Some(self.patience), &self.hello, wrapper, None)
                .await?;
        if let Security::StartTls(tls) = &self.security {
            connection.starttls(tls.clone(), &self.hello).await?;
        }
        if let Some(credentials) = &self.credentials {
            connection.auth(DEFAULT_MECHANISMS, credentials).await?;
        }
        Ok(connection)
    }

    /// Headers can only hold what was parsed as an address or has no control character (attack REC-12).
    fn compose(&self, envelope: &Envelope<'_>) -> Result<(Route, Vec<u8>), SendError> {
        let to =
            address(envelope.to).ok_or_else(|| SendError::permanent("the address cannot be mailed to"))?;
        if envelope.subject.contains(char::is_control) {
            return Err(SendError::permanent("the subject is not one line"));
        }
        let parts = MultiPart::alternative()
            .singlepart(SinglePart::plain(envelope.text.to_owned()))
            .singlepart(SinglePart::html(envelope.html.to_owned()));
        let message = Message::builder()
            .date(system_time(envelope.date))
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(envelope.subject)
            .message_id(Some(format!("<{}@{}>", envelope.id, self.domain)))
            .header(AutoSubmitted)
            .multipart(parts)
            .map_err(|_| SendError::permanent("the message cannot be put together"))?;
        Ok((message.envelope().clone(), message.formatted()))
    }
}

impl SendError {
    fn permanent(reason: &str) -> Self {
        Self { permanent: true, reason: reason.to_owned() }
    }

    fn temporary(reason: &str) -> Self {
        Self { permanent: false, reason: reason.to_owned() }
    }

    /// Before the mail's turn came: whatever it is, it is not the mail.
    fn connecting(error: &smtp::Error) -> Self {
        Self { permanent: false, reason: reason(error) }
    }

    fn sending(error: &smtp::Error) -> Self {
        // 530: the server wants to know first who we are (RFC 4954 section 6), which is no matter of this mail.
        let is_ours = error.status().is_some_and(|code| code.to_string() == "530");
        let permanent = (error.is_permanent() && !is_ours) || error.is_client();
        Self { permanent, reason: reason(error) }
    }
}

/// What went wrong, without the server's own words: they may quote the mail.
fn reason(error: &smtp::Error) -> String {
    match error.status() {
        Some(code) => format!("the mail server answered {code}{}", enhanced_status(error)),
        None if error.is_response() => "the mail server's answer is malformed".to_owned(),
        None => format!("the mail server cannot be used: {error}"),
    }
}

/// The enhanced status code (RFC 3463) at the start of the server's words, such as ` 5.1.1`.
fn enhanced_status(error: &smtp::Error) -> String {
    let words = error.source().map(ToString::to_string).unwrap_or_default();
    let first = words.split_whitespace().next().unwrap_or_default();
    let is_number =
        |part: &str| (1..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    let is_status = first.split('.').count() == 3 && first.split('.').all(is_number);
    if is_status { format!(" {first}") } else { String::new() }
}

/// The address as it was stored, parsed once more by both its grammars: exactly one, and nothing beside it.
fn address(to: &str) -> Option<Address> {
    Email::parse(to).ok()?.mailbox().parse().ok()
}

/// How we introduce ourselves (RFC 5321 section 4.1.3).
fn client_id(host: &str) -> ClientId {
    match host.trim_matches(['[', ']']).parse() {
        Ok(IpAddr::V4(address)) => ClientId::Ipv4(address),
        Ok(IpAddr::V6(address)) => ClientId::Ipv6(address),
        Err(_) => ClientId::Domain(host.to_owned()),
    }
}

fn system_time(at: Time) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(at.seconds()).unwrap_or(0))
}

/// Tells auto-responders to stay silent (RFC 3834 section 5).
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}
