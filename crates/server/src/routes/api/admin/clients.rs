//! `/api/v1/admin/clients`: the applications that people log in to, and programs with tokens of their own.

use axum::response::Response;
use countersign_core::Span;
use http::{HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::admin::{ClientEntry, LintEntry, NewClient, client};
use crate::ctx::Ctx;
use crate::extract::admin::{Admin, RecentAdmin};
use crate::extract::form::Query;
use crate::extract::json::Json;
use crate::extract::segment::Segment;
use crate::respond::empty;
use crate::respond::problem::Problem;
use crate::respond::session::{json, to_bytes};

use super::{next, part};

/// A page of clients.
#[derive(Serialize, ToSchema)]
pub(crate) struct ClientList {
    clients: Vec<ClientEntry>,
    /// The `after` of the next page, if there is one
    next: Option<String>,
}

/// A client to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewClientBody {
    /// Its `client_id`; without it one is made
    #[serde(default)]
    id: Option<String>,
    /// `oauth21` (without it), `oidc` or `fapi2`
    #[serde(default)]
    profile: Option<String>,
    /// Whether it is ours: nobody is asked for consent, and it may have the scope `account`
    #[serde(default)]
    first_party: bool,
    /// What it says of itself (RFC 7591 section 2). The scope `admin` opens this API to it
    #[schema(value_type = Object)]
    metadata: Map<String, Value>,
}

/// Another description of a client.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClientChange {
    /// All that it says of itself from now on (RFC 7591 section 2): what is left out holds no more
    #[schema(value_type = Object)]
    metadata: Map<String, Value>,
}

/// Another secret.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rotation {
    /// Seconds that the secret before goes on to count, up to 30 days: 0 for one that was stolen
    window: i64,
}

/// What is weak about a client.
#[derive(Serialize, ToSchema)]
pub(crate) struct ClientFindings {
    findings: Vec<LintEntry>,
}

/// A page of clients, in the order of their ids.
#[utoipa::path(get, path = "/api/v1/admin/clients", operation_id = "list_clients", tag = "admin",
    params(("after" = Option<String>, Query, description = "The `next` of the page before"),
        ("limit" = Option<u32>, Query, description = "From 1 to 500; 50 without it")),
    responses((status = 200, body = ClientList), (status = 400, description = "invalid_request"),
        (status = 401, description = "invalid_token"), (status = 403, description = "forbidden")))]
pub(crate) async fn list(ctx: Ctx, _: Admin, query: Query) -> Result<Response, Problem> {
    let part = part(&query, &[])?;
    let clients = client::list(&ctx, part.after, part.limit).await?;
    let next = next(&clients, part.limit, |client| &client.id);
    Ok(json(to_bytes(&ClientList { clients, next })))
}

/// Make a client. Its secret, if it needs one, is shown in this answer and never again.
#[utoipa::path(post, path = "/api/v1/admin/clients", operation_id = "create_client", tag = "admin",
    request_body = NewClientBody,
    responses((status = 201, body = ClientEntry), (status = 400, description = "invalid_request with what is wrong in `errors`"),
        (status = 401, description = "invalid_token"),
        (status = 403, description = "forbidden, csrf, reauthentication_required"),
        (status = 409, description = "conflict: another client has the id")))]
pub(crate) async fn create(
    ctx: Ctx,
    admin: RecentAdmin,
    Json(body): Json<NewClientBody>,
) -> Result<Response, Problem> {
    let NewClientBody { id, profile, first_party, metadata } = body;
    let made = client::create(&ctx, admin.actor(), &NewClient { id, profile, first_party, metadata }).await?;
    let mut response = json(to_bytes(&made));
    *response.status_mut() = StatusCode::CREATED;
    let path = format!("/api/v1/admin/clients/{}", encoded(&made.id));
    if let Ok(location) = HeaderValue::try_from(path) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

/// An id may hold whatever is visible: here it is one part of a path.
fn encoded(id: &str) -> String {
    url::form_urlencoded::byte_serialize(id.as_bytes()).collect()
}

/// A client, with how old its secrets are; for the URL of a document, what it says.
#[utoipa::path(get, path = "/api/v1/admin/clients/{id}", operation_id = "show_client", tag = "admin",
    params(("id" = String, Path, description = "Its `client_id`")),
    responses((status = 200, body = ClientEntry), (status = 401, description = "invalid_token"),
        (status = 403, description = "forbidden"), (status = 404, description = "not_found")))]
pub(crate) async fn show(ctx: Ctx, _: Admin, Segment(id): Segment) -> Result<Response, Problem> {
    Ok(json(to_bytes(&client::show(&ctx, &id).await?)))
}

