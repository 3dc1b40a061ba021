//! Who is asking: a session, by either of its faces (I2).

use std::sync::Arc;

use axum::extract::FromRequestParts;
use countersign_core::client::ClientId;
use countersign_core::session::Face;
use countersign_core::{AccountId, SessionId};
use countersign_store::live::{LiveGrant, LiveSession};
use http::HeaderMap;
use http::request::Parts;

use crate::app::App;
use crate::ctx::Ctx;
use crate::respond::problem::{Kind, Problem};

use super::access_token::{Token, invalid_token};
use super::cookies::{Cookies, SESSION};
use super::dpop::{self, Asking};

/// A live session, by the face that it asks with.
#[derive(Clone)]
pub(crate) enum Caller {
    /// Its cookie.
    Cookie(Arc<LiveSession>),
    /// A token of one of its grants.
    Token(Arc<LiveGrant>, Arc<LiveSession>),
}

impl Caller {
    pub(crate) fn live(&self) -> &LiveSession {
        match self {
            Self::Cookie(session) | Self::Token(_, session) => session,
        }
    }

    /// The grant of the token, if it is one that proves the session.
    pub(crate) fn grant(&self) -> Option<&LiveGrant> {
        match self {
            Self::Cookie(_) => None,
            Self::Token(grant, _) => Some(grant),
        }
    }

    pub(crate) const fn face(&self) -> Face {
        match self {
            Self::Cookie(_) => Face::Cookie,
            Self::Token(..) => Face::Token,
        }
    }

    pub(crate) fn account(&self) -> AccountId {
        self.live().session.account
    }

    pub(crate) fn id(&self) -> SessionId {
        self.live().session.id
    }
}

impl FromRequestParts<App> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let ctx = Ctx::from_request_parts(parts, app).await?;
        let asking = Asking { method: &parts.method, path: parts.uri.path(), headers: &parts.headers };
        if let Some(token) = dpop::presented(&ctx, asking).await? {
            return by_token(&ctx, &token).await;
        }
        match by_cookie(&ctx, &parts.headers).await? {
            Some(session) => Ok(Self::Cookie(session)),
            None => Err(unproved()),
        }
    }
}

/// A browser that may be signed in: the cookie face alone, for pages and for what sets the cookie.
#[derive(Clone)]
pub(crate) struct Visitor(pub(crate) Option<Arc<LiveSession>>);

impl FromRequestParts<App> for Visitor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let ctx = Ctx::from_request_parts(parts, app).await?;
        by_cookie(&ctx, &parts.headers).await.map(Self)
    }
}

/// The live session of the cookie; whatever is wrong with it, it is no session.
pub(super) async fn by_cookie(ctx: &Ctx, headers: &HeaderMap) -> Result<Option<Arc<LiveSession>>, Problem> {
    let Some(secret) = Cookies::of(headers).secret(SESSION) else { return Ok(None) };
    let store = &ctx.app.store;
    let Some(session) = store.session_by_secret(secret.hash(), ctx.now).await? else { return Ok(None) };
    if session.check(store.live(), ctx.now).is_err() {
        return Ok(None);
    }
    store.touch(&session, ctx.now, &ctx.app.policy.session);
    Ok(Some(session))
}

async fn by_token(ctx: &Ctx, token: &Token) -> Result<Caller, Problem> {
    if !token.is_for(&ctx.app) {
        return Err(invalid_token());
    }
    if !token.says_account(&ctx.app) || !is_first_party(ctx, token).await? {
        return Err(insufficient(
            "The token does not open this API: it needs the scope account of a first-party client.",
        ));
    }
    let grant = token.grant(ctx).await?.ok_or_else(invalid_token)?;
    match grant.session().cloned() {
        Some(session) => Ok(Caller::Token(grant, session)),
        None => Err(insufficient("The token outlived its login: this API is about a login that lives.")),
    }
}

async fn is_first_party(ctx: &Ctx, token: &Token) -> Result<bool, Problem> {
    if token.is_of_built_in() {
        return Ok(true);
    }
    let Some(client) = ClientId::parse(&token.claims.client_id) else { return Ok(false) };
    Ok(ctx.app.store.client(&client).await?.is_some_and(|stored| stored.client.first_party))
}

fn insufficient(detail: &'static str) -> Problem {
    Problem::new(Kind::Forbidden)
        .detail(detail)
        .challenge("Bearer error=\"insufficient_scope\", scope=\"account\"")
}

pub(super) fn unproved() -> Problem {
    Problem::new(Kind::InvalidToken)
        .detail("Sign in: send the session cookie, or a token as Authorization: Bearer.")
        .challenge("Bearer")
}
