//! What an account tells of itself: read, and changed by itself or an operator.

use countersign_core::account::profile::{Profile, Told};
use countersign_core::account::{Account, DisplayName, State};
use countersign_core::audit::Actor;
use countersign_core::{AccountId, Locale};
use countersign_store::account::account;
use countersign_store::account::profile::{NewProfile, profile_batch};

use crate::ctx::Ctx;
use crate::respond::id_token::told;
use crate::respond::problem::{Kind, Problem};

/// What can be changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Draft {
    /// What it wants to be called.
    pub(crate) name: Option<DisplayName>,
    /// The language of its mails.
    pub(crate) locale: Locale,
    /// The rest.
    pub(crate) profile: Profile,
}

/// The account, and what it tells of itself.
pub(crate) async fn read(ctx: &Ctx, id: AccountId) -> Result<(Account, Told), Problem> {
    let account = account(&ctx.app.store, id).await?;
    let account = account.filter(|account| account.state != State::Deleted);
    let account = account.ok_or_else(|| Problem::new(Kind::NotFound))?;
    Ok((account, told(&ctx.app, id).await?))
}

/// Changes it as `edit` says, which sees it as it is now; what is so already writes nothing.
pub(crate) async fn change<E: From<Problem>>(
    ctx: &Ctx,
    actor: Actor<'_>,
    id: AccountId,
    edit: impl Fn(Draft) -> Result<Draft, E>,
) -> Result<(), E> {
    let mut attempts = ctx.attempts();
    loop {
        let (account, told) = read(ctx, id).await?;
        let before = Draft { name: account.name.clone(), locale: account.locale, profile: told.profile };
        let Draft { name, locale, profile } = match edit(before.clone())? {
            same if same == before => return Ok(()),
            draft => draft,
        };
        let new = NewProfile { version: account.version, name: name.as_ref(), locale, profile: &profile };
        let life = ctx.app.policy.longest_life();
        if attempts.apply(profile_batch(&account, &new, life, &ctx.stamp(actor))).await? {
            return Ok(());
        }
    }
}
