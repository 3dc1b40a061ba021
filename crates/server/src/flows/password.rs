//! Changing the password while logged in. The session stays, under a new secret; everything else of the account ends.

use std::sync::Arc;

use countersign_core::account::Account;
use countersign_core::audit::{Actor, Event, Kind as AuditKind};
use countersign_core::credential::Password;
use countersign_core::credential::change::{Current, Decision, Facts, Refusal, decide};
use countersign_core::credential::policy::Rejection;
use countersign_core::login::password as login;
use countersign_core::mail::Message;
use countersign_core::secret::Secret;
use countersign_core::throttle::known_device::Standing;
use countersign_store::job::Job;
use countersign_store::live::{LiveGrant, LiveSession};
use countersign_store::{Batch, credential as store};

use crate::ctx::Ctx;
use crate::hash_pool::Asker;
use crate::outbox::{self, Recipient};
use crate::respond::problem::{Kind, Problem};

use super::choose::{Owner, choose};
use super::throttle::{self, About};

/// A change that the holder of a session asks for, as it was typed.
pub(crate) struct Change<'a> {
    pub(crate) session: &'a LiveSession,
    /// The grant whose token asks, if it is one: a token that was found stolen meanwhile changes nothing.
    pub(crate) grant: Option<&'a LiveGrant>,
    pub(crate) current: &'a str,
    pub(crate) new: &'a str,
}

/// What came of it.
pub(crate) enum Changed {
    /// The new password counts; the session's cookie, if it has one, has a new secret, and its device is known to this.
    Done(Option<Secret>, Standing),
    /// The current password is another one.
    WrongCurrent,
    /// The new password is the current one.
    Same,
    /// The policy refuses the new one.
    Rejected(Rejection),
}

/// Changes the password of the session's account.
pub(crate) async fn change(ctx: &Ctx, change: &Change<'_>) -> Result<Changed, Problem> {
    let new = match Password::parse(change.new) {
        Ok(new) => Arc::new(new),
        Err(error) => return Ok(Changed::Rejected(error.into())),
    };
    let current = Password::parse(change.current).ok().map(Arc::new);
    let same = current.as_deref().is_some_and(|current| equal(current, &new));
    let asker = About::session(&change.session.session).asker(ctx);
    let mut attempts = ctx.attempts();
    let (mut compared, mut hash) = (None, None);
    loop {
        let stored = store::password_of(&ctx.app.store, change.session.session.account).await?;
        let fits = match compared.take() {
            Some((with, fits)) if with == stored => fits,
            _ => {
                let comparison = compare(ctx, current.clone(), stored.clone(), asker);
                let about = About::session(&change.session.session);
                let (fits, guess) = throttle::guess(ctx, about, comparison).await?;
                if fits == Current::Matches {
                    guess.release();
                }
                fits
            }
        };
        compared = Some((stored.clone(), fits));
        match decide(Facts { current: fits, same }) {
            Decision::Change => {}
            Decision::Refuse(Refusal::Same) => return Ok(Changed::Same),
            Decision::Refuse(Refusal::WrongCurrent) => return wrong_current(ctx, change.session).await,
        }
        let chosen = match hash.take() {
            Some(hash) => hash,
            None => match choose(ctx, &new, (Owner::of(&change.session.account), asker)).await? {
                Ok(hash) => hash,
                Err(rejection) => return Ok(Changed::Rejected(rejection)),
            },
        };
        let secret = change.session.secret().map(|old| (old, Secret::new(ctx.app.random.as_ref())));
        let written = store::Change {
            account: change.session.session.account,
            old: stored.as_deref().unwrap_or_default(),
            new: &chosen,
            session: change.session.session.id,
            grant: change.grant.map(|grant| grant.grant.id),
            secret: secret.as_ref().map(|(old, new)| (*old, new.hash())),
        };
        if attempts.apply(batch(ctx, &written, &change.session.account)).await? {
            outbox::ring(&ctx.app);
            let standing = standing(ctx, &change.session.account).await?;
            return Ok(Changed::Done(secret.map(|(_, new)| new), standing));
        }
        // Lost to what ended the session or the grant, or gave the session another secret: it is not the one that may
        // ask any more.
        let live = ctx.app.store.live();
        let still = change
            .grant
            .map_or_else(|| change.session.check(live, ctx.now), |grant| grant.check(live, ctx.now));
        still.map_err(|_| Problem::new(Kind::InvalidToken))?;
        hash = Some(chosen);
    }
}

/// What a device of the account is known to after its password was changed once. After a second change it is known no more.
pub(super) async fn standing(ctx: &Ctx, before: &Account) -> Result<Standing, Problem> {
    Ok(Standing { account: before.id, version: before.version.next(), epoch: ctx.app.store.epoch().await? })
}

/// Tells the account's owner that the password is another one (attack REC-20).
pub(super) fn notice(ctx: &Ctx, account: &Account) -> Option<Job> {
    // Where no mail can leave, none is kept for the day when it can.
    let email = account.email.as_ref().filter(|_| outbox::can_leave(&ctx.app))?;
    let owner = Recipient { email, name: account.name.as_ref(), locale: account.locale };
    Some(outbox::job(ctx, &owner, Message::PasswordChanged))
}

fn batch(ctx: &Ctx, change: &store::Change<'_>, account: &Account) -> Batch {
    let notice = notice(ctx, account);
    let stamp = ctx.stamp(Actor::Account(change.account));
    store::change_batch(change, notice.as_ref(), ctx.app.policy.longest_life(), &stamp)
}

async fn compare(
    ctx: &Ctx,
    current: Option<Arc<Password>>,
    stored: Option<String>,
    asker: Asker,
) -> Result<Current, Problem> {
    let Some((current, stored)) = current.zip(stored) else { return Ok(Current::Differs) };
    Ok(match ctx.app.hashes.verify(current, Some(stored), asker).await? {
        login::Proof::Matches { .. } => Current::Matches,
        login::Proof::Differs => Current::Differs,
    })
}

/// Somebody holds a session and not its password: the log says so, whatever becomes of the answer (attack LOG-30).
async fn wrong_current(ctx: &Ctx, session: &LiveSession) -> Result<Changed, Problem> {
    let (account, id) = (session.session.account, session.session.id);
    let event = Event::new(AuditKind::LoginFailed).account(account).session(id);
    let event =
        event.detail("reason", login::Refusal::WrongPassword.as_str()).detail("at", "password_change");
    let mut attempts = ctx.attempts();
    while !attempts.apply(Batch::new(&ctx.stamp(Actor::Account(account)), event.clone())).await? {}
    Ok(Changed::WrongCurrent)
}

fn equal(one: &Password, other: &Password) -> bool {
    aws_lc_rs::constant_time::verify_slices_are_equal(one.as_bytes(), other.as_bytes()).is_ok()
}
