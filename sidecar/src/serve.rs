//! `weir serve`: the sidecar. For now it only tells that it lives; what many Envoys share comes here.

use crate::failure::{Failure, Outcome};
use crate::{load, output, stop};
use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use std::path::Path;
use tokio::net::TcpListener;
use weir_core::config::Listen;

#[tokio::main]
pub(crate) async fn run(path: Option<&Path>) -> Outcome {
    let stop = stop::requested()?;
    let config = load::load(path)?;
    let listener = bind(&config.sidecar.listen).await?;
    output::say(format_args!("sidecar  http://{}", config.sidecar.listen));
    serve(listener, stop).await.map_err(Failure::runtime)
}

/// Binds the sidecar's address; the error names it.
pub(crate) async fn bind(listen: &Listen) -> Outcome<TcpListener> {
    let Some(address) = listen.tcp() else {
        return Err(Failure::Runtime(format!("cannot listen on {listen} (sidecar.listen) in this version")));
    };
    TcpListener::bind(address)
        .await
        .map_err(|error| Failure::Runtime(format!("cannot listen on {address} (sidecar.listen): {error}")))
}

/// Answers on `listener` until `stop` is ready; what is under way then is finished.
pub(crate) async fn serve(
    listener: TcpListener,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    axum::serve(listener, router()).with_graceful_shutdown(stop).await
}

fn router() -> Router {
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(|| async { "ready\n" }))
        .route("/metrics", get(metrics))
}

async fn metrics() -> ([(axum::http::HeaderName, &'static str); 1], &'static str) {
    const TEXT: &str = concat!(
        "# HELP weir_build_info The version that runs.\n",
        "# TYPE weir_build_info gauge\n",
        "weir_build_info{version=\"",
        env!("CARGO_PKG_VERSION"),
        "\"} 1\n",
    );
    ([(CONTENT_TYPE, "text/plain; version=0.0.4")], TEXT)
}
