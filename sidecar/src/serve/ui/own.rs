//! What the sidecar knows of itself.

use super::view;
use crate::serve::Sidecar;
use crate::serve::metrics::StoreCall;
use std::time::Instant;

/// Asks the store for it whether it answers. What filters say is Envoy's to tell.
pub(super) async fn look(sidecar: &Sidecar) -> view::Sidecar {
    let asked = Instant::now();
    let answer = sidecar.store.ping().await;
    let store_ms = match answer {
        Ok(()) => Some(asked.elapsed().as_secs_f64() * 1e3),
        Err(error) => {
            sidecar.store_failed(StoreCall::Ping, &error);
            None
        }
    };
    let whole = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
    let held = sidecar.store.held();
    view::Sidecar {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        uptime_seconds: sidecar.begun.elapsed().as_secs_f64(),
        store: sidecar.store_name.to_owned(),
        store_ms,
        is_missed: false,
        followers: whole(sidecar.followers.count()),
        cache_bytes: held.map(|held| whole(held.bytes)),
        cache_entries: held.map(|held| whole(held.answers)),
    }
}
