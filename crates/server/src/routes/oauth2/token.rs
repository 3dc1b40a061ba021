//! `POST /oauth2/token` (RFC 6749 section 3.2): the client proves itself, then the grant decides.

use axum::response::Response;
use countersign_core::client::{Client, GrantType};
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use utoipa::ToSchema;

use crate::ctx::Ctx;
use crate::extract::asked::Asked;
use crate::extract::client_auth;
use crate::extract::dpop::{self, Asking};
use crate::extract::form::{Form, OAuthForm};
use crate::flows;
use crate::respond::problem::Problem;
use crate::respond::session::{json, to_bytes};
use crate::respond::token::TokenResponse;

/// The form, as documents describe it.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the form, whose fields are read one by one")]
pub(crate) struct TokenRequest {
    /// `refresh_token`
    grant_type: String,
    /// `countersign` is the built-in public client; others may prove themselves in the `Authorization` header
    client_id: Option<String>,
    client_secret: Option<String>,
    client_assertion_type: Option<String>,
    /// A JWT, where the client is registered for `private_key_jwt` or `client_secret_jwt`
    client_assertion: Option<String>,
    refresh_token: Option<String>,
    /// `cs_dc_…`, of a device (RFC 8628)
    device_code: Option<String>,
    /// Fewer scopes than granted
    scope: Option<String>,
    /// Where the access token shall count (RFC 8707)
    resource: Option<String>,
}

/// Where the next nonce of a proof lies (RFC 9449 section 8.2).
const DPOP_NONCE: HeaderName = HeaderName::from_static("dpop-nonce");

/// Grants in, tokens out.
#[utoipa::path(post, path = "/oauth2/token", tag = "oauth2",
    request_body(content = TokenRequest, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, body = TokenResponse),
        (status = 400, description = "invalid_request, invalid_grant, invalid_scope, invalid_target, \
            invalid_dpop_proof, use_dpop_nonce, authorization_pending, slow_down, access_denied, expired_token, \
            unauthorized_client, unsupported_grant_type"),
        (status = 401, description = "invalid_client"),
        (status = 503, description = "temporarily_unavailable")))]
pub(crate) async fn token(
    ctx: Ctx,
    headers: HeaderMap,
    OAuthForm(form): OAuthForm,
) -> Result<Response, Problem> {
    let grant = grant_type(&form)?;
    let client = client_auth::authenticate(&ctx, &headers, &form).await?;
    may_use(&client.client, grant)?;
    let asking = Asking { method: &Method::POST, path: "/oauth2/token", headers: &headers };
    let proof = dpop::prove(&ctx, asking, &client.client.id, None)?;
    let asked = Asked { form: &form, client: &client, proof };
    let tokens = match grant {
        GrantType::RefreshToken => flows::refresh::refresh(&ctx, &asked).await?,
        GrantType::AuthorizationCode => flows::redeem::redeem(&ctx, &asked).await?,
        GrantType::ClientCredentials => flows::client_credentials::grant(&ctx, &asked).await?,
        GrantType::DeviceCode => flows::poll::poll(&ctx, &asked).await?,
    };
    let mut response = json(to_bytes(&tokens));
    response.headers_mut().insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
    if asked.proof.is_some() && ctx.app.config.dpop_nonce {
        let nonce = countersign_core::token::dpop::nonce(&ctx.app.nonces, &client.client.id, ctx.now);
        // invariant: base64url.
        response.headers_mut().extend(HeaderValue::try_from(nonce).map(|nonce| (DPOP_NONCE, nonce)));
    }
    Ok(response)
}

/// Which grant is asked for (attacks OAU-81, OAU-82).
fn grant_type(form: &Form) -> Result<GrantType, Problem> {
    match form.get("grant_type") {
        None | Some("") => Err(Problem::oauth("invalid_request", "grant_type is missing.")),
        Some(word) => GrantType::parse(word).ok_or_else(unsupported),
    }
}

fn unsupported() -> Problem {
    Problem::oauth("unsupported_grant_type", "Not a grant of this server.")
}

fn may_use(client: &Client, grant: GrantType) -> Result<(), Problem> {
    if client.metadata.may_use(grant) {
        Ok(())
    } else {
        Err(Problem::oauth("unauthorized_client", "The client is not registered for this grant."))
    }
}
