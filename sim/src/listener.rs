//! One provider's listener: accepts connections, and closes and reopens its socket when connects shall be refused.

use std::{net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use anyhow::Context as _;
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
    time::sleep,
};

use crate::{serve::serve, state::Station, wire::Wire};

/// Between attempts to take the port back, and after a failed accept (out of file descriptors).
const RETRY: Duration = Duration::from_millis(50);

/// Binds, naming the address in the error.
pub(crate) async fn bind(what: &str, addr: SocketAddr) -> anyhow::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind(addr).await.with_context(|| format!("cannot bind {what} to {addr}"))?;
    let addr = listener.local_addr().with_context(|| format!("cannot read the address of {what}"))?;
    Ok((listener, addr))
}

/// Serves for ever. Dropping the future closes the socket and every connection.
pub(crate) async fn listen(station: Arc<Station>, mut listener: TcpListener, addr: SocketAddr) {
    let mut connections = JoinSet::new();
    let mut refused = station.refused.subscribe();
    loop {
        accept_until_refused(&station, &listener, &mut connections, &mut refused).await;
        drop(listener);
        station.listening.send_replace(false);
        until(&mut refused, false).await;
        listener = rebind(addr).await;
        station.listening.send_replace(true);
    }
}

async fn accept_until_refused(
    station: &Arc<Station>,
    listener: &TcpListener,
    connections: &mut JoinSet<()>,
    refused: &mut watch::Receiver<bool>,
) {
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(connection(Arc::clone(station), stream));
                }
                Err(_) => sleep(RETRY).await,
            },
            Some(_) = connections.join_next() => {}
            () = until(refused, true) => return,
        }
    }
}

/// The guard of the value does not outlive this: it could not cross an await.
async fn until(refused: &mut watch::Receiver<bool>, wanted: bool) {
    // The sender lives in the station, which the caller holds: the wait cannot fail.
    let _ = refused.wait_for(|refused| *refused == wanted).await;
}

async fn rebind(addr: SocketAddr) -> TcpListener {
    loop {
        match TcpListener::bind(addr).await {
            Ok(listener) => return listener,
            Err(_) => sleep(RETRY).await,
        }
    }
}

async fn connection(station: Arc<Station>, stream: TcpStream) {
    // Without it a small event can wait for the ACK of the one before. A failure only costs time.
    let _ = stream.set_nodelay(true);
    let mut refused = station.refused.subscribe();
    let (wire, switch) = Wire::new(stream);
    let service = service_fn(|request| serve(Arc::clone(&station), switch.clone(), request));
    let mut connection =
        pin!(http1::Builder::new().header_read_timeout(None).serve_connection(TokioIo::new(wire), service));
    tokio::select! {
        // An error is a reset, by us or by the client: the exchange has written it down.
        _ = connection.as_mut() => return,
        () = until(&mut refused, true) => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}
