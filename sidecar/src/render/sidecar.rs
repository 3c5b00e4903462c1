//! The cluster of the sidecar, for the filter's own calls.
//!
//! It has no outlier detection: there is one sidecar, and a call that is not made cannot succeed. What happens without it is
//! for the filter to decide (`sidecar.on_outage`). Its breakers stand where no load reaches them: at Envoy's default of 1024
//! requests, calls beyond would fail as if the sidecar were gone.

use super::{typed, upstream};
use serde_json::{Value, json};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use weir_core::config::{Config, Listen};

pub(super) fn cluster(config: &Config) -> Value {
    let address = match &config.sidecar.listen {
        Listen::Tcp(listen) => super::socket(&near(listen.ip()).to_string(), listen.port()),
        Listen::Unix(path) => json!({ "pipe": { "path": path } }),
    };
    let protocol = json!({ "explicit_http_config": { "http2_protocol_options": {} } });
    json!({
        "name": "sidecar",
        "type": "STATIC",
        "connect_timeout": "0.250s",
        "load_assignment": upstream::endpoint_at("sidecar", address, None),
        "circuit_breakers": upstream::breakers(None),
        "typed_extension_protocol_options": { upstream::PROTOCOL_OPTIONS: typed(upstream::PROTOCOL_OPTIONS, protocol) },
    })
}

/// A sidecar that listens everywhere is still next to its Envoy.
fn near(listen: IpAddr) -> IpAddr {
    match listen {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    }
}
