//! A leader is done: with an answer, or without.

use super::message;
use crate::serve::guard::Refusal;
use crate::serve::metrics::StoreCall;
use crate::serve::{Sidecar, cache};
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use std::sync::Arc;
use weir_core::wire::Put;

pub(in crate::serve) async fn put(State(sidecar): State<Arc<Sidecar>>, body: Bytes) -> Result<Response, Refusal> {
    sidecar.metrics.called("put");
    let put: Put = message::read(&body)?;
    let done = match &put.value {
        Some(value) => sidecar.store.put(*put.key, cache::pack(value), put.ttl).await,
        None => sidecar.store.release(*put.key, put.token).await,
    };
    sidecar.followers.wake(&put.key);
    if let Err(error) = done {
        sidecar.store_failed(StoreCall::Put, &error);
        return Ok(StatusCode::SERVICE_UNAVAILABLE.into_response());
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}
