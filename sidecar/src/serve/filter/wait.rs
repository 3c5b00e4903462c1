//! A follower waits for the leader's answer.

use super::message;
use crate::serve::Sidecar;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::Response;
use std::sync::Arc;
use std::time::Duration;
use weir_core::wire::Wait;

/// Nobody waits for longer, whatever it says.
const LONGEST: Duration = Duration::from_secs(600);

pub(in crate::serve) async fn wait(State(sidecar): State<Arc<Sidecar>>, body: Bytes) -> Response {
    sidecar.metrics.called("wait");
    let wait: Wait = match message::read(&sidecar, &body) {
        Ok(wait) => wait,
        Err(refusal) => return refusal,
    };
    let time = Duration::from_millis(wait.millis).min(LONGEST);
    let found = sidecar.followers.wait(*wait.key, wait.token, time).await;
    sidecar.metrics.looked(&found);
    message::write(&found)
}
