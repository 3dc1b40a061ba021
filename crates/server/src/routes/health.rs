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

/// `GET /readyz`: the store takes writes and tells what was revoked, and nobody asked for a stop.
pub(crate) async fn ready(ctx: Ctx) -> Result<Response, Problem> {
    match ctx.app.readiness.ask(&ctx.app).await {
        Ok(()) => Ok(empty(StatusCode::NO_CONTENT)),
        Err(reason) => {
            let words = reason.to_string();
            Err(Problem::new(Kind::Overloaded).detail(words.clone()).cause(words))
        }
    }
}

/// Any path that is not in the table.
pub(crate) async fn nothing() -> Problem {
    Problem::new(Kind::NotFound)
}
