//! What an operator does to grants.

use countersign_core::GrantId;
use countersign_core::audit::Actor;
use countersign_core::client::ClientId;
use countersign_store::grant::list::{self as store, Listed, Of};

use crate::ctx::Ctx;

use super::command::PAGE;
use super::{AdminError, GrantEntry, account};

/// Which grants.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'a> {
    /// Those of this account.
    pub(crate) account: Option<&'a str>,
    /// Those of this client.
    pub(crate) client: Option<&'a str>,
    /// After this one.
    pub(crate) after: Option<&'a str>,
    /// So many.
    pub(crate) limit: u32,
}

/// A page of grants.
pub(crate) async fn list(ctx: &Ctx, asked: Asked<'_>) -> Result<Vec<GrantEntry>, AdminError> {
    let after = asked.after.map(GrantId::parse).transpose();
    let after = after.map_err(|_| AdminError::invalid("after", &"must be grt_…"))?;
    let client = asked
        .client
        .map(|named| ClientId::parse(named).ok_or_else(|| AdminError::NoClient(named.to_owned())));
    let client = client.transpose()?;
    let of = match (asked.account, &client) {
        (Some(_), Some(_)) => {
            return Err(AdminError::invalid("--account", &"and --client do not go together"));
        }
        (Some(named), None) => Of::Account(account::find(ctx, named).await?.id),
        (None, Some(client)) => Of::Client(client),
        (None, None) => Of::All,
    };
    let grants = store::grants(&ctx.app.store, of, after, asked.limit.min(PAGE)).await?;
    Ok(grants.iter().map(GrantEntry::of).collect())
}

/// A grant that was not ended.
pub(crate) async fn show(ctx: &Ctx, id: &str) -> Result<GrantEntry, AdminError> {
    let unknown = || AdminError::NoGrant(id.to_owned());
    let parsed = GrantId::parse(id).map_err(|_| unknown())?;
    let grant = store::grant(&ctx.app.store, parsed).await?.ok_or_else(unknown)?;
    Ok(GrantEntry::of(&grant))
}

/// Ends a grant. When this returns, no token of it counts here.
pub(crate) async fn revoke(ctx: &Ctx, actor: Actor<'_>, id: &str) -> Result<GrantEntry, AdminError> {
    let unknown = || AdminError::NoGrant(id.to_owned());
    let parsed = GrantId::parse(id).map_err(|_| unknown())?;
    let mut attempts = ctx.attempts();
    loop {
        let grant: Listed = store::grant(&ctx.app.store, parsed).await?.ok_or_else(unknown)?;
        let batch = store::end_batch(&grant, ctx.app.policy.longest_life(), &ctx.stamp(actor));
        if attempts.apply(batch).await? {
            return Ok(GrantEntry::of(&grant));
        }
    }
}
