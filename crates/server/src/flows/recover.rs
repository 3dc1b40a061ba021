//! Asking for a new password. One answer, and the same work, for every address (I14; attack REC-01).

use countersign_core::ResetId;
use countersign_core::account::{Account, Email, Identifier};
use countersign_core::audit::{Actor, Event, Kind as AuditKind};
use countersign_core::mail::Message;
use countersign_core::recovery::recover::{Decision, decide};
use countersign_core::secret::Secret;
use countersign_store::Batch;
use countersign_store::account::account_by_identifier;
use countersign_store::recovery::{self as store, NewReset};

use crate::ctx::Ctx;
use crate::outbox::{self, Recipient};
use crate::respond::problem::Problem;

use super::pace::no_sooner;
use super::throttle;

/// Mails a link to whoever owns the address, if anybody does.
pub(crate) async fn recover(ctx: &Ctx, email: &Email) -> Result<(), Problem> {
    outbox::must_leave(&ctx.app)?;
    no_sooner(ask(ctx, email)).await
}

async fn ask(ctx: &Ctx, email: &Email) -> Result<(), Problem> {
    throttle::reserve_mail(ctx, email).await?;
    let identifier = Identifier::Email(email.clone());
    let mut attempts = ctx.attempts();
    loop {
        let facts = store::recover_facts(&ctx.app.store, email, ctx.now).await?;
        let account = account_by_identifier(&ctx.app.store, &identifier).await?;
        let owner = account.as_ref().and_then(|account| Some((account, account.email.as_ref()?)));
        let batch = match (decide(facts, ctx.app.policy.capped), owner) {
            (Decision::Send(id), Some((account, email))) if account.id == id => {
                send(ctx, (account, email), facts.recent_mails)
            }
            // A line in the log, and as long a wait for the disk as where a mail goes out.
            _ => Batch::new(
                &ctx.stamp(Actor::Anonymous),
                Event::new(AuditKind::ResetRequested).detail("mail", "none"),
            ),
        };
        if attempts.apply(batch).await? {
            outbox::ring(&ctx.app);
            return Ok(());
        }
    }
}

/// To the address as its owner wrote it, whatever spelling asked for it (attack REC-12).
fn send(ctx: &Ctx, (account, email): (&Account, &Email), recent: u32) -> Batch {
    let random = ctx.app.random.as_ref();
    let token = Secret::new(random);
    let reset = NewReset {
        id: ResetId::new(ctx.now, random),
        account: account.id,
        token: token.hash(),
        expires_at: ctx.now + ctx.app.policy.reset,
    };
    let owner = Recipient { email, name: account.name.as_ref(), locale: account.locale };
    let link = ctx.app.config.public_url.join(&format!("/reset?token={}", token.reveal()));
    let job = outbox::job(ctx, &owner, Message::Reset { link });
    store::send_batch(&reset, &job, recent, &ctx.stamp(Actor::Anonymous))
}
