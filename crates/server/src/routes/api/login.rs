//! `POST /api/v1/login`: one login, and the proof that was asked for: the cookie, or tokens.

use std::sync::Arc;

use axum::response::Response;
use countersign_core::credential::Password;
use countersign_core::grant::Login;
use countersign_core::token::access;
use countersign_core::url::ResourceId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ctx::Ctx;
use crate::extract::caller::Visitor;
use crate::extract::json::Json;
use crate::flows::login::{Attempt, Deliver, LoggedIn, login as log_in};
use crate::respond::cookie;
use crate::respond::problem::{Kind, Problem};
use crate::respond::session::{self as view, AccountView, SessionView, json, to_bytes};
use crate::respond::token::{Issue, TokenResponse, issue};

/// A login.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Login)]
pub(crate) struct Body {
    /// An email address or username.
    identifier: String,
    password: String,
    deliver: Delivery,
    /// Keep me signed in.
    #[serde(default)]
    remember: bool,
    /// With `deliver: "token"`: the API that the access token is for (RFC 8707); ours where it is absent.
    resource: Option<String>,
}

/// The proof asked for.
#[derive(Deserialize, ToSchema, PartialEq, Eq, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum Delivery {
    Cookie,
    Token,
}

/// What a login gives.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[expect(clippy::large_enum_variant, reason = "made, written and dropped in one breath")]
enum LoginAnswer {
    /// `deliver: "cookie"`
    Cookie(view::LoggedIn),
    /// `deliver: "token"` (RFC 6749)
    Token(TokenResponse),
}

/// Log in with a password.
#[utoipa::path(post, path = "/api/v1/login", operation_id = "log_in", tag = "login", request_body = Body,
    responses(
        (status = 200, description = "`deliver: \"cookie\"`: the session, and its cookie; `deliver: \"token\"`: tokens",
            body = LoginAnswer),
        (status = 400, description = "invalid_request"),
        (status = 401, description = "invalid_credentials"),
        (status = 403, description = "csrf"),
        (status = 429, description = "throttled: not before the seconds in Retry-After"),
        (status = 503, description = "overloaded")))]
pub(crate) async fn login(ctx: Ctx, visitor: Visitor, Json(body): Json<Body>) -> Result<Response, Problem> {
    let attempt = Attempt {
        typed: &body.identifier,
        password: Password::parse(&body.password).ok().map(Arc::new),
        remember: body.remember,
        deliver: deliver(&ctx, &body).await?,
        proves: None,
        replaces: match body.deliver {
            Delivery::Cookie => visitor.0.as_deref(),
            Delivery::Token => None,
        },
    };
    let logged_in = log_in(&ctx, &attempt).await?;
    match &logged_in.grant {
        Some(_) => tokens(&ctx, &logged_in).map(|tokens| answer(&LoginAnswer::Token(tokens))),
        None => with_cookie(&ctx, &logged_in).await,
    }
}

async fn deliver(ctx: &Ctx, body: &Body) -> Result<Deliver, Problem> {
    let refuse = |code, detail| Problem::new(Kind::InvalidRequest).field("resource", code, detail);
    match (body.deliver, &body.resource) {
        (Delivery::Cookie, None) => Ok(Deliver::Cookie),
        (Delivery::Cookie, Some(_)) => {
            Err(refuse("resource_unexpected", "Only tokens are made for a resource."))
        }
        (Delivery::Token, None) => Ok(Deliver::Token(None)),
        (Delivery::Token, Some(text)) => {
            let resource = ResourceId::parse(text)
                .map_err(|_| refuse("resource_invalid", "An absolute URI without a fragment (RFC 8707)."))?;
            if resource.as_str() == ctx.app.config.public_url.origin() {
                return Ok(Deliver::Token(None));
            }
            if !ctx.app.resource_known(&resource).await? {
                return Err(refuse("resource_unknown", "Not a resource that tokens are made for here."));
            }
            Ok(Deliver::Token(Some(resource)))
        }
    }
}

fn tokens(ctx: &Ctx, logged_in: &LoggedIn) -> Result<TokenResponse, Problem> {
    let Some(grant) = &logged_in.grant else { return Err(Problem::new(Kind::Internal)) };
    let session = &logged_in.session;
    let ends_at = session.idle_ends_at.min(session.absolute_ends_at);
    let mint = access::decide(grant, ends_at, (&grant.scopes, None), (ctx.now, &ctx.app.policy.token));
    let login = Login { at: session.authenticated_at, amr: session.amr.clone(), acr: session.acr };
    let refresh = Some(grant.generation);
    let sub = grant.account.to_string();
    issue(ctx, &Issue { grant, sub: &sub, login: &login, mint: &mint, refresh, key: grant.confirmation })
}

async fn with_cookie(ctx: &Ctx, logged_in: &LoggedIn) -> Result<Response, Problem> {
    let session = &logged_in.session;
    let account = countersign_store::account::account(&ctx.app.store, session.account)
        .await?
        .ok_or_else(|| Problem::new(Kind::InvalidCredentials))?;
    let body =
        view::LoggedIn { session: SessionView::of(session, session.id), account: AccountView::of(&account) };
    let mut response = answer(&LoginAnswer::Cookie(body));
    cookie::log_in(response.headers_mut(), ctx, logged_in);
    Ok(response)
}

fn answer(answer: &LoginAnswer) -> Response {
    json(to_bytes(answer))
}
