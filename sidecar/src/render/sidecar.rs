//! The cluster of the sidecar, for the filter's own calls.

use super::{typed, upstream};
use serde_json::{Value, json};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use weir_core::config::Config;

pub(super) fn cluster(config: &Config) -> Value {
    let listen = config.sidecar.listen;
    // A sidecar that listens everywhere is still next to its Envoy.
    let host = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    let protocol = json!({ "explicit_http_config": { "http2_protocol_options": {} } });
    json!({
        "name": "sidecar",
        "type": "STATIC",
        "connect_timeout": "0.250s",
        "load_assignment": upstream::endpoint("sidecar", &host.to_string(), listen.port(), None),
        "circuit_breakers": upstream::breakers(None),
        "typed_extension_protocol_options": { upstream::PROTOCOL_OPTIONS: typed(upstream::PROTOCOL_OPTIONS, protocol) },
    })
}
