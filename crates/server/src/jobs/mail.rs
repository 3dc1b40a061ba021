//! Sends the mails of the outbox. In dev mode, without SMTP, they stay there for the inbox.

use countersign_core::Time;
use countersign_pages::mail::Sender;
use countersign_store::job::{self, Due};
use countersign_store::{Batch, Outcome};
use futures_util::StreamExt as _;
use futures_util::stream;

use crate::app::{App, PUBLIC_NAME};
use crate::keyring::system;
use crate::mailer::{Envelope, SendError};
use crate::metrics::Mail as Tried;
use crate::outbox;

/// Mails a round takes at once.
const BATCH: u32 = 20;

/// Mails on their way at once: a mail server that keeps one waiting does not keep them all.
const AT_ONCE: usize = 4;

/// One round: until none is due, or the store does not take what became of them. A round that is dropped in the middle
/// loses nothing: whatever was claimed is due again later.
pub async fn step(app: App) {
    if app.mailer.is_none() {
        return;
    }
    loop {
        let due = match job::due(&app.store, app.clock.now(), BATCH).await {
            Ok(due) if due.is_empty() => return,
            Ok(due) => due,
            Err(error) => {
                tracing::warn!(%error, "cannot read the outbox; the next round tries again");
                return;
            }
        };
        let posts = due.into_iter().map(|due| post(app.clone(), due));
        let posted: Vec<bool> = stream::iter(posts).buffer_unordered(AT_ONCE).collect().await;
        if posted.contains(&false) {
            return;
        }
    }
}

/// Claims a mail, sends it, writes down what came of it. A crash in between sends it twice rather than never. `false`:
/// the store is in trouble, and another try at once would only make it worse.
async fn post(app: App, due: Due) -> bool {
    let (app, due) = (&app, &due);
    let now = app.clock.now();
    match apply(app, job::claim_batch(due, &system(now, app.random.as_ref()))).await {
        Ok(Outcome::Applied) => {}
        Ok(Outcome::Lost) => return true,
        Err(()) => return false,
    }
    let sent = match outbox::open(app, due.id, &due.sealed) {
        Some(mail) => send(app, due, (mail, now)).await,
        None => Err(SendError {
            permanent: true,
            reason: "the mail does not open: another master key".to_owned(),
        }),
    };
    app.metrics.mail(match &sent {
        Ok(()) => Tried::Sent,
        Err(error) if is_last(error, due) => Tried::Failed,
        Err(_) => Tried::Retried,
    });
    let stamp = system(app.clock.now(), app.random.as_ref());
    match sent {
        Ok(()) => {
            tracing::info!(job = %due.id, kind = due.kind, "mail sent");
            apply(app, job::done_batch(due, &stamp)).await.is_ok()
        }
        Err(error) if is_last(&error, due) => {
            tracing::error!(job = %due.id, kind = due.kind, reason = error.reason, "mail given up");
            apply(app, job::failed_batch(due, &stamp)).await.is_ok()
        }
        Err(error) => {
            tracing::warn!(job = %due.id, kind = due.kind, reason = error.reason, "mail will be tried again");
            true
        }
    }
}

/// Whether nobody tries again after this.
fn is_last(error: &SendError, due: &Due) -> bool {
    error.permanent || job::last_try(due)
}

async fn send(
    app: &App,
    due: &Due,
    (mail, now): (countersign_core::mail::Mail, Time),
) -> Result<(), SendError> {
    let sender = Sender { public_name: PUBLIC_NAME, origin: app.config.public_url.origin() };
    let written = sender.write(&mail);
    let envelope = Envelope {
        id: due.id,
        date: now,
        to: &mail.to,
        subject: &written.subject,
        text: &written.text,
        html: &written.html,
    };
    match &app.mailer {
        Some(mailer) => mailer.send(&envelope).await,
        None => Err(SendError { permanent: false, reason: "no mail server is set".to_owned() }),
    }
}

async fn apply(app: &App, batch: Batch) -> Result<Outcome, ()> {
    app.store.apply(batch).await.map_err(|error| {
        tracing::warn!(%error, "cannot write to the outbox; the next round tries again");
    })
}
