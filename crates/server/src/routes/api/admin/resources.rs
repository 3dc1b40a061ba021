//! `/api/v1/admin/resources`: the APIs that tokens are made for (RFC 8707).

use axum::response::Response;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::admin::{ResourceEntry, resource};
use crate::ctx::Ctx;
use crate::extract::admin::Admin;
use crate::extract::json::Json;
use crate::respond::problem::Problem;
use crate::respond::session::{json, to_bytes};

/// The APIs that tokens are made for.
#[derive(Serialize, ToSchema)]
pub(crate) struct ResourceList {
    resources: Vec<ResourceEntry>,
}

/// An API.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewResource {
    /// Its identifier, exactly as tokens will carry it
    resource: String,
}

/// All of them.
#[utoipa::path(get, path = "/api/v1/admin/resources", operation_id = "list_resources", tag = "admin",
    responses((status = 200, body = ResourceList), (status = 401, description = "invalid_token"),
        (status = 403, description = "forbidden")))]
pub(crate) async fn list(ctx: Ctx, _: Admin) -> Result<Response, Problem> {
    Ok(json(to_bytes(&ResourceList { resources: resource::list(&ctx.app).await? })))
}

/// Let tokens be made for an API. Answers with all of them.
#[utoipa::path(post, path = "/api/v1/admin/resources", operation_id = "add_resource", tag = "admin",
    request_body = NewResource,
    responses((status = 201, body = ResourceList), (status = 400, description = "invalid_request"),
        (status = 401, description = "invalid_token"), (status = 403, description = "forbidden, csrf"),
        (status = 409, description = "conflict: it is there already")))]
pub(crate) async fn add(ctx: Ctx, admin: Admin, Json(body): Json<NewResource>) -> Result<Response, Problem> {
    let resources = resource::add(&ctx, admin.actor(), &body.resource).await?;
    let mut response = json(to_bytes(&ResourceList { resources }));
    *response.status_mut() = StatusCode::CREATED;
    Ok(response)
}
