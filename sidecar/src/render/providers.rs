//! One cluster per provider: its own connections, its own breaker. One provider's trouble stays there.

use super::{seconds, typed, upstream};
use serde_json::{Value, json};
use std::path::Path;
use weir_core::config::{Breaker, Provider};
use weir_core::traffic::check_interval;

/// Below the minute after which common load balancers close idle connections: better that we do.
const IDLE: &str = "50s";

pub(super) fn cluster(provider: &Provider, ca_file: Option<&Path>) -> Value {
    let url = &provider.base_url;
    // The attempt role reads whose turn it is.
    let metadata = json!({ "provider": provider.name });
    let mut cluster = json!({
        "name": provider.name,
        "connect_timeout": "3s",
        "load_assignment": upstream::endpoint(&provider.name, &url.host, url.port, Some(metadata)),
        "circuit_breakers": upstream::breakers(provider.limits.concurrency),
        "outlier_detection": outlier_detection(&provider.breaker),
        // A cluster of one host has nothing to panic to: when it is ejected, the chain goes on without it.
        "common_lb_config": { "healthy_panic_threshold": { "value": 0 } },
        "typed_extension_protocol_options": { upstream::PROTOCOL_OPTIONS: protocol(url.tls) },
        "upstream_connection_options": { "tcp_keepalive": {
            "keepalive_probes": 3, "keepalive_time": 30, "keepalive_interval": 5,
        } },
    });
    upstream::reach(&mut cluster, url, ca_file);
    cluster
}

fn protocol(tls: bool) -> Value {
    let mut fields = json!({ "common_http_protocol_options": { "idle_timeout": IDLE } });
    let http2 = json!({ "connection_keepalive": { "interval": "30s", "timeout": "10s" } });
    let (key, value) = if tls {
        ("auto_config", json!({ "http_protocol_options": {}, "http2_protocol_options": http2 }))
    } else {
        ("explicit_http_config", json!({ "http_protocol_options": {} }))
    };
    if let Some(fields) = fields.as_object_mut() {
        fields.insert(key.to_owned(), value);
    }
    typed(upstream::PROTOCOL_OPTIONS, fields)
}

/// Attempts in one interval below which a share of failures says nothing.
const ENOUGH_TO_JUDGE: u32 = 20;

/// Failures in a row, and their share of all attempts in one interval: answers that the filter makes a 502, and
/// connections that were refused.
fn outlier_detection(breaker: &Breaker) -> Value {
    let time = seconds(breaker.eject_for);
    let mut detection = json!({
        "consecutive_5xx": breaker.consecutive_failures,
        "enforcing_consecutive_5xx": 100,
        // How often Envoy looks whether an ejection is over, and at the share of failures since it last looked.
        "interval": seconds(check_interval(breaker)),
        "base_ejection_time": time,
        "max_ejection_time": time,
        "max_ejection_percent": 100,
        // A hedge, and a client's own deadline, are timeouts to Envoy; only refused connections are failures in a row here.
        // Timeouts and resets are judged by the filter.
        "split_external_local_origin_errors": true,
        "consecutive_local_origin_failure": breaker.consecutive_failures,
        "enforcing_consecutive_local_origin_failure": 100,
        "enforcing_local_origin_success_rate": 0,
        "enforcing_failure_percentage_local_origin": 0,
        "enforcing_success_rate": 0,
        "enforcing_failure_percentage": 0,
    });
    if let Some(fields) = detection.as_object_mut().filter(|_| breaker.failure_rate < 100) {
        fields.insert("enforcing_failure_percentage".to_owned(), json!(100));
        fields.insert("failure_percentage_threshold".to_owned(), json!(breaker.failure_rate));
        fields.insert("failure_percentage_request_volume".to_owned(), json!(ENOUGH_TO_JUDGE));
        // Each provider is a cluster of one host.
        fields.insert("failure_percentage_minimum_hosts".to_owned(), json!(1));
    }
    detection
}
