//! Where the sidecar listens: a TCP address, or a Unix socket that only its own user can open.

use crate::failure::{Failure, Outcome};
use std::io;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener, UnixSocket, UnixStream};
use weir_core::config::Listen;

/// Connections that wait to be accepted.
const BACKLOG: u32 = 1_024;

/// A bound socket.
pub(crate) enum Socket {
    Tcp(TcpListener),
    Unix {
        listener: UnixListener,
        /// Goes with it.
        _file: File,
    },
}

/// A Unix socket's place in the file system.
pub(crate) struct File(String);

impl Drop for File {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Either kind of connection.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

impl Socket {
    /// Binds; the error names the address.
    pub(crate) async fn bind(listen: &Listen) -> Outcome<Self> {
        let failed =
            |error: io::Error| Failure::Runtime(format!("cannot listen on {listen} (sidecar.listen): {error}"));
        match listen {
            Listen::Tcp(address) => TcpListener::bind(address).await.map(Self::Tcp).map_err(failed),
            Listen::Unix(path) => unix(path).await.map_err(failed),
        }
    }

    pub(super) async fn accept(&self) -> io::Result<Box<dyn Stream>> {
        match self {
            Self::Tcp(listener) => {
                let (stream, _) = listener.accept().await?;
                // A request and its answer are small: nothing is gained by waiting for more.
                let _ = stream.set_nodelay(true);
                Ok(Box::new(stream))
            }
            Self::Unix { listener, .. } => Ok(Box::new(listener.accept().await?.0)),
        }
    }
}

/// A socket that an earlier process has left is taken over; one that somebody listens on is not.
async fn unix(path: &str) -> io::Result<Socket> {
    let is_socket = std::fs::symlink_metadata(path).is_ok_and(|meta| meta.file_type().is_socket());
    // Only this says that nobody listens: somebody who has much to do says EAGAIN, another user's socket EACCES.
    let is_left = is_socket
        && UnixStream::connect(path).await.is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused);
    if is_left {
        std::fs::remove_file(path)?;
    }
    let socket = UnixSocket::new_stream()?;
    socket.bind(path)?;
    let file = File(path.to_owned());
    // Before it listens, when nobody can connect yet.
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    Ok(Socket::Unix { listener: socket.listen(BACKLOG)?, _file: file })
}
