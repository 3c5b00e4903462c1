//! The one route: the filter has decided everything, Envoy carries it out.

use super::{
    listener::{held, longest_deadline},
    seconds,
};
use serde_json::{Value, json};
use weir_core::config::{BACKOFF, Config, Millis, Retries};

/// Statuses after which another attempt may do better. 529 is Anthropic's "overloaded", and what the filter makes of
/// an error that came after a 200.
const RETRIABLE: [u16; 9] = [408, 409, 421, 429, 500, 502, 503, 504, 529];

pub(super) fn table(config: &Config) -> Value {
    json!({
        "name": "gateway",
        // Fixed when Envoy starts; nothing can change it at run time.
        "validate_clusters": false,
        "virtual_hosts": [{
            "name": "gateway",
            "domains": ["*"],
            "routes": [{
                "match": { "prefix": "/" },
                // Over HTTP/2 the connection's limit does not count, and Envoy would hold one flow-control window only.
                "request_body_buffer_limit": held(config),
                "route": {
                    "cluster_header": "x-weir-chain",
                    "timeout": seconds(longest_deadline(config)),
                    "retry_policy": retry_policy(config),
                },
            }],
        }],
    })
}

fn retry_policy(config: &Config) -> Value {
    let shortest = |pick: fn(&Retries) -> Millis, default| {
        config.models.iter().map(|model| pick(&model.retries)).min().unwrap_or(default)
    };
    let base = shortest(|retries| retries.backoff_min, BACKOFF.0);
    let max = shortest(|retries| retries.backoff_max, BACKOFF.1).max(base);
    json!({
        "retry_on": "retriable-status-codes,reset,connect-failure,refused-stream",
        "retriable_status_codes": RETRIABLE,
        // The filter says how many for each request: `x-envoy-max-retries`.
        "num_retries": 0,
        "retry_back_off": { "base_interval": seconds(base), "max_interval": seconds(max) },
    })
}
