//! Who may call, how much at once, and what happens to what is no proper call: the right status, and one line in the log
//! for each kind and minute, never with what was sent.

use super::Sidecar;
use axum::extract::{Request, State};
use axum::http::header::AUTHORIZATION;
use axum::http::{StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use subtle::ConstantTimeEq as _;
use tokio::sync::Semaphore;
use weir_core::wire;

/// Calls under way. A follower waits long and does little, so many may.
const MOST_CALLS: usize = 20_000;
/// Between two lines about the same.
const QUIET: Duration = Duration::from_secs(60);

pub(super) struct Guard {
    /// SHA-256 of the secret: of two digests the length says nothing.
    secret: Option<[u8; 32]>,
    calls: Semaphore,
    told: Mutex<HashMap<&'static str, Instant>>,
}

impl Guard {
    pub(super) fn new(secret: Option<String>) -> Self {
        let secret = secret.map(|secret| Sha256::digest(secret.as_bytes()).into());
        Self { secret, calls: Semaphore::new(MOST_CALLS), told: Mutex::default() }
    }

    fn knows(&self, request: &Request) -> bool {
        let Some(secret) = &self.secret else { return true };
        let given = request.headers().get(AUTHORIZATION).map_or(&b""[..], |value| value.as_bytes());
        let given = given.strip_prefix(b"Bearer ").unwrap_or_default();
        Sha256::digest(given).ct_eq(secret).into()
    }

    /// Refuses, and says so in the log if it was not said within the minute.
    pub(super) fn refuse(&self, status: StatusCode, why: &'static str) -> Response {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if told.get(why).is_none_or(|before| now.duration_since(*before) >= QUIET) {
            told.insert(why, now);
            tracing::warn!(status = status.as_u16(), "a call was refused: {why}");
        }
        (status, format!("{why}\n")).into_response()
    }
}

/// Lets a call through that may be made now.
pub(super) async fn admit(State(sidecar): State<Arc<Sidecar>>, request: Request, next: Next) -> Response {
    let guard = &sidecar.guard;
    if !guard.knows(&request) {
        return guard.refuse(StatusCode::UNAUTHORIZED, "the secret is missing or wrong (sidecar.secret)");
    }
    let Ok(_call) = guard.calls.try_acquire() else {
        return guard.refuse(StatusCode::SERVICE_UNAVAILABLE, "too many calls are under way");
    };
    let response = next.run(request).await;
    match response.status() {
        StatusCode::PAYLOAD_TOO_LARGE => guard.refuse(StatusCode::PAYLOAD_TOO_LARGE, "the message is too large"),
        StatusCode::METHOD_NOT_ALLOWED => guard.refuse(StatusCode::METHOD_NOT_ALLOWED, "the method is not served here"),
        _ => response,
    }
}

/// A path that nothing is at.
pub(super) async fn unknown(State(sidecar): State<Arc<Sidecar>>, uri: Uri) -> Response {
    if uri.path().starts_with("/filter/") {
        const WHY: &str = "this sidecar speaks version 1 of the filter's messages";
        const { assert!(wire::VERSION == 1) };
        return sidecar.guard.refuse(StatusCode::NOT_FOUND, WHY);
    }
    sidecar.guard.refuse(StatusCode::NOT_FOUND, "there is nothing at this path")
}
