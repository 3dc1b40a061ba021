//! The listener: TLS, HTTP/2, framing, limits, slow peers and the stop.

mod bodies;
mod drain;
mod framing;
mod head;
mod http2;
mod load;
mod slow;
mod tls;

use std::net::SocketAddr;

use countersign_testkit::{Options, StoreKind, TestServer};
use tokio::net::{TcpSocket, TcpStream};

async fn server() -> anyhow::Result<TestServer> {
    TestServer::start(Options::on(StoreKind::Memory)).await
}

/// A connection from another address of this machine.
async fn from(address: &str, server: &TestServer) -> anyhow::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(format!("{address}:0").parse::<SocketAddr>()?)?;
    Ok(socket.connect(server.address).await?)
}

/// Host and port, as in a Host header.
fn host(server: &TestServer) -> String {
    format!("localhost:{}", server.address.port())
}
