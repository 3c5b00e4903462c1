//! The API keys in the store: their digests, and what is known about them. No key comes here.

use crate::serve::Sidecar;
use crate::serve::metrics::StoreCall;
use crate::store::{ApiKey, Unavailable};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use std::sync::Arc;

/// Bytes in what the operator calls a key.
const LONGEST_LABEL: usize = 200;

pub(in crate::serve) async fn list(State(sidecar): State<Arc<Sidecar>>) -> Response {
    match sidecar.store.keys().await {
        Ok((_, keys)) => Json(keys).into_response(),
        Err(error) => unavailable(&sidecar, &error),
    }
}

pub(in crate::serve) async fn add(State(sidecar): State<Arc<Sidecar>>, Json(key): Json<ApiKey>) -> Response {
    let is_digest = key.sha256.len() == 64 && key.sha256.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if !is_digest || key.id.is_empty() || !key.sha256.starts_with(&key.id) {
        return (StatusCode::BAD_REQUEST, "the digest is no SHA-256 in hex, or the id not its beginning\n")
            .into_response();
    }
    if key.label.len() > LONGEST_LABEL {
        return (StatusCode::BAD_REQUEST, format!("a label has at most {LONGEST_LABEL} bytes\n")).into_response();
    }
    // It is shown on terminals.
    if key.label.chars().any(char::is_control) {
        return (StatusCode::BAD_REQUEST, "a label is one line of text\n").into_response();
    }
    if !sidecar.tenants.contains(&key.tenant) {
        let known = if sidecar.tenants.is_empty() { "none".to_owned() } else { sidecar.tenants.join(", ") };
        let why = format!("the configuration has no tenant '{}'; known: {known}\n", key.tenant);
        return (StatusCode::NOT_FOUND, why).into_response();
    }
    match sidecar.store.add_key(key).await {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => unavailable(&sidecar, &error),
    }
}

pub(in crate::serve) async fn revoke(State(sidecar): State<Arc<Sidecar>>, Path(id): Path<String>) -> Response {
    match sidecar.store.revoke_key(&id).await {
        Ok(true) => StatusCode::NO_CONTENT.into_response(),
        Ok(false) => (StatusCode::NOT_FOUND, format!("there is no key {id}\n")).into_response(),
        Err(error) => unavailable(&sidecar, &error),
    }
}

/// The store's own words are for the log.
pub(super) fn unavailable(sidecar: &Sidecar, error: &Unavailable) -> Response {
    sidecar.store_failed(StoreCall::Admin, error);
    (StatusCode::SERVICE_UNAVAILABLE, "the store does not answer\n").into_response()
}
