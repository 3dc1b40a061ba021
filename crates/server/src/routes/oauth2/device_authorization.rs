//! `POST /oauth2/device_authorization` (RFC 8628 section 3.1): a device without a browser asks to be let in.

use axum::response::Response;
use countersign_core::authorize::Parameters;
use countersign_core::device::{INTERVAL, LIFE};
use http::HeaderMap;
use serde::Serialize;
use utoipa::ToSchema;

use crate::ctx::Ctx;
use crate::extract::client_auth;
use crate::extract::form::{Form, OAuthPairs};
use crate::flows::device;
use crate::flows::throttle::reserve_device;
use crate::respond::problem::Problem;
use crate::respond::session::{json, to_bytes};

/// The form, as documents describe it.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the form, whose fields are read one by one")]
pub(crate) struct DeviceRequest {
    /// Clients with a secret or a key prove themselves as at the token endpoint
    client_id: Option<String>,
    client_secret: Option<String>,
    client_assertion_type: Option<String>,
    client_assertion: Option<String>,
    /// What for
    scope: Option<String>,
    /// Where the tokens shall count beside the issuer (RFC 8707); may come more than once
    resource: Option<String>,
    /// The thumbprint of the key that the device will prove (RFC 9449)
    dpop_jkt: Option<String>,
}

/// The codes, and what to do with them (RFC 8628 section 3.2).
#[derive(Serialize, ToSchema)]
pub(crate) struct DeviceAnswer {
    /// `cs_dc_…`, for the token endpoint
    device_code: String,
    /// `BCDF-GHJK`, for the person
    user_code: String,
    /// Where the person types it
    verification_uri: String,
    /// The same with the code in it, for a QR code
    verification_uri_complete: String,
    /// In seconds
    expires_in: i64,
    /// Seconds between two requests at the token endpoint
    interval: i64,
}

/// A device asks; a person answers at `verification_uri`.
#[utoipa::path(post, path = "/oauth2/device_authorization", tag = "oauth2",
    request_body(content = DeviceRequest, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, body = DeviceAnswer),
        (status = 400, description = "invalid_request, unauthorized_client, invalid_scope, invalid_target"),
        (status = 401, description = "invalid_client"),
        (status = 429, description = "Too many devices asked from this network"),
        (status = 503, description = "temporarily_unavailable")))]
pub(crate) async fn ask(
    ctx: Ctx,
    headers: HeaderMap,
    OAuthPairs(pairs): OAuthPairs,
) -> Result<Response, Problem> {
    let form = Form::without(&pairs, "resource")?;
    let client = client_auth::authenticate(&ctx, &headers, &form).await?;
    let parameters = Parameters::new(pairs)
        .map_err(|_| Problem::oauth("invalid_request", "A parameter came twice, or too often."))?;
    reserve_device(&ctx).await?;
    let codes = match device::ask(&ctx, &client, &parameters).await? {
        Ok(codes) => codes,
        Err(refusal) => return Err(Problem::oauth(refusal.error.as_str(), refusal.description)),
    };
    let (page, user_code) = (ctx.app.config.public_url.join("/device"), codes.user.shown());
    let answer = DeviceAnswer {
        device_code: codes.device,
        verification_uri_complete: format!("{page}?user_code={user_code}"),
        verification_uri: page,
        user_code,
        expires_in: LIFE.as_seconds(),
        interval: INTERVAL.as_seconds(),
    };
    Ok(json(to_bytes(&answer)))
}
