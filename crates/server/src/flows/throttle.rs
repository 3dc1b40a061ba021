//! Before anything is compared: one helper for every path on which somebody could guess.

use countersign_core::AccountId;
use countersign_core::account::Email;
use countersign_core::audit::{Actor, Event, Kind as AuditKind};
use countersign_core::login::password::Candidate;
use countersign_core::session::Session;
use countersign_core::throttle::admit::Limit;
use countersign_core::throttle::known_device::Standing;
use countersign_core::throttle::{Familiar, Guess, Prefix, Subject, Weight};
use countersign_store::Batch;
use countersign_store::ephemeral::{Denied, Refused, Reservation};

use crate::ctx::Ctx;
use crate::hash_pool::Asker;
use crate::respond::problem::{Kind, Problem};

/// What a guess is about and who makes it, as far as is known before.
pub(crate) struct About {
    subject: Option<Subject>,
    typed: Option<Subject>,
    familiar: Option<Familiar>,
}

impl About {
    /// A login: about the account that was found, and what was typed.
    pub(crate) async fn login(
        ctx: &Ctx,
        account: Option<Candidate>,
        typed: Subject,
    ) -> Result<Self, Problem> {
        let Some(account) = account else {
            return Ok(Self { subject: None, typed: Some(typed), familiar: None });
        };
        let standing = standing(ctx, &account).await?;
        let device = ctx.known_device.as_ref();
        let device = device.and_then(|device| device.known_to(&standing, ctx.now, &ctx.app.devices));
        let (subject, familiar) = (Some(Subject::Account(account.id)), device.map(Familiar::Device));
        Ok(Self { subject, typed: Some(typed), familiar })
    }

    /// A session that guesses at its own account's password: held to its own guesses, so that nobody who guesses
    /// elsewhere keeps its owner from changing the password.
    pub(crate) fn session(session: &Session) -> Self {
        let (subject, familiar) = (Subject::Account(session.account), Familiar::Session(session.id));
        Self { subject: Some(subject), typed: None, familiar: Some(familiar) }
    }

    /// A mailed secret, or nothing that anybody was mailed.
    pub(crate) const fn mailed(subject: Option<Subject>) -> Self {
        Self { subject, typed: None, familiar: None }
    }

    /// The code of a device: nobody knows whose it is before, so only who tries is held to it. Like a current password it is
    /// tried by a session, so no stranger's guesses keep anybody from an own device.
    pub(crate) fn user_code(session: &Session) -> Self {
        let (subject, familiar) = (Subject::UserCode(session.account), Familiar::Session(session.id));
        Self { subject: Some(subject), typed: None, familiar: Some(familiar) }
    }

    /// Who waits for a hash.
    pub(crate) fn asker(&self, ctx: &Ctx) -> Asker {
        let account = self.familiar.and(self.subject.as_ref()).and_then(Subject::account);
        account.map_or_else(|| stranger(ctx), |account| familiar(ctx, account))
    }
}

/// What a device is known to when it logs in to the account now.
pub(crate) async fn standing(ctx: &Ctx, account: &Candidate) -> Result<Standing, Problem> {
    let Candidate { id, version, .. } = *account;
    Ok(Standing { account: id, version, epoch: ctx.app.store.epoch().await? })
}

/// Somebody of whom nothing is known but the address.
pub(crate) fn stranger(ctx: &Ctx) -> Asker {
    Asker::Stranger(Prefix::of(ctx.ip))
}

/// Somebody whom this account knows.
pub(crate) fn familiar(ctx: &Ctx, account: AccountId) -> Asker {
    Asker::Familiar(account, Prefix::of(ctx.ip))
}

/// Makes a guess, if it may be made: counted before anything is compared (attack LOG-13), and kept until its reservation
/// is released because it was right. Where the queue is full nothing was compared, and the guess never was.
pub(crate) async fn guess<T>(
    ctx: &Ctx,
    about: About,
    comparison: impl Future<Output = Result<T, Problem>>,
) -> Result<(T, Reservation), Problem> {
    let held = reserve(ctx, about, Weight::Compared).await?;
    compare(held, comparison).await
}

