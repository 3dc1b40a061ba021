//! `GET /statuslists/{id}`: which sessions and grants have ended (IETF Token Status List; design section 5).

use axum::response::Response;
use countersign_core::revocation::{ListId, Seq};
use countersign_store::revocation;
use http::HeaderMap;

use crate::ctx::Ctx;
use crate::extract::form::Query;
use crate::extract::segment::Segment;
use crate::respond::document::{Document, document};
use crate::respond::problem::{Kind, Problem};

/// A status list, signed.
///
/// Never over a second old; with `seq` no older than that entry of the revocation log.
#[utoipa::path(get, path = "/statuslists/{id}", operation_id = "status_list", tag = "keys",
    params(
        ("id" = String, Path, description = "As in the `status` claim of a token"),
        ("seq" = Option<u64>, Query, description = "What a tick of the revocation log said last")),
    responses(
        (status = 200, description = "A JWT, typ `statuslist+jwt`", content_type = "application/statuslist+jwt",
            body = String),
        (status = 304, description = "As `If-None-Match` has it"),
        (status = 404, description = "not_found"),
        (status = 503, description = "overloaded: this server does not know that entry yet")))]
pub(crate) async fn show(
    ctx: Ctx,
    Segment(id): Segment,
    query: Query,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let not_found = || Problem::new(Kind::NotFound);
    let list = ListId::parse(&id).ok_or_else(not_found)?;
    let wanted = wanted(&query)?;
    let (seq, bits) = revocation::snapshot(&ctx.app.store, list).await?.ok_or_else(not_found)?;
    if seq < wanted {
        return Err(Problem::new(Kind::Overloaded).detail("Not heard of here yet. Try again in a second."));
    }
    let signed = ctx.app.status_lists.signed(&ctx, (list, seq), &bits)?;
    let content_type = "application/statuslist+jwt";
    let body = signed.token.clone();
    Ok(document(&headers, Document { content_type, cache: "no-cache", etag: &signed.etag, body }))
}

fn wanted(query: &Query) -> Result<Seq, Problem> {
    let Some(text) = query.get("seq") else { return Ok(Seq::default()) };
    let seq = text.parse().ok().filter(|seq| *seq >= 0).map(Seq);
    seq.ok_or_else(|| {
        Problem::new(Kind::InvalidRequest).field("seq", "seq_invalid", "A whole number from 0.")
    })
}
