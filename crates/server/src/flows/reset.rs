//! Setting a new password by a mailed link. Afterwards nothing of the account is alive, and nobody is logged in.

use std::sync::Arc;

use countersign_core::CredentialId;
use countersign_core::audit::Actor;
use countersign_core::credential::Password;
use countersign_core::credential::policy::Rejection;
use countersign_core::recovery::reset::{Decision, Refusal, decide};
use countersign_core::secret::Secret;
use countersign_core::throttle::known_device::Standing;
use countersign_store::account::account;
use countersign_store::recovery::{self as store, NewPassword};

use crate::ctx::Ctx;
use crate::outbox;
use crate::respond::problem::{Kind, Problem};

use super::choose::{Owner, choose};
use super::password::{notice, standing};
use super::throttle;

/// What came of a link that works; one that does not is [`Kind::InvalidToken`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Changed {
    /// The new password counts, and this browser's device is known to the account.
    Done(Standing),
    /// The policy refuses it; the link goes on working.
    Rejected(Rejection),
}

/// Sets the password of the account that the link, and only the link, names (attack REC-06). What is no secret names
/// none.
pub(crate) async fn reset(
    ctx: &Ctx,
    token: Option<&Secret>,
    password: &Arc<Password>,
) -> Result<Changed, Problem> {
    let Some(token) = token.map(Secret::hash) else { return Err(no_such_link(ctx).await) };
    let mut attempts = ctx.attempts();
    let mut hash = None;
    loop {
        let reset = match decide(store::reset_facts(&ctx.app.store, token).await?, ctx.now) {
            Decision::Set(reset) => reset,
            Decision::Refuse(Refusal::Unknown) => return Err(no_such_link(ctx).await),
            Decision::Refuse(Refusal::Expired | Refusal::Dead | Refusal::Account) => return Err(refused()),
        };
        let owner = account(&ctx.app.store, reset.account).await?.ok_or_else(refused)?;
        let chosen = match hash.take() {
            Some(hash) => hash,
            None => {
                match choose(ctx, password, (Owner::of(&owner), throttle::familiar(ctx, owner.id))).await? {
                    Ok(hash) => hash,
                    Err(rejection) => return Ok(Changed::Rejected(rejection)),
                }
            }
        };
        let notice = notice(ctx, &owner);
        let stamp = ctx.stamp(Actor::Account(reset.account));
        let new =
            NewPassword { credential: CredentialId::new(ctx.now, ctx.app.random.as_ref()), hash: &chosen };
        let life = ctx.app.policy.longest_life();
        if attempts.apply(store::reset_batch(&reset, new, notice.as_ref(), life, &stamp)).await? {
            outbox::ring(&ctx.app);
            return Ok(Changed::Done(standing(ctx, &owner).await?));
        }
        hash = Some(chosen);
    }
}

/// A link that somebody was mailed is never held up, whoever else guesses; one that nobody was is a guess.
async fn no_such_link(ctx: &Ctx) -> Problem {
    throttle::count_made_up_link(ctx).await.err().unwrap_or_else(refused)
}

fn refused() -> Problem {
    Problem::new(Kind::InvalidToken).detail("The link was used, is too old, or was replaced by a newer one.")
}
