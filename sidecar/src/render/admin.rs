//! What belongs to the Envoy process and not to any request.

use super::{address, typed};
use serde_json::{Value, json};
use weir_core::config::Config;

/// Connections that clients may hold open at once. Envoy warns of a gateway without a bound.
const MAX_CONNECTIONS: u64 = 50_000;

pub(super) fn interface(config: &Config) -> Value {
    json!({ "address": address(config.admin), "ignore_global_conn_limit": true })
}

pub(super) fn stats() -> Value {
    json!({ "use_all_default_tags": true })
}

pub(super) fn overload() -> Value {
    let kind = "envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig";
    json!({ "resource_monitors": [{
        "name": "envoy.resource_monitors.global_downstream_max_connections",
        "typed_config": typed(kind, json!({ "max_active_downstream_connections": MAX_CONNECTIONS })),
    }] })
}
