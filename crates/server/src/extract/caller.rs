//! Who is asking: a session, by either of its faces (I2).

use std::sync::Arc;

use axum::extract::FromRequestParts;
use countersign_core::client::ClientId;
use countersign_core::grant::scope;
use countersign_core::revocation::{ListId, StatusIndex};
use countersign_core::session::Face;
use countersign_core::{AccountId, SessionId};
use countersign_jose::{AccessToken, Audience, MAX_LEN, Policy, verify};
use countersign_store::live::{LiveGrant, LiveSession};
use http::HeaderMap;
use http::request::Parts;

use crate::app::App;
use crate::ctx::Ctx;
use crate::respond::problem::{Kind, Problem};

use super::client::{Authorization, authorization};
use super::cookies::{Cookies, SESSION};

/// A live session, by the face that it asks with.
#[derive(Clone)]
pub(crate) enum Caller {
    /// Its cookie.
    Cookie(Arc<LiveSession>),
    /// A token of one of its grants.
    Token(Arc<LiveGrant>),
}

impl Caller {
    pub(crate) fn live(&self) -> &LiveSession {
        match self {
            Self::Cookie(session) => session,
            Self::Token(grant) => &grant.session,
        }
    }

    pub(crate) const fn face(&self) -> Face {
        match self {
            Self::Cookie(_) => Face::Cookie,
            Self::Token(_) => Face::Token,
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
        match authorization(&parts.headers) {
            Some(Authorization::Bearer(token)) => by_token(&ctx, token).await,
            Some(Authorization::Unusable) => Err(invalid_token()),
            None => match by_cookie(&ctx, &parts.headers).await? {
                Some(session) => Ok(Self::Cookie(session)),
                None => Err(unproved()),
            },
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
async fn by_cookie(ctx: &Ctx, headers: &HeaderMap) -> Result<Option<Arc<LiveSession>>, Problem> {
    let Some(secret) = Cookies::of(headers).secret(SESSION) else { return Ok(None) };
    let store = &ctx.app.store;
    let Some(session) = store.session_by_secret(secret.hash(), ctx.now).await? else { return Ok(None) };
    if session.check(store.live(), ctx.now).is_err() {
        return Ok(None);
    }
    store.touch(&session, ctx.now, &ctx.app.policy.session);
    Ok(Some(session))
}

async fn by_token(ctx: &Ctx, token: &str) -> Result<Caller, Problem> {
    let claims = verified(ctx, token)?;
    // Bound to a key, and no proof of the key came along: no bearer token (RFC 9449 section 7.2).
    if claims.cnf.is_some() {
        return Err(invalid_token());
    }
    if claims.client_id != ClientId::built_in().as_str() || !claims.has_scope(scope::ACCOUNT) {
        return Err(Problem::new(Kind::Forbidden)
            .detail("The token does not open this API: it needs the scope account of a first-party client.")
            .challenge("Bearer error=\"insufficient_scope\", scope=\"account\""));
    }
    let grant = grant_of(ctx, &claims).await?.ok_or_else(invalid_token)?;
    let store = &ctx.app.store;
    if grant.session.session.account.to_string() != claims.sub || grant.check(store.live(), ctx.now).is_err()
    {
        return Err(invalid_token());
    }
    store.touch(&grant.session, ctx.now, &ctx.app.policy.session);
    Ok(Caller::Token(grant))
}

/// The claims of an access token for ourselves; every check of the one verification path.
fn verified(ctx: &Ctx, token: &str) -> Result<AccessToken, Problem> {
    let keys = ctx.app.keyring.keys();
    let issuer = ctx.app.config.public_url.origin();
    let policy = Policy {
        typ: AccessToken::TYP,
        algs: keys.algs(),
        issuer,
        audience: Audience::AnyOf(&[issuer]),
        now: ctx.now.seconds(),
        leeway: 0,
        max_len: MAX_LEN,
    };
    match verify::<AccessToken>(token, keys.verifying(), &policy) {
        Ok(verified) => Ok(verified.into_claims()),
        Err(error) => Err(invalid_token().cause(error.code())),
    }
}

/// The grant that the token names by its place in a status list of ours.
async fn grant_of(ctx: &Ctx, claims: &AccessToken) -> Result<Option<Arc<LiveGrant>>, Problem> {
    let reference = &claims.status.status_list;
    let list = reference
        .uri
        .strip_prefix(ctx.app.config.public_url.origin())
        .and_then(|path| path.strip_prefix("/statuslists/"))
        .and_then(ListId::parse);
    let Some((list, index)) = list.zip(u32::try_from(reference.idx).ok()) else { return Ok(None) };
    Ok(ctx.app.store.session_by_index(StatusIndex { list, index }, ctx.now).await?)
}

fn unproved() -> Problem {
    Problem::new(Kind::InvalidToken)
        .detail("Sign in: send the session cookie, or a token as Authorization: Bearer.")
        .challenge("Bearer")
}

fn invalid_token() -> Problem {
    Problem::new(Kind::InvalidToken)
        .detail("The token is malformed, expired, revoked, or not for this server.")
        .challenge("Bearer error=\"invalid_token\"")
}
