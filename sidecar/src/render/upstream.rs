//! What every cluster has in common.

use super::{tls, typed};
use serde_json::{Value, json};
use std::net::IpAddr;
use std::path::Path;
use weir_core::config::BaseUrl;

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

/// How the host of `url` is found and, over TLS, trusted.
pub(super) fn reach(cluster: &mut Value, url: &BaseUrl, ca_file: Option<&Path>) {
    let literal = url.host.parse::<IpAddr>().is_ok();
    let Some(fields) = cluster.as_object_mut() else { return };
    if literal {
        fields.insert("type".to_owned(), json!("STATIC"));
    } else {
        fields.insert("cluster_type".to_owned(), dns());
    }
    if url.tls {
        fields.insert("transport_socket".to_owned(), tls::socket(&url.host, literal, ca_file));
    }
}

/// All addresses of a name are one host (what `LOGICAL_DNS` used to be), so one breaker judges the provider.
fn dns() -> Value {
    let fields = json!({
        "dns_lookup_family": "V4_PREFERRED",
        "dns_refresh_rate": "30s",
        "dns_failure_refresh_rate": { "base_interval": "1s", "max_interval": "10s" },
        "all_addresses_in_single_endpoint": true,
    });
    json!({ "name": "envoy.clusters.dns", "typed_config": typed("envoy.extensions.clusters.dns.v3.DnsCluster", fields) })
}
