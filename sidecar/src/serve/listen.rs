//! Where the sidecar listens: a TCP address, or a Unix socket that only its own user can open.

use crate::failure::{Failure, Outcome};
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use weir_core::config::Listen;

/// A bound socket.
pub(crate) enum Socket {
    Tcp(TcpListener),
    Unix(UnixListener),
}

/// Either kind of connection.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

impl Socket {
    /// Binds; the error names the address.
    pub(crate) async fn bind(listen: &Listen) -> Outcome<Self> {
        let failed =
            |error: std::io::Error| Failure::Runtime(format!("cannot listen on {listen} (sidecar.listen): {error}"));
        match listen {
            Listen::Tcp(address) => TcpListener::bind(address).await.map(Self::Tcp).map_err(failed),
            Listen::Unix(path) => unix(path).await.map(Self::Unix).map_err(failed),
        }
    }

    pub(super) async fn accept(&self) -> std::io::Result<Box<dyn Stream>> {
        match self {
            Self::Tcp(listener) => {
                let (stream, _) = listener.accept().await?;
                // A request and its answer are small: nothing is gained by waiting for more.
                let _ = stream.set_nodelay(true);
                Ok(Box::new(stream))
            }
            Self::Unix(listener) => Ok(Box::new(listener.accept().await?.0)),
        }
    }
}

/// A socket that an earlier process has left is taken over; one that somebody listens on is not.
async fn unix(path: &str) -> std::io::Result<UnixListener> {
    let is_socket = std::fs::symlink_metadata(path).is_ok_and(|meta| meta.file_type().is_socket());
    if is_socket && tokio::net::UnixStream::connect(path).await.is_err() {
        std::fs::remove_file(path)?;
    }
    let listener = UnixListener::bind(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}
