//! `POST /oauth2/revoke` (RFC 7009): a client gives a token back. Whatever it brings, the answer is 200; what is not its own
//! it cannot touch (attack OAU-68).

use axum::response::Response;
use countersign_core::audit::{Actor, Event, Kind};
use countersign_core::client::Client;
use countersign_core::grant::refresh_token::RefreshToken;
use countersign_core::session::EndReason;
use countersign_core::{Span, Time};
use countersign_store::grant::{end_batch, refresh_facts};
use countersign_store::revocation::token_batch;
use http::{HeaderMap, StatusCode};
use utoipa::ToSchema;

use crate::ctx::Ctx;
use crate::extract::access_token::{Holder, Token};
use crate::extract::client_auth;
use crate::extract::form::OAuthForm;
use crate::respond::empty;
use crate::respond::problem::Problem;

/// The form, as documents describe it.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the form, whose fields are read one by one")]
pub(crate) struct RevocationRequest {
    /// A refresh token, which ends its grant with all tokens of it, or an access token, which ends alone
    token: String,
    /// Not needed
    token_type_hint: Option<String>,
}

/// Gives a token back.
#[utoipa::path(post, path = "/oauth2/revoke", tag = "oauth2",
    request_body(content = RevocationRequest, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "it does not count, whatever it was"),
        (status = 400, description = "invalid_request"),
        (status = 401, description = "invalid_client")))]
pub(crate) async fn revoke(
    ctx: Ctx,
    headers: HeaderMap,
    OAuthForm(form): OAuthForm,
) -> Result<Response, Problem> {
    let stored = client_auth::authenticate(&ctx, &headers, &form).await?;
    let token = form.get("token").filter(|token| !token.is_empty());
    let token = token.ok_or_else(|| Problem::oauth("invalid_request", "token is missing."))?;
    match RefreshToken::verify(token, |number| ctx.app.keyring.refresh_key_by(number)) {
        Ok(refresh) => end_grant(&ctx, &stored.client, &refresh).await?,
        Err(_) => end_token(&ctx, &stored.client, token).await?,
    }
    Ok(empty(StatusCode::OK))
}

/// Any refresh token of the grant, the replaced ones too: to give one back is no theft.
async fn end_grant(ctx: &Ctx, client: &Client, token: &RefreshToken) -> Result<(), Problem> {
    let Some(live) = refresh_facts(&ctx.app.store, token.grant).await? else { return Ok(()) };
    let grant = &live.grant;
    if grant.client != client.id || grant.salt != token.salt || grant.ended.is_some() {
        return Ok(());
    }
    let mut attempts = ctx.attempts();
    let (longest, stamp) = (ctx.app.policy.longest_life(), ctx.stamp(Actor::Account(grant.account)));
    while !attempts.apply(end_batch(grant, EndReason::Revoked, longest, &stamp)).await? {}
    Ok(())
}

async fn end_token(ctx: &Ctx, client: &Client, text: &str) -> Result<(), Problem> {
    let Ok(token) = Token::read(&ctx.app, text, ctx.now) else { return Ok(()) };
    let Some(jti) = token.jti.filter(|_| token.claims.client_id == client.id.as_str()) else { return Ok(()) };
    let event = Event::new(Kind::TokenRevoked).client(client.id.clone());
    let (actor, event) = match token.holder(ctx).await? {
        None => return Ok(()),
        Some(Holder::Client) => (Actor::Anonymous, event),
        Some(Holder::Grant(live)) => {
            let account = live.grant.account;
            (Actor::Account(account), event.account(account).grant(live.grant.id))
        }
    };
    let end = Time::from_micros(token.claims.exp.saturating_mul(1_000_000));
    let until = end + ctx.app.policy.leeway + Span::seconds(1);
    let mut attempts = ctx.attempts();
    while !attempts.apply(token_batch(jti, until, event.clone(), &ctx.stamp(actor))).await? {}
    Ok(())
}