/// A link that nobody was mailed: a wrong guess of its address, and no more than that. Nothing is compared.
pub(crate) async fn count_made_up_link(ctx: &Ctx) -> Result<(), Problem> {
    reserve(ctx, About::mailed(None), Weight::Nothing).await.map(drop)
}

/// Counts a request for a mail, or refuses it, whether any would be sent or not (attack DOS-08).
pub(crate) async fn reserve_mail(ctx: &Ctx, to: &Email) -> Result<(), Problem> {
    let policy = &ctx.app.policy;
    if !policy.capped {
        return Ok(());
    }
    match ctx.app.throttles.reserve_mail(Prefix::of(ctx.ip), to, (&policy.throttle, ctx.app.uptime())) {
        Ok(()) => Ok(()),
        Err(refused) => Err(refuse(ctx, refused, None).await?),
    }
}

/// Counts the registration of a client, or refuses it (attacks OAU-59, DOS-07).
pub(crate) async fn reserve_registration(ctx: &Ctx) -> Result<(), Problem> {
    let (policy, most) = (&ctx.app.policy, ctx.app.config.registration.per_address);
    if !policy.capped {
        return Ok(());
    }
    let counted = (&policy.throttle, ctx.app.uptime());
    match ctx.app.throttles.reserve_registration(Prefix::of(ctx.ip), most, counted) {
        Ok(()) => Ok(()),
        Err(refused) => Err(refuse(ctx, refused, None).await?),
    }
}

/// Counts a device that asks to be let in, or refuses it (attack DOS-07).
pub(crate) async fn reserve_device(ctx: &Ctx) -> Result<(), Problem> {
    let policy = &ctx.app.policy;
    if !policy.capped {
        return Ok(());
    }
    match ctx.app.throttles.reserve_device(Prefix::of(ctx.ip), (&policy.throttle, ctx.app.uptime())) {
        Ok(()) => Ok(()),
        Err(refused) => Err(refuse(ctx, refused, None).await?),
    }
}

async fn reserve(ctx: &Ctx, about: About, weight: Weight) -> Result<Reservation, Problem> {
    let policy = &ctx.app.policy;
    if !policy.capped {
        return Ok(Reservation::unlimited());
    }
    let About { subject, typed, familiar } = about;
    let account = subject.as_ref().and_then(Subject::account);
    let guess = Guess { subject, typed, prefix: Prefix::of(ctx.ip), familiar, weight };
    let admission = ctx.app.throttles.reserve(&guess, &policy.throttle, ctx.app.uptime()).await;
    if admission.unusual {
        tell(ctx, Limit::Global, None).await?;
    }
    match admission.verdict {
        Ok(held) => Ok(held),
        Err(Denied::Refused(refused)) => Err(refuse(ctx, refused, account).await?),
        Err(Denied::Crowded) => Err(Problem::new(Kind::Overloaded)),
    }
}

async fn compare<T>(
    held: Reservation,
    comparison: impl Future<Output = Result<T, Problem>>,
) -> Result<(T, Reservation), Problem> {
    match comparison.await {
        Ok(compared) => Ok((compared, held)),
        Err(problem) => {
            if problem.kind == Kind::Overloaded {
                held.release();
            }
            Err(problem)
        }
    }
}

/// A refusal is told once a window: a line for each request of a flood would be a flood of its own (attack DOS-07).
async fn refuse(ctx: &Ctx, refused: Refused, account: Option<AccountId>) -> Result<Problem, Problem> {
    if refused.first {
        tell(ctx, refused.limit, account.filter(|_| refused.limit == Limit::Account)).await?;
    }
    Ok(Problem::new(Kind::Throttled).retry_after(refused.retry_after))
}

/// Neither log learns what was typed.
async fn tell(ctx: &Ctx, limit: Limit, account: Option<AccountId>) -> Result<(), Problem> {
    let ip = ctx.ip.map(tracing::field::display);
    tracing::warn!(request_id = %ctx.request, limit = limit.as_str(), ip, "limit hit");
    let event = Event::new(AuditKind::LimitHit).detail("limit", limit.as_str());
    let event = account.into_iter().fold(event, Event::account);
    let mut attempts = ctx.attempts();
    while !attempts.apply(Batch::new(&ctx.stamp(Actor::Anonymous), event.clone())).await? {}
    Ok(())
}
