//! `POST /oauth2/introspect` (RFC 7662): whether a token counts, told to its client and to the API that it is for.

use axum::response::Response;
use countersign_core::client::Client;
use countersign_core::grant::refresh::is_idle;
use countersign_core::grant::refresh_token::RefreshToken;
use countersign_core::token::introspect::{may_ask, may_see};
use countersign_store::grant::refresh_facts;
use http::HeaderMap;
use serde::Serialize;
use utoipa::ToSchema;

use crate::ctx::Ctx;
use crate::extract::access_token::Token;
use crate::extract::client_auth::{self, invalid_client};
use crate::extract::form::OAuthForm;
use crate::respond::problem::Problem;
use crate::respond::session::{json, to_bytes};

/// The form, as documents describe it.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the form, whose fields are read one by one")]
pub(crate) struct IntrospectionRequest {
    /// An access token or a refresh token
    token: String,
    /// Not needed
    token_type_hint: Option<String>,
}

/// What a token is. Of one that does not count, or is none of the asker's business: `active` alone.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct Introspection {
    active: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<String>,
    /// `Bearer` or `DPoP`
    #[serde(skip_serializing_if = "Option::is_none")]
    token_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exp: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    iat: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sub: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    aud: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    iss: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    jti: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_time: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    acr: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cnf: Option<Key>,
}

/// The key that a token is bound to.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Key {
    /// RFC 7638 thumbprint
    jkt: String,
}

/// Does this token count?
#[utoipa::path(post, path = "/oauth2/introspect", tag = "oauth2",
    request_body(content = IntrospectionRequest, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, body = Introspection),
        (status = 400, description = "invalid_request"),
        (status = 401, description = "invalid_client; public clients may not ask")))]
pub(crate) async fn introspect(
    ctx: Ctx,
    headers: HeaderMap,
    OAuthForm(form): OAuthForm,
) -> Result<Response, Problem> {
    let stored = client_auth::authenticate(&ctx, &headers, &form).await?;
    if !may_ask(&stored.client) {
        return Err(invalid_client(false).cause("a public client"));
    }
    let token = form.get("token").filter(|token| !token.is_empty());
    let token = token.ok_or_else(|| Problem::oauth("invalid_request", "token is missing."))?;
    let found = match RefreshToken::verify(token, |number| ctx.app.keyring.refresh_key_by(number)) {
        Ok(refresh) => of_refresh(&ctx, &stored.client, &refresh).await?,
        Err(_) => of_access(&ctx, &stored.client, token).await?,
    };
    Ok(json(to_bytes(&found.unwrap_or_default())))
}

async fn of_access(ctx: &Ctx, client: &Client, text: &str) -> Result<Option<Introspection>, Problem> {
    let Ok(token) = Token::read(&ctx.app, text, ctx.now) else { return Ok(None) };
    let claims = &token.claims;
    if !may_see(client, &claims.client_id, &claims.aud) || token.holder(ctx).await?.is_none() {
        return Ok(None);
    }
    Ok(Some(Introspection {
        active: true,
        scope: Some(claims.scope.clone()).filter(|scope| !scope.is_empty()),
        client_id: Some(claims.client_id.clone()),
        token_type: Some(if token.key.is_some() { "DPoP" } else { "Bearer" }),
        exp: Some(claims.exp),
        iat: Some(claims.iat),
        sub: Some(claims.sub.clone()),
        aud: claims.aud.first().cloned(),
        iss: Some(claims.iss.clone()),
        jti: Some(claims.jti.clone()),
        auth_time: claims.auth_time,
        acr: claims.acr.clone(),
        cnf: token.key.map(|key| Key { jkt: key.jkt() }),
    }))
}

/// A refresh token is its client's business alone (attack OAU-47), and only the present one counts.
async fn of_refresh(
    ctx: &Ctx,
    client: &Client,
    token: &RefreshToken,
) -> Result<Option<Introspection>, Problem> {
    let Some(live) = refresh_facts(&ctx.app.store, token.grant).await? else { return Ok(None) };
    let grant = &live.grant;
    let present =
        grant.client == client.id && grant.salt == token.salt && grant.generation == token.generation;
    let idle = is_idle(grant, ctx.app.policy.grant.offline_idle, ctx.now);
    if !present || idle || live.check(ctx.app.store.live(), ctx.now).is_err() {
        return Ok(None);
    }
    Ok(Some(Introspection {
        active: true,
        scope: Some(grant.scopes.to_string()),
        client_id: Some(grant.client.as_str().to_owned()),
        iat: Some(grant.created_at.seconds()),
        iss: Some(ctx.app.config.public_url.origin().to_owned()),
        ..Introspection::default()
    }))
}
