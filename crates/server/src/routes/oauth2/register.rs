//! `POST /oauth2/register` (RFC 7591), and what a client does with its own registration (RFC 7592).

use axum::response::Response;
use countersign_core::audit::Actor;
use countersign_core::client::register::{Registrar, Rejection};
use countersign_core::client::{Client, ClientId, GrantType};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::{Map, Value};

use crate::config::RegistrationPolicy;
use crate::ctx::Ctx;
use crate::extract::client::{Authorization, authorization};
use crate::extract::json::Json;
use crate::extract::segment::Segment;
use crate::flows::client::{self, Described, Failure, Made};
use crate::flows::throttle::reserve_registration;
use crate::respond::empty;
use crate::respond::problem::{Kind, OAuthError, Problem};
use crate::respond::session::{json, to_bytes};

/// Registers a client.
#[utoipa::path(post, path = "/oauth2/register", operation_id = "register_client", tag = "clients",
    request_body(content = Object, description = "Client metadata (RFC 7591 section 2); unknown members are ignored"),
    responses(
        (status = 201, body = Object, description = "The client as it was registered, its secret and its registration access token"),
        (status = 400, description = "invalid_redirect_uri, invalid_client_metadata"),
        (status = 401, description = "invalid_token: an initial access token is needed"),
        (status = 403, description = "access_denied: registration is closed"),
        (status = 429, description = "temporarily_unavailable")))]
pub(crate) async fn register(
    ctx: Ctx,
    headers: HeaderMap,
    Json(members): Json<Map<String, Value>>,
) -> Result<Response, Problem> {
    let registrar = match registrar(&ctx, &headers)? {
        Ok(registrar) => registrar,
        Err(closed) => return Ok(closed),
    };
    reserve_registration(&ctx).await?;
    let profile = ctx.app.config.registration.profile;
    let described = Described { members: &members, profile, registrar, id: None, first_party: false };
    match client::make(&ctx, Actor::Anonymous, &described).await {
        Ok(made) => {
            let token = made.registration.as_ref().map_or("", |token| token.as_str()).to_owned();
            Ok(answer(&ctx, StatusCode::CREATED, &made, &token))
        }
        Err(failure) => refused(&ctx, failure),
    }
}

/// What is registered.
#[utoipa::path(get, path = "/oauth2/register/{id}", operation_id = "show_registration", tag = "clients",
    params(("id" = String, Path, description = "Its `client_id`")),
    responses((status = 200, body = Object), (status = 401, description = "invalid_token: its registration access token is needed")))]
pub(crate) async fn show(ctx: Ctx, headers: HeaderMap, Segment(id): Segment) -> Result<Response, Problem> {
    let (token, stored) = managed(&ctx, &headers, &id).await?;
    let made = Made { client: stored.client.clone(), secret: None, registration: None };
    Ok(answer(&ctx, StatusCode::OK, &made, token))
}

/// Registers something else instead (RFC 7592 section 2.2).
#[utoipa::path(put, path = "/oauth2/register/{id}", operation_id = "replace_registration", tag = "clients",
    params(("id" = String, Path, description = "Its `client_id`")),
    request_body(content = Object, description = "All client metadata, and client_id"),
    responses(
        (status = 200, body = Object),
        (status = 400, description = "invalid_redirect_uri, invalid_client_metadata"),
        (status = 401, description = "invalid_token: its registration access token is needed"),
        (status = 429, description = "temporarily_unavailable")))]
pub(crate) async fn replace(
    ctx: Ctx,
    headers: HeaderMap,
    Segment(id): Segment,
    Json(members): Json<Map<String, Value>>,
) -> Result<Response, Problem> {
    let (token, stored) = managed(&ctx, &headers, &id).await?;
    if let Some(rejection) = contradiction(&members, &stored.client) {
        return refused(&ctx, Failure::Rejected(rejection));
    }
    // A change costs what a registration costs: a write, and a question to whomever it names.
    reserve_registration(&ctx).await?;
    // Whoever was invited once may keep what only the invited get.
    let vouched =
        stored.client.expires_at.is_none() || stored.client.metadata.may_use(GrantType::ClientCredentials);
    let registrar = if vouched { Registrar::Invited } else { Registrar::Anybody };
    let profile = stored.client.profile;
    let described = Described { members: &members, profile, registrar, id: None, first_party: false };
    match client::describe(&ctx, Actor::Anonymous, &stored, &described).await {
        Ok(made) => Ok(answer(&ctx, StatusCode::OK, &made, token)),
        Err(failure) => refused(&ctx, failure),
    }
}

/// Ends the registration, and all that the client was let do.
#[utoipa::path(delete, path = "/oauth2/register/{id}", operation_id = "end_registration", tag = "clients",
    params(("id" = String, Path, description = "Its `client_id`")),
    responses((status = 204), (status = 401, description = "invalid_token: its registration access token is needed")))]
