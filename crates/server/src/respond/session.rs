//! Sessions and accounts as `/api/v1` shows them (design section 6).

use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use countersign_core::account::Account;
use countersign_core::session::{Face, Session};
use countersign_core::{SessionId, Time};
use countersign_store::live::{Answer, LiveSession};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use utoipa::ToSchema;

/// An account, as its owner sees it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Account)]
pub(crate) struct AccountView {
    /// `acc_…`
    id: String,
    email: Option<String>,
    email_verified: bool,
    name: Option<String>,
    /// `en` or `ko`
    locale: &'static str,
    /// RFC 3339, UTC
    created_at: String,
}

impl AccountView {
    pub(crate) fn of(account: &Account) -> Self {
        Self {
            id: account.id.to_string(),
            email: account.email.as_ref().map(|email| email.display().to_owned()),
            email_verified: account.email_verified_at.is_some(),
            name: account.name.as_ref().map(|name| name.as_str().to_owned()),
            locale: account.locale.as_str(),
            created_at: account.created_at.rfc3339(),
        }
    }
}

/// A session, as its owner sees it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Session)]
pub(crate) struct SessionView {
    /// `ses_…`
    id: String,
    created_at: String,
    authenticated_at: String,
    last_seen_at: String,
    idle_expires_at: String,
    expires_at: String,
    /// RFC 8176
    amr: Vec<&'static str>,
    /// `aal1`, `aal2` or `phr`
    acr: &'static str,
    remember: bool,
    /// Whether it is the one that asks.
    current: bool,
    browser: Option<&'static str>,
    system: Option<&'static str>,
    ip: Option<String>,
}

impl SessionView {
    pub(crate) fn of(session: &Session, current: SessionId) -> Self {
        Self {
            id: session.id.to_string(),
            created_at: session.created_at.rfc3339(),
            authenticated_at: session.authenticated_at.rfc3339(),
            last_seen_at: session.seen_at.rfc3339(),
            idle_expires_at: session.idle_ends_at.min(session.absolute_ends_at).rfc3339(),
            expires_at: session.absolute_ends_at.rfc3339(),
            amr: session.amr.iter().map(|method| method.as_str()).collect(),
            acr: session.acr.as_str(),
            remember: session.remember,
            current: session.id == current,
            browser: session.device.browser,
            system: session.device.system,
            ip: session.ip.map(|ip| ip.to_string()),
        }
    }
}

/// Who am I.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WhoAmI {
    account: AccountView,
    session: SessionView,
    /// `cookie` or `token`
    face: &'static str,
}

/// All live sessions of an account.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SessionList {
    pub(crate) sessions: Vec<SessionView>,
}

/// A login with `deliver: "cookie"`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LoggedIn {
    pub(crate) session: SessionView,
    pub(crate) account: AccountView,
}

/// The answer to `GET /api/v1/session`, kept for the rest of the second: nothing in it is finer, and whatever ends the
/// session is asked before. Each face has a [`LiveSession`] of its own.
pub(crate) fn who_am_i(live: &LiveSession, face: Face, now: Time) -> Bytes {
    let second = now.seconds();
    if let Some(answer) = live.answer.load().as_deref().filter(|answer| answer.second == second) {
        return answer.bytes.clone();
    }
    let bytes = render(live, face);
    live.answer.store(Some(Arc::new(Answer { second, bytes: bytes.clone() })));
    bytes
}

fn render(live: &LiveSession, face: Face) -> Bytes {
    let session =
        Session { seen_at: live.seen_at(), idle_ends_at: live.idle_ends_at(), ..live.session.clone() };
    let who = WhoAmI {
        account: AccountView::of(&live.account),
        session: SessionView::of(&session, session.id),
        face: face.as_str(),
    };
    to_bytes(&who)
}

/// A value of ours as JSON.
pub(crate) fn to_bytes(value: &impl Serialize) -> Bytes {
    serde_json::to_vec(value).map(Bytes::from).unwrap_or_default()
}

/// `{}`: what was asked for is under way, and nothing is told of it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Accepted {}

/// 202 with `{}`.
pub(crate) fn accepted() -> Response {
    let mut response = json(to_bytes(&Accepted {}));
    *response.status_mut() = StatusCode::ACCEPTED;
    response
}

/// 200 with JSON.
pub(crate) fn json(bytes: Bytes) -> Response {
    let mut response = Response::new(Body::from(bytes));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
