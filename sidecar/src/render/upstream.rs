//! What every cluster has in common.

use serde_json::{Value, json};

/// Envoy's breakers stand far above the filter's own limits. Their overflow is never retried, and the defaults of 1024
/// requests and **3** retries would silently end failover under load.
const UNREACHED: u64 = 1_000_000;

pub(super) const PROTOCOL_OPTIONS: &str = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";

/// The breakers of a cluster; `connections` where the file limits them.
pub(super) fn breakers() -> Value {
    json!({ "thresholds": [{
        "priority": "DEFAULT",
        "max_connections": UNREACHED,
        "max_pending_requests": UNREACHED,
        "max_requests": UNREACHED,
        "max_retries": UNREACHED,
    }] })
}

/// One endpoint. `provider`, read by the filter's attempt role, tells whose turn it is.
pub(super) fn endpoint(cluster: &str, host: &str, port: u16, provider: Option<&str>) -> Value {
    let mut endpoint = json!({ "endpoint": { "address": super::socket(host, port) } });
    if let (Some(provider), Some(fields)) = (provider, endpoint.as_object_mut()) {
        fields.insert("metadata".to_owned(), json!({ "filter_metadata": { "weir": { "provider": provider } } }));
    }
    json!({ "cluster_name": cluster, "endpoints": [{ "lb_endpoints": [endpoint] }] })
}
