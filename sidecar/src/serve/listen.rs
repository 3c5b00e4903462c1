//! Where the sidecar listens: a TCP address, or a Unix socket that only its own user can open.

use crate::failure::{Failure, Outcome};
use axum::Router;
use std::future::IntoFuture as _;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::time::Duration;
use tokio::net::{TcpListener, UnixListener};
use weir_core::config::Listen;

/// A bound socket.
pub(crate) enum Socket {
    Tcp(TcpListener),
    Unix(UnixListener),
}

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

/// Serves HTTP/1.1 and HTTP/2 without TLS, as Envoy speaks it, until `stop`; then what is under way has `drain` to end.
pub(super) async fn serve(
    socket: Socket,
    router: Router,
    stop: impl Future<Output = ()> + Send + 'static,
    drain: Duration,
) -> std::io::Result<()> {
    let (stopping, stopped) = tokio::sync::oneshot::channel::<()>();
    let stop = async move {
        stop.await;
        let _ = stopping.send(());
    };
    let serving = async move {
        match socket {
            Socket::Tcp(listener) => {
                let listener = axum::serve::ListenerExt::tap_io(listener, |stream| {
                    // A request and its answer are small: nothing is gained by waiting for more.
                    let _ = stream.set_nodelay(true);
                });
                axum::serve(listener, router).with_graceful_shutdown(stop).into_future().await
            }
            Socket::Unix(listener) => axum::serve(listener, router).with_graceful_shutdown(stop).into_future().await,
        }
    };
    let late = async move {
        // Without a word it has ended by itself.
        if stopped.await.is_err() {
            std::future::pending::<()>().await;
        }
        tokio::time::sleep(drain).await;
    };
    tokio::select! {
        ended = serving => ended,
        () = late => Ok(()),
    }
}
