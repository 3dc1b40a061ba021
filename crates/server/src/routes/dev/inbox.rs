//! `/dev/inbox`: the mails of the outbox, as a page and as JSON.

use axum::response::Response;
use countersign_core::mail::Message;
use countersign_pages::mail::{Mail as Written, Sender};
use countersign_pages::{InboxMail, InboxPage};
use countersign_store::job::all_newest_first;
use http::{HeaderMap, StatusCode, header};
use serde::Serialize;

use crate::app::PUBLIC_NAME;
use crate::ctx::Ctx;
use crate::outbox;
use crate::respond::page;
use crate::respond::problem::Problem;
use crate::respond::session::{json, to_bytes};

/// So many mails are shown.
const SHOWN: u32 = 100;

/// One mail as JSON shows it.
#[derive(Serialize)]
struct Shown {
    to: String,
    subject: String,
    text: String,
    links: Vec<String>,
    code: Option<String>,
    #[serde(skip)]
    at: countersign_core::Time,
}

/// Newest first; as JSON with `Accept: application/json`. It reads the outbox itself, so a mail is there before the
/// answer of the request that caused it.
pub(crate) async fn show(ctx: Ctx, headers: HeaderMap) -> Result<Response, Problem> {
    let sender = Sender { public_name: PUBLIC_NAME, origin: ctx.app.config.public_url.origin() };
    let posted = all_newest_first(&ctx.app.store, SHOWN).await?;
    let opened =
        posted.iter().filter_map(|job| Some((outbox::open(&ctx.app, job.id, &job.sealed)?, job.created_at)));
    let messages: Vec<Shown> = opened
        .map(|(mail, at)| {
            let Written { subject, text, .. } = sender.write(&mail);
            let (links, code) = match mail.message {
                Message::Verify { link, code } => (vec![link], Some(code)),
                Message::Reset { link } => (vec![link], None),
                Message::KnownAddress | Message::PasswordChanged => (Vec::new(), None),
            };
            Shown { to: mail.to, subject, text, links, code, at }
        })
        .collect();
    if wants_json(&headers) {
        #[derive(Serialize)]
        struct Messages {
            messages: Vec<Shown>,
        }
        return Ok(json(to_bytes(&Messages { messages })));
    }
    let mails = messages.iter().map(shown).collect();
    Ok(page::show(&ctx, (StatusCode::OK, "/dev/inbox", false), &InboxPage { mails }))
}

fn shown(mail: &Shown) -> InboxMail<'_> {
    InboxMail {
        to: &mail.to,
        subject: &mail.subject,
        text: &mail.text,
        code: mail.code.as_deref(),
        at: mail.at,
    }
}

fn wants_json(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or("");
    accept.split(',').any(|kind| kind.split(';').next().is_some_and(|kind| kind.trim() == "application/json"))
}
