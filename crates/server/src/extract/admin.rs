//! Who administers: an account with the role by either face, or a client that was given the scope.

use axum::extract::FromRequestParts;
use countersign_core::AccountId;
use countersign_core::account::administer::{Demand, Facts, Refusal, Who, decide};
use countersign_core::audit::Actor;
use countersign_core::client::ClientId;
use countersign_core::grant::scope::ADMIN;
use countersign_store::account::roles;
use countersign_store::live::LiveSession;
use http::request::Parts;

use crate::app::App;
use crate::ctx::Ctx;
use crate::respond::problem::{Kind, Problem};

use super::access_token::{Holder, Token, invalid_token};
use super::caller::{by_cookie, unproved};
use super::dpop::{self, Asking};

/// Somebody who may look, and close what is open.
pub(crate) struct Admin(Identity);

/// Somebody who proved themselves a moment ago, and may do all that there is.
pub(crate) struct RecentAdmin(Admin);

enum Identity {
    Account(AccountId),
    Client(ClientId),
}

impl Admin {
    /// Whom the audit log names.
    pub(crate) const fn actor(&self) -> Actor<'_> {
        match &self.0 {
            Identity::Account(id) => Actor::Account(*id),
            Identity::Client(id) => Actor::Client(id),
        }
    }
}

impl RecentAdmin {
    /// Whom the audit log names.
    pub(crate) const fn actor(&self) -> Actor<'_> {
        self.0.actor()
    }
}

impl FromRequestParts<App> for Admin {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        admit(parts, app, Demand::Any).await.map(Self)
    }
}

impl FromRequestParts<App> for RecentAdmin {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        admit(parts, app, Demand::Recent).await.map(Admin).map(Self)
    }
}

async fn admit(parts: &mut Parts, app: &App, demand: Demand) -> Result<Identity, Problem> {
    let ctx = Ctx::from_request_parts(parts, app).await?;
    let asking = Asking { method: &parts.method, path: parts.uri.path(), headers: &parts.headers };
    if let Some(token) = dpop::presented(&ctx, asking).await? {
        return by_token(&ctx, &token, demand).await;
    }
    let session = by_cookie(&ctx, &parts.headers).await?.ok_or_else(unproved)?;
    person(&ctx, &session, (true, demand)).await
}

async fn by_token(ctx: &Ctx, token: &Token, demand: Demand) -> Result<Identity, Problem> {
    if !token.is_for(&ctx.app) {
        return Err(invalid_token());
    }
    let holder = token.holder(ctx).await?.ok_or_else(invalid_token)?;
    let client = ClientId::parse(&token.claims.client_id).ok_or_else(invalid_token)?;
    let stored = ctx.app.store.client(&client).await?;
    let may = stored.is_some_and(|stored| stored.client.may_administer());
    let opened = may && token.claims.has_scope(ADMIN);
    match holder {
        Holder::Client => {
            decide(Facts { who: Who::Client, opened }, demand, ctx.now).map_err(refused)?;
            Ok(Identity::Client(client))
        }
        Holder::Grant(grant) => match grant.session() {
            Some(session) => person(ctx, session, (opened, demand)).await,
            None => Err(Problem::new(Kind::Forbidden)
                .detail("The token outlived its login: this API is for a login that lives.")),
        },
    }
}

async fn person(
    ctx: &Ctx,
    live: &LiveSession,
    (opened, demand): (bool, Demand),
) -> Result<Identity, Problem> {
    let session = &live.session;
    let roles = roles(&ctx.app.store, session.account).await?;
    let who = Who::Account { roles: &roles, authenticated_at: session.authenticated_at };
    decide(Facts { who, opened }, demand, ctx.now).map_err(refused)?;
    Ok(Identity::Account(session.account))
}

fn refused(refusal: Refusal) -> Problem {
    match refusal {
        Refusal::Scope => Problem::new(Kind::Forbidden)
            .detail("The token does not open this API: it needs the scope admin, of a client that an operator gave it.")
            .challenge("Bearer error=\"insufficient_scope\", scope=\"admin\""),
        Refusal::Role => {
            Problem::new(Kind::Forbidden).detail("The account does not administer this server: it has not the role admin.")
        }
        // RFC 9470 section 3.
        Refusal::Stale => Problem::new(Kind::ReauthenticationRequired)
            .detail("This is for whoever logged in within the last 15 minutes: log in again, then send it once more.")
            .challenge("Bearer error=\"insufficient_user_authentication\", max_age=\"900\""),
    }
}
