//! `/metrics`: what the sidecar counts itself, and OpenTelemetry's metrics of generative AI. What Envoy sees is in Envoy's
//! own stats.

use super::telemetry::Telemetry;
use super::{Sidecar, cache};
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderName, StatusCode};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;
use std::sync::Arc;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Of {
    resource: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Result {
    result: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Call {
    call: &'static str,
}

pub(super) struct Metrics {
    registry: Registry,
    pub(super) books: Books,
    lookups: Family<Result, Counter>,
    calls: Family<Call, Counter>,
    store_failures: Family<Call, Counter>,
    waiters: Gauge,
    cache_bytes: Gauge,
    cache_entries: Gauge,
}

/// What a limit is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Resource {
    Requests,
    Tokens,
}

impl Resource {
    pub(super) const ALL: [Resource; 2] = [Resource::Requests, Resource::Tokens];

    /// By the last part of a limit's name.
    pub(super) fn of(id: &str) -> Self {
        if id.ends_with("/tokens") { Resource::Tokens } else { Resource::Requests }
    }

    fn label(self) -> Of {
        let resource = match self {
            Resource::Requests => "requests",
            Resource::Tokens => "tokens",
        };
        Of { resource }
    }
}

/// What the store may not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StoreCall {
    Admin,
    Hold,
    Keys,
    Lease,
    Lookup,
    Ping,
    Put,
    Spent,
    Touch,
    Usage,
}

impl StoreCall {
    const ALL: [StoreCall; 10] = [
        StoreCall::Admin,
        StoreCall::Hold,
        StoreCall::Keys,
        StoreCall::Lease,
        StoreCall::Lookup,
        StoreCall::Ping,
        StoreCall::Put,
        StoreCall::Spent,
        StoreCall::Touch,
        StoreCall::Usage,
    ];

    /// In metrics and in the log.
    pub(super) fn name(self) -> &'static str {
        match self {
            StoreCall::Admin => "admin",
            StoreCall::Hold => "hold",
            StoreCall::Keys => "keys",
            StoreCall::Lease => "lease",
            StoreCall::Lookup => "lookup",
            StoreCall::Ping => "ping",
            StoreCall::Put => "put",
            StoreCall::Spent => "spent",
            StoreCall::Touch => "touch",
            StoreCall::Usage => "usage",
        }
    }

    fn label(self) -> Call {
        Call { call: self.name() }
    }
}

/// The books of leases: what was reserved is settled, expired, or outstanding.
#[derive(Clone, Default)]
pub(super) struct Books {
    reserved: Family<Of, Counter>,
    settled: Family<Of, Counter>,
    expired: Family<Of, Counter>,
    outstanding: Family<Of, Gauge>,
}

impl Books {
    /// Debited for an Envoy.
    pub(super) fn reserve(&self, resource: Resource, amount: u64) {
        self.reserved.get_or_create(&resource.label()).inc_by(amount);
    }

    /// Used for good.
    pub(super) fn settle(&self, resource: Resource, amount: u64) {
        self.settled.get_or_create(&resource.label()).inc_by(amount);
    }

    /// Given back unused, or lost with its Envoy.
    pub(super) fn expire(&self, resource: Resource, amount: u64) {
        self.expired.get_or_create(&resource.label()).inc_by(amount);
    }

    /// Reserved, settled and expired.
    #[cfg(test)]
    pub(super) fn totals(&self, resource: Resource) -> (u64, u64, u64) {
        let of = |family: &Family<Of, Counter>| family.get_or_create(&resource.label()).get();
        (of(&self.reserved), of(&self.settled), of(&self.expired))
    }
}

impl Metrics {
    pub(super) fn new(telemetry: &Telemetry) -> Self {
        let books = Books::default();
        let (lookups, calls, store_failures) = (Family::default(), Family::default(), Family::default());
        let (waiters, cache_bytes, cache_entries) = (Gauge::default(), Gauge::default(), Gauge::default());
        let mut root = Registry::default();
        telemetry.register(&mut root);
        let registry = root.sub_registry_with_prefix("weir");
        let version = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("build", "The version that runs", version);
        registry.register("quota_reserved", "Of limits, debited for Envoys", books.reserved.clone());
        registry.register("quota_settled", "Of what was reserved, used", books.settled.clone());
        registry.register(
            "quota_expired",
            "Of what was reserved, given back or lost with an Envoy",
            books.expired.clone(),
        );
        registry.register("quota_outstanding", "Of what was reserved, still leased", books.outstanding.clone());
        registry.register("cache_lookups", "Looks into the cache, by what they brought", Family::clone(&lookups));
        registry.register("filter_calls", "Calls of filters", Family::clone(&calls));
        registry.register("store_failures", "Calls that the store did not answer", Family::clone(&store_failures));
        registry.register("coalescing_waiters", "Requests that wait for another's answer", Gauge::clone(&waiters));
        registry.register("store_cache_bytes", "Of cached answers in the embedded store", Gauge::clone(&cache_bytes));
        registry.register("store_cache_entries", "Cached answers in the embedded store", Gauge::clone(&cache_entries));
        // Each begins at zero: a series that appears with its first event has no rate for it.
        for call in ["ask", "wait", "put", "beat"] {
            drop(calls.get_or_create(&Call { call }));
        }
        for call in StoreCall::ALL {
            drop(store_failures.get_or_create(&call.label()));
        }
        for result in cache::KINDS {
            drop(lookups.get_or_create(&Result { result }));
        }
        for resource in Resource::ALL {
            for family in [&books.reserved, &books.settled, &books.expired] {
                drop(family.get_or_create(&resource.label()));
            }
        }
        Self { registry: root, books, lookups, calls, store_failures, waiters, cache_bytes, cache_entries }
    }

    pub(super) fn called(&self, call: &'static str) {
        self.calls.get_or_create(&Call { call }).inc();
    }

    /// The store did not answer a part of a call.
    pub(super) fn store_failed(&self, call: StoreCall) {
        self.store_failures.get_or_create(&call.label()).inc();
    }

    pub(super) fn looked(&self, result: &'static str) {
        self.lookups.get_or_create(&Result { result }).inc();
    }
}

pub(super) async fn show(
    State(sidecar): State<Arc<Sidecar>>,
) -> std::result::Result<([(HeaderName, &'static str); 1], String), StatusCode> {
    let metrics = &sidecar.metrics;
    let whole = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
    metrics.waiters.set(whole(sidecar.followers.count()));
    if let Some(held) = sidecar.store.held() {
        metrics.cache_bytes.set(whole(held.bytes));
        metrics.cache_entries.set(whole(held.answers));
    }
    for (resource, amount) in Resource::ALL.into_iter().zip(sidecar.leases.outstanding()) {
        let amount = i64::try_from(amount).unwrap_or(i64::MAX);
        metrics.books.outstanding.get_or_create(&resource.label()).set(amount);
    }
    let mut text = String::new();
    encode(&mut text, &metrics.registry).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    Ok(([(CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], text))
}
