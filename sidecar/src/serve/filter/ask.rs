//! What a request lacks: a look into the cache, and leases; both at once.

use super::{FOUND, message};
use crate::serve::guard::Refusal;
use crate::serve::metrics::StoreCall;
use crate::serve::offer::Offer;
use crate::serve::telemetry::{Span, Traceparent};
use crate::serve::{Sidecar, cache, leases, newcomers};
use crate::store;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use std::sync::Arc;
use tokio::time::Instant;
use weir_core::wire::{Answer, Ask, Found, LeaseAsk, Leased, Lookup};

pub(in crate::serve) async fn ask(
    State(sidecar): State<Arc<Sidecar>>,
    Traceparent(parent): Traceparent,
    body: Bytes,
) -> Result<Response, Refusal> {
    sidecar.metrics.called("ask");
    let ask: Ask = message::read(&body)?;
    check(&ask.leases)?;
    let mut span = sidecar.telemetry.span("weir.ask", parent);
    let hold = sidecar.newcomers.hold(ask.envoy, Instant::now());
    let told = hold.map(|_| newcomers::told_only(&ask.leases));
    let asks = told.as_deref().unwrap_or(&ask.leases);
    let ((found, offer), leases) = tokio::join!(look(&sidecar, ask.lookup.as_ref()), lease(&sidecar, ask.envoy, asks));
    let mut answer = Answer { found, leases };
    if let Some(left) = hold {
        newcomers::come_again(&mut answer, &ask.leases, left);
    }
    note(&mut span, &ask, &answer);
    Ok(message::write(&answer, offer))
}

/// What came of it. The store is out of order where there is nothing.
fn note(span: &mut Span, ask: &Ask, answer: &Answer) {
    if let Some(found) = &answer.found {
        span.note(FOUND, cache::kind(found));
    }
    let is_granted = |leased: &&Leased| leased.limits.iter().all(|limit| limit.wait == 0);
    span.note_count("weir.leases.asked", ask.leases.len());
    span.note_count("weir.leases.granted", answer.leases.iter().filter(is_granted).count());
    if ask.lookup.is_some() != answer.found.is_some() || ask.leases.len() != answer.leases.len() {
        span.fail();
    }
}

async fn look(sidecar: &Sidecar, lookup: Option<&Lookup>) -> (Option<Found>, Option<Offer>) {
    let Some(lookup) = lookup else { return (None, None) };
    let looked = match sidecar.store.lookup(*lookup.key, lookup.token, lookup.leads).await {
        Ok(looked) => looked,
        Err(error) => {
            sidecar.store_failed(StoreCall::Lookup, &error);
            return (None, None);
        }
    };
    let offer = matches!(looked, store::Lookup::Lead)
        .then(|| Offer::new(sidecar.store.clone(), *lookup.key, lookup.token, None));
    let found = cache::found(Ok(looked));
    sidecar.metrics.looked(cache::kind(&found));
    (Some(found), offer)
}

/// Refuses what no Envoy asks for.
pub(super) fn check(asks: &[LeaseAsk]) -> Result<(), Refusal> {
    const WHY: &str = "a message asks for too many limits, or for one of too long a name";
    if leases::are_proper(asks) { Ok(()) } else { Err(Refusal(StatusCode::BAD_REQUEST, WHY)) }
}

/// Empty when the store did not answer.
pub(super) async fn lease(sidecar: &Sidecar, envoy: u64, asks: &[LeaseAsk]) -> Vec<Leased> {
    match sidecar.leases.lease(envoy, asks).await {
        Ok(leased) => leased,
        Err(error) => {
            sidecar.store_failed(StoreCall::Lease, &error);
            Vec::new()
        }
    }
}
