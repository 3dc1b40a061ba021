//! Registering: an address is claimed and mailed, nothing is opened yet.
//!
//! Known or not, an address costs the same hash and gets the same answer (I14; attack REC-01).

use std::sync::Arc;

use countersign_core::account::register::{Decision, Pending, decide};
use countersign_core::account::verify::six_digits;
use countersign_core::account::{DisplayName, Email};
use countersign_core::audit::{Actor, Event, Kind as AuditKind};
use countersign_core::credential::Password;
use countersign_core::credential::policy::Rejection;
use countersign_core::mail::Message;
use countersign_core::secret::{Hash, Secret};
use countersign_core::{AccountId, Locale, PendingId, random};
use countersign_store::Batch;
use countersign_store::account::{account, register as store, verify::pendings_by_email};

use crate::app::App;
use crate::ctx::Ctx;
use crate::outbox::{self, Recipient};
use crate::respond::problem::Problem;

use super::choose::{Owner, choose};
use super::pace::no_sooner;
use super::throttle::{self, stranger};

/// What somebody wants to register.
pub(crate) struct Registration {
    pub(crate) email: Email,
    pub(crate) name: Option<DisplayName>,
    /// The language of the mails.
    pub(crate) locale: Locale,
    pub(crate) password: Arc<Password>,
}

/// What came of it.
pub(crate) enum Registered {
    /// The mail is in the outbox, or the address has had its share; nobody is told which. The secret is for this
    /// browser's login cookie: with it, the link or the code alone will do.
    Done(Secret),
    /// The policy refuses the password.
    Rejected(Rejection),
}

/// Registers an address. The password is judged and hashed before anything is looked up.
pub(crate) async fn register(ctx: &Ctx, registration: Registration) -> Result<Registered, Problem> {
    outbox::must_leave(&ctx.app)?;
    throttle::reserve_mail(ctx, &registration.email).await?;
    let Registration { email, name, locale, password } = registration;
    let owner = Owner { email: Some(email.clone()), name: name.clone() };
    let password = match choose(ctx, &password, (owner, stranger(ctx))).await? {
        Ok(hash) => hash,
        Err(rejection) => return Ok(Registered::Rejected(rejection)),
    };
    let browser = Secret::new(ctx.app.random.as_ref());
    let wish = Wish { email, name, locale, password, browser: browser.hash() };
    send(ctx, &wish.email, Some(&wish)).await?;
    Ok(Registered::Done(browser))
}

/// Mails another link and another code for what this browser began to register; a known address gets its notice again.
/// Each is a registration of its own, so that the earlier mails go on working, and all count for the same caps.
pub(crate) async fn resend(ctx: &Ctx, email: &Email, browser: Option<&Secret>) -> Result<(), Problem> {
    outbox::must_leave(&ctx.app)?;
    throttle::reserve_mail(ctx, email).await?;
    let browser = browser.map(Secret::hash);
    let pendings = pendings_by_email(&ctx.app.store, email, ctx.now).await?;
    let own = pendings
        .into_iter()
        .map(|found| found.pending)
        .find(|own| own.browser.is_some() && own.browser == browser);
    let wish = own.zip(browser).map(|(own, browser)| Wish {
        email: own.email,
        name: own.name,
        locale: own.locale,
        password: own.password,
        browser,
    });
    no_sooner(send(ctx, email, wish.as_ref())).await
}

/// A registration before it has its slot, its link and its code.
struct Wish {
    email: Email,
    name: Option<DisplayName>,
    locale: Locale,
    password: String,
    browser: Hash,
}

/// Asks the rule and does what it says.
async fn send(ctx: &Ctx, email: &Email, wish: Option<&Wish>) -> Result<(), Problem> {
    let mut attempts = ctx.attempts();
    loop {
        let facts = store::register_facts(&ctx.app.store, email, ctx.now).await?;
        let batch = match (decide(&facts, ctx.app.policy.capped), wish) {
            (Decision::Pend { slot }, Some(wish)) => Some(pend(ctx, wish, slot)),
            (Decision::Notice(account), _) => notice(ctx, account, facts.recent_notices).await?,
            (Decision::Pend { .. }, None) | (Decision::Silent, _) => None,
        };
        // A line in the log, and as long a wait for the disk as where a mail goes out (I14).
        let dropped = || Batch::new(&ctx.stamp(Actor::Anonymous), Event::new(AuditKind::RegistrationDropped));
        if attempts.apply(batch.unwrap_or_else(dropped)).await? {
            outbox::ring(&ctx.app);
            return Ok(());
        }
    }
}

fn pend(ctx: &Ctx, wish: &Wish, slot: u8) -> Batch {
    let random = ctx.app.random.as_ref();
    let (id, token) = (PendingId::new(ctx.now, random), Secret::new(random));
    let digits = six_digits(random::bytes(random));
    let pending = Pending {
        id,
        slot,
        email: wish.email.clone(),
        name: wish.name.clone(),
        locale: wish.locale,
        password: wish.password.clone(),
        token: token.hash(),
        code: ctx.app.codes.sign(&coded(id, &digits)),
        browser: Some(wish.browser),
        created_at: ctx.now,
        expires_at: ctx.now + ctx.app.policy.verification,
    };
    let owner = Recipient { email: &wish.email, name: wish.name.as_ref(), locale: wish.locale };
    let message = Message::Verify { link: link(&ctx.app, &token), code: digits };
    store::pend_batch(&pending, &outbox::job(ctx, &owner, message), &ctx.stamp(Actor::Anonymous))
}

fn link(app: &App, token: &Secret) -> String {
    app.config.public_url.join(&format!("/verify?token={}", token.reveal()))
}

/// What the code of a registration is made over: the same six digits of two registrations look different in the store.
pub(super) fn coded(id: PendingId, digits: &str) -> Vec<u8> {
    [&id.bytes()[..], digits.as_bytes()].concat()
}

/// To the address as its owner wrote it, in the owner's language (attack REC-12).
async fn notice(ctx: &Ctx, id: AccountId, recent: u32) -> Result<Option<Batch>, Problem> {
    let known = account(&ctx.app.store, id).await?;
    let Some((known, email)) = known.and_then(|known| Some((known.clone(), known.email?))) else {
        return Ok(None);
    };
    let owner = Recipient { email: &email, name: known.name.as_ref(), locale: known.locale };
    let job = outbox::job(ctx, &owner, Message::KnownAddress);
    Ok(Some(store::notice_batch(id, &job, recent, &ctx.stamp(Actor::Anonymous))))
}
