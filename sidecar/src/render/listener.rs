//! Where clients connect: limits on what they may send, the filter's front role, and the one route.

use super::{Inputs, access_log, address, route, seconds, typed, wasm};
use serde_json::{Value, json};
use weir_core::config::{Config, DEADLINE, Millis};

/// Envoy's limit must not be met first: headers and framing come on top of what the filter allows.
const ABOVE_BODY: u64 = 1 << 20;
/// An answer may think this long between two events.
const STREAM_IDLE: Millis = Millis(300_000);
/// A whole request must have come after this time, however slow the client.
const REQUEST: &str = "300s";
const WINDOW: u64 = 1 << 20;

pub(super) fn gateway(inputs: Inputs<'_>) -> Value {
    let config = inputs.config;
    json!({
        "name": "gateway",
        "address": address(config.listen),
        "per_connection_buffer_limit_bytes": held(config),
        "filter_chains": [{ "filters": [{
            "name": "envoy.filters.network.http_connection_manager",
            "typed_config": connection_manager(inputs),
        }] }],
    })
}

/// Bounds the request that the front role holds and, on Envoy 1.40, also the answer that the attempt role holds: one
/// past it is a 500. The filter refuses what is over either limit, each with its own error.
pub(super) fn held(config: &Config) -> u64 {
    config.max_request_bytes.max(config.max_response_bytes).saturating_add(ABOVE_BODY)
}

fn connection_manager(inputs: Inputs<'_>) -> Value {
    let kind = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";
    typed(
        kind,
        json!({
            "stat_prefix": "weir",
            "codec_type": "AUTO",
            "access_log": access_log::logs(&inputs.config.telemetry.access_log),
            "generate_request_id": true,
            "preserve_external_request_id": true,
            "always_set_request_id_in_response": true,
            "use_remote_address": true,
            // A model's id may hold a slash, which Gemini's clients escape in the path. Nothing is routed by path, so
            // an escaped slash cannot lead anywhere else.
            "path_with_escaped_slashes_action": "KEEP_UNCHANGED",
            "normalize_path": true,
            "merge_slashes": true,
            // Never the provider's.
            "server_header_transformation": "OVERWRITE",
            "server_name": "weir",
            "stream_idle_timeout": seconds(STREAM_IDLE.max(Millis(longest_deadline(inputs.config).0 + 10_000))),
            "request_headers_timeout": "10s",
            "request_timeout": REQUEST,
            "drain_timeout": "2s",
            "common_http_protocol_options": {
                "idle_timeout": "600s",
                "headers_with_underscores_action": "DROP_HEADER",
            },
            "http2_protocol_options": {
                "max_concurrent_streams": 1024,
                "initial_stream_window_size": WINDOW,
                "initial_connection_window_size": WINDOW,
                "override_stream_error_on_invalid_http_message": true,
            },
            "http_filters": [wasm::filter(wasm::Role::Front, inputs), router()],
            "route_config": route::table(inputs.config),
        }),
    )
}

fn router() -> Value {
    let fields = json!({ "suppress_envoy_headers": true });
    json!({
        "name": "envoy.filters.http.router",
        "typed_config": typed("envoy.extensions.filters.http.router.v3.Router", fields),
    })
}

/// The longest time that any request may take.
pub(super) fn longest_deadline(config: &Config) -> Millis {
    config.models.iter().map(|model| model.deadline).fold(DEADLINE, Millis::max)
}
