//! `/account`

use axum::response::Response;
use countersign_core::account::DisplayName;
use countersign_pages::AccountPage;
use http::StatusCode;

use crate::ctx::Ctx;
use crate::extract::caller::Visitor;
use crate::respond::page;

/// Who you are here.
pub(crate) async fn show(ctx: Ctx, visitor: Visitor) -> Response {
    let Some(live) = visitor.0 else { return super::login::first("/account") };
    let account = &live.account;
    let shown = AccountPage {
        name: account.name.as_ref().map(DisplayName::as_str),
        email: account.email.as_ref().map_or("", |email| email.display()),
        email_verified: account.email_verified_at.is_some(),
        member_since: account.created_at,
    };
    page::show(&ctx, (StatusCode::OK, "/account", true), &shown)
}
