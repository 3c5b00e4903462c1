//! Connections: HTTP/1.1, and HTTP/2 without TLS as Envoy speaks it, told apart by their first bytes.

use super::listen::Socket;
use axum::Router;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// The rest waits in the kernel's queue.
const MOST_CONNECTIONS: usize = 4_096;
/// HTTP/2 calls on one connection: Envoy opens another for more.
const MOST_STREAMS: u32 = 1_024;
/// The head of a request must come within this; so must the first one on a connection.
const HEAD_TIME: Duration = Duration::from_secs(10);
/// A silent HTTP/2 peer is asked whether it lives so often, and has so long to say so: its followers leave with it.
const PING: Duration = Duration::from_secs(20);
/// After an `accept` that failed, for want of file descriptors most likely.
const PAUSE: Duration = Duration::from_millis(100);

/// Serves until `stop`; then what is under way has `drain` to end.
pub(super) async fn serve(socket: Socket, router: Router, stop: impl Future<Output = ()>, drain: Duration) {
    let places = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    let mut stop = pin!(stop);
    loop {
        let accepted = async {
            let place = places.clone().acquire_owned().await;
            (socket.accept().await, place)
        };
        let (stream, place) = tokio::select! {
            () = &mut stop => break,
            accepted = accepted => accepted,
            Some(_) = connections.join_next() => continue,
        };
        match stream {
            Ok(stream) => {
                let connection = one(stream, router.clone(), graceful.watcher());
                connections.spawn(async move {
                    connection.await;
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!("a connection could not be accepted: {error}");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
    drop(socket);
    let _ = tokio::time::timeout(drain, graceful.shutdown()).await;
    connections.shutdown().await;
}

/// Serves one connection to its end. What goes wrong with it concerns its peer only.
async fn one(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    router: Router,
    watcher: hyper_util::server::graceful::Watcher,
) {
    let spoke = Arc::new(AtomicBool::new(false));
    let speaks = spoke.clone();
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |request| {
        speaks.store(true, Ordering::Relaxed);
        router.call(request)
    });
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD_TIME);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(PING)
        .keep_alive_timeout(PING)
        .max_concurrent_streams(MOST_STREAMS);
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(watcher.watch(connection.into_owned()));
    let late = tokio::time::timeout(HEAD_TIME, &mut connection).await.is_err();
    if late && spoke.load(Ordering::Relaxed) {
        let _ = connection.await;
    }
}
