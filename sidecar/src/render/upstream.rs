//! What every cluster has in common.

use serde_json::{Value, json};

/// Envoy's breakers stand far above the filter's own limits. Their overflow is never retried, and the defaults of 1024
/// requests and **3** retries would silently end failover under load.
const UNREACHED: u64 = 1_000_000;

pub(super) const PROTOCOL_OPTIONS: &str = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";

/// A provider's breaker is so many times its slots, and at least [`LEAST`]: fallbacks may go beyond the slots.
const ABOVE_SLOTS: u64 = 10;
const LEAST: u64 = 1_000;

/// The breakers of a cluster, well above its slots.
pub(super) fn breakers(slots: Option<u64>) -> Value {
    let most = slots.map_or(UNREACHED, |slots| (slots * ABOVE_SLOTS).clamp(LEAST, UNREACHED));
    json!({ "thresholds": [{
        "priority": "DEFAULT",
        "max_connections": most,
        "max_pending_requests": most,
        "max_requests": most,
        "max_retries": UNREACHED,
    }] })
}

/// One endpoint.
pub(super) fn endpoint(cluster: &str, host: &str, port: u16, metadata: Option<Value>) -> Value {
    endpoint_at(cluster, super::socket(host, port), metadata)
}

/// The same, at a socket address or a pipe.
pub(super) fn endpoint_at(cluster: &str, address: Value, metadata: Option<Value>) -> Value {
    let mut endpoint = json!({ "endpoint": { "address": address } });
    if let (Some(metadata), Some(fields)) = (metadata, endpoint.as_object_mut()) {
        fields.insert("metadata".to_owned(), json!({ "filter_metadata": { "weir": metadata } }));
    }
    json!({ "cluster_name": cluster, "endpoints": [{ "lb_endpoints": [endpoint] }] })
}
