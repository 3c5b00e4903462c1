//! `/ui`: whether users are served, which provider hurts, and what it costs. Everything shown is Envoy's own stats, so
//! the page and `/stats` cannot differ.
//!
//! [`watch`] asks Envoy, [`samples`] remembers a minute, [`board`] sums, [`show`] chooses: [`view`] is what the page and
//! `weir top` get.

mod board;
mod exposition;
mod fallbacks;
pub(super) mod near;
mod own;
mod page;
mod quantile;
mod samples;
mod show;
pub(crate) mod view;
mod watch;

pub(super) use show::Names;
pub(super) use watch::Watch;

use super::Sidecar;
use axum::extract::State;
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse, Redirect};
use axum::routing::get;
use axum::{Json, Router};
use std::sync::Arc;

/// What the page asks for, each second.
pub(crate) const DATA: &str = "/ui/data.json";

/// The page itself, which holds nothing that is worth a secret.
pub(super) fn pages() -> Router<Arc<Sidecar>> {
    Router::new()
        .route("/ui", get(page::index))
        .route("/ui/", get(|| async { Redirect::permanent("/ui") }))
        .route("/ui/style.css", get(page::style))
        .route("/ui/script.js", get(page::script))
        .route("/ui/icon.svg", get(page::icon))
}

pub(super) async fn data(State(sidecar): State<Arc<Sidecar>>) -> impl IntoResponse {
    let view = sidecar.watch.view(&sidecar).await;
    (page::safe(), [(CACHE_CONTROL, "no-store")], Json(view))
}