pub(crate) async fn end(ctx: Ctx, headers: HeaderMap, Segment(id): Segment) -> Result<Response, Problem> {
    let (_, stored) = managed(&ctx, &headers, &id).await?;
    client::delete(&ctx, Actor::Anonymous, &stored.client.id).await?;
    Ok(empty(StatusCode::NO_CONTENT))
}

/// Who registers, or the answer that nobody may.
fn registrar(ctx: &Ctx, headers: &HeaderMap) -> Result<Result<Registrar, Response>, Problem> {
    let policy = ctx.app.config.registration.policy;
    match (policy, authorization(headers)) {
        (RegistrationPolicy::Closed, _) => {
            Ok(Err(error(ctx, StatusCode::FORBIDDEN, "access_denied", "Registration is closed here.")))
        }
        (_, Some(Authorization::Bearer(token))) if ctx.app.invitations.knows(token, ctx.now) => {
            Ok(Ok(Registrar::Invited))
        }
        (RegistrationPolicy::Open, None) => Ok(Ok(Registrar::Anybody)),
        (RegistrationPolicy::Open, Some(_)) | (RegistrationPolicy::Token, _) => {
            Err(unknown_token("The initial access token is missing, unknown or over."))
        }
    }
}

/// The client that this token manages. Whatever is wrong is one answer (attack OAU-58).
async fn managed<'a>(
    ctx: &Ctx,
    headers: &'a HeaderMap,
    id: &str,
) -> Result<(&'a str, std::sync::Arc<countersign_store::client::Stored>), Problem> {
    let refuse = || unknown_token("The registration access token does not count for this client.");
    let Some(Authorization::Bearer(token)) = authorization(headers) else { return Err(refuse()) };
    let id = ClientId::parse(id).ok_or_else(refuse)?;
    let stored = client::managed(ctx, &id, token).await?.ok_or_else(refuse)?;
    Ok((token, stored))
}

fn unknown_token(detail: &'static str) -> Problem {
    Problem::new(Kind::InvalidToken).detail(detail).challenge("Bearer error=\"invalid_token\"")
}

/// A replacement names its client, and nothing that is ours to say (RFC 7592 section 2.2).
fn contradiction(members: &Map<String, Value>, client: &Client) -> Option<Rejection> {
    const OURS: [&str; 4] = [
        "registration_access_token",
        "registration_client_uri",
        "client_secret_expires_at",
        "client_id_issued_at",
    ];
    if members.get("client_id").and_then(Value::as_str) != Some(client.id.as_str()) {
        return Some(Rejection { member: "client_id", problem: "must be that of the client".to_owned() });
    }
    let ours = OURS.into_iter().find(|name| members.contains_key(*name))?;
    Some(Rejection { member: ours, problem: "is not for the client to say".to_owned() })
}

/// The client as it is registered (RFC 7591 section 3.2.1, RFC 7592 section 3).
fn answer(ctx: &Ctx, status: StatusCode, made: &Made, token: &str) -> Response {
    let Made { client, secret, .. } = made;
    // invariant: metadata is an object of JSON.
    let mut told = serde_json::to_value(&client.metadata).unwrap_or_default();
    if let Some(told) = told.as_object_mut() {
        told.insert("client_id".to_owned(), client.id.as_str().into());
        told.insert("client_id_issued_at".to_owned(), client.created_at.seconds().into());
        if let Some(secret) = secret {
            told.insert("client_secret".to_owned(), secret.as_str().into());
            told.insert("client_secret_expires_at".to_owned(), 0.into());
        }
        let uri = ctx.app.config.public_url.join(&format!("/oauth2/register/{}", client.id));
        told.insert("registration_client_uri".to_owned(), uri.into());
        told.insert("registration_access_token".to_owned(), token.into());
    }
    let mut response = json(to_bytes(&told));
    *response.status_mut() = status;
    response.headers_mut().insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
    response
}

fn refused(ctx: &Ctx, failure: Failure) -> Result<Response, Problem> {
    match failure {
        Failure::Rejected(rejection) => {
            let told = rejection.to_string();
            Ok(error(ctx, StatusCode::BAD_REQUEST, rejection.code(), &told))
        }
        Failure::Taken => Err(Problem::new(Kind::Overloaded).cause("a random name was taken")),
        Failure::Problem(problem) => Err(problem),
    }
}

fn error(ctx: &Ctx, status: StatusCode, code: &'static str, description: &str) -> Response {
    ctx.app.metrics.refused(code);
    tracing::debug!(request_id = %ctx.request, code, "request refused");
    let mut response = json(to_bytes(&OAuthError { error: code, error_description: description }));
    *response.status_mut() = status;
    response
}
