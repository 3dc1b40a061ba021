//! Access tokens signed and token answers written (RFC 6749 section 5.1, RFC 9068).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_core::grant::refresh_token::RefreshToken;
use countersign_core::grant::{Generation, Grant};
use countersign_core::random;
use countersign_core::session::Session;
use countersign_core::token::{access, sid};
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
    /// `Bearer`
    token_type: &'static str,
    /// seconds
    expires_in: i64,
    /// `cs_rt_…`
    refresh_token: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    scope: String,
}

/// Signs an access token as the rule laid it out, and computes the refresh token of `generation`.
pub(crate) fn issue(
    ctx: &Ctx,
    (grant, generation): (&Grant, Generation),
    session: &Session,
    mint: &access::Mint,
) -> Result<TokenResponse, Problem> {
    let app = &ctx.app;
    let issuer = app.config.public_url.origin();
    let claims = AccessToken {
        iss: issuer.to_owned(),
        sub: session.account.to_string(),
        aud: vec![mint.audience.as_ref().map_or(issuer, |resource| resource.as_str()).to_owned()],
        exp: mint.expires_at,
        iat: mint.issued_at,
        jti: URL_SAFE_NO_PAD.encode(random::bytes::<16>(app.random.as_ref())),
        client_id: grant.client.as_str().to_owned(),
        scope: mint.scopes.to_string(),
        sid: Some(sid::name(&app.session_names, session.id, &grant.client)),
        auth_time: Some(session.authenticated_at.seconds()),
        amr: session.amr.iter().map(|method| method.as_str().to_owned()).collect(),
        acr: Some(session.acr.as_str().to_owned()),
        status: Status {
            status_list: StatusReference {
                idx: grant.index.index.into(),
                uri: app.config.public_url.join(&format!("/statuslists/{}", grant.index.list)),
            },
        },
        cnf: None,
    };
    let keys = app.keyring.keys();
    let access_token = keys
        .signing()
        .sign(&Header { typ: AccessToken::TYP }, &claims)
        .map_err(|error| Problem::new(Kind::Internal).cause(error.code()))?;
    let (number, key) = app.keyring.refresh_key();
    let refresh = RefreshToken { key: number, grant: grant.id, generation, salt: grant.salt };
    app.metrics.tokens.inc();
    tracing::info!(request_id = %ctx.request, grant = %grant.id, jti = claims.jti, "access token issued");
    Ok(TokenResponse {
        access_token,
        token_type: "Bearer",
        expires_in: mint.expires_at - mint.issued_at,
        refresh_token: refresh.encode(key),
        scope: claims.scope,
    })
}
