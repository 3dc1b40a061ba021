//! Sends the mails of the outbox. In dev mode, without SMTP, they stay there for the inbox.

use countersign_core::Time;
use countersign_pages::mail::Sender;
use countersign_store::job::{self, Due};
use countersign_store::{Batch, Outcome};

use crate::app::{App, PUBLIC_NAME};
use crate::keyring::system;
use crate::mailer::{Envelope, Mailer, SendError};
use crate::outbox;

/// Mails a round takes at once.
const BATCH: u32 = 20;

/// One round: until none is due.
pub async fn step(app: App) {
    let Some(mailer) = &app.mailer else { return };
    loop {
        let due = match job::due(&app.store, app.clock.now(), BATCH).await {
            Ok(due) if due.is_empty() => return,
            Ok(due) => due,
            Err(error) => {
                tracing::warn!(%error, "cannot read the outbox; the next round tries again");
                return;
            }
        };
        for due in &due {
            post(&app, mailer, due).await;
        }
    }
}

/// Claims a mail, sends it, writes down what came of it. A crash in between sends it twice rather than never.
async fn post(app: &App, mailer: &Mailer, due: &Due) {
    let now = app.clock.now();
    if !apply(app, job::claim_batch(due, &system(now, app.random.as_ref()))).await {
        return;
    }
    let sent = match outbox::open(app, due.id, &due.sealed) {
        Some(mail) => send(app, mailer, due, (mail, now)).await,
        None => Err(SendError {
            permanent: true,
            reason: "the mail does not open: another master key".to_owned(),
        }),
    };
    let stamp = system(app.clock.now(), app.random.as_ref());
    match sent {
        Ok(()) => {
            tracing::info!(job = %due.id, kind = due.kind, "mail sent");
            apply(app, job::done_batch(due, &stamp)).await;
        }
        Err(error) if error.permanent || job::last_try(due) => {
            tracing::error!(job = %due.id, kind = due.kind, reason = error.reason, "mail given up");
            apply(app, job::failed_batch(due, &stamp)).await;
        }
        Err(error) => {
            tracing::warn!(job = %due.id, kind = due.kind, reason = error.reason, "mail will be tried again");
        }
    }
}

async fn send(
    app: &App,
    mailer: &Mailer,
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
    mailer.send(&envelope).await
}

async fn apply(app: &App, batch: Batch) -> bool {
    match app.store.apply(batch).await {
        Ok(outcome) => outcome == Outcome::Applied,
        Err(error) => {
            tracing::warn!(%error, "cannot write to the outbox");
            false
        }
    }
}
