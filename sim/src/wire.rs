//! A TCP connection that can be reset instead of closed.

use std::{
    error, fmt, io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

/// The switch of one connection: once pulled, the peer sees `ECONNRESET` instead of an orderly end.
#[derive(Clone, Debug, Default)]
pub(crate) struct ResetSwitch(Arc<AtomicBool>);

impl ResetSwitch {
    /// Marks the connection; returning the error from the service or the body makes hyper drop it.
    pub(crate) fn pull(&self) -> ConnectionReset {
        self.0.store(true, Ordering::Release);
        ConnectionReset
    }
}

/// Ends a connection with a TCP reset.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ConnectionReset;

impl fmt::Display for ConnectionReset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the simulator resets this connection")
    }
}

impl error::Error for ConnectionReset {}

/// The stream under hyper. Its drop closes the socket, with `SO_LINGER` 0 if the switch was pulled.
pub(crate) struct Wire {
    stream: TcpStream,
    switch: ResetSwitch,
}

impl Wire {
    pub(crate) fn new(stream: TcpStream) -> (Self, ResetSwitch) {
        let switch = ResetSwitch::default();
        (Self { stream, switch: switch.clone() }, switch)
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        if self.switch.0.load(Ordering::Acquire) {
            // A failure leaves an ordinary close, and the test that asked for the reset will say so.
            let _ = self.stream.set_zero_linger();
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
