//! For whoever operates the server, and for paths that are none.

use axum::response::Response;
use http::StatusCode;

use crate::ctx::Ctx;
use crate::respond::empty;
use crate::respond::problem::{Kind, Problem};

/// `GET /healthz`: the process answers.
pub(crate) async fn alive() -> Response {
    empty(StatusCode::NO_CONTENT)
}

/// `GET /readyz`: the store answers too, and the server does not stop.
pub(crate) async fn ready(ctx: Ctx) -> Result<Response, Problem> {
    if ctx.app.drains() {
        return Err(Problem::new(Kind::Overloaded).detail("The server stops."));
    }
    ctx.app.store.ready().await?;
    Ok(empty(StatusCode::NO_CONTENT))
}

/// Any path that is not in the table.
pub(crate) async fn nothing() -> Problem {
    Problem::new(Kind::NotFound)
}
