//! Access tokens signed and token answers written (RFC 6749 section 5.1, RFC 9068).

use countersign_core::client::Client;
use countersign_core::grant::refresh_token::RefreshToken;
use countersign_core::grant::{Generation, Grant, Login};
use countersign_core::revocation::{Jti, StatusIndex};
use countersign_core::token::{Confirmation, access, sid};
use countersign_jose::{AccessToken, Header, Status, StatusReference};
use serde::Serialize;
use utoipa::ToSchema;

use crate::ctx::Ctx;

use super::problem::{Kind, Problem};

/// A token answer.
#[derive(Serialize, ToSchema)]
pub(crate) struct TokenResponse {
    /// A JWT, typ `at+jwt`
    access_token: String,
    /// `Bearer`, or `DPoP` where the token is bound to a key
    token_type: &'static str,
    /// seconds
    expires_in: i64,
    /// `cs_rt_…`, for clients that may refresh
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    /// A JWT about the login, for grants with the scope `openid`
    #[serde(skip_serializing_if = "Option::is_none")]
    id_token: Option<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    scope: String,
}

impl TokenResponse {
    pub(crate) fn access_token(&self) -> &str {
        &self.access_token
    }

    pub(crate) fn with_id_token(self, id_token: String) -> Self {
        Self { id_token: Some(id_token), ..self }
    }
}

/// Tokens of a grant to be issued.
pub(crate) struct Issue<'a> {
    pub(crate) grant: &'a Grant,
    /// Who the account is to the client.
    pub(crate) sub: &'a str,
    /// What the login behind it proved.
    pub(crate) login: &'a Login,
    /// What the rule laid out.
    pub(crate) mint: &'a access::Mint,
    /// The refresh token that goes along, if any does.
    pub(crate) refresh: Option<Generation>,
    /// The key that the access token is bound to.
    pub(crate) key: Option<Confirmation>,
}

/// Signs an access token as the rule laid it out, and computes the refresh token.
pub(crate) fn issue(ctx: &Ctx, issue: &Issue<'_>) -> Result<TokenResponse, Problem> {
    let app = &ctx.app;
    let Issue { grant, sub, login, mint, refresh, key } = *issue;
    let session = grant.session.or(grant.opened_by);
    let jti = Jti::new(app.random.as_ref());
    let claims = AccessToken {
        sid: session.map(|session| sid::name(&app.session_names, session, &grant.client)),
        auth_time: Some(login.at.seconds()),
        amr: login.amr.iter().map(|method| method.as_str().to_owned()).collect(),
        acr: Some(login.acr.as_str().to_owned()),
        ..common(ctx, (sub, grant.client.as_str()), (jti, grant.index), mint, key)
    };
    let access_token = sign(ctx, &claims)?;
    let refresh_token = refresh.map(|generation| {
        let (number, key) = app.keyring.refresh_key();
        RefreshToken { key: number, grant: grant.id, generation, salt: grant.salt }.encode(key)
    });
    tracing::info!(request_id = %ctx.request, grant = %grant.id, jti = claims.jti, "access token issued");
    Ok(TokenResponse {
        access_token,
        token_type: token_type(key),
        expires_in: mint.expires_at - mint.issued_at,
        refresh_token,
        id_token: None,
        scope: claims.scope,
    })
}

/// A token of a client on its own account: no person, no session, nothing to refresh (RFC 6749 section 4.4.3).
pub(crate) fn issue_to_client(
    ctx: &Ctx,
    (client, index): (&Client, StatusIndex),
    mint: &access::Mint,
    key: Option<Confirmation>,
) -> Result<TokenResponse, Problem> {
    let id = client.id.as_str();
    let jti = Jti::new(ctx.app.random.as_ref());
    let claims = common(ctx, (id, id), (jti, index), mint, key);
    let access_token = sign(ctx, &claims)?;
    tracing::debug!(request_id = %ctx.request, client = id, jti = claims.jti, "access token issued");
    Ok(TokenResponse {
        access_token,
        token_type: token_type(key),
        expires_in: mint.expires_at - mint.issued_at,
        refresh_token: None,
        id_token: None,
        scope: claims.scope,
    })
}

const fn token_type(key: Option<Confirmation>) -> &'static str {
    if key.is_some() { "DPoP" } else { "Bearer" }
}

fn common(
    ctx: &Ctx,
    (sub, client): (&str, &str),
    (jti, index): (Jti, StatusIndex),
    mint: &access::Mint,
    key: Option<Confirmation>,
) -> AccessToken {
    let public = &ctx.app.config.public_url;
    let audience = mint.audience.as_ref().map_or(public.origin(), |resource| resource.as_str());
    AccessToken {
        iss: public.origin().to_owned(),
        sub: sub.to_owned(),
        aud: vec![audience.to_owned()],
        exp: mint.expires_at,
        iat: mint.issued_at,
        jti: jti.to_string(),
        client_id: client.to_owned(),
        scope: mint.scopes.to_string(),
        sid: None,
        auth_time: None,
        amr: Vec::new(),
        acr: None,
        status: Status {
            status_list: StatusReference {
                idx: index.index.into(),
                uri: public.join(&format!("/statuslists/{}", index.list)),
            },
        },
        cnf: key.map(|key| countersign_jose::Confirmation { jkt: key.jkt() }),
    }
}

fn sign(ctx: &Ctx, claims: &AccessToken) -> Result<String, Problem> {
    let keys = ctx.app.keyring.keys();
    let signed = keys.signing().sign(&Header { typ: AccessToken::TYP }, claims);
    ctx.app.metrics.tokens.inc();
    signed.map_err(|error| Problem::new(Kind::Internal).cause(error.code()))
}
