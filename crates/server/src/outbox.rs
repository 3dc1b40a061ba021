//! The outbox: mails wait in the store, sealed, in the transaction that causes them; a job sends them.

use countersign_core::account::{DisplayName, Email};
use countersign_core::mail::{Mail, Message};
use countersign_core::{JobId, Locale};
use countersign_store::job::{self, Job};
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::ctx::Ctx;
use crate::respond::problem::{Kind, Problem};

/// A mail as it lies sealed in the outbox.
#[derive(Serialize, Deserialize)]
struct Sealed {
    to: String,
    name: Option<String>,
    locale: String,
    message: SealedMessage,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum SealedMessage {
    Verify { link: String, code: String },
    KnownAddress,
    Reset { link: String },
    PasswordChanged,
}

/// Who a mail is for.
pub(crate) struct Recipient<'a> {
    pub(crate) email: &'a Email,
    pub(crate) name: Option<&'a DisplayName>,
    pub(crate) locale: Locale,
}

/// A job that mails `message`: to the address as its owner wrote it, and to no other (attack REC-12), in the owner's
/// language.
pub(crate) fn job(ctx: &Ctx, recipient: &Recipient<'_>, message: Message) -> Job {
    let id = JobId::new(ctx.now, ctx.app.random.as_ref());
    let kind = message.kind();
    let sealed = Sealed {
        to: recipient.email.mailbox(),
        name: recipient.name.map(|name| name.as_str().to_owned()),
        locale: recipient.locale.as_str().to_owned(),
        message: match message {
            Message::Verify { link, code } => SealedMessage::Verify { link, code },
            Message::KnownAddress => SealedMessage::KnownAddress,
            Message::Reset { link } => SealedMessage::Reset { link },
            Message::PasswordChanged => SealedMessage::PasswordChanged,
        },
    };
    let plain = zeroize::Zeroizing::new(serde_json::to_vec(&sealed).unwrap_or_default());
    Job {
        id,
        kind,
        recipient: job::recipient(recipient.email),
        sealed: ctx.app.outbox.seal(&plain, id.bytes(), ctx.app.random.as_ref()),
        run_at: ctx.now,
    }
}

/// Opens a mail of the outbox; none where the seal or what is under it is broken.
pub(crate) fn open(app: &App, id: JobId, sealed: &[u8]) -> Option<Mail> {
    let plain = app.outbox.open(sealed, id.bytes()).ok()?;
    let sealed: Sealed = serde_json::from_slice(&plain).ok()?;
    Some(Mail {
        to: sealed.to,
        name: sealed.name,
        locale: Locale::parse(&sealed.locale)?,
        message: match sealed.message {
            SealedMessage::Verify { link, code } => Message::Verify { link, code },
            SealedMessage::KnownAddress => Message::KnownAddress,
            SealedMessage::Reset { link } => Message::Reset { link },
            SealedMessage::PasswordChanged => Message::PasswordChanged,
        },
    })
}

/// Refuses what needs mail where none ever leaves: in production without `mail.smtp_url`.
pub(crate) fn must_leave(app: &App) -> Result<(), Problem> {
    if can_leave(app) {
        return Ok(());
    }
    Err(Problem::new(Kind::Forbidden)
        .detail("This server sends no mail: ask whoever runs it for an account or a password."))
}

/// Whether mails leave, or are shown in the dev inbox.
pub(crate) fn can_leave(app: &App) -> bool {
    app.config.dev || app.mailer.is_some()
}

/// Wakes the job that sends: what was just written need not wait for its next round.
pub(crate) fn ring(app: &App) {
    app.mail_bell.notify_one();
}
