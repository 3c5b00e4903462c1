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
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
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
/// A connection without a call for so long is closed, even if its peer lives: each worker of an Envoy calls once a second,
/// Prometheus once a minute at most.
const IDLE: Duration = Duration::from_secs(75);
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
    let activity = Arc::new(Activity::default());
    let router = TowerToHyperService::new(router);
    let service = service_fn(|request| {
        let (call, answer) = (activity.clone().call(), router.call(request));
        async move {
            let answer = answer.await;
            drop(call);
            answer
        }
    });
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD_TIME);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(PING)
        .keep_alive_timeout(PING)
        .max_concurrent_streams(MOST_STREAMS);
    let mut connection = pin!(watcher.watch(builder.serve_connection(TokioIo::new(stream), service)));
    let mut patience = HEAD_TIME;
    while tokio::time::timeout(patience, &mut connection).await.is_err() && activity.goes_on() {
        patience = IDLE;
    }
}

/// Whether a connection is used.
#[derive(Default)]
struct Activity {
    under_way: AtomicUsize,
    /// A call has begun or ended since the last look.
    is_news: AtomicBool,
}

struct Call(Arc<Activity>);

impl Activity {
    fn call(self: Arc<Self>) -> Call {
        self.under_way.fetch_add(1, Ordering::Relaxed);
        self.is_news.store(true, Ordering::Relaxed);
        Call(self)
    }

    /// Whether there was a call since the last look, or is one now.
    fn goes_on(&self) -> bool {
        let is_news = self.is_news.swap(false, Ordering::Relaxed);
        is_news || self.under_way.load(Ordering::Relaxed) > 0
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.0.is_news.store(true, Ordering::Relaxed);
        self.0.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_goes_on_as_long_as_there_are_calls_however_long_they_take() {
        let activity = Arc::new(Activity::default());
        assert!(!activity.goes_on());
        let call = activity.clone().call();
        for _ in 0..3 {
            assert!(activity.goes_on());
        }
        drop(call);
        assert!(activity.goes_on(), "it has just ended");
        assert!(!activity.goes_on());
    }
}
