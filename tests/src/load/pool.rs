//! Connections that are kept: a load that connects anew for each request measures the kernel.

use bytes::Bytes;
use futures_util::future::try_join_all;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::net::TcpStream;

/// A connection that carries one request at a time.
pub(super) type Connection = SendRequest<Full<Bytes>>;

type Failed = Box<dyn std::error::Error + Send + Sync>;

/// Connects under way while a pool is filled.
const AT_ONCE: usize = 64;

/// The idle connections to one address; the last one used is the first one taken.
#[derive(Debug)]
pub(super) struct Pool {
    address: SocketAddr,
    idle: Mutex<Vec<Connection>>,
}

impl Pool {
    pub(super) fn new(address: SocketAddr) -> Self {
        Self { address, idle: Mutex::default() }
    }

    /// Opens so many connections, a few at a time: a listener's queue is short, and who falls out of it waits a second.
    pub(super) async fn fill(&self, count: usize) -> Result<(), Failed> {
        for opened in (0..count).step_by(AT_ONCE) {
            let some = (opened..count.min(opened + AT_ONCE)).map(|_| self.connect());
            let some = try_join_all(some).await?;
            self.idle().extend(some);
        }
        Ok(())
    }

    /// Sends over an idle connection, or else over a new one. Dropping what it gives closes that connection.
    pub(super) async fn send(&self, request: Request<Full<Bytes>>) -> Result<(Response<Incoming>, Connection), String> {
        let mut request = request;
        while let Some(mut connection) = self.take() {
            match connection.try_send_request(request).await {
                Ok(response) => return Ok((response, connection)),
                // The peer closed it before a byte was written: the request is still ours.
                Err(mut error) => match error.take_message() {
                    Some(unsent) => request = unsent,
                    None => return Err(format!("{:?}", error.into_error())),
                },
            }
        }
        let mut connection = self.connect().await.map_err(|error| format!("no connection: {error}"))?;
        let response = connection.send_request(request).await.map_err(|error| format!("{error:?}"))?;
        Ok((response, connection))
    }

    /// Keeps a connection whose answer was read to its end.
    pub(super) async fn keep(&self, mut connection: Connection) {
        if connection.ready().await.is_ok() {
            self.idle().push(connection);
        }
    }

    fn take(&self) -> Option<Connection> {
        let mut idle = self.idle();
        std::iter::from_fn(|| idle.pop()).find(Connection::is_ready)
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn connect(&self) -> Result<Connection, Failed> {
        let stream = TcpStream::connect(self.address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(sender)
    }
}
