//! What a request lacks: a look into the cache, and leases; both at once.

use super::message;
use crate::serve::{Sidecar, cache};
use axum::body::Bytes;
use axum::extract::State;
use axum::response::Response;
use std::sync::Arc;
use weir_core::wire::{Answer, Ask, Found, LeaseAsk, Leased, Lookup};

pub(in crate::serve) async fn ask(State(sidecar): State<Arc<Sidecar>>, body: Bytes) -> Response {
    sidecar.metrics.called("ask");
    let ask: Ask = match message::read(&sidecar, &body) {
        Ok(ask) => ask,
        Err(refusal) => return refusal,
    };
    let (found, leases) =
        tokio::join!(look(&sidecar, ask.lookup.as_ref()), lease(&sidecar, "ask", ask.envoy, &ask.leases));
    message::write(&Answer { found, leases })
}

async fn look(sidecar: &Sidecar, lookup: Option<&Lookup>) -> Option<Found> {
    let lookup = lookup?;
    let looked = sidecar.store.lookup(*lookup.key, lookup.token, lookup.leads).await;
    if looked.is_err() {
        sidecar.metrics.store_failed("lookup");
        return None;
    }
    let found = cache::found(looked);
    sidecar.metrics.looked(&found);
    Some(found)
}

/// Empty when the store did not answer.
pub(super) async fn lease(sidecar: &Sidecar, call: &'static str, envoy: u64, asks: &[LeaseAsk]) -> Vec<Leased> {
    let leased = sidecar.leases.lease(envoy, asks).await;
    if leased.is_err() {
        sidecar.metrics.store_failed(call);
    }
    leased.unwrap_or_default()
}
