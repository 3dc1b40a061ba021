//! `/`

use axum::response::Response;
use countersign_pages::HomePage;
use http::StatusCode;

use crate::ctx::Ctx;
use crate::extract::caller::Visitor;
use crate::respond::page;

/// The front door: for those who are signed in it is their account.
pub(crate) async fn show(ctx: Ctx, visitor: Visitor) -> Response {
    if visitor.0.is_some() {
        return page::see_other("/account");
    }
    let try_at = ctx.app.config.dev.then(|| ctx.app.config.public_url.origin());
    page::show(&ctx, (StatusCode::OK, "/", false), &HomePage { try_at })
}
