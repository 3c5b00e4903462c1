//! What belongs to the Envoy process and not to any request.

use super::{address, typed};
use serde_json::{Value, json};
use weir_core::config::Config;
use weir_core::stats::{LABELS, label_pattern};

/// Connections that clients may hold open at once. Envoy warns of a gateway without a bound.
const MAX_CONNECTIONS: u64 = 50_000;

pub(super) fn interface(config: &Config) -> Value {
    json!({ "address": address(config.admin), "ignore_global_conn_limit": true })
}

/// Upper bounds of what Weir measures, in milliseconds: from less than one to ten minutes.
const BUCKETS: [u32; 20] = [
    1, 2, 5, 10, 20, 50, 100, 200, 350, 500, 750, 1_000, 2_000, 5_000, 10_000, 20_000, 60_000, 120_000, 300_000,
    600_000,
];

/// Upper bounds of what Weir itself takes, in microseconds: from five to a second.
const FINE_BUCKETS: [u32; 17] =
    [5, 10, 20, 35, 50, 75, 100, 200, 350, 500, 1_000, 2_000, 5_000, 10_000, 50_000, 200_000, 1_000_000];

/// The filter writes the labels of its stats into their names; here they are taken out again.
pub(super) fn stats() -> Value {
    let tags: Vec<Value> =
        LABELS.iter().map(|label| json!({ "tag_name": label, "regex": label_pattern(label) })).collect();
    json!({
        "use_all_default_tags": true,
        "stats_tags": tags,
        // The first that matches counts. Others keep Envoy's own.
        "histogram_bucket_settings": [
            { "match": { "safe_regex": { "regex": r"(wasmcustom\.)?weir\..*_us" } }, "buckets": FINE_BUCKETS },
            { "match": { "safe_regex": { "regex": r"(wasmcustom\.)?weir\..*" } }, "buckets": BUCKETS },
        ],
    })
}

pub(super) fn overload() -> Value {
    let kind = "envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig";
    json!({ "resource_monitors": [{
        "name": "envoy.resource_monitors.global_downstream_max_connections",
        "typed_config": typed(kind, json!({ "max_active_downstream_connections": MAX_CONNECTIONS })),
    }] })
}