/// Replace what a client says of itself. A secret that it needs and has not is shown in this answer and never again.
#[utoipa::path(put, path = "/api/v1/admin/clients/{id}", operation_id = "change_client", tag = "admin",
    params(("id" = String, Path, description = "Its `client_id`")), request_body = ClientChange,
    responses((status = 200, body = ClientEntry), (status = 400, description = "invalid_request with what is wrong in `errors`"),
        (status = 401, description = "invalid_token"),
        (status = 403, description = "forbidden, csrf, reauthentication_required"),
        (status = 404, description = "not_found")))]
pub(crate) async fn replace(
    ctx: Ctx,
    admin: RecentAdmin,
    Segment(id): Segment,
    Json(body): Json<ClientChange>,
) -> Result<Response, Problem> {
    let new = NewClient { metadata: body.metadata, ..NewClient::default() };
    Ok(json(to_bytes(&client::update(&ctx, admin.actor(), &id, &new).await?)))
}

/// Delete a client, with every grant, token and consent.
#[utoipa::path(delete, path = "/api/v1/admin/clients/{id}", operation_id = "delete_client", tag = "admin",
    params(("id" = String, Path, description = "Its `client_id`")),
    responses((status = 204), (status = 401, description = "invalid_token"),
        (status = 403, description = "forbidden, csrf, reauthentication_required"),
        (status = 404, description = "not_found")))]
pub(crate) async fn end(ctx: Ctx, admin: RecentAdmin, Segment(id): Segment) -> Result<Response, Problem> {
    client::delete(&ctx, admin.actor(), &id).await?;
    Ok(empty(StatusCode::NO_CONTENT))
}

/// Give a client another secret: shown in this answer and never again.
#[utoipa::path(post, path = "/api/v1/admin/clients/{id}/secret", operation_id = "rotate_client_secret", tag = "admin",
    params(("id" = String, Path, description = "Its `client_id`")), request_body = Rotation,
    responses((status = 200, body = ClientEntry), (status = 400, description = "invalid_request: it has no secret, or `window`"),
        (status = 401, description = "invalid_token"),
        (status = 403, description = "forbidden, csrf, reauthentication_required"),
        (status = 404, description = "not_found")))]
pub(crate) async fn rotate(
    ctx: Ctx,
    admin: RecentAdmin,
    Segment(id): Segment,
    Json(body): Json<Rotation>,
) -> Result<Response, Problem> {
    let window = Span::seconds(body.window.clamp(-1, i64::from(u32::MAX)));
    Ok(json(to_bytes(&client::rotate(&ctx, admin.actor(), &id, window).await?)))
}

/// Close a client: every grant and token of it has ended when this answers. A client that is closed stays so.
#[utoipa::path(post, path = "/api/v1/admin/clients/{id}/disable", operation_id = "disable_client", tag = "admin",
    params(("id" = String, Path, description = "Its `client_id`")),
    responses((status = 200, body = ClientEntry), (status = 401, description = "invalid_token"),
        (status = 403, description = "forbidden, csrf"), (status = 404, description = "not_found")))]
pub(crate) async fn disable(ctx: Ctx, admin: Admin, Segment(id): Segment) -> Result<Response, Problem> {
    Ok(json(to_bytes(&client::disable(&ctx, admin.actor(), &id).await?)))
}

/// Open a client again; what ended stays ended.
#[utoipa::path(post, path = "/api/v1/admin/clients/{id}/enable", operation_id = "enable_client", tag = "admin",
    params(("id" = String, Path, description = "Its `client_id`")),
    responses((status = 200, body = ClientEntry), (status = 401, description = "invalid_token"),
        (status = 403, description = "forbidden, csrf, reauthentication_required"),
        (status = 404, description = "not_found")))]
pub(crate) async fn enable(ctx: Ctx, admin: RecentAdmin, Segment(id): Segment) -> Result<Response, Problem> {
    Ok(json(to_bytes(&client::enable(&ctx, admin.actor(), &id).await?)))
}

/// What is weak about a client or about to break, and what to do. Keys that lie elsewhere are asked for.
#[utoipa::path(get, path = "/api/v1/admin/clients/{id}/check", operation_id = "check_client", tag = "admin",
    params(("id" = String, Path, description = "Its `client_id`")),
    responses((status = 200, body = ClientFindings), (status = 401, description = "invalid_token"),
        (status = 403, description = "forbidden"), (status = 404, description = "not_found")))]
pub(crate) async fn check(ctx: Ctx, _: Admin, Segment(id): Segment) -> Result<Response, Problem> {
    Ok(json(to_bytes(&ClientFindings { findings: client::check(&ctx, &id).await? })))
}
