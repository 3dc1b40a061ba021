//! The listener: TLS, HTTP/2, framing, limits, slow peers and the stop.

mod drain;
mod framing;
mod head;
mod http2;
mod load;
mod slow;
mod tls;

use countersign_testkit::{Options, StoreKind, TestServer};

async fn server() -> anyhow::Result<TestServer> {
    TestServer::start(Options::on(StoreKind::Memory)).await
}

/// Host and port, as in a Host header.
fn host(server: &TestServer) -> String {
    format!("localhost:{}", server.address.port())
}
