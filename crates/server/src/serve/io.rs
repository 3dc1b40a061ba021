//! The bytes of an HTTP/1 connection, watched: from when on a head is being sent, what of it is handed on, and when an answer
//! was read.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::guest::{Guest, Phase};
use super::heads::Heads;

/// A stream, and whose it is.
#[derive(Debug)]
pub(super) struct Watched<T> {
    io: T,
    guest: Arc<Guest>,
    heads: Heads,
}

impl<T> Watched<T> {
    /// Watches this stream.
    pub(super) fn new(io: T, guest: Arc<Guest>) -> Self {
        Self { io, guest, heads: Heads::default() }
    }

    /// Something was written. In an answer that never ends, that is a sign of life; in any other the whole counts.
    fn wrote(&self) {
        if self.guest.phase() == Phase::Idle {
            self.guest.now(Phase::Idle);
        }
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Watched<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        loop {
            ready!(Pin::new(&mut self.io).poll_read(cx, into))?;
            if into.filled().len() == before {
                return Poll::Ready(Ok(()));
            }
            if self.guest.phase() == Phase::Idle {
                self.guest.now(Phase::Head);
            }
            let kept = self.heads.pass(&mut into.filled_mut()[before..]);
            into.set_filled(before + kept);
            // Nothing at all would be the end of the stream.
            if kept > 0 {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Watched<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.io).poll_write(cx, bytes))?;
        self.wrote();
        Poll::Ready(Ok(written))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.io).poll_write_vectored(cx, bytes))?;
        self.wrote();
        Poll::Ready(Ok(written))
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    /// HTTP flushes when all of an answer, or all that there is of it yet, was written.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.io).poll_flush(cx))?;
        if self.guest.phase() == Phase::Answered {
            self.guest.now(Phase::Idle);
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
