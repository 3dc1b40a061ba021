//! `/account/sessions`: where you are signed in.

use axum::response::Response;
use countersign_core::SessionId;
use countersign_core::session::end::Scope;
use countersign_core::session::{EndReason, Session};
use countersign_pages::{SessionItem, SessionsNotice, SessionsPage};
use countersign_store::session::sessions_of;
use http::StatusCode;

use crate::ctx::Ctx;
use crate::extract::caller::Visitor;
use crate::extract::form::Query;
use crate::extract::segment::Segment;
use crate::flows;
use crate::respond::problem::{Kind, Problem};
use crate::respond::{cookie, page};

const PATH: &str = "/account/sessions";

/// The list, the present session first.
pub(crate) async fn show(ctx: Ctx, query: Query, visitor: Visitor) -> Result<Response, Problem> {
    let Some(live) = visitor.0 else { return Ok(super::login::first(PATH)) };
    let current = live.session.id;
    let mut sessions = sessions_of(&ctx.app.store, live.session.account, ctx.now).await?;
    sessions.sort_by_key(|session| (session.id != current, std::cmp::Reverse(session.seen_at)));
    let ids: Vec<String> = sessions.iter().map(|session| session.id.to_string()).collect();
    let items = sessions.iter().zip(&ids).map(|(session, id)| item(session, id, current)).collect();
    let notice = match query.get("ended") {
        Some("one") => Some(SessionsNotice::EndedOne),
        Some("others") => Some(SessionsNotice::EndedOthers),
        _ => None,
    };
    Ok(page::show(&ctx, (StatusCode::OK, PATH, true), &SessionsPage { items, notice }))
}

fn item<'a>(session: &Session, id: &'a str, current: SessionId) -> SessionItem<'a> {
    SessionItem {
        id,
        face: session.face,
        browser: session.device.browser,
        system: session.device.system,
        current: session.id == current,
        methods: session.amr.clone(),
        created: session.created_at,
        last_seen: session.seen_at,
    }
}

/// Ends one session of the account; the present one is a logout.
pub(crate) async fn end_one(ctx: Ctx, visitor: Visitor, Segment(id): Segment) -> Result<Response, Problem> {
    let Some(live) = visitor.0 else { return Ok(super::login::first(PATH)) };
    let session = SessionId::parse(&id).map_err(|_| Problem::new(Kind::NotFound))?;
    // Nobody is told of the end of what is not theirs, and the audit log neither.
    let own = sessions_of(&ctx.app.store, live.session.account, ctx.now).await?;
    if !own.iter().any(|own| own.id == session) {
        return Err(Problem::new(Kind::NotFound));
    }
    flows::end::end(&ctx, live.session.account, Scope::One(session), EndReason::Revoked).await?;
    if session == live.session.id {
        let mut response = page::see_other("/logout");
        cookie::no_session(response.headers_mut());
        return Ok(response);
    }
    Ok(page::see_other("/account/sessions?ended=one"))
}

/// Ends all but the present one.
pub(crate) async fn end_others(ctx: Ctx, visitor: Visitor) -> Result<Response, Problem> {
    let Some(live) = visitor.0 else { return Ok(super::login::first(PATH)) };
    let session = &live.session;
    flows::end::end(&ctx, session.account, Scope::Others(session.id), EndReason::Revoked).await?;
    Ok(page::see_other("/account/sessions?ended=others"))
}
