//! One composite cluster per chain: attempt by attempt, Envoy walks its members. The attempt role stands here and not in
//! the members, because Envoy runs the upstream filters of the cluster that the route names.

use super::{Inputs, typed, upstream, wasm};
use serde_json::{Value, json};
use weir_core::chain::Chain;

pub(super) fn cluster(chain: &Chain, inputs: Inputs<'_>) -> Value {
    let members: Vec<Value> = chain.0.iter().map(|provider| json!({ "name": provider })).collect();
    let composite = typed("envoy.extensions.clusters.composite.v3.ClusterConfig", json!({ "clusters": members }));
    let codec = typed("envoy.extensions.filters.http.upstream_codec.v3.UpstreamCodec", json!({}));
    let protocol = json!({
        "explicit_http_config": { "http_protocol_options": {} },
        "http_filters": [
            wasm::filter(wasm::Role::Attempt, inputs),
            { "name": "envoy.filters.http.upstream_codec", "typed_config": codec },
        ],
    });
    json!({
        "name": chain.cluster(),
        "cluster_type": { "name": "envoy.clusters.composite", "typed_config": composite },
        "lb_policy": "CLUSTER_PROVIDED",
        "connect_timeout": "3s",
        "circuit_breakers": upstream::breakers(None),
        "typed_extension_protocol_options": { upstream::PROTOCOL_OPTIONS: typed(upstream::PROTOCOL_OPTIONS, protocol) },
    })
}
