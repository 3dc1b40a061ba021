//! A port that nobody else gets, for a server that is started on it more than once, or never.

use std::io;
use std::net::SocketAddr;

use tokio::net::TcpSocket;

/// A port of 127.0.0.1. It is bound but not listened on: who connects is refused, the system gives it to nobody who asks
/// for any port, and a listener that takes it by its number (`SO_REUSEADDR`, as every server sets it) finds it free.
#[derive(Debug)]
pub struct Port {
    address: SocketAddr,
    _held: TcpSocket,
}

impl Port {
    /// Takes one that is free.
    ///
    /// # Errors
    /// There is none.
    pub fn reserve() -> io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.set_reuseaddr(true)?;
        socket.bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
        Ok(Self { address: socket.local_addr()?, _held: socket })
    }

    /// `127.0.0.1:PORT`
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;

    use tokio::net::{TcpListener, TcpStream};

    use super::*;

    #[tokio::test]
    async fn a_server_comes_and_goes_on_it_and_nobody_answers_in_between() {
        let port = Port::reserve().expect("a port");
        for _ in 0..3 {
            let refused = TcpStream::connect(port.address()).await.expect_err("nobody is there");
            assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
            let server = TcpListener::bind(port.address()).await.expect("it is free");
            TcpStream::connect(port.address()).await.expect("it listens");
            TcpListener::bind(port.address()).await.expect_err("it is taken");
            drop(server);
        }
    }
}
