//! What is open to this machine is not open to each web page that is shown on it.
//!
//! A sidecar without a secret listens on loopback only. A page from elsewhere can still make a browser here ask it: by its address,
//! which tells the page's origin, or by a name that the page's author points to it (DNS rebinding), which is the host
//! then. With a secret nobody gets anything who does not know it, by whatever name.

use crate::serve::Sidecar;
use crate::serve::guard::Refusal;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::{HOST, ORIGIN};
use axum::middleware::Next;
use axum::response::Response;
use std::sync::Arc;
use weir_core::origin::{is_loopback_authority, is_loopback_origin};

const FOREIGN: Refusal = Refusal(
    StatusCode::FORBIDDEN,
    "without a secret (sidecar.secret) this is for this machine only: open it as http://127.0.0.1 or http://localhost",
);

/// Lets through what has this machine's name on it, or needs none.
pub(in crate::serve) async fn only(State(sidecar): State<Arc<Sidecar>>, request: Request, next: Next) -> Response {
    if sidecar.is_for_near && !is_near(&request) { sidecar.guard.refuse(FOREIGN) } else { next.run(request).await }
}

fn is_near(request: &Request) -> bool {
    let text = |name| request.headers().get(name).map(|value| value.to_str().unwrap_or_default());
    // HTTP/2 has no host header: the name is the request's authority.
    let host = request.uri().authority().map(|authority| authority.as_str()).or_else(|| text(HOST));
    host.is_some_and(is_loopback_authority) && text(ORIGIN).is_none_or(is_loopback_origin)
}
