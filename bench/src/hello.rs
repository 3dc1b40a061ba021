//! The least that axum can do: what the session check is measured against.

use axum::Router;
use axum::routing::get;
use tokio::net::TcpListener;

use crate::say;

/// Serves `hello` on a free port of the loopback address and prints the address.
pub(crate) async fn serve() -> anyhow::Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    say(&listener.local_addr()?.to_string());
    axum::serve(listener, Router::new().route("/", get(async || "hello"))).await?;
    Ok(())
}
