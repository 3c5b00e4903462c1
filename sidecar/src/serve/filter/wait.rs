//! A follower waits for the leader's answer.

use super::{FOUND, message};
use crate::serve::Sidecar;
use crate::serve::follow::Told;
use crate::serve::guard::Refusal;
use crate::serve::telemetry::Traceparent;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::Response;
use std::sync::Arc;
use std::time::Duration;
use weir_core::wire::{Found, Wait};

/// Nobody waits for longer, whatever it says.
const LONGEST: Duration = Duration::from_secs(600);

pub(in crate::serve) async fn wait(
    State(sidecar): State<Arc<Sidecar>>,
    Traceparent(parent): Traceparent,
    body: Bytes,
) -> Result<Response, Refusal> {
    sidecar.metrics.called("wait");
    let wait: Wait = message::read(&body)?;
    let mut span = sidecar.telemetry.span("weir.wait", parent);
    let time = Duration::from_millis(wait.millis).min(LONGEST);
    Ok(match sidecar.followers.wait(*wait.key, wait.token, time).await {
        Told::Lead(offer) => {
            sidecar.metrics.looked("lead");
            span.note(FOUND, "lead");
            message::write(&Found::Lead, Some(offer))
        }
        Told::Found { kind, message } => {
            sidecar.metrics.looked(kind);
            span.note(FOUND, kind);
            message::respond(message)
        }
    })
}
