//! `/api/v1/admin/grants`: what accounts let clients do.

use axum::response::Response;
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use crate::admin::{GrantEntry, grant};
use crate::ctx::Ctx;
use crate::extract::admin::Admin;
use crate::extract::form::Query;
use crate::extract::segment::Segment;
use crate::respond::empty;
use crate::respond::problem::Problem;
use crate::respond::session::{json, to_bytes};

use super::{next, part};

/// A page of grants.
#[derive(Serialize, ToSchema)]
pub(crate) struct GrantList {
    grants: Vec<GrantEntry>,
    /// The `after` of the next page, if there is one
    next: Option<String>,
}

/// A page of grants that were not ended, in the order they were made.
#[utoipa::path(get, path = "/api/v1/admin/grants", operation_id = "list_grants", tag = "admin",
    params(("account" = Option<String>, Query, description = "Only those of this account: `acc_…`, address or username"),
        ("client" = Option<String>, Query, description = "Only those of this client; not with `account`"),
        ("after" = Option<String>, Query, description = "The `next` of the page before"),
        ("limit" = Option<u32>, Query, description = "From 1 to 500; 50 without it")),
    responses((status = 200, body = GrantList), (status = 400, description = "invalid_request"),
        (status = 401, description = "invalid_token"), (status = 403, description = "forbidden"),
        (status = 404, description = "not_found: no such account")))]
pub(crate) async fn list(ctx: Ctx, _: Admin, query: Query) -> Result<Response, Problem> {
    let part = part(&query, &["account", "client"])?;
    let (account, client) = (query.get("account"), query.get("client"));
    let asked = grant::Asked { account, client, after: part.after, limit: part.limit };
    let grants = grant::list(&ctx, asked).await?;
    let next = next(&grants, part.limit, |grant| &grant.id);
    Ok(json(to_bytes(&GrantList { grants, next })))
}

/// A grant that was not ended.
#[utoipa::path(get, path = "/api/v1/admin/grants/{id}", operation_id = "show_grant", tag = "admin",
    params(("id" = String, Path, description = "`grt_…`")),
    responses((status = 200, body = GrantEntry), (status = 401, description = "invalid_token"),
        (status = 403, description = "forbidden"), (status = 404, description = "not_found")))]
pub(crate) async fn show(ctx: Ctx, _: Admin, Segment(id): Segment) -> Result<Response, Problem> {
    Ok(json(to_bytes(&grant::show(&ctx, &id).await?)))
}

/// End a grant: no token of it counts here any more when this answers.
#[utoipa::path(delete, path = "/api/v1/admin/grants/{id}", operation_id = "revoke_grant", tag = "admin",
    params(("id" = String, Path, description = "`grt_…`")),
    responses((status = 204), (status = 401, description = "invalid_token"),
        (status = 403, description = "forbidden, csrf"), (status = 404, description = "not_found: or it has ended")))]
pub(crate) async fn revoke(ctx: Ctx, admin: Admin, Segment(id): Segment) -> Result<Response, Problem> {
    grant::revoke(&ctx, admin.actor(), &id).await?;
    Ok(empty(StatusCode::NO_CONTENT))
}
