//! What a code turns into, whichever kind it is: the grant as it is laid out, and its first tokens.

use countersign_core::client::Client;
use countersign_core::grant::open::{Birth, Granted, by_code};
use countersign_core::grant::redeem::Mint;
use countersign_core::grant::{Grant, Login, Salt};
use countersign_core::token::{access, subject};
use countersign_core::{GrantId, random};
use countersign_store::live::LiveSession;

use crate::ctx::Ctx;
use crate::extract::asked::Asked;
use crate::extract::client_auth::invalid_client;
use crate::respond::id_token::{self, About};
use crate::respond::problem::Problem;
use crate::respond::token::{Issue, TokenResponse, issue};

use super::client::end_if_closed;

/// A grant that just began.
pub(crate) struct Begun<'a> {
    pub(crate) grant: &'a Grant,
    pub(crate) mint: &'a Mint,
    /// What it hangs from, or was opened by.
    pub(crate) session: Option<&'a LiveSession>,
    pub(crate) login: &'a Login,
    pub(crate) nonce: Option<&'a str>,
}

/// The grant that is about to begin.
pub(crate) async fn lay_out(
    ctx: &Ctx,
    granted: (&Granted<'_>, &Client),
    mint: &Mint,
) -> Result<Grant, Problem> {
    let random = ctx.app.random.as_ref();
    let birth = Birth {
        id: GrantId::new(ctx.now, random),
        index: ctx.app.lease_index(ctx).await?,
        salt: Salt(random::bytes(random)),
        resource: None,
    };
    Ok(by_code(granted, mint, &birth, (ctx.now, &ctx.app.policy.grant)))
}

/// Its first tokens.
pub(crate) async fn first_tokens(
    ctx: &Ctx,
    asked: &Asked<'_>,
    begun: &Begun<'_>,
) -> Result<TokenResponse, Problem> {
    let Begun { grant, mint, session, login, nonce } = *begun;
    if !end_if_closed(ctx, &grant.client).await? {
        return Err(invalid_client(false));
    }
    let session_end = session.map(|live| live.session.absolute_ends_at.min(live.idle_ends_at()));
    let ends_at = grant.absolute_ends_at.or(session_end).unwrap_or(ctx.now);
    let target = asked.target(ctx)?;
    let place = (&grant.scopes, target.as_ref());
    let token = access::decide(grant, ends_at, place, (ctx.now, &ctx.app.policy.token));
    let client = &asked.client.client;
    let sub = subject::name(&ctx.app.subjects, grant.account, client);
    let tokens = Issue {
        grant,
        sub: &sub,
        login,
        mint: &token,
        refresh: mint.refresh.then_some(grant.generation),
        key: mint.key,
    };
    let tokens = issue(ctx, &tokens)?;
    id_token::add(ctx, tokens, &About { client, grant, login, nonce }).await
}
